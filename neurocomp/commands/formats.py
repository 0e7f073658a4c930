"""What a running command writes beside its program: the same result in the forms that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurocomp.chip.messages import did_you_mean
from neurocomp.commands.folder import text_writer
from neurocomp.errors import Diagnostic, InputError
from neurocomp.report.csv import cores_csv, layers_csv
from neurocomp.report.model import Result

FORMATS = ("json", "txt", "html", "csv")
ALL = ",".join(FORMATS)


def formats_of(text: str) -> tuple[str, ...]:
    """Formats from a list with commas, each once; ``none`` for no file. Raises InputError for unknown ones."""
    if text == "none":
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    found = [
        Diagnostic("--formats", f"there is no format {name!r}", hint=did_you_mean(name, (*FORMATS, "none")))
        for name in names if name not in FORMATS
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
