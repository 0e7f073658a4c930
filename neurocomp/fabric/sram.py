"""What an SRAM macro costs: CACTI 7's figures (chips/sram/cacti7.csv), interpolated between the sizes, widths and
nodes for which it was run.

Between two points of the table a figure follows a power law (a straight line on logarithmic axes). Over size this is
what CACTI's own results scatter around, by up to a fifth, because the tool divides arrays anew at each size. Widths
were run at 22 and 32 nm; at coarser nodes they follow the ratios at 32 nm. Nodes without a run (28 nm) lie between
their neighbours. Everything that is not a point of the table is marked ``derived``.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from neurocomp.chip.catalog import profile_folder
from neurocomp.chip.messages import did_you_mean
from neurocomp.chip.provenance import Kind
from neurocomp.errors import Diagnostic, InputError, bad_input

SOURCE = "CACTI 7 (github.com/HewlettPackard/cacti), one read-write port, one bank"
FIGURES = ("read_pj", "write_pj", "leakage_mw", "area_mm2", "access_ns")
FULL_WIDTH_NODE = 32  # coarsest node for which all widths were run
BASE_WIDTH = 64

Point = tuple[int, int, int]  # node_nm, width_bits, size_kib
Values = tuple[float, ...]  # in the order of FIGURES


@dataclass(frozen=True)
class SramCost:
    """One macro. read_pj, write_pj: one access of the full width; leakage_mw: the whole macro, always.

    kind: ``published-presilicon`` for a point of the table, else ``derived``, with how in ``note``.
    """

    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    access_ns: float
    source: str
    kind: Kind
    note: str


def sram_cost(size_kib: float, width_bits: int, node_nm: float, cell: str = "hp") -> SramCost:
    """Energy, leakage, area and access time of a macro.

    size_kib: 1 to 1024; width_bits: of one access, 32 to 128; node_nm: 22 to 65; cell: device type, ``hp`` (high
    performance) or ``lop`` (low operating power, 22 to 32 nm only). Raises InputError outside of these.
    """
    tables = _tables()
    if cell not in tables:
        hint = did_you_mean(cell, tables)
        raise bad_input("SRAM", f"there is no cell type {cell!r}", hint=hint)
    table = tables[cell]
    nodes = sorted({node for node, _, _ in table})
    widths, sizes = (sorted({point[axis] for point in table}) for axis in (1, 2))
    _check_range(size_kib, width_bits, node_nm, cell, (sizes, widths, nodes))
    values = _over(nodes, node_nm, lambda node: _at_node(table, node, width_bits, size_kib, widths, sizes))
    how = _how(table, size_kib, width_bits, node_nm, nodes)
    kind: Kind = "derived" if how else "published-presilicon"
    return SramCost(*values, source=SOURCE, kind=kind, note=how)


def _check_range(size_kib: float, width_bits: int, node_nm: float, cell: str, known: Sequence[Sequence[int]]) -> None:
    """One message that names all that is out of range and where the range is."""
    given = (("size", size_kib, "KiB"), ("width", width_bits, "bit"), ("node", node_nm, "nm"))
    wrong = [
        f"{name} {value:g} {unit} ({axis[0]} to {axis[-1]} are possible)"
        for (name, value, unit), axis in zip(given, known, strict=True)
        if not axis[0] <= value <= axis[-1]
    ]
    if wrong:
        why = f"the table covers what CACTI 7 was run for, cell type {cell}"
        hint = "divide a large memory into banks, or give the profile its own energy per access"
        raise InputError(Diagnostic("SRAM", "outside the table: " + ", ".join(wrong), why, hint))


def _at_node(
    table: dict[Point, Values], node: int, width_bits: int, size_kib: float, widths: list[int], sizes: list[int]
) -> Values:
    def of_width(width: int) -> Values:
        return _over(sizes, size_kib, lambda size: _entry(table, node, width, size))

    return _over(widths, width_bits, of_width)


def _entry(table: dict[Point, Values], node: int, width: int, size: int) -> Values:
    """A point of the table; where only one width was run, by the ratio of widths at FULL_WIDTH_NODE."""
    found = table.get((node, width, size))
    if found is not None:
        return found
    base, narrow = table[node, BASE_WIDTH, size], table[FULL_WIDTH_NODE, BASE_WIDTH, size]
    wide = table[FULL_WIDTH_NODE, width, size]
    return tuple(b * w / n for b, w, n in zip(base, wide, narrow, strict=True))


def _over(axis: list[int], at: float, values_of: Callable[[int], Values]) -> Values:
    """Power law between the two neighbours of ``at`` on the axis; exact on a point."""
    left = axis[bisect_right(axis, at) - 1]
    if left == at:
        return values_of(left)
    right = axis[axis.index(left) + 1]
    share = math.log(at / left) / math.log(right / left)
    pairs = zip(values_of(left), values_of(right), strict=True)
    return tuple(math.exp(math.log(a) * (1 - share) + math.log(b) * share) for a, b in pairs)


def _how(table: dict[Point, Values], size_kib: float, width_bits: int, node_nm: float, nodes: list[int]) -> str:
    """How the figures were found, if not in the table."""
    sizes = {size for _, _, size in table}
    parts = []
    if node_nm not in nodes:
        left = nodes[bisect_right(nodes, node_nm) - 1]
        parts.append(f"node between {left} and {nodes[nodes.index(left) + 1]} nm")
    if size_kib not in sizes:
        parts.append("size between two runs")
    if width_bits not in {width for _, width, _ in table}:
        parts.append("width between two runs")
    if node_nm > FULL_WIDTH_NODE and width_bits != BASE_WIDTH:
        parts.append(f"width by the ratio at {FULL_WIDTH_NODE} nm")
    return "interpolated: " + ", ".join(parts) if parts else ""


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[Point, Values]]:
    """By cell type."""
    return read_table(profile_folder() / "sram" / "cacti7.csv")


def read_table(path: Path) -> dict[str, dict[Point, Values]]:
    """Read a table in the form of chips/sram/cacti7.csv. Raises InputError if it is not one."""
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
        tables: dict[str, dict[Point, Values]] = {}
        for row in csv.DictReader(lines):
            point = (int(row["node_nm"]), int(row["width_bits"]), int(row["size_kib"]))
            tables.setdefault(row["cell"], {})[point] = tuple(float(row[figure]) for figure in FIGURES)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise bad_input(str(path), f"is no table of SRAM figures: {error}", hint="install neurocomp again") from None
    return tables
