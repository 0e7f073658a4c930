"""``neurocomp sweep``: many designs at once, and what a finished sweep found."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from neurocomp.commands.job import cpus_here
from neurocomp.commands.progress import Progress
from neurocomp.commands.sweep_progress import SweepProgress
from neurocomp.errors import Diagnostic, InputError, StoppedError
from neurocomp.files import write_whole
from neurocomp.interrupts import heeded
from neurocomp.sweep.api import files_of, outcomes_of, plan, runner_of, space_of
from neurocomp.sweep.outcome import TRAINING_NAMES, Outcome
from neurocomp.sweep.page import to_page
from neurocomp.sweep.pareto import pareto
from neurocomp.sweep.parquet import check_pyarrow, points_parquet
from neurocomp.sweep.run import unwritable
from neurocomp.sweep.space import Space, read_space, with_objectives
from neurocomp.sweep.store import SPACE, Store, open_store
from neurocomp.sweep.tables import points_csv, summary, within


@dataclass(frozen=True)
class Sweep:
    """Options as they were given."""

    folder: Path | None = None
    workers: int | None = None
    dask: str | None = None
    as_json: bool = False
    quiet: bool = False
    parquet: bool = False
    run_code: bool = False

    def __post_init__(self) -> None:
        if self.parquet:
            check_pyarrow()
        if self.workers is not None and not 1 <= self.workers <= 1024:
            raise InputError(Diagnostic("--workers", f"is {self.workers}; 1 to 1024 are possible"))


def run_sweep(file: Path, options: Sweep) -> None:
    """Run every point of a space that is not finished yet, then write tables and print what was found. Raises
    StoppedError if the user interrupts it; what is finished stays."""
    space = space_of(file)
    folder = options.folder or Path(f"{file.stem}-sweep")
    given = files_of(space, folder, options.run_code)
    jobs, store = plan(space, given), Store(folder)
    write_whole(folder / SPACE, file.read_text("utf-8-sig"))
    store.ask_for([job.key for job in jobs])
    with Progress(sys.stderr, enabled=not options.quiet) as progress, progress.stage("sweeping") as advance:
        teller = SweepProgress(space, len(jobs) or space.sampler.points or 0, advance, progress)

        def done(outcome: Outcome, known: bool) -> None:
            teller.done(outcome, known)
            ask()

        try:
            with heeded() as ask, runner_of(store, given, options.workers or cpus_here(), options.dask) as runner:
                outcomes = list(outcomes_of(space, jobs, runner, given, done))
        except KeyboardInterrupt:
            raise _stopped(store, [job.key for job in jobs], teller) from None
    _write(folder, space, outcomes, options)
    _give(space, outcomes, options)
    if not options.quiet:
        sys.stderr.write(f"{teller.said()}; written to {folder}\n")


def _stopped(store: Store, keys: list[str], teller: SweepProgress) -> StoppedError:
    """Workers had kept more than was heard of; a search, which has no list of its points, knows what it heard."""
    kept = max(teller.known + teller.new, sum(store.path_of(key).is_file() for key in set(keys)))
    what = f"interrupted; {kept:,} of {teller.points:,} points are finished and kept"
    hint = f"the same command goes on from there; neurocomp sweep show {store.folder} shows what there is"
    return StoppedError(Diagnostic(str(store.folder), what, hint=hint))


def show_sweep(folder: Path, options: Sweep) -> None:
    """Print what is finished of a sweep. Raises InputError if the folder is none of a sweep."""
    store = open_store(folder)
    outcomes = list(store.all())
    trained = any(name in TRAINING_NAMES for outcome in outcomes[:1] for name in outcome.metrics)
    _give(with_objectives(read_space(folder / SPACE), trained), outcomes, options)


def _write(folder: Path, space: Space, outcomes: list[Outcome], options: Sweep) -> None:
    front = pareto(within(outcomes, space.constraints), space.objectives)
    try:
        write_whole(folder / "points.csv", points_csv(outcomes))
        write_whole(folder / "pareto.csv", points_csv(front))
        if options.parquet:
            write_whole(folder / "points.parquet", points_parquet(outcomes))
        write_whole(folder / "summary.txt", _summary(space, outcomes))
        write_whole(folder / "sweep.html", to_page(space, outcomes))
    except OSError as error:
        raise unwritable(folder, error) from error


def _summary(space: Space, outcomes: list[Outcome]) -> str:
    return summary(outcomes, space.objectives, space.constraints, space.followers)


def _give(space: Space, outcomes: list[Outcome], options: Sweep) -> None:
    if options.as_json:
        front = pareto(within(outcomes, space.constraints), space.objectives)
        tree = {
            "schema": "neurocomp/sweep-result/1",
            "points": [outcome.to_tree() for outcome in outcomes],
            "pareto": [outcome.key for outcome in front],
        }
        sys.stdout.write(json.dumps(tree, indent=1, sort_keys=True, allow_nan=False) + "\n")
    elif not options.quiet:
        sys.stdout.write(_summary(space, outcomes))
    sys.stdout.flush()
