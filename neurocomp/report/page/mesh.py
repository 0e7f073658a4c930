"""A mesh of routers as inline SVG, written by hand: thousands of cells have to stay small and be drawn at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CELL = 10  # side of a router's place; its square takes the middle 6
LEVELS = 16  # of shade and of width; all cells of a level are one path
MARGIN = 14  # for numbers at the left and below
TICKS = 16  # numbers along a side, at most
LEAST_SHADE = 0.12  # what is in use must be seen


def mesh_map(cells: np.ndarray, links: tuple[np.ndarray, np.ndarray] | None, label: str) -> str:
    """Routers as squares, the fuller the darker; links between them as lines, the busier the thicker.

    cells: (height, width), 0 to 1, NaN where nothing is. links: east-west (height, width - 1) and north-south
    (height - 1, width) loads, 0 to 1, the larger one of both directions. label: plain text, not escaped.
    """
    height, width = cells.shape
    x, y = width * CELL + MARGIN, height * CELL + MARGIN
    size = min(690, max(220, 27 * width + 40))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" style="max-width:{size}px" viewBox="0 0 {x} {y}" '
        f'role="img" aria-label="{label}">',
        *([] if links is None else _lines(*links)), *_squares(cells), *_numbers(width, height), "</svg>",
    ]  # fmt: skip
    return "\n".join(parts)


def _squares(cells: np.ndarray) -> Iterator[str]:
    side = "h6v6h-6z"
    all_of_them = "".join(f"M{_at(x)} {_at(y)}{side}" for y in range(cells.shape[0]) for x in range(cells.shape[1]))
    yield f'<path d="{all_of_them}" fill="var(--paper)" stroke="var(--faint)" stroke-width=".3"/>'
    level = np.ceil(np.clip(np.nan_to_num(cells, nan=-1.0), -1.0, 1.0) * LEVELS)
    for k in range(LEVELS + 1):
        rows, columns = np.nonzero(level == k)
        if rows.size:
            path = "".join(f"M{_at(x)} {_at(y)}{side}" for y, x in zip(rows.tolist(), columns.tolist(), strict=True))
            yield f'<path d="{path}" fill="var(--series-0)" fill-opacity="{max(LEAST_SHADE, k / LEVELS):.2f}"/>'


def _at(number: int) -> int:
    return MARGIN + CELL * number + 2


def _lines(across: np.ndarray, down: np.ndarray) -> Iterator[str]:
    for k in range(1, LEVELS + 1):
        path = ""
        for loads, step in ((across, f"h{CELL}"), (down, f"v{CELL}")):
            rows, columns = np.nonzero(np.ceil(np.clip(loads, 0.0, 1.0) * LEVELS) == k)
            ends = zip(rows.tolist(), columns.tolist(), strict=True)
            path += "".join(f"M{_at(x) + 3} {_at(y) + 3}{step}" for y, x in ends)
        if path:
            yield f'<path d="{path}" fill="none" stroke="var(--series-1)" stroke-width="{0.3 + 1.9 * k / LEVELS:.2f}"/>'


def _numbers(width: int, height: int) -> Iterator[str]:
    size = 3.6 * max(1.0, max(width, height) / 14)
    yield f'<g fill="var(--ink)" font-family="sans-serif" font-size="{min(size, 10):.1f}">'
    for x in range(0, width, -(-width // TICKS)):
        yield f'<text x="{_at(x) + 3}" y="{MARGIN - 2}" text-anchor="middle">{x}</text>'
    for y in range(0, height, -(-height // TICKS)):
        yield f'<text x="{MARGIN - 1}" y="{_at(y) + 4.2:.1f}" text-anchor="end">{y}</text>'
    yield "</g>"
