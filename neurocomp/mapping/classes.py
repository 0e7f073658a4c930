"""Route classes: neurons of one tile that reach the same tiles with the same number of synapses.

Each element of an emitting population has a vector, the synapse count per (target tile, projection). Equal
vectors are found by a 64-bit hash that is linear in the counts, so every target tile only touches the box
that it listens to; channels that nothing tells apart are handled as one. Afterwards every class is compared
with the counts of all its members, so that a collision of hashes cannot pass unnoticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neurocomp.mapping.rows import mixed
from neurocomp.network.structure import Corner, Window

_TRIES = 4


@dataclass(frozen=True, eq=False)
class Pairs:
    """Synapse counts per (source element, target tile) of one projection; elements as channel-last positions."""

    projection: int
    element: np.ndarray
    tile: np.ndarray
    count: np.ndarray


@dataclass(eq=False)
class Outgoing:
    """All that leaves one population: windows as (tile, projection, counts), and pairs."""

    windows: list[tuple[int, int, Window]] = field(default_factory=list)
    pairs: list[Pairs] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of one population.

    label: int32 (elements), channel-last, -1 for elements without targets; tile: source tile of each class.
    pin_*: one entry per (class, target tile, projection) with its synapse count.
    """

    label: np.ndarray
    tile: np.ndarray
    pin_class: np.ndarray
    pin_tile: np.ndarray
    pin_projection: np.ndarray
    pin_events: np.ndarray


class HashCollision(Exception):
    """Two elements with different counts got the same hash; the caller tries other hash keys."""


def find_classes(shape: Corner, tile_of: np.ndarray, outgoing: Outgoing) -> Classes:
    """Classes of a population. tile_of: int32 (elements), channel-last, the tile of each element."""
    for attempt in range(_TRIES):
        try:
            return _Population(shape, tile_of, outgoing, attempt).classes()
        except HashCollision:
            continue
    raise HashCollision(f"{_TRIES} hash functions in a row collided")


