"""A space-filling order of a grid: neighbours in the order are neighbours on the grid.

Hilbert's curve generalised to any width and height: a rectangle is cut into two halves if it is long, and
otherwise into three parts that go up, across and down again, each part a smaller rectangle of the same kind.
With odd side lengths a few steps are diagonal; no step is longer.
"""

from __future__ import annotations

import numpy as np

_Vector = tuple[int, int]


def space_filling_order(width: int, height: int) -> np.ndarray:
    """int32 (width * height): the cells y * width + x in the order in which the curve visits them, from (0, 0)."""
    along, across = ((width, 0), (0, height)) if width >= height else ((0, height), (width, 0))
    cells = _curve(along, across, {})
    return cells[:, 1] * np.int32(width) + cells[:, 0]


def _curve(along: _Vector, across: _Vector, known: dict[tuple[_Vector, _Vector], np.ndarray]) -> np.ndarray:
    """int32 (cells, 2), from (0, 0): the cells of the rectangle that the two axis-parallel vectors span, ending at the
    far end of ``along``. known: of the smaller rectangles, of which few differ."""
    if (along, across) in known:
        return known[along, across]
    length, breadth = abs(sum(along)), abs(sum(across))
    if breadth == 1 or length == 1:
        step = _unit(along) if breadth == 1 else _unit(across)
        cells = np.arange(max(length, breadth), dtype=np.int32)[:, None] * np.array(step, np.int32)
    elif 2 * length > 3 * breadth:
        first = _part(along, length)
        cells = np.concatenate([
            _curve(first, across, known), _curve(_sub(along, first), across, known) + np.array(first, np.int32)
        ])  # fmt: skip
    else:
        first, half = _part(across, breadth), _scaled(along, length // 2)
        last = _add(_sub(along, _unit(along)), _sub(first, _unit(across)))
        cells = np.concatenate([
            _curve(first, half, known), _curve(along, _sub(across, first), known) + np.array(first, np.int32),
            _curve(_scaled(first, -abs(sum(first))), _sub(half, along), known) + np.array(last, np.int32),
        ])  # fmt: skip
    known[along, across] = cells
    return cells


def _part(vector: _Vector, length: int) -> _Vector:
    """The first half of a vector; of even length where there is a choice, so that the curve meets its end."""
    half = length // 2
    return _scaled(vector, half + half % 2 if length > 2 else half)


def _unit(vector: _Vector) -> _Vector:
    return (vector[0] > 0) - (vector[0] < 0), (vector[1] > 0) - (vector[1] < 0)


def _scaled(vector: _Vector, length: int) -> _Vector:
    unit = _unit(vector)
    return unit[0] * length, unit[1] * length


def _add(a: _Vector, b: _Vector) -> _Vector:
    return a[0] + b[0], a[1] + b[1]


def _sub(a: _Vector, b: _Vector) -> _Vector:
    return a[0] - b[0], a[1] - b[1]
