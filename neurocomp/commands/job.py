"""What all running commands share: their options, the runs themselves, and how the answer is given."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from neurocomp.chip.messages import did_you_mean
from neurocomp.commands.formats import ALL, formats_of
from neurocomp.commands.progress import Progress, duration
from neurocomp.commands.timed_run import TimedRun
from neurocomp.errors import Diagnostic, InputError, bad_input

if TYPE_CHECKING:
    from neurocomp.activity.execution import Execution
    from neurocomp.fabric.noc import Fidelity
    from neurocomp.inputs.prepared import Prepared
    from neurocomp.mapping.program import Program
    from neurocomp.network.graph import Network
    from neurocomp.report.model import Result

FIDELITIES = ("cycle", "event", "bound")
TRACED_MOST = 512  # steps of a timeline
LARGE_RUN, TRIED_STEPS, LONG_RUN_S = 2**29, 256, 60.0
"""Elements times steps from which on a few steps are tried first, and seconds that are worth a word."""


def cpus_here() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def steps_of(text: str) -> tuple[int, int]:
    """Steps from ``FIRST:LAST``, as Python's slices count. Raises InputError for anything else."""
    words = re.fullmatch(r"([0-9]{1,12}):([0-9]{1,12})", text.strip())
    if words is None:
        raise bad_input("--trace", f"is {text[:40]!r}; chip steps are needed", hint="as in 0:8, the first eight")
    first, last = int(words[1]), int(words[2])
    if not first < last <= first + TRACED_MOST:
        raise bad_input("--trace", f"is {text}; one to {TRACED_MOST} steps can be looked at", hint="as in 0:8")
    return first, last


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
    trace: str | None = None

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
        for read, text in ((formats_of, self.formats), (steps_of, self.trace)):
            try:
                read(text) if text is not None else None
            except InputError as error:
                found += error.diagnostics
        if found:
            raise InputError(found)

    @property
    def files(self) -> tuple[str, ...]:
        """Forms of the report to write."""
        return formats_of(self.formats)

    @property
    def traced(self) -> tuple[int, int] | None:
        """Chip steps of the timeline, if one is wanted: the first, and the one behind the last."""
        return None if self.trace is None else steps_of(self.trace)

    @property
    def fidelity(self) -> Fidelity | None:
        """Of the network on chip; None: what suits the chip."""
        return cast("Fidelity | None", self.noc)

    @property
    def workers(self) -> int:
        """Threads to use."""
        return cpus_here() if self.threads is None else self.threads

    def progress(self) -> Progress:
        return Progress(sys.stderr, enabled=not self.quiet)


def run_network(
    network: Network, prepared: Prepared, workers: int, progress: Progress, title: str, record: Sequence[str] = ()
) -> Execution:
    """Execute a network on prepared inputs. record: relays whose values are wanted, too."""
    from neurocomp.activity.execute import execute

    tell_long_run(network, prepared, workers, progress)
    with progress.stage(title) as advance:
        return execute(
            network, prepared.inputs, samples=prepared.samples, steps=prepared.steps, record=record, threads=workers,
            progress=advance,
        )  # fmt: skip


def tell_long_run(network: Network, prepared: Prepared, workers: int, progress: Progress) -> None:
    """Say once, from a few steps that are run for it, how long a run will take, if that is more than a minute."""
    from neurocomp.activity.execute import execute
    from neurocomp.network.verify_time import mixes_time

    work = prepared.samples * prepared.steps * sum(p.size for p in network.populations)
    if work < LARGE_RUN or prepared.steps <= TRIED_STEPS or mixes_time(network):
        return
    inputs = None if prepared.inputs is None else prepared.inputs[:1, :TRIED_STEPS]
    began = time.monotonic()
    execute(network, inputs, samples=1, steps=TRIED_STEPS)
    each = (time.monotonic() - began) / TRIED_STEPS
    seconds = each * prepared.steps * prepared.samples / min(workers, prepared.samples)
    if seconds > LONG_RUN_S:
        what = f"{prepared.samples:,} samples x {prepared.steps:,} time steps of {network.name}"
        progress.tell(f"{what} will take about {duration(seconds)}; Ctrl-C ends it, and nothing is written then")


def time_program(
    program: Program,
    prepared: Prepared,
    job: Job,
    progress: Progress,
    trained: Network | None = None,
    execution: Execution | None = None,
) -> TimedRun:
    """Execute the program's network, simulate it and report. trained: the float network to compare with.
    execution: of the program's network, if it has been run already."""
    from neurocomp.report.build import report
    from neurocomp.simulate.inference import simulate

    _check_traced(program, prepared, job)
    floating = None
    if trained is not None:
        floating = run_network(trained, prepared, job.workers, progress, "running the network in float")
    if execution is None:
        execution = run_network(program.network, prepared, job.workers, progress, "running the mapped network")
    with progress.stage("timing the chip") as advance:
        simulation = simulate(program, execution.trace, job.fidelity, threads=job.workers, progress=advance)
    with progress.stage("adding up"):
        result = report(
            program,
            simulation,
            execution=execution,
            network=trained,
            float_execution=floating,
            labels=prepared.labels,
            encoding=prepared.encoding,
            seed=prepared.seed,
        )
    return TimedRun(program, execution.trace, simulation, result)


def _check_traced(program: Program, prepared: Prepared, job: Job) -> None:
    steps = prepared.samples * prepared.steps + max(program.offsets.values(), default=0)
    if job.traced is not None and job.traced[0] >= steps:
        raise bad_input("--trace", f"begins at chip step {job.traced[0]:,}; the run has {steps:,}", hint="count from 0")


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
