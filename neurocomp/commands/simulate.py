"""``neurocomp simulate``: a compiled program on other inputs."""

from __future__ import annotations

from pathlib import Path

from neurocomp.commands.folder import OutputFolder, text_writer
from neurocomp.commands.inputs import prepare
from neurocomp.commands.job import Job, give, mention, time_program
from neurocomp.commands.memory import need_memory_for
from neurocomp.mapping.store import load_program


def simulate_and_report(directory: Path, job: Job) -> None:
    """Run, print the report and, with ``job.output``, write it. The program's folder is only read."""
    program = load_program(directory)
    folder = OutputFolder(job.output, job.force) if job.output is not None else None
    prepared = prepare(program.network, job.inputs, job.steps, job.encoding, job.seed)
    need_memory_for(program.network, prepared)
    with job.progress() as progress:
        result = time_program(program, prepared, job, progress)
    if folder is not None:
        folder.write(text_writer("result.json", result.to_json()), text_writer("report.txt", result.to_text()))
    give(result, job)
    if folder is not None:
        mention(f"written to {folder.path}", job)
