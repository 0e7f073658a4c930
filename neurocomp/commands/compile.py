"""``neurocomp compile``: from a network file to a program, its simulation and a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.commands.folder import OutputFolder, text_writer
from neurocomp.commands.inputs import prepare
from neurocomp.commands.job import Job, give, mention, time_program
from neurocomp.commands.memory import need_memory_for
from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.read import load_network
from neurocomp.mapping.compile import compile_network
from neurocomp.network.graph import Float32, Integer, Network


@dataclass(frozen=True)
class NirChoices:
    """What a NIR file leaves open."""

    dt_s: float | None = None
    reset: str | None = None
    discretise: str | None = None


def compile_and_report(path: Path, chip_name: str, job: Job, choices: NirChoices) -> None:
    """Do the whole job; prints the report and writes the folder."""
    network, chip = _load(path, chip_name, choices)
    folder = OutputFolder(job.output or Path(f"{path.stem}-{chip.name}"), job.force)
    prepared = prepare(network, job.inputs, job.steps, job.encoding, job.seed)
    need_memory_for(network, prepared)
    with job.progress() as progress:
        with progress.stage(f"mapping onto {chip.name}"):
            program = compile_network(network, chip, calibration=prepared.calibration)
        rounded = isinstance(network.arithmetic, Float32) and isinstance(program.network.arithmetic, Integer)
        result = time_program(program, prepared, job, progress, network if rounded else None)
        with progress.stage("writing"):
            folder.write(
                program.save, text_writer("result.json", result.to_json()), text_writer("report.txt", result.to_text()),
            )  # fmt: skip
    give(result, job)
    mention(f"written to {folder.path}", job)


def _load(path: Path, chip_name: str, choices: NirChoices) -> tuple[Network, ChipSpec]:
    """Network and chip; if both are wrong, both are reported."""
    found: list[Diagnostic] = []

    def attempt(load: Callable[[], Any]) -> Any:
        try:
            return load()
        except InputError as error:
            found.extend(error.diagnostics)

    network = attempt(lambda: load_network(
        path, dt_s=choices.dt_s, reset=choices.reset, discretise=choices.discretise,  # type: ignore[arg-type]
    ))  # fmt: skip
    chip = attempt(lambda: load_chip(chip_name))
    if found:
        raise InputError(found)
    return network, chip
