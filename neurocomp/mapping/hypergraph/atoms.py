"""Micro-tiles: the pieces, finer than a core, that the partitioner puts together again.

A population with a geometry is cut into boxes of about 1 / per_core of what a core holds: channels stay
together, because they hear the same pixels, and space is cut into squares, as far as no limit of the chip says
otherwise. Populations wired by tables of synapses are cut into single neurons, or into runs if they are too
many. What the user assigned to a core is one piece. An input is one piece, since it enters the chip at one port.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.reach import Explicit
from neurocomp.mapping.tiling.cuts import Assigned, Cut, Grid, Runs, box_sums, by_position, split
from neurocomp.mapping.tiling.grid import block_grid
from neurocomp.mapping.tiling.layer import NOTHING, Layer, Stored
from neurocomp.mapping.tiling.limits import AXONS_OUT, NEURONS, Limits
from neurocomp.mapping.tiling.tile import tile
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.structure import Corner


@dataclass(frozen=True)
class Granularity:
    """per_core: about so many micro-tiles fill a core. single_max: up to so many elements in populations wired by
    tables are cut into single neurons."""

    per_core: int = 8
    single_max: int = 4_000_000


@dataclass(frozen=True, eq=False)
class Atoms:
    """Which elements each vertex of the hypergraph holds.

    cuts: inputs, then tiled populations in network order; the pieces of a cut are its vertices, in their order,
    from ``first`` on. shapes: as (channels, height, width).
    """

    cuts: dict[str, Cut]
    shapes: dict[str, Corner]

    @cached_property
    def first(self) -> dict[str, int]:
        """The first vertex of each population."""
        starts = np.cumsum([0, *(cut.count for cut in self.cuts.values())]).tolist()
        return dict(zip(self.cuts, starts, strict=False))

    @property
    def vertices(self) -> int:
        return sum(cut.count for cut in self.cuts.values())

    @property
    def places(self) -> tuple[np.ndarray, np.ndarray] | None:
        """float64 (vertices) twice: the row and column of each vertex' middle, as shares of its map; the middle of the
        map for what has none. None if nothing has a map."""
        place = np.full((2, self.vertices), 0.5)
        mapped = False
        for name, cut in self.cuts.items():
            if not isinstance(cut, Grid) or cut.count == 1 or max(self.shapes[name][1:]) == 1:
                continue
            mapped = True
            at = slice(self.first[name], self.first[name] + cut.count)
            channels, *_ = cut.parts
            y, x = ((edges[:-1] + edges[1:]) / (2 * edges[-1]) for edges in cut.edges[1:])
            place[0, at] = np.repeat(y, x.size * channels)
            place[1, at] = np.tile(np.repeat(x, channels), y.size)
        return tuple(place) if mapped else None  # type: ignore[return-value]

    @property
    def layer(self) -> np.ndarray:
        """int32 (vertices): the number of its population among those that are cut."""
        return np.repeat(np.arange(len(self.cuts), dtype=np.int32), [cut.count for cut in self.cuts.values()])

    def labels(self, name: str) -> np.ndarray:
        """int32 (elements), channel-last: the vertex of every element of a population."""
        cut, shape = self.cuts[name], self.shapes[name]
        if isinstance(cut, Grid):
            c, y, x = (np.repeat(np.arange(e.size - 1, dtype=np.int32), np.diff(e)) for e in cut.edges)
            parts_c, _, parts_x = cut.parts
            label = ((y[:, None] * parts_x + x)[..., None] * parts_c + c).reshape(-1)
        elif isinstance(cut, Runs):
            label = np.repeat(np.arange(cut.count, dtype=np.int32), np.diff(cut.edges))
        else:
            label = np.empty(int(np.prod(shape)), np.int32)
            for number, piece in enumerate(cut.pieces()):
                label[piece.positions] = number
        return label + np.int32(self.first[name])

    def flat_labels(self, name: str) -> np.ndarray:
        """The same by flat channel-first index."""
        return np.ascontiguousarray(channel_first(self.labels(name), self.shapes[name])).reshape(-1)

    def sums(self, name: str, values: np.ndarray) -> np.ndarray:
        """int64 per vertex of a population: sums of ``values`` (int64, broadcastable to its map)."""
        cut, shape = self.cuts[name], self.shapes[name]
        if isinstance(cut, Grid):
            return np.moveaxis(np.broadcast_to(box_sums(values, cut.edges), cut.parts), 0, 2).reshape(-1)
        sums = np.zeros(cut.count, np.int64)
        np.add.at(sums, self.labels(name) - self.first[name], by_position(values, shape))
        return sums


def atoms_of(problem: Problem, layers: dict[str, Layer], limits: Limits, granularity: Granularity) -> Atoms:
    """Cut inputs and tiled populations. No piece exceeds a limit by itself, unless a single element does."""
    cuts: dict[str, Cut] = {}
    for name in problem.network.inputs:
        if name in problem.emitting:
            cuts[name] = Grid(tuple(split(length, 1) for length in problem.shape(name)))  # type: ignore[arg-type]
    tables = [name for name in problem.tiled if _is_explicit(layers[name])]
    single = sum(int(np.prod(layers[name].shape)) for name in tables) <= granularity.single_max
    out = _destinations(problem, layers, limits)
    for name in problem.tiled:
        layer = layers[name]
        if name in problem.assignment:
            labels = np.asarray(problem.assignment[name], np.int64)
            cuts[name] = Assigned(problem, channel_last(labels, problem.population(name).shape))
        elif name in tables:
            cuts[name] = _singles(layer) if single else _runs(layer, limits, granularity)
        else:
            cuts[name] = _boxes(layer, limits, granularity, out[name])
    return Atoms(cuts, {name: problem.shape(name) for name in cuts})


def _is_explicit(layer: Layer) -> bool:
    return any(isinstance(reach, Explicit) for reaches in layer.reaches.values() for reach in reaches)


def _destinations(problem: Problem, layers: dict[str, Layer], limits: Limits) -> dict[str, np.ndarray]:
    """Cores that each element sends to if populations are cut as coarsely as possible; zero if none counts it."""
    out = {name: np.zeros((1, 1, 1), np.int64) for name in problem.tiled}
    if limits.weights[:, AXONS_OUT].any():
        for name, cut in tile(problem, layers).cuts.items():
            for source, heard in cut.listeners(layers[name]).items():
                if source in out:
                    out[source] = out[source] + heard
    return out


def _singles(layer: Layer) -> Grid:
    return Grid(tuple(split(length, length) for length in layer.shape))  # type: ignore[arg-type]


def _boxes(layer: Layer, limits: Limits, granularity: Granularity, out: np.ndarray) -> Grid:
    """Boxes that fit a core whole, and whose own content (not what they share) is a fraction of one."""
    own = Layer(layer.name, layer.shape, {}, Stored(NOTHING.per_channel, layer.stored.per_element), layer.fan_in)
    fraction = Limits(tuple(
        replace(limit, capacity=max(1, limit.capacity // granularity.per_core)) for limit in limits.limits
    ))  # fmt: skip
    return block_grid(layer, limits, out, own, fraction) or _singles(layer)


def _runs(layer: Layer, limits: Limits, granularity: Granularity) -> Runs:
    """Runs with a fraction of a core's neurons; fan-in is left to the partitioner."""
    fewest = [limit.capacity // granularity.per_core for limit in limits.limits if limit.weights[NEURONS] == 1]
    size = int(np.prod(layer.shape))
    return Runs(split(size, -(-size // max(1, min(fewest, default=size)))))
