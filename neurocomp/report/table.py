"""Text tables: cells are texts, columns are as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table(rows: Sequence[Sequence[str]], align: str, header: bool = False, indent: int = 2) -> Iterator[str]:
    """Lines of a table. align: ``l`` or ``r`` per column; header: a rule is drawn under the first row."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(align))]
    for number, row in enumerate(rows):
        placed = zip(row, widths, align, strict=True)
        cells = [cell.ljust(width) if side == "l" else cell.rjust(width) for cell, width, side in placed]
        yield (" " * indent + "  ".join(cells)).rstrip()
        if header and number == 0:
            yield " " * indent + "-" * (sum(widths) + 2 * (len(widths) - 1))
