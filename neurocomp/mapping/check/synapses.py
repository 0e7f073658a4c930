"""Every synapse of the network is in the routes exactly once: compared by weighing, without listing them.

Each (target tile, projection) gets a random 64-bit weight. For every source element the weights of the
synapses that its route names must add up to those that the network gives it, modulo 2**64: the network's
side is one pass of the transposed operators over the whole populations. A wrong, missing or surplus entry
stays unnoticed with a probability of about 2**-64 (Freivalds' test).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.mapping.check.signals import pulled_back, pushed_on
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Conv, Factor, Host, Linear, Mixture, OneToOne, Reduce, Sparse, Wiring

_SEED = 0x6E637632
_CHUNK = 1 << 18  # synapses at once


def synapse_sums(program: Program) -> Iterator[tuple[str, str]]:
    """(population, finding) for every emitting population whose routes do not carry its synapses."""
    rng = np.random.default_rng(_SEED)
    size = (len(program.placed.projections), len(program.tiles))
    weights = rng.integers(0, 2**64, size, np.uint64)
    expected, of_class = expected_sums(program, weights), np.append(_class_sums(program, weights), np.uint64(0))
    for name, label in program.routes.route_class.items():
        shape = program.placed.by_name[name].shape
        wrong = int((of_class[label] != _channel_last(expected[name], shape)).sum())
        if wrong:
            ones = np.ones(size, np.uint64)
            routed = int(np.append(_class_sums(program, ones), np.uint64(0))[label].sum())
            needed = int(np.broadcast_to(expected_sums(program, ones)[name], shape).sum())
            yield (
                name,
                (
                    f"the routes of {wrong} of {label.size} elements do not carry their synapses "
                    f"({routed} synapses in the routes, {needed} in the network)"
                ),
            )


def _class_sums(program: Program, weights: np.ndarray) -> np.ndarray:
    routes = program.routes
    values = weights[routes.synapse_projection, routes.synapse_tile] * routes.synapse_events.astype(np.uint64)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)])
    bounds = sums[routes.synapse_ptr[routes.packet_ptr]]
    return bounds[1:] - bounds[:-1]


def expected_sums(program: Program, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Per emitting population uint64 (*shape, or broadcastable): the weights of all its synapses, added up."""
    network = program.placed
    sums: dict[str, np.ndarray] = {}
    for name in _targets_first(program):
        population, total = network.by_name[name], np.zeros(1, np.uint64)
        for index, projection in enumerate(network.projections):
            if projection.source != name:
                continue
            target = network.by_name[projection.target]
            arriving = np.zeros(target.shape, np.uint64)
            if target.name in program.tile_of:
                arriving = _channel_first(weights[index][program.tile_of[target.name]], target.shape)
            if target.neuron is None:
                arriving = arriving + sums[target.name]
            total = total + _pulled_back(projection, population.shape, arriving)
        sums[name] = np.broadcast_to(total, population.shape)
    return sums


def _targets_first(program: Program) -> list[str]:
    """Populations, relays before everything that feeds them."""
    network, order = program.placed, {}

    def visit(name: str) -> None:
        if name in order:
            return
        for projection in network.outgoing[name]:
            if network.by_name[projection.target].neuron is None:
                visit(projection.target)
        order[name] = None

    for population in network.populations:
        visit(population.name)
    return list(order)


