"""Brute force: operators and whole networks unrolled into dense tables of synapses. Oracle for small cases.

Written in plain loops from the operators' definitions; it shares no code with ``neurocomp.network.structure``.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from neurocomp.network import Conv, Factor, Host, Linear, Network, OneToOne, Op, Pool, Reduce, Sparse, Wiring


def unroll(op: Op, source_shape: tuple[int, ...], nonzero: bool = False) -> np.ndarray:
    """int64 (targets, sources), flat channel-first: the number of synapses between each pair."""
    target_shape = op.target_shape(source_shape)
    table = np.zeros((math.prod(target_shape), math.prod(source_shape)), np.int64)
    for target, source, weight in _synapses(op, source_shape, target_shape):
        if not nonzero or weight != 0:
            table[target, source] += 1
    return table


def _synapses(op, source_shape, target_shape):
    match op:
        case Linear(weight):
            for t, s in itertools.product(*map(range, weight.shape)):
                yield t, s, weight[t, s]
        case OneToOne(scale, _):
            n = math.prod(source_shape)
            scale = np.broadcast_to(np.asarray(scale).reshape(-1), n)
            for i in range(n):
                yield i, i, scale[i]
        case Sparse():
            for s in range(op.indptr.size - 1):
                for k in range(op.indptr[s], op.indptr[s + 1]):
                    yield op.indices[k], s, op.weight[k]
        case Conv() | Pool():
            yield from _windowed(op, source_shape, target_shape)
        case _:
            for t, s in _pairs(op, source_shape):
                yield t, s, 1


def _pairs(op, source_shape):
    """(target, source) of operators without weights."""
    match op:
        case Wiring():
            yield from ((t, s) for t, s in enumerate(op.index) if s >= 0)
        case Reduce():
            for b, k, a in np.ndindex(op.before, op.axis, op.after):
                yield b * op.after + a, (b * op.axis + k) * op.after + a
        case Host():
            for block in range(math.prod(source_shape) // op.block):
                for t, s in itertools.product(range(op.block), repeat=2):
                    yield block * op.block + t, block * op.block + s
        case Factor():
            for b, m, k, n in np.ndindex(op.batch, op.rows, op.inner, op.columns):
                left, right = (b * op.rows + m) * op.inner + k, (b * op.inner + k) * op.columns + n
                yield (b * op.rows + m) * op.columns + n, left if op.side == "left" else right


def _windowed(op, source_shape, target_shape):
    pool = isinstance(op, Pool)
    per_group_in = 1 if pool else op.weight.shape[1]
    per_group_out = 1 if pool else op.weight.shape[0] // op.groups
    for target in np.ndindex(target_shape):
        group = target[0] // per_group_out
        for ci in range(per_group_in):
            for tap in np.ndindex(op.kernel):
                at = [
                    o * s - p + k * d
                    for o, s, p, k, d in zip(target[1:], op.stride, op.padding, tap, op.dilation, strict=True)
                ]
                if all(0 <= a < n for a, n in zip(at, source_shape[1:], strict=True)):
                    source = (group * per_group_in + ci, *at)
                    weight = 1 if pool else op.weight[(target[0], ci, *tap)]
                    yield np.ravel_multi_index(target, target_shape), np.ravel_multi_index(source, source_shape), weight


def unrolled_paths(network: Network) -> dict[tuple[str, str, int], np.ndarray]:
    """(source, target, last projection) -> int64 (targets, sources) over all paths through relays.

    Sources are inputs and neurons; targets are neurons and the output if it is a relay.
    """
    by_name = network.by_name
    result: dict[tuple[str, str, int], np.ndarray] = {}

    def walk(last, target, name, table):
        population = by_name[name]
        if population.neuron is not None or name in network.inputs:
            key = (name, target, last)
            result[key] = result.get(key, 0) + table
            return
        for projection in network.incoming[name]:
            walk(last, target, projection.source, table @ unroll(projection.op, by_name[projection.source].shape))

    for index, projection in enumerate(network.projections):
        target = by_name[projection.target]
        if target.neuron is not None or target.name == network.output:
            walk(index, target.name, projection.source, unroll(projection.op, by_name[projection.source].shape))
    return result
