"""What a running command writes beside its program: the same result in the forms that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurocomp.chip.messages import did_you_mean
from neurocomp.commands.folder import bytes_writer, text_writer
from neurocomp.commands.timed_run import TimedRun
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.report.csv import cores_csv, layers_csv
from neurocomp.report.model import Result

FORMATS = ("json", "txt", "html", "csv")
ACCELERGY = "accelergy"  # needs the run, and is for few: only if asked for
TIMELINE = "timeline.pftrace"
ALL = ",".join(FORMATS)


def formats_of(text: str, known: tuple[str, ...] = (*FORMATS, ACCELERGY)) -> tuple[str, ...]:
    """Formats from a list with commas, each once; ``none`` for no file. Raises InputError for unknown ones."""
    if text == "none":
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if "none" in names:
        others = ",".join(name for name in names if name != "none")
        raise bad_input(
            "--formats", f"has none beside {others}", hint=f"--formats {others}, or none alone for no report"
        )
    found = [
        Diagnostic("--formats", f"there is no format {name!r}", hint=did_you_mean(name, (*known, "none")))
        for name in names if name not in known
    ]  # fmt: skip
    if found:
        raise InputError(found)
    return names


def result_writers(result: Result, formats: tuple[str, ...]) -> list[Callable[[Path], None]]:
    """One writer per file."""
    writers = []
    if "json" in formats:
        writers.append(text_writer("result.json", result.to_json()))
    if "txt" in formats:
        writers.append(text_writer("report.txt", result.to_text()))
    if "html" in formats:
        writers.append(text_writer("report.html", result.to_page()))
    if "csv" in formats:
        writers.append(text_writer("layers.csv", layers_csv(result)))
        writers.append(text_writer("cores.csv", cores_csv(result)))
    return writers


def check_timeline(steps: tuple[int, int] | None, output: Path | None) -> None:
    """Before any work. Raises InputError if a timeline is wanted and could not be written at the end."""
    if steps is None:
        return
    from neurocomp.report.perfetto import need_perfetto

    need_perfetto()
    if output is None:
        raise bad_input("--trace", "there is no folder to write it into", hint="give one: -o DIR")


def run_writers(run: TimedRun, formats: tuple[str, ...], steps: tuple[int, int] | None) -> list[Callable[[Path], None]]:
    """One writer per file of a run. steps: of the timeline, if one is wanted."""
    writers = result_writers(run.result, formats)
    if ACCELERGY in formats:
        from neurocomp.report.accelergy import accelergy_files

        files = accelergy_files(run.simulation, run.program.chip)
        writers += [text_writer(name, text) for name, text in files.items()]
    if steps is not None:
        from neurocomp.report.perfetto import timeline
        from neurocomp.simulate.timeline import closely

        last = min(steps[1], run.simulation.chip_steps)
        content = timeline(run.program, list(closely(run.program, run.trace, run.simulation, steps[0], last)))
        writers.append(bytes_writer(TIMELINE, content))
    return writers
