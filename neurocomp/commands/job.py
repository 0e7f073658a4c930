"""What all running commands share: their options, the runs themselves, and how the answer is given."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from neurocomp.chip.messages import did_you_mean
from neurocomp.commands.formats import ALL, formats_of
from neurocomp.commands.progress import Progress
from neurocomp.errors import Diagnostic, InputError

if TYPE_CHECKING:
    from neurocomp.activity.execution import Execution
    from neurocomp.fabric.noc import Fidelity
    from neurocomp.inputs.prepare import Prepared
    from neurocomp.mapping.program import Program
    from neurocomp.network.graph import Network
    from neurocomp.report.model import Result

FIDELITIES = ("cycle", "event", "bound")


@dataclass(frozen=True)
class Job:
    """Options as they were given; None where they were not."""

    inputs: Path | None = None
    steps: int | None = None
    encoding: str | None = None
    seed: int | None = None
    threads: int | None = None
    output: Path | None = None
    as_json: bool = False
    quiet: bool = False
    force: bool = False
    noc: str | None = None
    formats: str = ALL

    def __post_init__(self) -> None:
        ranges = {
            "--steps": (self.steps, 1, 2**31 - 1),
            "--threads": (self.threads, 1, 2**31 - 1),
            "--seed": (self.seed, 0, 2**64 - 1),
        }
        given = [(option, value, low, high) for option, (value, low, high) in ranges.items() if value is not None]
        found = [Diagnostic(o, f"is {value}; at least {low} is needed") for o, value, low, _ in given if value < low]
        found += [
            Diagnostic(o, f"is {value}; at most {high} is possible") for o, value, _, high in given if value > high
        ]
        if self.noc not in (None, *FIDELITIES):
            hint = did_you_mean(str(self.noc), FIDELITIES)
            found.append(Diagnostic("--noc", f"is {self.noc!r}; a fidelity is needed", hint=hint))
        try:
            formats_of(self.formats)
        except InputError as error:
            found += error.diagnostics
        if found:
            raise InputError(found)

    @property
    def files(self) -> tuple[str, ...]:
        """Forms of the report to write."""
        return formats_of(self.formats)

    @property
    def fidelity(self) -> Fidelity | None:
        """Of the network on chip; None: what suits the chip."""
        return cast("Fidelity | None", self.noc)

    @property
    def workers(self) -> int:
        if self.threads is not None:
            return self.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def progress(self) -> Progress:
        return Progress(sys.stderr, enabled=not self.quiet)


def run_network(network: Network, prepared: Prepared, workers: int, progress: Progress, title: str) -> Execution:
    """Execute a network on prepared inputs."""
    from neurocomp.activity.execute import execute

    with progress.stage(title) as advance:
        return execute(
            network, prepared.inputs, samples=prepared.samples, steps=prepared.steps, threads=workers, progress=advance
        )


def time_program(
    program: Program,
    prepared: Prepared,
    job: Job,
    progress: Progress,
    trained: Network | None = None,
    execution: Execution | None = None,
) -> Result:
    """Execute the program's network, simulate it and report. trained: the float network to compare with.
    execution: of the program's network, if it has been run already."""
    from neurocomp.report.build import report
    from neurocomp.simulate.inference import simulate

    floating = None
    if trained is not None:
        floating = run_network(trained, prepared, job.workers, progress, "running the network in float")
    if execution is None:
        execution = run_network(program.network, prepared, job.workers, progress, "running the mapped network")
    with progress.stage("timing the chip") as advance:
        simulation = simulate(program, execution.trace, job.fidelity, threads=job.workers, progress=advance)
    with progress.stage("adding up"):
        return report(
            program,
            simulation,
            execution=execution,
            network=trained,
            float_execution=floating,
            labels=prepared.labels,
            encoding=prepared.encoding,
            seed=prepared.seed,
        )


def give(result: Result, job: Job) -> None:
    """Print the answer to stdout."""
    if job.as_json:
        sys.stdout.write(result.to_json())
    elif not job.quiet:
        sys.stdout.write(result.to_text())
    sys.stdout.flush()  # so that remarks on stderr come after it


def mention(sentence: str, job: Job) -> None:
    """A remark for people, on stderr."""
    if not job.quiet:
        sys.stderr.write(f"{sentence}\n")
