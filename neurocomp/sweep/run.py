"""Runs the points of a space over local processes; what a store holds already is not computed again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from neurocomp.errors import Diagnostic, ResourceLimitError
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.sample import Point
from neurocomp.sweep.store import Store

BATCH = 8  # points that go to a worker at once: neighbours share networks and mappings


@dataclass(frozen=True)
class Job:
    """One point and the name of its outcome."""

    point: Point
    key: str


def jobs_of(points: Sequence[Point], inputs: Path | None) -> list[Job]:
    """Points with their keys."""
    bench = Bench(inputs)
    return [Job(point, bench.key(point)) for point in points]


def run_jobs(
    jobs: Sequence[Job],
    inputs: Path | None,
    store: Store,
    workers: int = 1,
    done: Callable[[Outcome, bool], None] | None = None,
) -> list[Outcome]:
    """Every job's outcome, in the order of the jobs. done: called as outcomes come in, with whether it was known.

    Outcomes do not depend on ``workers``. Raises ResourceLimitError if a worker is killed; what is finished stays.
    """
    outcomes: dict[str, Outcome] = {}
    missing: dict[str, Job] = {}
    for job in jobs:
        if job.key in outcomes or job.key in missing:
            continue
        known = store.get(job.key)
        if known is None:
            missing[job.key] = job
        else:
            outcomes[job.key] = known
            if done is not None:
                done(known, True)
    for outcome in _computed(list(missing.values()), inputs, store, workers):
        outcomes[outcome.key] = outcome
        if done is not None:
            done(outcome, False)
    return [outcomes[job.key] for job in jobs]


def _computed(jobs: list[Job], inputs: Path | None, store: Store, workers: int) -> Iterator[Outcome]:
    if not jobs:
        return
    if workers <= 1 or len(jobs) == 1:
        bench = Bench(inputs, store.runs)
        for job in jobs:
            yield _finish(bench, store, job)
        return
    size = max(1, min(BATCH, -(-len(jobs) // (4 * workers))))
    batches = [jobs[at : at + size] for at in range(0, len(jobs), size)]
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (inputs, store.folder))
    try:
        waiting: set[Future[list[Outcome]]] = {pool.submit(_work, batch) for batch in batches}
        while waiting:
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                yield from future.result()
    except BrokenProcessPool:
        raise ResourceLimitError(Diagnostic(
            str(store.folder), "a worker process was killed, perhaps for lack of memory",
            hint="run the same sweep again: it goes on from what is finished; --workers 1 needs least memory",
        )) from None  # fmt: skip
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def workers_here() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_here: tuple[Bench, Store] | None = None  # of a worker process, made when it starts


def _start(inputs: Path | None, folder: Path) -> None:
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    store = Store(folder)
    _here = (Bench(inputs, store.runs), store)


def _work(jobs: list[Job]) -> list[Outcome]:
    if _here is None:
        raise RuntimeError("a worker was asked before it was started")
    return [_finish(*_here, job) for job in jobs]


def _finish(bench: Bench, store: Store, job: Job) -> Outcome:
    """Evaluate one point and keep it: it is finished once it is on disk."""
    outcome = bench.evaluate(job.point, job.key)
    store.put(outcome)
    return outcome
