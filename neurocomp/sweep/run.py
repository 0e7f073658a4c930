"""Runs the points of a space; what a store holds already is not computed again.

Who computes is a ``Runner``: this process, several local ones (workers.py) or a Dask cluster (cluster.py). Outcomes do
not depend on it. A point is finished once it is on disk.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neurocomp.errors import Diagnostic, NeurocompError, ResourceLimitError, bad_input
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.given import NOTHING, Given
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.sample import Point
from neurocomp.sweep.store import Store

TRIED_AGAIN = ("defect", "too large")  # another machine, or a repaired one, may do better

Done = Callable[[Outcome, bool], None]


@dataclass(frozen=True)
class Job:
    """One point and the name of its outcome."""

    point: Point
    key: str


class Runner(Protocol):
    """Computes points and keeps their outcomes in its store."""

    @property
    def store(self) -> Store:
        """Where outcomes are kept."""
        ...

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Outcomes as they are finished, in any order. Raises ResourceLimitError if a worker is lost for good."""
        ...


@dataclass(frozen=True, eq=False)
class Here:
    """One point after the other, in this process."""

    bench: Bench
    store: Store

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            outcome = self.bench.evaluate(job.point, job.key)
            self.store.put(outcome)
            yield outcome


def jobs_of(points: Sequence[Point], given: Given = NOTHING) -> list[Job]:
    """Points with their keys."""
    bench = Bench(given)
    return [Job(point, bench.key(point)) for point in points]


def run_jobs(jobs: Sequence[Job], runner: Runner, done: Done | None = None) -> list[Outcome]:
    """Every job's outcome, in the order of the jobs. done: called as outcomes come in, with whether it was known."""
    return list(in_order(jobs, runner, done))


def in_order(jobs: Sequence[Job], runner: Runner, done: Done | None = None) -> Iterator[Outcome]:
    """Outcomes one after the other, in the order of the jobs, each as soon as it and all before it are there.

    Raises ResourceLimitError if a worker is lost or the disk is full; what is finished stays.
    """
    tell = done or (lambda _, known: None)
    found: dict[str, Outcome] = {}
    missing: dict[str, Job] = {}
    for job in jobs:
        if job.key in found or job.key in missing:
            continue
        kept = runner.store.get(job.key)
        if kept is None or kept.status in TRIED_AGAIN:
            missing[job.key] = job
        else:
            found[job.key] = kept
            tell(kept, True)
    given = 0
    try:
        for outcome in runner.run(list(missing.values())) if missing else ():
            found[outcome.key] = outcome
            tell(outcome, False)
            while given < len(jobs) and jobs[given].key in found:
                yield found[jobs[given].key]
                given += 1
    except OSError as error:
        raise unwritable(runner.store.folder, error) from error
    yield from (found[job.key] for job in jobs[given:])


def unwritable(folder: Path, error: OSError) -> NeurocompError:
    """What to say when a folder of a sweep takes no more."""
    why, hint = error.strerror or str(error), "every finished point is kept; make room and run the same sweep again"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceLimitError(Diagnostic(str(folder), f"cannot be written: {why}", hint=hint))
    return bad_input(str(folder), "cannot be written", why=why, hint="every finished point is kept")
