"""``neurocomp compile``: from a network file to a program, its simulation and a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.commands.calibration import Rounding, lowered_for
from neurocomp.commands.folder import OutputFolder
from neurocomp.commands.formats import check_timeline, run_writers
from neurocomp.commands.job import Job, give, mention, run_network, time_program
from neurocomp.commands.mapping_options import MappingOptions
from neurocomp.errors import Diagnostic, InputError
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.prepare import prepare
from neurocomp.inputs.reading import Reading
from neurocomp.interrupts import aside
from neurocomp.mapping.explain.refusals import refuse_unlowered
from neurocomp.mapping.map import map_plan, most_chips, plan_mapping
from neurocomp.network.graph import Float32, Integer, Network
from neurocomp.simulate.inference import fidelity_for


def compile_and_report(
    path: Path, chip_name: str, job: Job, reading: Reading, options: MappingOptions, rounding: Rounding
) -> None:
    """Do the whole job; prints the report and writes the folder."""
    choices = options.choices(job.seed)
    network, chip = _load(path, chip_name, reading, job)
    fidelity_for(chip, job.fidelity)  # before any work
    output = job.output or Path(f"{path.stem}-{chip.name}")
    check_timeline(job.traced, output)
    folder = OutputFolder(output, job.force)
    prepared = prepare(network, job.inputs, job.steps, job.encoding, job.seed)
    with job.progress() as progress:
        with progress.stage(f"fitting {network.name} to {chip.name}"):
            refuse_unlowered(network, chip, options.forbidden, most_chips(options.grid))
            lowered = lowered_for(network, chip, rounding, prepared, job, progress)
            plan = aside(plan_mapping, lowered, chip, options.assignment(lowered), options.forbidden, options.grid)
        need_memory_for(lowered, prepared)
        execution = run_network(lowered, prepared, job.workers, progress, "running the mapped network")
        with progress.stage(f"mapping onto {chip.name}"):
            program = aside(map_plan, plan, choices, None if options.uniform else execution.trace)
        rounded = isinstance(network.arithmetic, Float32) and isinstance(program.network.arithmetic, Integer)
        run = time_program(program, prepared, job, progress, network if rounded else None, execution)
        with progress.stage("writing"):
            folder.write(program.save, *run_writers(run, job.files, job.traced))
    give(run.result, job)
    mention(f"written to {folder.path}", job)


def _load(path: Path, chip_name: str, reading: Reading, job: Job) -> tuple[Network, ChipSpec]:
    """Network and chip; if both are wrong, both are reported."""
    found: list[Diagnostic] = []

    def attempt(load: Callable[[], Any]) -> Any:
        try:
            return load()
        except InputError as error:
            found.extend(error.diagnostics)

    network = attempt(lambda: reading.network(path, job.inputs, job.steps))
    chip = attempt(lambda: load_chip(chip_name))
    if found:
        raise InputError(found)
    return network, chip
