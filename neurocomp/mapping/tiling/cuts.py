"""How a population is cut: into a grid of boxes, into runs of elements, or as the user assigned it.

Each kind answers the same questions: how many tiles, what each tile demands of a core (an upper bound where
several reaches of one source overlap), and by how many tiles each source element is heard.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.reach import Explicit, Reach, Renamed, Uniform, as_explicit, in_places
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS
from neurocomp.network.layout import channel_first_index, channel_last
from neurocomp.network.structure import Corner, Window

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Piece:
    """One tile before it has a core: a box (channels, rows, columns) or sorted channel-last positions.
    core: where the user wants it, or None."""

    box: Box | None
    positions: np.ndarray | None = None
    core: int | None = None


class Cut(Protocol):
    """One way to cut one population."""

    @property
    def count(self) -> int:
        """Number of tiles."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """The tiles, in the order in which they are placed."""
        ...

    def demands(self, layer: Layer, out: np.ndarray) -> np.ndarray:
        """int64 (tiles, 4): see limits.py. out: destination tiles of each element, broadcastable to its map."""
        ...

    def listeners(self, layer: Layer) -> dict[str, np.ndarray]:
        """Per emitting population: tiles of this cut that hear each element, broadcastable to its map."""
        ...


def split(length: int, parts: int) -> np.ndarray:
    """int64 (parts + 1): bounds of nearly equal parts; sizes differ by at most one."""
    return np.arange(parts + 1, dtype=np.int64) * length // parts


def box_sums(values: np.ndarray, edges: tuple[np.ndarray, ...]) -> np.ndarray:
    """Sums of broadcastable values over every box of a grid, int64 (channel parts, row parts, column parts)."""
    for axis, bounds in enumerate(edges):
        if values.shape[axis] == 1:
            sizes = np.diff(bounds).reshape([-1 if a == axis else 1 for a in range(3)])
            values = values * sizes
        else:
            values = np.add.reduceat(values, bounds[:-1], axis=axis)
    return values


@dataclass(frozen=True, eq=False)
class Grid:
    """Boxes between the bounds along channels, rows and columns. Placed row by row, channels innermost, so
    that tiles that hear the same pixels lie close to each other."""

    edges: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def parts(self) -> Corner:
        """Parts along channels, rows and columns."""
        return tuple(bounds.size - 1 for bounds in self.edges)  # type: ignore[return-value]

    @property
    def count(self) -> int:
        return math.prod(self.parts)

    def pieces(self) -> Iterator[Piece]:
        channels, rows, columns = ([(int(a), int(b)) for a, b in itertools.pairwise(e)] for e in self.edges)
        for row in rows:
            for column in columns:
                for channel in channels:
                    yield Piece((channel, row, column))

    def demands(self, layer: Layer, out: np.ndarray) -> np.ndarray:
        result = np.zeros((*self.parts, DEMANDS), np.int64)
        result[..., NEURONS] = box_sums(np.ones((1, 1, 1), np.int64), self.edges)
        for source, reaches in layer.reaches.items():
            heard = sum(self._heard(reach) for reach in reaches)
            heard = np.minimum(heard, reaches[0].sources)
            result[..., AXONS_IN] += heard
            result[..., SYNAPSE_BITS] += heard * layer.operand_bits.get(source, 0)
        result[..., AXONS_OUT] = box_sums(out, self.edges)
        stored = layer.stored
        per_channel = np.broadcast_to(stored.per_channel, layer.shape[:1])
        result[..., SYNAPSE_BITS] += (
            np.add.reduceat(per_channel, self.edges[0][:-1]).reshape(-1, 1, 1)
            + box_sums(stored.per_element, self.edges) + stored.constant
        )  # fmt: skip
        return np.moveaxis(result, 0, 2).reshape(-1, DEMANDS)

    def _heard(self, reach: Reach) -> np.ndarray:
        if isinstance(reach, Uniform):
            return np.array(reach.support)
        if isinstance(reach, Explicit):
            raise TypeError("a population with tables of synapses is cut into runs, not into a grid")
        reach = in_places(reach)
        channels = reach.channels_of(self.edges[0])
        rows, columns = reach.rows.distinct(self.edges[1]), reach.columns.distinct(self.edges[2])
        return channels[:, None, None] * rows[:, None] * columns

    def listeners(self, layer: Layer) -> dict[str, np.ndarray]:
        return {
            source: sum((self._listening(reach) for reach in reaches), np.zeros((1, 1, 1), np.int64))
            for source, reaches in layer.reaches.items()
        }

    def _listening(self, reach: Reach) -> np.ndarray:
        if isinstance(reach, Renamed):
            return reach.summed(self._listening(reach.inner))
        if isinstance(reach, Uniform):
            return reach.mask * np.int64(self.count)
        if isinstance(reach, Explicit):
            raise TypeError("a population with tables of synapses is cut into runs, not into a grid")
        channels = reach.parts_per_channel(self.edges[0])
        channels = channels[:1] if (channels == channels[0]).all() else channels
        rows = reach.rows.parts_per_source(self.edges[1])
        return channels[:, None, None] * rows[:, None] * reach.columns.parts_per_source(self.edges[2])


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of elements in channel-last order, for populations without a useful geometry."""

    edges: np.ndarray

    @property
    def count(self) -> int:
        return self.edges.size - 1

    def pieces(self) -> Iterator[Piece]:
        for start, stop in zip(self.edges, self.edges[1:], strict=False):
            yield Piece(None, np.arange(start, stop, dtype=np.int32))

    def demands(self, layer: Layer, out: np.ndarray) -> np.ndarray:
        result = np.zeros((self.count, DEMANDS), np.int64)
        result[:, NEURONS] = np.diff(self.edges)
        for source, reaches in layer.reaches.items():
            heard = [run_reach(reach, layer.shape) for reach in reaches]
            counts = sum(r.support if isinstance(r, Uniform) else r.table.distinct(self.edges) for r in heard)
            counts = np.minimum(counts, heard[0].sources)
            result[:, AXONS_IN] += counts
            result[:, SYNAPSE_BITS] += counts * layer.operand_bits.get(source, 0)
        result[:, AXONS_OUT] = np.add.reduceat(by_position(out, layer.shape), self.edges[:-1])
        stored = np.add.reduceat(by_position(layer.stored.per_element, layer.shape), self.edges[:-1])
        result[:, SYNAPSE_BITS] += stored + shared_by_all(layer)
        return result

    def listeners(self, layer: Layer) -> dict[str, np.ndarray]:
        result = {}
        for source, reaches in layer.reaches.items():
            heard = np.zeros((1, 1, 1), np.int64)
            for reach in (run_reach(r, layer.shape) for r in reaches):
                if isinstance(reach, Uniform):
                    heard = heard + reach.mask * np.int64(self.count)
                else:
                    heard = heard + reach.table.parts_per_source(self.edges).reshape(reach.source)
            result[source] = heard
        return result


