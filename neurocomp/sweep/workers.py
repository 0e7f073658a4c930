"""A sweep over local processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from neurocomp.errors import Diagnostic, ResourceLimitError
from neurocomp.interrupts import deaf_children
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import NOTHING, Given
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.run import Here, Job, Runner
from neurocomp.sweep.store import Store

BATCH = 8  # points that go to a worker at once: neighbours share networks and mappings


@contextmanager
def local_runner(store: Store, given: Given = NOTHING, workers: int = 1) -> Iterator[Runner]:
    """Computes in this process, or in several that are ended with the context, at once if it is left by an error or an
    interrupt: what they have finished is on disk."""
    here = Here(Bench(given, store.runs), store)
    if workers <= 1:
        yield here
        return
    others = {child.pid for child in active_children()}
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (given, store.folder))
    try:
        yield Pool(pool, here, workers)
    except BaseException:
        for child in active_children():
            if child.pid not in others:
                child.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@dataclass(frozen=True, eq=False)
class Pool:
    """Processes that take batches of points. A single point is computed here."""

    pool: ProcessPoolExecutor
    here: Here
    workers: int

    @property
    def store(self) -> Store:
        return self.here.store

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        if len(jobs) == 1:
            yield from self.here.run(jobs)
            return
        size = max(1, min(BATCH, -(-len(jobs) // (4 * self.workers))))
        batches = [list(jobs[at : at + size]) for at in range(0, len(jobs), size)]
        try:
            with deaf_children():  # also while they start
                waiting: set[Future[list[Outcome]]] = {self.pool.submit(_work, batch) for batch in batches}
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield from future.result()
        except BrokenProcessPool:
            raise ResourceLimitError(Diagnostic(
                str(self.store.folder), "a worker process was killed, perhaps for lack of memory",
                hint="run the same sweep again: it goes on from what is finished; --workers 1 needs least memory",
            )) from None  # fmt: skip


_here: Here | None = None  # of a worker process, made when it starts


def _start(given: Given, folder: Path) -> None:
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    store = Store(folder)
    _here = Here(Bench(given, store.runs), store)


def _end_with_parent() -> None:
    """However the parent ends: a worker would wait for more work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(jobs: list[Job]) -> list[Outcome]:
    if _here is None:
        raise RuntimeError("a worker was asked before it was started")
    return list(_here.run(jobs))
