"""``neurocomp chips``: the profiles at a glance, and one of them in full."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.datasheet import describe
from neurocomp.chip.gpu import GpuSpec
from neurocomp.chip.provenance import count_kinds
from neurocomp.chip.sata_sheet import SataSheet
from neurocomp.chip.sheets import Sheet, Shelf, all_sheets, load_sheet
from neurocomp.chip.spec import ChipSpec
from neurocomp.chip.spike_array import SpikeArray
from neurocomp.fabric.chip_memory import describe_memories
from neurocomp.report import units
from neurocomp.report.table import table


def list_chips(as_json: bool) -> None:
    """Print one line per profile, a table for each kind of chip."""
    sheets = list(all_sheets())
    if as_json:
        sys.stdout.write(json.dumps([_summary(*each) for each in sheets], indent=2) + "\n")
        return
    lines = [line for shelf in dict.fromkeys(shelf for shelf, _ in sheets) for line in _shelf(shelf, sheets)]
    sys.stdout.write("\n".join(lines[1:]) + "\n")


def _shelf(shelf: Shelf, sheets: list[tuple[Shelf, Sheet]]) -> Iterator[str]:
    mine = [sheet for each, sheet in sheets if each is shelf]
    facts = [_facts(sheet) for sheet in mine]
    rows = [["profile", "chip", *facts[0], "process", "values"]]
    for sheet, known in zip(mine, facts, strict=True):
        kinds = ", ".join(f"{count} {kind}" for kind, count in count_kinds(sheet.provenance).items())
        process = units.clean(sheet.process.partition(",")[0], 24)
        numbers = [
            value if isinstance(value, str) else f"{value:,g}" if isinstance(value, float) else f"{value:,}"
            for value in known.values()
        ]
        rows.append([sheet.name, units.clean(sheet.title, 80), *numbers, process, kinds])
    yield ""
    yield f"{shelf.title}:"
    yield from table(rows, "ll" + "r" * len(facts[0]) + "ll", header=True, indent=0)


def _summary(shelf: Shelf, sheet: Sheet) -> dict[str, object]:
    head = {"name": sheet.name, "type": shelf.kind, "title": sheet.title, "process": sheet.process}
    return {**head, **_facts(sheet), "kinds": count_kinds(sheet.provenance)}


def _facts(sheet: Sheet) -> dict[str, int | float | str]:
    """The size of a chip in a few numbers, by their names."""
    if isinstance(sheet, ChipSpec):
        learning = "none" if sheet.engines.wg is None else "/".join(sheet.engines.wg.rules)
        return {"cores": sheet.cores, "neurons": sheet.neurons, "learning": learning}
    if isinstance(sheet, ArrayChip):
        engines = (sheet.engines.fp, sheet.engines.bp, sheet.engines.wg)
        elements = sum(engine.rows * engine.columns for engine in engines) * sheet.cores
        return {"cores": sheet.cores, "elements": elements, "clock_mhz": sheet.clock_mhz}
    if isinstance(sheet, SpikeArray):
        return {"scheme": sheet.scheme.scheme, "clock_mhz": sheet.clock_mhz}
    if isinstance(sheet, SataSheet):
        return {"elements": sheet.elements}
    return _gpu_facts(sheet)


def _gpu_facts(sheet: GpuSpec) -> dict[str, int | float | str]:
    return {"gb_per_s": sheet.memory_gb_per_s, "tflops_fp16": sheet.peak_tflops.fp16, "board_w": sheet.board_w}


def show_chip(name: str, as_json: bool) -> None:
    """Print a profile with the origin of every value."""
    sheet = load_sheet(name)
    if as_json:
        sys.stdout.write(sheet.model_dump_json(by_alias=True) + "\n")
        return
    sys.stdout.write(describe(sheet) + (describe_memories(sheet) if isinstance(sheet, ChipSpec) else ""))
