"""``neurocomp report``: results side by side, from their files alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from neurocomp.commands.folder import OutputFolder, text_writer
from neurocomp.report.compare import compare
from neurocomp.report.saved import read_results


@dataclass(frozen=True)
class ReportOptions:
    """Options as they were given."""

    output: Path | None = None
    as_json: bool = False
    quiet: bool = False
    force: bool = False


def report_side_by_side(paths: list[Path], options: ReportOptions) -> None:
    """Read results, print the comparison and, if asked to, write it into a folder."""
    folder = None if options.output is None else OutputFolder(options.output, options.force)
    comparison = compare(read_results(paths), paths)
    if folder is not None:
        folder.write(
            text_writer("comparison.json", comparison.to_json()), text_writer("report.txt", comparison.to_text()),
            text_writer("report.html", comparison.to_page()),
        )  # fmt: skip
    if options.as_json:
        sys.stdout.write(comparison.to_json())
    elif not options.quiet:
        sys.stdout.write(comparison.to_text())
    sys.stdout.flush()
    if folder is not None and not options.quiet:
        sys.stderr.write(f"written to {folder.path}\n")
