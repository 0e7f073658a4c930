"""Rewrites that leave a network's function as it is and bring it nearer to what a spike-based chip can do.

Each pass is a pure function from a network to a network.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.kinds import value_kinds
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Reduce, Sparse

# Fires in exactly those steps in which something arrives: the maximum of binary spikes.
ANY_SPIKE = Neuron(v_decay=0.0, threshold=0.0, compare=">", reset="zero")


def fold_average_pooling(network: Network) -> Network:
    """Average pooling in front of weights becomes sum pooling, its factor goes into the weights.

    Where no weights follow (pooling straight into neurons, or into a sum with something else) the average
    becomes a depth-wise convolution with equal weights.
    """
    changed: dict[str, Projection] = {}
    for projection in network.projections:
        op = projection.op
        if not isinstance(op, Pool) or op.kind != "avg":
            continue
        followers = _foldable_followers(network, projection)
        if followers is None:
            channels = network.by_name[projection.source].shape[0]
            changed[projection.name] = replace(projection, op=_as_convolution(op, channels))
            continue
        changed[projection.name] = replace(projection, op=replace(op, kind="sum"))
        for follower in followers:
            current = changed.get(follower.name, follower)
            changed[follower.name] = replace(current, op=_scaled(current.op, op.scale))
    return replace(network, projections=tuple(changed.get(p.name, p) for p in network.projections))


def max_pooling_to_neurons(network: Network) -> Network:
    """Maximum pooling of binary spikes becomes neurons that fire whenever something arrives.

    A maximum over other values stays one; if neurons receive it, a relay takes it in between, so that it can be placed.
    """
    kinds = value_kinds(network)
    populations = {p.name: p for p in network.populations}
    projections: list[Projection] = []
    for projection in network.projections:
        if not isinstance(projection.op, Pool | Reduce) or projection.op.kind != "max":
            projections.append(projection)
        elif kinds[projection.source].name == "binary":
            projections += _spiking_maximum(projection, populations)
        else:
            projections += _placed_maximum(projection, populations)
    return replace(network, populations=tuple(populations.values()), projections=tuple(projections))


def _spiking_maximum(projection: Projection, populations: dict[str, Population]) -> list[Projection]:
    target = populations[projection.target]
    summed = _summed(projection)
    if target.neuron is None and target.bias is None:
        populations[target.name] = replace(target, neuron=ANY_SPIKE)
        return [summed]
    pooled = Population(f"{projection.name}.max", target.shape, ANY_SPIKE)
    populations[pooled.name] = pooled
    onward = Projection(f"{pooled.name}.out", pooled.name, target.name, OneToOne())
    return [replace(summed, target=pooled.name), onward]


def _summed(projection: Projection) -> Projection:
    op = projection.op
    if not isinstance(op, Pool | Reduce):
        raise TypeError(f"{type(op).__name__} takes no maximum")
    return replace(projection, op=replace(op, kind="sum"))


def _placed_maximum(projection: Projection, populations: dict[str, Population]) -> list[Projection]:
    target = populations[projection.target]
    if target.neuron is None and target.bias is None:
        return [projection]
    pooled = Population(f"{projection.name}.max", target.shape)
    populations[pooled.name] = pooled
    onward = Projection(f"{pooled.name}.out", pooled.name, target.name, OneToOne())
    return [replace(projection, target=pooled.name), onward]


def _foldable_followers(network: Network, projection: Projection) -> tuple[Projection, ...] | None:
    relay = network.by_name[projection.target]
    alone = len(network.incoming[relay.name]) == 1
    if relay.neuron is not None or relay.bias is not None or not alone or relay.name == network.output:
        return None
    followers = network.outgoing[relay.name]
    return followers if followers and all(_has_weights(p.op) for p in followers) else None


def _has_weights(op: Op) -> bool:
    return isinstance(op, Linear | Conv | Sparse)


def _scaled(op: Op, factor: float) -> Op:
    if not isinstance(op, Linear | Conv | Sparse):
        raise TypeError(f"{type(op).__name__} has no weights to scale")
    return replace(op, weight=(op.weight.astype(np.float32) * np.float32(factor)).astype(np.float32))


def _as_convolution(op: Pool, channels: int) -> Conv:
    weight = np.full((channels, 1, *op.kernel), op.scale, np.float32)
    return Conv(weight, op.stride, op.padding, op.dilation, groups=channels)
