"""What leaves each population, as counted by the tiles that it reaches: (element, code, synapses).

A code stands for a target tile and a projection, in the order in which routes list them. Channels that nothing
tells apart are one element (``Segments``), so that a convolution's sources are counted once per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.reach.paths import Factor, Path
from neurocomp.mapping.rows import Rows, pointer, transposed
from neurocomp.network.structure import Corner, Window

_SPARSE = 4  # elements of a box for each that counts, from which on they are listed


@dataclass(frozen=True, eq=False)
class BoxesReached:
    """Boxes of a target, code by code, and the path from a population to them. bounds: see boxes.py."""

    path: Path
    code: np.ndarray
    bounds: np.ndarray


@dataclass(frozen=True, eq=False)
class WindowReached:
    """Counts on a box of the source."""

    code: int
    window: Window


@dataclass(frozen=True, eq=False)
class ListedReached:
    """Counts on few elements of a source: where wires or reshaping scatter them, boxes around them are nearly empty.
    at: int32 (3, elements), channel, row and column; count: int64."""

    code: int
    at: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class TableReached:
    """Rows by element, channel-last: codes, with a count each."""

    rows: Rows
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class Entries:
    """int64, one per (element, code): how many synapses. Elements as (row * width + column) * segments + segment."""

    element: np.ndarray
    code: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class _Products:
    """Boxes of the source on which counts are products. of: the code of each; part: the number of its factor along
    each axis; times: what the product is multiplied by; factors: along each axis."""

    code: np.ndarray
    part: tuple[np.ndarray, np.ndarray, np.ndarray]
    times: np.ndarray
    factors: tuple[list[Factor], list[Factor], list[Factor]]


def products(reached: BoxesReached) -> _Products:
    """The boxes that a population sends from, with their counts by axis."""
    parts, factors = [], []
    for axis in range(3):
        first, last = reached.bounds[:, axis, 0], reached.bounds[:, axis, 1]
        ranges, number = np.unique(first * (1 << 32) + last, return_inverse=True)
        parts.append(number.reshape(-1))
        factors.append([reached.path.factor(axis, int(r) >> 32, int(r) & 0xFFFFFFFF) for r in ranges])
    times = np.ones(reached.code.size, np.int64)
    code = reached.code
    if reached.path.beyond and reached.path.after is not None:  # only the sum over each tile's boxes matters
        for part, factor in zip(parts, factors, strict=True):
            times = times * np.array([f.counts.sum() for f in factor], np.int64)[part]
        code, at = np.unique(code, return_inverse=True)
        sums = np.zeros(code.size, np.int64)
        np.add.at(sums, at.reshape(-1), times)
        times, parts = sums, [np.zeros(code.size, np.int64)] * 3
        factors = [[factor] for factor in reached.path.after]
    return _Products(code, tuple(parts), times, tuple(factors))  # type: ignore[arg-type]


def reached(code: int, window: Window) -> WindowReached | ListedReached:
    """Counts on a box, kept in the form that takes less memory."""
    some = np.count_nonzero(window.counts)
    if window.counts.shape != window.extent or some * _SPARSE > window.counts.size:
        return WindowReached(code, window)
    at = np.nonzero(window.counts)
    places = np.stack([k + low for k, low in zip(at, window.start, strict=True)]).astype(np.int32)
    return ListedReached(code, places, window.counts[at])


def mark_segments(starts: np.ndarray, found: _Products | WindowReached | ListedReached) -> None:
    """Mark the channels at which counts may change; starts: bool (channels + 1)."""
    if isinstance(found, ListedReached):
        if found.count.size:
            starts[found.at[0].min() : found.at[0].max() + 2] = True
        return
    if isinstance(found, WindowReached):
        first, last = found.window.start[0], found.window.stop[0]
        starts[[first, last]] = True
        if found.window.counts.shape[0] > 1:
            starts[first + 1 : last] = True
        return
    for factor in found.factors[0]:
        size = factor.counts.size
        starts[[factor.start, factor.start + size]] = True
        starts[factor.start + 1 : factor.start + size] |= factor.counts[1:] != factor.counts[:-1]


def product_entries(found: _Products, first: np.ndarray, shape: Corner) -> Entries:
    """first: first channel of each segment; shape: of the source."""
    starts, sizes, values, offsets = [], [], [], []
    for axis, factors in enumerate(found.factors):
        low = np.array([f.start for f in factors], np.int64)
        high = low + [f.counts.size for f in factors]
        taken = [f.counts for f in factors]
        if axis == 0:
            low, high = np.searchsorted(first, low), np.searchsorted(first, high)
            taken = [f.counts[first[a:b] - f.start] for f, a, b in zip(factors, low, high, strict=True)]
        starts.append(low)
        sizes.append(high - low)
        values.append(np.concatenate([np.zeros(0, np.int64), *taken]))
        offsets.append(pointer(high - low))
    length = [size[part] for size, part in zip(sizes, found.part, strict=True)]
    ptr = pointer(length[0] * length[1] * length[2])
    box = np.repeat(np.arange(found.code.size), np.diff(ptr))
    rest, c = np.divmod(np.arange(ptr[-1]) - ptr[box], length[0][box])
    y, x = np.divmod(rest, length[2][box])
    count, at = found.times[box], []
    for k, step in enumerate((c, y, x)):
        part = found.part[k][box]
        count = count * values[k][offsets[k][part] + step]
        at.append(starts[k][part] + step)
    element = (at[1] * shape[2] + at[2]) * first.size + at[0]
    return _positive(element, found.code[box], count)


def window_entries(found: WindowReached | ListedReached, first: np.ndarray, shape: Corner) -> Entries:
    """The same for a window that is no product."""
    if isinstance(found, ListedReached):
        return _listed_entries(found, first, shape)
    (c0, y0, x0), (c1, y1, x1) = found.window.start, found.window.stop
    low, high = np.searchsorted(first, (c0, c1)).tolist()
    counts = np.moveaxis(found.window.counts, 0, -1)
    if counts.shape[2] > 1:
        counts = counts[:, :, first[low:high] - c0]
    pixel = np.arange(y0, y1)[:, None] * shape[2] + np.arange(x0, x1)
    element = (pixel[..., None] * first.size + np.arange(low, high)).reshape(-1)
    count = np.broadcast_to(counts, (y1 - y0, x1 - x0, high - low)).reshape(-1)
    return _positive(element, np.full(count.size, found.code), count)


def _listed_entries(found: ListedReached, first: np.ndarray, shape: Corner) -> Entries:
    """Each of their channels is a segment."""
    c, y, x = found.at.astype(np.int64)
    element = (y * shape[2] + x) * first.size + np.searchsorted(first, c)
    return Entries(element, np.full(c.size, found.code), found.count)


def _positive(element: np.ndarray, code: np.ndarray, count: np.ndarray) -> Entries:
    some = count > 0
    if some.all():
        return Entries(element, code, count)
    return Entries(element[some], code[some], count[some])


def by_element(parts: list[Entries], elements: int, codes: int) -> TableReached:
    """Entries as rows by element, codes ascending, equal ones added up."""
    none = np.zeros(0, np.int64)
    element, code, count = (
        np.concatenate([none, *(getattr(part, name) for part in parts)]) for name in ("element", "code", "count")
    )
    order = _stable_order(code, codes)
    order = order[_stable_order(element[order], elements)]
    element, code, count = element[order], code[order], count[order]
    fresh = np.flatnonzero(np.diff(element * np.int64(codes) + code, prepend=-1))
    count = np.add.reduceat(count, fresh) if fresh.size else count
    ptr = np.searchsorted(element[fresh], np.arange(elements + 1)).astype(np.int64)
    return TableReached(Rows(ptr, code[fresh]), count)


def _stable_order(keys: np.ndarray, limit: int) -> np.ndarray:
    """Sorts keys below ``limit`` by counting them."""
    return transposed(Rows(np.arange(keys.size + 1), keys), limit).items


def table_entries(found: TableReached) -> Entries:
    """The same for a table of what each element reaches."""
    element = np.repeat(np.arange(found.rows.count), found.rows.lengths)
    return Entries(element, found.rows.items.astype(np.int64), found.count.astype(np.int64))
