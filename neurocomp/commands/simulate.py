"""``neurocomp simulate``: a compiled program on other inputs."""

from __future__ import annotations

from pathlib import Path

from neurocomp.commands.folder import OutputFolder
from neurocomp.commands.formats import check_timeline, run_writers
from neurocomp.commands.job import Job, give, mention, time_program
from neurocomp.inputs.memory import need_memory_for
from neurocomp.inputs.prepare import prepare
from neurocomp.mapping.store import load_program
from neurocomp.simulate.inference import fidelity_for


def simulate_and_report(directory: Path, job: Job) -> None:
    """Run, print the report and, with ``job.output``, write it. The program's folder is only read."""
    program = load_program(directory)
    fidelity_for(program.chip, job.fidelity)
    check_timeline(job.traced, job.output)
    folder = OutputFolder(job.output, job.force) if job.output is not None else None
    prepared = prepare(program.network, job.inputs, job.steps, job.encoding, job.seed)
    need_memory_for(program.network, prepared)
    with job.progress() as progress:
        run = time_program(program, prepared, job, progress)
    if folder is not None:
        folder.write(*run_writers(run, job.files, job.traced))
    give(run.result, job)
    if folder is not None:
        mention(f"written to {folder.path}", job)
