"""``neurocomp report``: results side by side, from their files alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from neurocomp.commands.folder import OutputFolder, text_writer
from neurocomp.commands.formats import formats_of
from neurocomp.errors import bad_input
from neurocomp.report.compare import compare
from neurocomp.report.saved import read_results

FORMS = ("json", "txt", "html")


@dataclass(frozen=True)
class ReportOptions:
    """Options as they were given."""

    output: Path | None = None
    as_json: bool = False
    quiet: bool = False
    force: bool = False
    formats: str | None = None

    def __post_init__(self) -> None:
        if self.formats is not None:
            formats_of(self.formats, FORMS)
            if self.output is None:
                raise bad_input("--formats", "says what is written, and there is no folder", hint="give one: -o DIR")

    @property
    def files(self) -> tuple[str, ...]:
        """Forms to write."""
        return FORMS if self.formats is None else formats_of(self.formats, FORMS)


def report_side_by_side(paths: list[Path], options: ReportOptions) -> None:
    """Read results, print the comparison and, if asked to, write it into a folder."""
    folder = None if options.output is None else OutputFolder(options.output, options.force)
    comparison = compare(read_results(paths), paths)
    if folder is not None:
        made = {
            "json": ("comparison.json", comparison.to_json), "txt": ("report.txt", comparison.to_text),
            "html": ("report.html", comparison.to_page),
        }  # fmt: skip
        chosen = [made[form] for form in FORMS if form in options.files]
        folder.write(*(text_writer(name, content()) for name, content in chosen))
    if options.as_json:
        sys.stdout.write(comparison.to_json())
    elif not options.quiet:
        sys.stdout.write(comparison.to_text())
    sys.stdout.flush()
    if folder is not None and not options.quiet:
        sys.stderr.write(f"written to {folder.path}\n")