def run_reach(reach: Reach, shape: Corner) -> Explicit | Uniform:
    """The reach with targets numbered by channel-last position."""
    reach = as_explicit(reach, shape)
    if isinstance(reach, Uniform) or shape[1] * shape[2] == 1:
        return reach
    return Explicit(reach.table.selected(channel_first_index(shape)), reach.source)


def by_position(values: np.ndarray, shape: Corner) -> np.ndarray:
    """Broadcastable values as one per element, in channel-last order."""
    return channel_last(np.broadcast_to(values, shape), shape)


def shared_by_all(layer: Layer) -> int:
    """Bits that a tile stores whichever elements it holds, if it may hold any channel."""
    return int(np.broadcast_to(layer.stored.per_channel, layer.shape[:1]).sum()) + layer.stored.constant


@dataclass(frozen=True, eq=False)
class Assigned:
    """Elements on the cores that the user named. labels: int64 core of each channel-last position."""

    problem: Problem
    labels: np.ndarray

    @cached_property
    def members(self) -> dict[int, np.ndarray]:
        """Sorted positions by core, cores ascending."""
        order = np.argsort(self.labels, kind="stable").astype(np.int32)
        cores, first = np.unique(self.labels[order], return_index=True)
        return dict(zip(cores.tolist(), np.split(order, first[1:]), strict=True))

    @property
    def count(self) -> int:
        return len(self.members)

    def pieces(self) -> Iterator[Piece]:
        for core, positions in self.members.items():
            yield Piece(None, positions, core)

    def demands(self, layer: Layer, out: np.ndarray) -> np.ndarray:
        result = np.zeros((self.count, DEMANDS), np.int64)
        out_by_position = by_position(out, layer.shape)
        per_element = by_position(layer.stored.per_element, layer.shape)
        per_channel = np.broadcast_to(layer.stored.per_channel, layer.shape[:1])
        for row, at in zip(result, self.members.values(), strict=True):
            channels = np.unique(at % layer.shape[0])
            row[NEURONS], row[AXONS_OUT] = at.size, out_by_position[at].sum()
            row[SYNAPSE_BITS] = per_element[at].sum() + per_channel[channels].sum() + layer.stored.constant
            for source, mask in self._heard(layer, at).items():
                row[AXONS_IN] += np.count_nonzero(mask)
                row[SYNAPSE_BITS] += np.count_nonzero(mask) * layer.operand_bits.get(source, 0)
        return result

    def listeners(self, layer: Layer) -> dict[str, np.ndarray]:
        result = {source: np.zeros(self.problem.shape(source), np.int64) for source in layer.reaches}
        for positions in self.members.values():
            for source, mask in self._heard(layer, positions).items():
                result[source] += mask
        return result

    def _heard(self, layer: Layer, positions: np.ndarray) -> dict[str, np.ndarray]:
        """Per source the elements that the given positions listen to, bool of its map."""
        window = window_of(None, positions, layer.shape)
        heard = {source: np.zeros(self.problem.shape(source), bool) for source in layer.reaches}
        for projection in self.problem.indexed[layer.name]:
            for source, counts in self.problem.arrivals(projection, window).items():
                heard[source][counts.slices] |= counts.counts > 0
        return heard


def window_of(box: Box | None, positions: np.ndarray | None, shape: Corner) -> Window:
    """Ones on the elements of a box or, if there is none, on channel-last positions."""
    if box is not None:
        (c0, c1), (y0, y1), (x0, x1) = box
        return Window((c0, y0, x0), (c1, y1, x1), np.ones((1, 1, 1), np.int64))
    channels, _, width = shape
    y, rest = np.divmod(np.asarray(positions), width * channels)
    x, c = np.divmod(rest, channels)
    corners = [(int(axis.min()), int(axis.max()) + 1) for axis in (c, y, x)]
    (c0, c1), (y0, y1), (x0, x1) = corners
    counts = np.zeros((c1 - c0, y1 - y0, x1 - x0), np.int64)
    counts[c - c0, y - y0, x - x0] = 1
    return Window((c0, y0, x0), (c1, y1, x1), counts)
