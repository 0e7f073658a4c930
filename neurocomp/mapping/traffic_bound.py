"""The least traffic that any mapping of a network onto a chip has: how far a placement can still be improved.

A spike must reach every neuron that listens to it. However they are distributed, these take at least so many
cores, by the limits of a core and what every listener takes of it at least; one of the cores may be the
sender's own. On a mesh that many cores need at least so many links: a tree that joins k routers has k - 1; of
paths to single cores, the nearest ones count. The bound holds for every spike on its own: that all spikes
cannot have their listeners nearby at once is left out, so the least possible traffic may be higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.rows import counted_rows, sorted_rows
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import DEMANDS, NEURONS, SYNAPSE_BITS, Limits
from neurocomp.network.layout import channel_last
from neurocomp.network.ops import Op, Sparse
from neurocomp.network.structure import fan_in, fan_out, whole


@dataclass(frozen=True)
class TrafficBound:
    """Per step, in units of 1 / TRAFFIC_PER_SPIKE: no mapping sends fewer packets or crosses fewer links."""

    packets: int
    hops: int


def traffic_bound(problem: Problem, layers: dict[str, Layer], limits: Limits, profile: Profile) -> TrafficBound:
    """The bound for one problem under one activity."""
    packets = hops = 0
    shares = {name: _share_of_a_core(layers[name], limits) for name in problem.tiled}
    for name in problem.emitting:
        listeners = _listeners(problem, name)
        if not listeners:
            continue
        taken = np.zeros((problem.population(name).size, len(limits.limits)))
        for target, count in listeners.items():
            taken += count[:, None] * shares[target]
        least = np.ceil(taken.max(axis=1, initial=0.0) - 1e-9).astype(np.int64)
        rates, own = profile.flat(problem, name), 0 if name in problem.network.inputs else 1
        packets += int((np.maximum(least - own, 0) * rates).sum())
        hops += int((_links(problem, least) * rates).sum())
    return TrafficBound(packets, hops)


def _share_of_a_core(layer: Layer, limits: Limits) -> np.ndarray:
    """float64 (limits): what the most modest element of a population takes of each limit, as a share of a core."""
    least = np.zeros(DEMANDS, np.int64)
    least[NEURONS] = 1
    least[SYNAPSE_BITS] = int(layer.stored.per_element.min())
    return limits.used(least) / limits.capacities


def _listeners(problem: Problem, name: str) -> dict[str, np.ndarray]:
    """Per tiled population int64 (elements of ``name``, channel-last): at least so many of its elements listen."""
    found: dict[str, np.ndarray] = {}
    for edge in problem.edges:
        if edge.source != name:
            continue
        shape = problem.shape(name)
        counts = _distinct_targets(problem, name, edge.target, edge.projection)
        flat = channel_last(np.broadcast_to(counts, shape), shape)
        known = found.get(edge.target)
        found[edge.target] = flat if known is None else np.maximum(known, flat)
    return found


def _distinct_targets(problem: Problem, source: str, target: str, index: int) -> np.ndarray:
    """At least so many elements of ``target`` hear each element through one projection, in the map of the source.
    Through relays the number of paths is divided by how many there can be between two elements."""
    network, step = problem.network, problem.network.projections[index]
    if step.source == source and isinstance(step.op, Sparse):
        return _distinct_in_table(step.op).reshape(problem.shape(source))
    arriving = problem.arrivals(index, whole(network.by_name[target].shape))
    if source not in arriving:  # every kernel tap falls on the padding
        return np.zeros((1, 1, 1), np.int64)
    paths = arriving[source].placed_in(problem.shape(source))
    if step.source == source:
        return paths
    between, total = _paths(problem, source, step.source)
    most = min(between * _most(fan_in(step.op, network.by_name[step.source].shape)), total * _repeats(step.op))
    return -(-paths // max(1, most))


def _paths(problem: Problem, source: str, relay: str) -> tuple[int, int]:
    """At most so many paths lead from one element to one of a relay's, and to all of them."""
    between = total = 0
    for step in problem.network.incoming[relay]:
        shape = problem.population(step.source).shape
        each = _most(fan_out(step.op, shape, np.ones((), np.int64)))
        if step.source == source:
            between, total = between + _repeats(step.op), total + each
        elif not problem.emits(step.source):
            before, all_before = _paths(problem, source, step.source)
            between += min(before * _most(fan_in(step.op, shape)), all_before * _repeats(step.op))
            total += all_before * each
    return between, total


def _most(counts: np.ndarray) -> int:
    return int(np.max(counts, initial=0))


def _repeats(op: Op) -> int:
    """Synapses that one pair of elements can have: several in a table, else one."""
    if not isinstance(op, Sparse) or not op.indices.size:
        return 1
    return int(counted_rows(*_table(op))[1].max())


def _table(op: Sparse) -> tuple[np.ndarray, np.ndarray, int]:
    """Copies of pointer and targets, which sorting takes over; how many targets there are."""
    return op.indptr.astype(np.int64), op.indices.astype(np.int32), int(np.prod(op.shape))


def _distinct_in_table(op: Sparse) -> np.ndarray:
    """int64 (sources): different targets of each."""
    return sorted_rows(*_table(op)).lengths


def _links(problem: Problem, cores: np.ndarray) -> np.ndarray:
    """int64: links that a spike crosses at least to reach so many cores, the nearest ones."""
    mesh, tree = problem.mesh, problem.chip.noc.multicast == "tree"
    most = int(cores.max(initial=0))
    if tree:
        return np.maximum(-(-cores // mesh.cores_per_router) - 1, 0)
    # on an endless grid 4 d routers lie at distance d
    distance = np.repeat(np.arange(mesh.width + mesh.height), [max(1, 4 * d) for d in range(mesh.width + mesh.height)])
    nearest = np.repeat(distance, mesh.cores_per_router)[:most]
    nearest = np.append(nearest, np.full(max(0, most - nearest.size), mesh.width + mesh.height))
    return np.concatenate([[0], np.cumsum(nearest)])[cores]
