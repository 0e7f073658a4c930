"""What both ways of learning on a chip share as commands: where the network comes from, where the answer goes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neurocomp.commands.folder import PAGE, TRAINING, OutputFolder, text_writer
from neurocomp.inputs.reading import PLAIN, Reading


class _Report(Protocol):
    def to_text(self) -> str: ...
    def to_json(self) -> str: ...
    def to_page(self) -> str: ...


@dataclass(frozen=True)
class Ends:
    """Options as they were given."""

    output: Path | None = None
    as_json: bool = False
    quiet: bool = False
    force: bool = False
    reading: Reading = PLAIN

    def folder(self) -> OutputFolder | None:
        """The folder that is to be written, checked before the work starts; None if there is none."""
        return None if self.output is None else OutputFolder(self.output, self.force, training=True)

    def give(self, report: _Report, folder: OutputFolder | None) -> None:
        """Write the answer into its folder and print it."""
        text, tree = report.to_text(), report.to_json()
        if folder is not None:
            page = text_writer(PAGE, report.to_page())
            folder.write(text_writer(TRAINING, tree), text_writer("report.txt", text), page)
        if self.as_json:
            sys.stdout.write(tree)
        elif not self.quiet:
            sys.stdout.write(text)
        sys.stdout.flush()
        if folder is not None and not self.quiet:
            sys.stderr.write(f"written to {folder.path}\n")