def _pulled_back(projection: Projection, source_shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    """For each source element the sum of ``values`` over its synapses, modulo 2**64, tap by tap."""
    op = projection.op
    if isinstance(op, Factor | Wiring | Reduce | Host | Mixture):
        return pulled_back(op, source_shape, values)
    if isinstance(op, Linear):
        return values.sum(dtype=np.uint64, keepdims=True).reshape((1,) * len(source_shape))
    if isinstance(op, OneToOne):
        return values.reshape(source_shape)
    if isinstance(op, Sparse):
        return _row_sums(op, values.reshape(-1)).reshape(source_shape)
    if isinstance(op, Conv):
        values = values.reshape(op.groups, -1, *values.shape[1:]).sum(axis=1, dtype=np.uint64)
    result = np.zeros((values.shape[0], *source_shape[1:]), np.uint64)
    for tap in np.ndindex(tuple(op.kernel)):
        pairs = [
            _axis(*a)
            for a in zip(tap, values.shape[1:], source_shape[1:], op.stride, op.padding, op.dilation, strict=True)
        ]
        result[(slice(None), *(p[1] for p in pairs))] += values[(slice(None), *(p[0] for p in pairs))]
    return np.repeat(result, source_shape[0] // result.shape[0], axis=0)


def _row_sums(op: Sparse, values: np.ndarray) -> np.ndarray:
    """The same for a table, some rows at a time, so that a hundred million synapses take little memory."""
    found, ptr, start = np.zeros(op.indptr.size - 1, np.uint64), op.indptr, 0
    while start < found.size:
        stop = max(start + 1, int(np.searchsorted(ptr, ptr[start] + _CHUNK, side="right")) - 1)
        sums = np.zeros(int(ptr[stop] - ptr[start]) + 1, np.uint64)
        np.cumsum(values[op.indices[ptr[start] : ptr[stop]]], out=sums[1:])
        ends = sums[ptr[start : stop + 1] - ptr[start]]
        found[start:stop] = ends[1:] - ends[:-1]
        start = stop
    return found


def _axis(tap: int, outputs: int, inputs: int, stride: int, padding: int, dilation: int) -> tuple[slice, slice]:
    """Outputs whose tap lies inside, and the inputs that they read."""
    at = np.arange(outputs) * stride - padding + tap * dilation
    inside = np.flatnonzero((at >= 0) & (at < inputs))
    if not inside.size:
        return slice(0, 0), slice(0, 0)
    first, last = int(inside[0]), int(inside[-1])
    return slice(first, last + 1), slice(int(at[first]), int(at[last]) + 1, stride)


def most_fan_in(program: Program) -> int:
    """Synapses of the neuron that has most, over all paths through relays."""
    network, counts = program.placed, {}

    def arriving(name: str) -> np.ndarray:
        if name not in counts:
            population = network.by_name[name]
            counts[name] = np.zeros(population.shape, np.int64)
            for p in network.incoming[name]:
                source = network.by_name[p.source]
                plain = source.neuron is not None or source.name in network.inputs
                before = np.ones(source.shape, np.int64) if plain else arriving(source.name)
                counts[name] = counts[name] + _pushed_on(p, before, population.shape)
        return counts[name]

    return max((int(arriving(name).max()) for name in program.tile_of if name not in network.inputs), default=0)


def _pushed_on(projection: Projection, values: np.ndarray, target_shape: tuple[int, ...]) -> np.ndarray:
    """For each target element the sum of ``values`` over its synapses."""
    op = projection.op
    if isinstance(op, Factor | Wiring | Reduce | Host | Mixture):
        return pushed_on(op, values, target_shape)
    if isinstance(op, Linear):
        return np.full(target_shape, values.sum())
    if isinstance(op, OneToOne):
        return values.reshape(target_shape)
    result = np.zeros(target_shape, np.int64)
    if isinstance(op, Sparse):
        np.add.at(result.reshape(-1), op.indices, np.repeat(values.reshape(-1), np.diff(op.indptr)))
        return result
    if isinstance(op, Conv):
        values = values.reshape(op.groups, -1, *values.shape[1:]).sum(axis=1)
    values = np.repeat(values, target_shape[0] // values.shape[0], axis=0)
    for tap in np.ndindex(tuple(op.kernel)):
        pairs = [
            _axis(*a)
            for a in zip(tap, target_shape[1:], values.shape[1:], op.stride, op.padding, op.dilation, strict=True)
        ]
        result[(slice(None), *(p[0] for p in pairs))] += values[(slice(None), *(p[1] for p in pairs))]
    return result


def _channel_last(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.moveaxis(np.broadcast_to(values, shape), 0, -1).reshape(-1)


def _channel_first(flat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.moveaxis(flat.reshape(*shape[1:], shape[0]), -1, 0)
