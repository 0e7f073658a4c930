"""Nets of populations whose elements have to be looked at one by one: wired by tables, or cut without a grid.

Elements are numbered channel-first. They are taken some at a time, so that memory is what the nets take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypergraph.nets import BoxWay, Nets, heard
from neurocomp.mapping.rows import Rows, pointer, sorted_rows, spread
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

    def listeners(self, start: int, stop: int) -> np.ndarray:
        """The vertices that the elements start..stop-1 reach, one element after the other."""
        return self.vertex[self.target[self.ptr[start] : self.ptr[stop]]]


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

    def listeners(self, start: int, stop: int) -> np.ndarray:
        way, label = self.way, self._labels(start, stop)
        length = [sets.rows.lengths[k] for sets, k in zip(way.sets, label, strict=True)]
        ptr = pointer(length[0] * length[1] * length[2])
        row = np.repeat(np.arange(stop - start), np.diff(ptr))
        step, c = np.divmod(np.arange(ptr[-1]) - ptr[row], length[0][row])
        y, x = np.divmod(step, length[2][row])
        c, y, x = (
            sets.rows.items[sets.rows.ptr[k][row] + i] for sets, k, i in zip(way.sets, label, (c, y, x), strict=True)
        )
        return way.first + (y * way.parts[2] + x) * way.parts[0] + c


@dataclass(frozen=True, eq=False)
class MaskWay:
    """The marked elements reach all of ``count`` vertices from ``first`` on. mask: bool (elements)."""

    mask: np.ndarray
    first: int
    count: int

    @property
    def degrees(self) -> np.ndarray:
        return self.mask * np.int64(self.count)

    def listeners(self, start: int, stop: int) -> np.ndarray:
        marked = np.count_nonzero(self.mask[start:stop])
        return np.tile(np.arange(self.first, self.first + self.count), marked)


ElementWay = TableWay | ShapedWay | MaskWay


def renamed_way(way: ShapedWay, index: np.ndarray | None, elements: int) -> TableWay:
    """A way from places, of which each is the source element that ``index`` names (-1: none; None: its own number)."""
    places = int(np.prod(way.shape))
    length = way.degrees
    vertex = way.listeners(0, places)
    element = np.repeat(np.arange(places) if index is None else index, length)
    order = np.argsort(element, kind="stable")
    ptr = np.searchsorted(element[order], np.arange(elements + 1))
    return TableWay(ptr, np.arange(order.size), vertex[order])


def element_nets(own: np.ndarray, ways: list[ElementWay], rate: np.ndarray, vertices: int) -> Nets:
    """The nets of one population. own: vertex of each element; rate: int64 (elements) or (1,), see rates.py."""
    rows = _listeners(own.size, ways, vertices)
    amount = np.ones(own.size, np.int64)
    nets = Nets(own.astype(np.int64), amount, np.broadcast_to(rate, amount.shape), rows)
    return heard(nets, distinct=int(np.bincount(own).max(initial=0)) <= 1)


def _listeners(elements: int, ways: list[ElementWay], vertices: int) -> Rows:
    """The vertices that each element reaches."""
    degrees = [way.degrees for way in ways]
    ptr = pointer(np.sum(degrees, axis=0))
    items = np.empty(ptr[-1], np.int32)
    start = 0
    while start < elements:
        stop = int(np.searchsorted(ptr, ptr[start] + _CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), elements)
        filled = ptr[start:stop].copy()
        for way, degree in zip(ways, degrees, strict=True):
            length = degree[start:stop]
            found = way.listeners(start, stop)
            if len(ways) == 1:
                items[ptr[start] : ptr[stop]] = found
            else:
                items[spread(filled, length, pointer(length))] = found
                filled += length
        start = stop
    return sorted_rows(ptr, items, vertices)
