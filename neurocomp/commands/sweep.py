"""``neurocomp sweep``: many designs at once, and what a finished sweep found."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurocomp.commands.progress import Progress
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.sweep.checks import check_space
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.pareto import pareto
from neurocomp.sweep.run import jobs_of, run_jobs, workers_here
from neurocomp.sweep.sample import points_of
from neurocomp.sweep.space import Space, read_space
from neurocomp.sweep.store import SPACE, Store, open_store, write_whole
from neurocomp.sweep.tables import points_csv, summary, within


@dataclass(frozen=True)
class Sweep:
    """Options as they were given."""

    folder: Path | None = None
    workers: int | None = None
    as_json: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.workers is not None and not 1 <= self.workers <= 1024:
            raise InputError(Diagnostic("--workers", f"is {self.workers}; 1 to 1024 are possible"))


def run_sweep(file: Path, options: Sweep) -> None:
    """Run every point of a space that is not finished yet, then write tables and print what was found."""
    space = read_space(file)
    points = points_of(space)
    check_space(space)
    jobs = jobs_of(points, None if space.input is None else Path(space.input))
    folder = options.folder or Path(f"{file.stem}-sweep")
    store = Store(folder)
    write_whole(folder / SPACE, file.read_text("utf-8-sig"))
    with Progress(sys.stderr, enabled=not options.quiet) as progress, progress.stage("sweeping") as advance:
        teller = _Teller(len(jobs), advance, options.quiet)
        inputs = None if space.input is None else Path(space.input)
        outcomes = run_jobs(jobs, inputs, store, options.workers or workers_here(), teller.done)
    _write(folder, space, outcomes)
    _give(space, outcomes, options)
    if not options.quiet:
        sys.stderr.write(f"{teller.said()}; written to {folder}\n")


def show_sweep(folder: Path, options: Sweep) -> None:
    """Print what is finished of a sweep. Raises InputError if the folder is none of a sweep."""
    store = open_store(folder)
    space = read_space(folder / SPACE)
    _give(space, list(store.all()), options)


class _Teller:
    """Counts what comes in and says it now and then, for people who wait."""

    def __init__(self, points: int, advance: Any, quiet: bool) -> None:
        self.points, self.advance, self.quiet = points, advance, quiet
        self.known, self.new, self.since = 0, 0, time.monotonic()

    def done(self, _: Outcome, known: bool) -> None:
        self.known, self.new = self.known + known, self.new + (not known)
        self.advance(self.known + self.new, self.points)

    def said(self) -> str:
        seconds = max(time.monotonic() - self.since, 1e-9)
        found = f"{self.known:,} points were finished before" if self.known else ""
        new = f"{self.new:,} points computed ({self.new / seconds:.1f} per second)" if self.new else ""
        return ", ".join(filter(None, (new, found))) or "no points"


def _write(folder: Path, space: Space, outcomes: list[Outcome]) -> None:
    front = pareto(within(outcomes, space.constraints), space.objectives)
    try:
        write_whole(folder / "points.csv", points_csv(outcomes))
        write_whole(folder / "pareto.csv", points_csv(front))
        write_whole(folder / "summary.txt", summary(outcomes, space.objectives, space.constraints))
    except OSError as error:
        hint = "every finished point is kept; run the same sweep again"
        raise bad_input(str(folder), "cannot be written", why=error.strerror or str(error), hint=hint) from error


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
        sys.stdout.write(summary(outcomes, space.objectives, space.constraints))
    sys.stdout.flush()
