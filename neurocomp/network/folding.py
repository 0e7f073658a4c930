"""Linear maps with no neuron between become one, before weights are rounded.

The first map's sums would be real values in a fine unit, the second one's integers too large for the registers or, next
to spikes, too small to be told from zero. Their product has neither problem. And where several paths lead from one
element to another (convolution, then overlapping or average pooling; convolution, then a matrix), the product has one
synapse for them, with the sum of their weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neurocomp.network.chains import Chain, Composed, Worth, composed_chain, gains, may_gather
from neurocomp.network.direct import biased, without_parallel_synapses
from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.linear_maps import is_linear, pushed_on
from neurocomp.network.neuron import expand

LONGEST = 6  # maps in a row that are looked at as one


def fold_linear_maps(
    network: Network, *, kept: frozenset[str] = frozenset(), tables: bool = False, weight_bits: int | None = None
) -> tuple[Network, tuple[str, ...]]:
    """The network with relays between linear maps folded away, and a sentence for each chain of maps.

    A relay goes if one projection is all that arrives, all that leaves it is linear, and their product (chains.py) is
    worth it: it has fewer synapses than there are paths, and the weights to be stored do not become too many. kept:
    relays that stay (those with a place of their own on the chip). tables: whether every synapse is stored anyway: then
    all products that have fewer synapses are formed, and whatever parallel synapses are left become one (direct.py).
    weight_bits: what weights will be rounded to, None for not at all; where that takes nothing from the maps but from
    their product, they stay, unless ``tables``. Biases of relays move to their targets. In integers only products that
    fit the weights are formed. Sums are taken in another order than before.
    """
    notes: list[str] = []
    refused: _Refused = {}
    worth = Worth(tables, weight_bits)
    folded = _folded(network, kept, worth, refused, notes)
    while folded is not None:
        network, folded = folded, _folded(folded, kept, worth, refused, notes)
    if tables:
        network, direct = without_parallel_synapses(network, kept)
        notes += direct
    return network, tuple(notes)


_Refused = dict[tuple[tuple[str, ...], tuple[int, ...]], Chain]
"""Chains that are not worth it, by their relays and the identities of operators (which the chains keep alive)."""


def _folded(
    network: Network, kept: frozenset[str], worth: Worth, refused: _Refused, notes: list[str]
) -> Network | None:
    """The network without the first chain that is worth it; None if there is none left."""
    for chain in _chains(network, kept):
        key = chain.relays, tuple(id(p.op) for p in (*chain.arriving, *chain.leaving))
        found = None if key in refused else _products(network, chain, worth)
        if found is not None:
            notes.append(_sentence(chain))
            return _without(network, chain, found)
        refused[key] = chain
    return None


def _sentence(chain: Chain) -> str:
    first = [p.name for p in chain.arriving]
    maps = " and ".join(dict.fromkeys((*first, ", ".join(p.name for p in chain.leaving))))
    return f"{maps} have no neuron between them: they are one linear map on the chip"


def _chains(network: Network, kept: frozenset[str]) -> Iterator[Chain]:
    """Relays in a row that can be folded away, the longest rows first."""
    passed = [p.name for p in network.populations if _passes(network, p.name, kept)]
    rows = {name: _row(network, name, set(passed)) for name in passed}
    for length in range(max(map(len, rows.values()), default=0), 0, -1):
        for row in rows.values():
            if len(row) >= length:
                arriving = tuple(network.incoming[name][0] for name in row[:length])
                yield Chain(row[:length], arriving, network.outgoing[row[length - 1]])


def _row(network: Network, name: str, passed: set[str]) -> tuple[str, ...]:
    row = [name]
    while len(row) < LONGEST and len(network.outgoing[row[-1]]) == 1:
        following = network.outgoing[row[-1]][0].target
        if following not in passed or following in row:
            break
        row.append(following)
    return tuple(row)


def _passes(network: Network, name: str, kept: frozenset[str]) -> bool:
    relay, incoming, followers = network.by_name[name], network.incoming[name], network.outgoing[name]
    if relay.neuron is not None or relay.held is not None or name in (*network.inputs, *kept, network.output):
        return False
    if len(incoming) != 1 or not followers or incoming[0].source == name:
        return False
    if any(p.target == name for p in followers) or not all(is_linear(p.op) for p in (*incoming, *followers)):
        return False
    return relay.bias is None or not any(p.delay for p in followers)  # it would not have arrived yet at first


def _products(network: Network, chain: Chain, worth: Worth) -> tuple[Composed, ...] | None:
    """The chain as one map to each of its targets, if that is worth it."""
    source = network.by_name[chain.arriving[0].source].shape
    if not may_gather(chain, source, worth.tables):
        return None
    found = [composed_chain(chain.ops(p), source) for p in chain.leaving]
    products = tuple(one for one in found if one is not None)
    if len(products) < len(found) or not gains(chain, products, source, worth):
        return None
    if isinstance(network.arithmetic, Integer):
        most = 2 ** (network.arithmetic.weight_bits - 1) - 1
        if any(np.abs(one.weight).max(initial=0) > most for one in products):
            return None
        products = tuple(one.whole() for one in products)
    return products


def _without(network: Network, chain: Chain, products: tuple[Composed, ...]) -> Network:
    populations = {p.name: p for p in network.populations if p.name not in chain.relays}
    first, changed = chain.arriving[0], {}
    delay = sum(p.delay for p in chain.arriving)
    for p, product in zip(chain.leaving, products, strict=True):
        start, new = first.source, []
        if product.reads is not None:
            start = f"{p.name}.read"
            populations[start] = Population(start, product.reads.shape)
            new = [Projection(f"{p.name}.reads", first.source, start, product.reads, first.delay)]
        late = delay + p.delay - (first.delay if new else 0)
        changed[p.name] = [*new, Projection(p.name, start, p.target, product.op, late)]
        bias = _bias_behind(network, chain, p)
        if bias is not None:
            populations[p.target] = biased(populations[p.target], bias, network.arithmetic)
    gone = {p.name for p in chain.arriving}
    projections = [q for p in network.projections if p.name not in gone for q in changed.get(p.name, [p])]
    return replace(network, populations=tuple(populations.values()), projections=tuple(projections))


def _bias_behind(network: Network, chain: Chain, last: Projection) -> np.ndarray | None:
    """What the relays' biases bring to a target, float64, in its shape."""
    brought: np.ndarray | None = None
    for name, following in zip(chain.relays, (*chain.arriving[1:], last), strict=True):
        relay = network.by_name[name]
        if relay.bias is not None:
            own = np.broadcast_to(expand(np.asarray(relay.bias, np.float64), relay.shape), relay.shape)
            brought = own if brought is None else brought + own
        if brought is not None:
            brought = pushed_on(following.op, relay.shape, brought)
    return brought
