"""``neurocomp chips``: the profiles at a glance, and one of them in full."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from neurocomp.chip.catalog import ChipSummary, load_chip, profile_names, summary
from neurocomp.chip.datasheet import describe
from neurocomp.fabric.chip_memory import describe_memories
from neurocomp.report import units
from neurocomp.report.table import table


def list_chips(as_json: bool) -> None:
    """Print one line per profile."""
    chips = [summary(load_chip(name)) for name in profile_names()]
    if as_json:
        sys.stdout.write(json.dumps([asdict(chip) for chip in chips], indent=2) + "\n")
        return
    rows = [["profile", "chip", "cores", "neurons", "process", "values"], *map(_row, chips)]
    sys.stdout.write("\n".join(table(rows, "llrrll", header=True, indent=0)) + "\n")


def _row(chip: ChipSummary) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in chip.kinds.items())
    process = units.clean(chip.process.partition(",")[0], 24)
    return [chip.name, chip.title, f"{chip.cores:,}", f"{chip.neurons:,}", process, kinds]


def show_chip(name: str, as_json: bool) -> None:
    """Print a profile with the origin of every value."""
    chip = load_chip(name)
    sys.stdout.write(chip.to_json() + "\n" if as_json else describe(chip) + describe_memories(chip))
