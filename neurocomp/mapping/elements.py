"""Nets of populations whose elements have to be looked at one by one: wired by tables, or cut without a grid.

Elements are numbered channel-first. They are taken some at a time, so that memory is what the nets take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.nets import BoxWay, Nets, heard
from neurocomp.mapping.rows import Rows, pointer
from neurocomp.network.structure import Corner

_CHUNK = 1 << 22  # pairs of element and vertex at once


@dataclass(frozen=True, eq=False)
class TableWay:
    """Element i reaches vertex[target[j]] for j in ptr[i]..ptr[i + 1] (any order, repeats allowed)."""

    ptr: np.ndarray
    target: np.ndarray
    vertex: np.ndarray

    @property
    def degrees(self) -> np.ndarray:
        return np.diff(self.ptr)

    def pairs(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """(element - start, vertex) of the elements start..stop-1."""
        row = np.repeat(np.arange(stop - start), np.diff(self.ptr[start : stop + 1]))
        return row, self.vertex[self.target[self.ptr[start] : self.ptr[stop]]]


@dataclass(frozen=True, eq=False)
class ShapedWay:
    """A BoxWay, element by element. shape: of the source."""

    way: BoxWay
    shape: Corner

    def _labels(self, start: int, stop: int) -> list[np.ndarray]:
        at = np.unravel_index(np.arange(start, stop), self.shape)
        return [sets.label[k] for sets, k in zip(self.way.sets, at, strict=True)]

    @property
    def degrees(self) -> np.ndarray:
        c, y, x = (sets.rows.lengths[sets.label] for sets in self.way.sets)
        return (c[:, None, None] * y[:, None] * x).reshape(-1)

    def pairs(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        way, label = self.way, self._labels(start, stop)
        length = [sets.rows.lengths[k] for sets, k in zip(way.sets, label, strict=True)]
        ptr = pointer(length[0] * length[1] * length[2])
        row = np.repeat(np.arange(stop - start), np.diff(ptr))
        step, c = np.divmod(np.arange(ptr[-1]) - ptr[row], length[0][row])
        y, x = np.divmod(step, length[2][row])
        c, y, x = (
            sets.rows.items[sets.rows.ptr[k][row] + i] for sets, k, i in zip(way.sets, label, (c, y, x), strict=True)
        )
        return row, way.first + (y * way.parts[2] + x) * way.parts[0] + c


@dataclass(frozen=True, eq=False)
class MaskWay:
    """The marked elements reach all of ``count`` vertices from ``first`` on. mask: bool (elements)."""

    mask: np.ndarray
    first: int
    count: int

    @property
    def degrees(self) -> np.ndarray:
        return self.mask * np.int64(self.count)

    def pairs(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        marked = np.flatnonzero(self.mask[start:stop])
        return np.repeat(marked, self.count), np.tile(np.arange(self.first, self.first + self.count), marked.size)


ElementWay = TableWay | ShapedWay | MaskWay


def element_nets(own: np.ndarray, ways: list[ElementWay], rate: np.ndarray, vertices: int) -> Nets:
    """The nets of one population. own: vertex of each element; rate: int64 (elements) or (1,), see rates.py."""
    rows = _listeners(own.size, ways, vertices)
    amount = np.ones(own.size, np.int64)
    nets = Nets(own.astype(np.int64), amount, np.broadcast_to(rate, amount.shape), rows)
    return heard(nets, distinct=np.unique(own).size == own.size)


def _listeners(elements: int, ways: list[ElementWay], vertices: int) -> Rows:
    """The vertices that each element reaches."""
    ends = pointer(np.sum([way.degrees for way in ways], axis=0))
    items = np.empty(ends[-1], np.int32)
    lengths, filled, start = [np.zeros(0, np.int64)], 0, 0
    while start < elements:
        stop = int(np.searchsorted(ends, ends[start] + _CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), elements)
        key = _keys(ways, start, stop, vertices)
        row, vertex = np.divmod(key, vertices)
        items[filled : filled + key.size] = vertex
        lengths.append(np.bincount(row, minlength=stop - start))
        filled += key.size
        start = stop
    return Rows(pointer(np.concatenate(lengths)), items[:filled])


def _keys(ways: list[ElementWay], start: int, stop: int, vertices: int) -> np.ndarray:
    """int64, ascending and distinct: (element - start) * vertices + vertex."""
    keys = []
    for way in ways:
        row, vertex = way.pairs(start, stop)
        keys.append(row * np.int64(vertices) + vertex)
    key = keys[0] if len(keys) == 1 else np.concatenate(keys)
    if key.size and not (key[1:] > key[:-1]).all():
        key.sort()
        key = key[np.diff(key, prepend=-1) > 0]
    return key
