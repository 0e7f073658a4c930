"""A sweep on a Dask cluster: workers compute, this process keeps each outcome as soon as it arrives.

One point is one task, so that a lost worker costs the points that were in flight, which the scheduler hands to others.
Workers read networks, chips and inputs from the same absolute paths as this process; what a worker finds there must
have the digests that are known here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from neurocomp.errors import Diagnostic, NeurocompError, ResourceLimitError, bad_input
from neurocomp.interrupts import deaf_children
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import Given
from neurocomp.sweep.outcome import Outcome, outcome_from_tree
from neurocomp.sweep.run import Job, Runner
from neurocomp.sweep.sample import Point
from neurocomp.sweep.store import MARK, Store

LOCAL = "local"
PATIENCE_S = 10  # until a scheduler must have answered
IN_FLIGHT = 4  # tasks per thread: none waits for this process, and few are lost with it
GO_ON = "every finished point is kept; run the same sweep again to go on"


@contextmanager
def dask_runner(store: Store, given: Given, address: str, workers: int) -> Iterator[Runner]:
    """Computes on a scheduler at an address, or with ``local`` on one that is started here with so many processes.

    Raises InputError if Dask is not installed or nothing answers.
    """
    distributed = _distributed()
    with ExitStack() as stack:
        if address == LOCAL:
            with deaf_children():
                cluster = distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
                )
            address = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(distributed.Client(address, timeout=PATIENCE_S, set_as_default=False))
        except (OSError, TimeoutError, ValueError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            hint = "give the scheduler's address, as in tcp://host:8786, or local"
            raise bad_input("--dask", f"no scheduler answers at {address}", why=why, hint=hint) from None
        yield Cluster(client, store, given)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise bad_input("--dask", "Dask is not installed", hint="pip install 'neurocomp[dask]'") from None
    return distributed


@dataclass(frozen=True, eq=False)
class Cluster:
    """Points as tasks of a Dask client."""

    client: Any
    store: Store
    given: Given

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        from distributed.client import ClosedClientError

        waiting, lost = iter(jobs), []
        held: dict[str, tuple[Job, Any]] = {}  # a future that nobody holds is forgotten by the scheduler
        ready: SimpleQueue[Any] = SimpleQueue()

        def send(count: int) -> None:
            for job in islice(waiting, count):
                try:
                    future = self._submitted(job)
                except ClosedClientError:
                    raise self._lost("the connection to the scheduler was lost") from None
                held[future.key] = (job, future)
                future.add_done_callback(ready.put)

        send(IN_FLIGHT * max(1, sum(self.client.nthreads().values())))
        while held:
            future = self._next(ready)
            job, _ = held.pop(future.key)
            tree = result_of(future)
            if tree is None:
                lost.append(_reason(future))
            else:
                yield self._kept(job, tree)
            send(1)
        if lost:
            raise self._lost(f"{len(lost):,} points were not computed on the cluster", lost[0])

    def _next(self, ready: SimpleQueue[Any]) -> Any:
        """The next future that is done. Raises ResourceLimitError once the scheduler has been away for a while."""
        away = 0
        while True:
            try:
                return ready.get(timeout=1)
            except Empty:
                away = 0 if self.client.status == "running" else away + 1
                if away > PATIENCE_S:
                    raise self._lost("the connection to the scheduler was lost") from None

    def _lost(self, what: str, why: str = "") -> ResourceLimitError:
        return ResourceLimitError(Diagnostic(str(self.store.folder), what, why=why, hint=GO_ON))

    def _submitted(self, job: Job) -> Any:
        point = job.point
        chip, given = _absolute(point.chip), self.given.absolute((point.network,))
        settings = [list(setting) for setting in point.settings]
        key = f"neurocomp-{id(self.client):x}-{job.key}"
        arguments = (point.network, chip, settings, job.key, given, str(self.store.folder.absolute()))
        return self.client.submit(compute, *arguments, key=key, pure=False)

    def _kept(self, job: Job, tree: dict[str, Any]) -> Outcome:
        if tree.get("schema") == "neurocomp/refused/1":
            raise bad_input("--dask", tree["what"], why=tree["why"], hint=tree["hint"])
        outcome = replace(outcome_from_tree(tree), point=job.point)
        self.store.put(outcome)
        return outcome


def result_of(future: Any) -> dict[str, Any] | None:
    """What a finished task returned, or None if it failed or was given up. A result that went with its worker before
    it was fetched is ``lost``: the scheduler computes it again, and this waits for that."""
    from distributed.client import FutureCancelledError

    if future.status not in ("finished", "lost"):
        return None
    try:
        return future.result()
    except FutureCancelledError:  # the scheduler went away meanwhile
        return None
    except Exception:  # of the task, in its second run; _reason tells which
        if future.status != "error":
            raise
        return None


def _reason(future: Any) -> str:
    if future.status == "error":
        error = future.exception()
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"the task was {future.status}"


def _absolute(name: str) -> str:
    """A file's absolute path; names of chips stay."""
    return str(Path(name).absolute()) if Path(name).is_file() else name


_benches = threading.local()  # one for each thread of a worker: what points share is not locked


def compute(network: str, chip: str, settings: list[list[Any]], key: str, given: Given, folder: str) -> dict[str, Any]:
    """One point, on a worker: its outcome as plain values, or why the worker must not compute it."""
    point = Point(network, chip, tuple((str(name), value) for name, value in settings))
    bench = _bench(given, folder)
    try:
        here = bench.key(point)
    except NeurocompError as error:
        return _refused("a worker cannot read the files of this sweep", str(error))
    if here != key:
        return _refused("a worker has another version of neurocomp, or other files at the same paths", "")
    return bench.evaluate(point, key).to_tree()


def _bench(given: Given, folder: str) -> Bench:
    kept = _benches.__dict__.setdefault("kept", {})
    if (given, folder) not in kept:
        kept.clear()
        store = Path(folder)
        runs = store / "runs" if (store / MARK).is_file() else None  # only where the store is shared
        kept[given, folder] = Bench(given, runs)
    return kept[given, folder]


def _refused(what: str, why: str) -> dict[str, Any]:
    hint = "workers need this version of neurocomp and the same files at the same paths"
    return {"schema": "neurocomp/refused/1", "what": what, "why": why, "hint": hint}
