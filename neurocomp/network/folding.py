"""Two linear maps with no neuron between become one, before weights are rounded.

The first map's sums would be real values in a fine unit, the second one's integers too large for the registers or, next
to spikes, too small to be told from zero. Their product has neither problem.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Linear


def fold_linear_maps(network: Network) -> tuple[Network, tuple[str, ...]]:
    """The network with relays between linear maps folded away, and a sentence for each of them.

    A relay goes if one Linear is all that arrives, Linears are all that leaves it, and their products hold no more
    weights than the maps themselves (a factorised layer of low rank stays as it is). Its bias moves to its targets.
    Sums are taken in another order than before.
    """
    notes: list[str] = []
    names = [p.name for p in network.populations if p.neuron is None]
    for name in names:
        if _folds(network, name):
            first, followers = network.incoming[name][0], network.outgoing[name]
            maps = " and ".join(dict.fromkeys((first.name, ", ".join(p.name for p in followers))))
            notes.append(f"{maps} have no neuron between them: they are one linear map on the chip")
            network = _without(network, name, first, followers)
    return network, tuple(notes)


def _folds(network: Network, name: str) -> bool:
    relay, incoming, followers = network.by_name[name], network.incoming[name], network.outgoing[name]
    if name in network.inputs or name == network.output or len(incoming) != 1 or not followers:
        return False
    first = incoming[0]
    if first.source == name or any(p.target == name for p in followers):
        return False
    if relay.bias is not None and any(p.delay for p in followers):
        return False  # it would not have arrived yet in the first steps
    sizes = [_weights(p) for p in (first, *followers)]
    if 0 in sizes:
        return False
    sources = network.by_name[first.source].size
    return sum(network.by_name[p.target].size * sources for p in followers) <= sum(sizes)


def _weights(projection: Projection) -> int:
    return projection.op.weight.size if isinstance(projection.op, Linear) else 0


def _without(network: Network, name: str, first: Projection, followers: tuple[Projection, ...]) -> Network:
    relay = network.by_name[name]
    populations = {p.name: p for p in network.populations if p.name != name}
    changed: dict[str, Projection] = {}
    for p in followers:
        if not isinstance(p.op, Linear) or not isinstance(first.op, Linear):
            raise TypeError(f"{p.name} and {first.name} are not linear maps")
        weight = p.op.weight.astype(np.float64)
        product = Linear((weight @ first.op.weight.astype(np.float64)).astype(np.float32))
        changed[p.name] = Projection(p.name, first.source, p.target, product, first.delay + p.delay)
        if relay.bias is not None:
            populations[p.target] = _biased(populations[p.target], weight, relay)
    projections = [changed.get(p.name, p) for p in network.projections if p is not first]
    return replace(network, populations=tuple(populations.values()), projections=tuple(projections))


def _biased(target: Population, weight: np.ndarray, relay: Population) -> Population:
    arriving = np.broadcast_to(expand(np.asarray(relay.bias, np.float64), relay.shape), relay.shape).reshape(-1)
    own = 0.0 if target.bias is None else expand(np.asarray(target.bias, np.float64), target.shape)
    return replace(target, bias=((weight @ arriving).reshape(target.shape) + own).astype(np.float32))
