"""Elements that have to share a core, on chips of which a neuron sends to one: all that listen to one neuron lie
together, and so does whatever hangs together by that.

Neurons, relays and listeners are the vertices of a graph; relays that no neuron reaches, or that lead nowhere, are left
out, since they tie nothing. Of operators with many synapses only as many edges are drawn as join the same vertices.
Signal operators and what would take too many edges draw none, so that every group found is a part of one at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, DEMANDS, NEURONS, SYNAPSE_BITS, Limits
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Conv, Linear, OneToOne, Pool, Shape, Sparse, Wiring
from neurocomp.network.structure import Taps, as_map, channel_groups, fan_in, fan_out, taps_of

_MOST_EDGES = 1 << 22  # of one operator
_MOST_ELEMENTS = 1 << 22  # of all populations


@dataclass(frozen=True, eq=False)
class Group:
    """Elements that lie on one core in any mapping. sizes: how many of each population; senders: the populations that
    tie them; demand: int64 (4), what they take of that core at least (limits.py)."""

    sizes: dict[str, int]
    senders: tuple[str, ...]
    demand: np.ndarray


def overfull_groups(problem: Problem, layers: Mapping[str, Layer], limits: Limits) -> list[Group]:
    """Groups of several elements that no core holds, of those over the same populations the one that takes most; none
    on chips whose neurons send to more than one core."""
    size = sum(population.size for population in problem.network.populations)
    if problem.chip.core.fan_out_cores_max != 1 or size > _MOST_ELEMENTS:
        return []
    held, sending, groups = Ties(problem).groups()
    demand, counts = np.zeros((groups, DEMANDS), np.int64), {}
    for name, own in held.items():
        counts[name] = np.bincount(own, minlength=groups)
        demand[:, NEURONS] += counts[name]
        demand[:, SYNAPSE_BITS] += _bits(layers[name], own, groups)
    for own in sending.values():
        demand[:, AXONS_IN] += np.bincount(own, minlength=groups)
    found = np.flatnonzero((demand[:, NEURONS] > 1) & ~limits.fits(demand))
    if not found.size:
        return []
    found = found[np.argsort(-limits.load(demand[found]), kind="stable")]
    _, first = np.unique([count[found] > 0 for count in counts.values()], axis=1, return_index=True)
    return [
        Group(
            {name: int(count[group]) for name, count in counts.items() if count[group]},
            tuple(name for name, own in sending.items() if (own == group).any()), demand[group],
        )
        for group in found[np.sort(first)].tolist()
    ]  # fmt: skip


def _bits(layer: Layer, group: np.ndarray, groups: int) -> np.ndarray:
    """int64 (groups): synaptic memory that the elements of a population take where they lie together. group: of each
    element, flat."""
    stored, channels = layer.stored, layer.shape[0]
    element = np.broadcast_to(stored.per_element, layer.shape).reshape(-1)
    bits = np.zeros(groups, np.int64)
    np.add.at(bits, group, element)
    present = np.unique(group * channels + np.repeat(np.arange(channels), group.size // channels))
    np.add.at(bits, present // channels, np.broadcast_to(stored.per_channel, channels)[present % channels])
    bits[np.unique(group)] += stored.constant
    return bits


class Ties:
    """The graph of one problem. first: the first vertex of every population that listens or passes on; own: the same
    for neurons as those that send; hubs, with which operators join many vertices, come last."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.vertices = problem, 0
        self.first = self._numbered((*problem.tiled, *problem.relays))
        self.own = self._numbered(name for name in problem.emitting if name not in problem.network.inputs)

    def _numbered(self, names: Iterable[str]) -> dict[str, int]:
        first = dict[str, int]()
        for name in dict.fromkeys(names):
            first[name] = self.vertices
            self.vertices += self.problem.population(name).size
        return first

    def groups(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], int]:
        """(the group of each element of every tiled population, of each neuron that sends, the number of groups)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        parts, size = [np.zeros((2, 0), np.int64)], self.vertices
        for step in self._steps():
            edges = self._edges(step, size)
            parts.append(edges)
            size = max(size, int(edges.max(initial=-1)) + 1)
        a, b = np.concatenate(parts, axis=1)
        graph = coo_array((np.ones(a.size, np.int8), (a, b)), (size, size))
        count, label = connected_components(graph, directed=False)
        runs = [{n: label[at : at + self._size(n)] for n, at in part.items()} for part in (self.first, self.own)]
        return {name: runs[0][name] for name in self.problem.tiled}, runs[1], int(count)

    def _size(self, name: str) -> int:
        return self.problem.population(name).size

    def _steps(self) -> list[Projection]:
        network = self.problem.network
        return [p for p in network.projections if p.target in self.first and p.source not in network.inputs]

    def _edges(self, step: Projection, hub: int) -> np.ndarray:
        """int64 (2, edges) that join what a projection ties. hub: a vertex from which on all are free."""
        source = self._vertices(step.source, self.own.get(step.source, self.first.get(step.source, 0)))
        target = self._vertices(step.target, self.first[step.target])
        match step.op:
            case Linear():
                return _star(source, target, hub)
            case Conv() | Pool():
                return _windows(step.op, self.problem.population(step.source).shape, source, target, hub)
            case OneToOne():
                return _pairs(source, target)
            case Wiring():
                index = step.op.index
                return _pairs(np.where(index >= 0, source[np.maximum(index, 0)], -1), target)
            case Sparse() if step.op.indices.size <= _MOST_EDGES:
                return _pairs(np.repeat(source, np.diff(step.op.indptr)), target[step.op.indices])
            case _:
                return np.zeros((2, 0), np.int64)

    def _vertices(self, name: str, first: int) -> np.ndarray:
        """int64 (elements): the vertex of each, -1 for those of a relay that tie nothing."""
        numbers = np.arange(first, first + self._size(name))
        return numbers if self.problem.emits(name) else np.where(self._passing[name], numbers, -1)

    @cached_property
    def _passing(self) -> dict[str, np.ndarray]:
        """bool (elements) of every relay: whether it passes something from a neuron to an element with a place."""
        heard = {name: np.ones(self._size(name), bool) for name in self.own}
        leads = {name: np.ones(self._size(name), bool) for name in self.problem.tiled}
        into, out = dict[str, list[Projection]](), dict[str, list[Projection]]()
        for step in self._steps():
            into.setdefault(step.target, []).append(step)
            out.setdefault(step.source, []).append(step)
        for name in self.problem.relays:
            parts = [self._forward(step, heard[step.source]) for step in into.get(name, ())]
            heard[name] = np.logical_or.reduce([np.zeros(self._size(name), bool), *parts])
        for name in (name for name in reversed(self.problem.relays) if name not in leads):
            parts = [self._backward(step, leads[step.target]) for step in out.get(name, ())]
            leads[name] = np.logical_or.reduce([np.zeros(self._size(name), bool), *parts])
        return {name: heard[name] & leads[name] for name in self.problem.relays}

    def _forward(self, step: Projection, marks: np.ndarray) -> np.ndarray:
        shape = self.problem.population(step.source).shape
        counts = fan_in(step.op, shape, marks.reshape(shape).astype(np.int64))
        return (np.broadcast_to(counts, step.op.target_shape(shape)) > 0).reshape(-1)

    def _backward(self, step: Projection, marks: np.ndarray) -> np.ndarray:
        shape = self.problem.population(step.source).shape
        counts = fan_out(step.op, shape, marks.reshape(step.op.target_shape(shape)).astype(np.int64))
        return (np.broadcast_to(counts, shape) > 0).reshape(-1)


def _pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int64 (2, edges): each vertex of ``a`` with that of ``b`` at its place, but for those of which one is -1."""
    both = (a >= 0) & (b >= 0)
    return np.stack([a[both], b[both]]).astype(np.int64)


