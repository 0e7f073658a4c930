"""A sweep from Python: ``for outcome in neurocomp.sweep(space): ...``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neurocomp.errors import Diagnostic, InputError
from neurocomp.sweep.checks import check_space
from neurocomp.sweep.cluster import dask_runner
from neurocomp.sweep.files import is_training, located
from neurocomp.sweep.gather import gathered, needs_freezing
from neurocomp.sweep.given import Given
from neurocomp.sweep.guided import check_optuna, guided
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.run import Done, Job, Runner, in_order, jobs_of
from neurocomp.sweep.sample import points_of
from neurocomp.sweep.space import Space, read_space, with_objectives
from neurocomp.sweep.store import Store
from neurocomp.sweep.workers import local_runner


def sweep(
    space: Space | Mapping[str, Any] | str | Path,
    *,
    store: str | Path | None = None,
    workers: int = 1,
    dask: str | None = None,
    run_code: bool = False,
) -> Iterator[Outcome]:
    """Every point of a space, each as soon as it and all before it are finished, in the same order whoever computes.

    space: a Space, its content as a mapping, or a .yaml file. store: folder that keeps finished points, which are taken
    from there the next time; None: nothing is kept. workers: local processes; with more than one, a script needs
    the usual ``if __name__ == "__main__"``. dask: address of a scheduler, or "local"; then workers are its processes.
    run_code: whether code that the space names as the source of networks may be run.

    Raises InputError for a space that is wrong, before anything runs.
    """
    checked = space_of(space)
    with ExitStack() as stack:  # a space that is wrong leaves no folder behind
        if store is None:
            store = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neurocomp-"))) / "sweep"
        given = files_of(checked, Path(store), run_code)
        jobs = plan(checked, given)
        return _swept(checked, jobs, given, Path(store), workers, dask, stack.pop_all())


def _swept(
    space: Space, jobs: list[Job], given: Given, folder: Path, workers: int, dask: str | None, stack: ExitStack
) -> Iterator[Outcome]:
    with stack:
        runner = stack.enter_context(runner_of(Store(folder), given, workers, dask))
        yield from outcomes_of(space, jobs, runner, given)


def space_of(space: Space | Mapping[str, Any] | str | Path) -> Space:
    """A space in any of its forms, its files found and its objectives known. Raises InputError."""
    if isinstance(space, str | Path):
        space = located(read_space(space), Path(space).parent)
    found = space if isinstance(space, Space) else _validated(space)
    return with_objectives(found, is_training(found))


def _validated(space: Mapping[str, Any]) -> Space:
    try:
        return Space.model_validate({"schema": "neurocomp/sweep/1", **space})
    except ValidationError as error:
        raise InputError([
            Diagnostic(".".join(map(str, entry["loc"])) or "space", entry["msg"].lower()) for entry in error.errors()
        ]) from None  # fmt: skip


def files_of(space: Space, folder: Path, run_code: bool = False) -> Given:
    """The files that a space names; its networks are frozen into the sweep's folder where they have to be, after all
    else in the space was checked. run_code: whether code that it names may be run. Raises InputError."""
    if needs_freezing(space):
        check_space(space)
    return gathered(space, folder, run_code)


def plan(space: Space, given: Given) -> list[Job]:
    """The jobs of a space after it was checked; none for a guided search. Raises InputError with all that is wrong."""
    searched = space.sampler.method == "guided"
    points = [] if searched and space.sampler.points is not None else points_of(space)
    if searched:
        check_optuna()
    check_space(space, given)
    return jobs_of(points, given)


def runner_of(store: Store, given: Given, workers: int, dask: str | None = None) -> AbstractContextManager[Runner]:
    """Who computes: local processes, or a Dask cluster."""
    return local_runner(store, given, workers) if dask is None else dask_runner(store, given, dask, workers)


def outcomes_of(
    space: Space, jobs: list[Job], runner: Runner, given: Given, done: Done | None = None
) -> Iterator[Outcome]:
    """Outcomes of all points of a space."""
    if space.sampler.method == "guided":
        yield from guided(space, given, runner, done)
    else:
        yield from in_order(jobs, runner, done)