class _Population:
    """A population with its channels joined into segments that nothing tells apart.

    Arrays over elements have the axes (height, width, segments).
    """

    def __init__(self, shape: Corner, tile_of: np.ndarray, outgoing: Outgoing, salt: int) -> None:
        self.windows, self.pairs, self.salt = outgoing.windows, outgoing.pairs, salt
        channels, height, width = shape
        tiles = tile_of.reshape(height, width, channels)
        self.first = _segments(tiles, outgoing)
        self.lengths = np.diff([*self.first, channels])
        self.tiles = np.ascontiguousarray(tiles[:, :, self.first])

    def classes(self) -> Classes:
        label, first = _ranked(self._hashes())
        self.label = label.reshape(self.tiles.shape)
        self.representative = first
        self.members = np.bincount(label, np.broadcast_to(self.lengths, self.tiles.shape).reshape(-1)).astype(np.int64)
        pins = [self._window_pins(*window) for window in self.windows] + [self._pair_pins(p) for p in self.pairs]
        columns = [np.concatenate([np.zeros(0, np.int64), *column]) for column in zip(*pins, strict=True)] or [
            np.zeros(0, np.int64)
        ] * 4
        used = np.zeros(first.size, bool)
        used[columns[0]] = True
        number = np.where(used, np.cumsum(used) - 1, -1)
        by_element = np.repeat(number[self.label], self.lengths, axis=2).reshape(-1)
        return Classes(
            by_element.astype(np.int32), self.tiles.reshape(-1)[first][used], number[columns[0]], *columns[1:]
        )

    def _hashes(self) -> np.ndarray:
        hashes = mixed(self.tiles.astype(np.uint64) + np.uint64(self.salt << 40))
        for tile, projection, window in self.windows:
            hashes[self._slices(window)] += self._counts(window).astype(np.uint64) * self._key(tile, projection)
        flat = hashes.reshape(-1)
        for pairs in self.pairs:
            np.add.at(flat, pairs.element, pairs.count.astype(np.uint64) * self._key(pairs.tile, pairs.projection))
        return flat

    def _key(self, tile: np.ndarray | int, projection: int) -> np.ndarray:
        name = np.asarray(tile, np.uint64) << np.uint64(24)
        return mixed(name + np.uint64(projection + (self.salt << 56) + (1 << 63)))

    def _slices(self, window: Window) -> tuple[slice, slice, slice]:
        (c0, y0, x0), (c1, y1, x1) = window.start, window.stop
        return slice(y0, y1), slice(x0, x1), slice(*np.searchsorted(self.first, (c0, c1)).tolist())

    def _counts(self, window: Window) -> np.ndarray:
        """The window's counts with the axes (height, width, segments), broadcastable."""
        counts = np.moveaxis(window.counts, 0, -1)
        if counts.shape[2] == 1:
            return counts
        inside = self.first[self._slices(window)[2]]
        return counts[:, :, inside - window.start[0]]

    def _window_pins(self, tile: int, projection: int, window: Window) -> tuple[np.ndarray, ...]:
        """Classes that a window reaches, with their counts; checks that all members agree."""
        y, x, s = self._slices(window)
        label, counts = self.label[y, x, s], self._counts(window)
        _, width, segments = self.tiles.shape
        # representatives ascend in element order, so those in the window's rows are neighbours
        near = slice(*np.searchsorted(self.representative, (y.start * width * segments, y.stop * width * segments)))
        at_y, rest = np.divmod(self.representative[near], width * segments)
        at_x, at_s = np.divmod(rest, segments)
        inside = (at_x >= x.start) & (at_x < x.stop) & (at_s >= s.start) & (at_s < s.stop)
        number = np.arange(near.start, near.stop)[inside]
        full = np.broadcast_to(counts, label.shape)
        events = full[at_y[inside] - y.start, at_x[inside] - x.start, at_s[inside] - s.start]
        expected = np.zeros(self.representative.size, np.int64)
        expected[number] = events
        if not np.array_equal(expected[label], full) or int(expected @ self.members) != window.total:
            raise HashCollision
        number, events = number[events > 0], events[events > 0]
        return number, np.full(number.size, tile), np.full(number.size, projection), events

    def _pair_pins(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        label = self.label.reshape(-1)
        order = np.lexsort((pairs.tile, pairs.element))
        element, tile, count = pairs.element[order], pairs.tile[order], pairs.count[order]
        pointer = np.searchsorted(element, np.arange(label.size + 1))
        length = np.diff(pointer)
        twin = self.representative[label]
        if not np.array_equal(length, length[twin]):
            raise HashCollision
        same = np.arange(element.size) + np.repeat(pointer[twin] - pointer[:-1], length)
        if not (np.array_equal(tile, tile[same]) and np.array_equal(count, count[same])):
            raise HashCollision
        own = twin[element] == element
        return label[element[own]], tile[own], np.full(int(own.sum()), pairs.projection), count[own]


def _segments(tiles: np.ndarray, outgoing: Outgoing) -> np.ndarray:
    """First channels of the segments: between them neither a source tile nor a count changes."""
    channels = tiles.shape[2]
    starts = np.zeros(channels + 1, bool)
    starts[0] = True
    if outgoing.pairs:
        starts[:] = True
    else:
        starts[1:channels] |= (tiles[:, :, 1:] != tiles[:, :, :-1]).any(axis=(0, 1))
    for _, _, window in outgoing.windows:
        first, last = window.start[0], window.stop[0]
        starts[[first, last]] = True
        if window.counts.shape[0] > 1:
            starts[first + 1 : last] = True
    return np.flatnonzero(starts[:channels])


def _ranked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(label of each value, first position of each label), labels numbered in the order of first appearance."""
    _, first, label = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank[label.reshape(-1)], first[order]


def joined(parts: Sequence[Classes]) -> tuple[np.ndarray, ...]:
    """Class numbers made unique over populations: (source tiles, pin classes, tiles, projections, events)."""
    base = np.cumsum([0, *(part.tile.size for part in parts)])
    none = np.zeros(0, np.int64)
    return (
        np.concatenate([none, *(part.tile for part in parts)]),
        np.concatenate([none, *(part.pin_class + b for part, b in zip(parts, base, strict=False))]),
        np.concatenate([none, *(part.pin_tile for part in parts)]),
        np.concatenate([none, *(part.pin_projection for part in parts)]),
        np.concatenate([none, *(part.pin_events for part in parts)]),
    )