def _star(source: np.ndarray, target: np.ndarray, hub: int) -> np.ndarray:
    """All of both with each other, if there are any on both sides."""
    if source.max(initial=-1) < 0 or target.max(initial=-1) < 0:
        return np.zeros((2, 0), np.int64)
    every = np.concatenate([source, target])
    return _pairs(every, np.full_like(every, hub))


def _windows(op: Conv | Pool, shape: Shape, source: np.ndarray, target: np.ndarray, hub: int) -> np.ndarray:
    """The channels of a group at one place of the map meet in a hub, and hubs are joined where a tap lies."""
    groups, _, _ = channel_groups(op, shape)
    (_, height, width), (_, outputs, across) = as_map(shape), as_map(op.target_shape(shape))
    rows, columns = taps_of(op, shape)
    (y, v), (x, u) = _taps(rows, outputs), _taps(columns, across)
    before, behind = (v[:, None] * width + u).reshape(-1), (y[:, None] * across + x).reshape(-1)
    if groups * before.size > _MOST_EDGES:
        return np.zeros((2, 0), np.int64)
    source, target = source.reshape(groups, -1, height * width), target.reshape(groups, -1, outputs * across)
    first = hub + np.arange(groups)[:, None] * (height * width)
    last = hub + groups * height * width + np.arange(groups)[:, None] * (outputs * across)
    sends, hears = np.asarray((source >= 0).any(axis=1)), np.asarray((target >= 0).any(axis=1))
    joined = sends[:, before] & hears[:, behind]
    edges = [np.stack([(first + before)[joined], (last + behind)[joined]])]
    met = np.unique(edges[0])
    for side, at in ((source, first), (target, last)):
        hubs = np.broadcast_to((at + np.arange(side.shape[2]))[:, None], side.shape)
        edges.append(_pairs(np.where(np.isin(hubs, met), side, -1).reshape(-1), hubs.reshape(-1)))
    return np.concatenate(edges, axis=1)


def _taps(taps: Taps, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """(output, input) of every tap that does not fall on the padding."""
    at = np.arange(outputs)[:, None] * taps.stride - taps.padding + np.arange(taps.kernel) * taps.dilation
    output, tap = np.nonzero((at >= 0) & (at < taps.size))
    return output, at[output, tap]
