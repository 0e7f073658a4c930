"""One synapse for each pair of elements, as a crossbar has them.

Where every synapse is stored by itself, all paths of one delay between two elements are one synapse with the sum of
their weights, whatever relays they lead through. Populations that several paths lead to are connected directly to what
sends, by tables of synapses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.linear_maps import is_linear, pushed_on
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Linear, Op, Sparse
from neurocomp.network.structure import fan_in, fan_out, total
from neurocomp.network.synapse_lists import Synapses, as_table, joined, no_synapses, product_of, synapses_of

Start = tuple[str, int]  # a population that sends, and the delay from there


class _TooMuchError(Exception):
    """What arrives cannot be listed: too many synapses, a circle of relays, a bias that comes late."""


@dataclass(eq=False)
class _Lists:
    """What arrives at populations, as synapses from those that send."""

    network: Network
    kept: frozenset[str]
    known: dict[str, dict[Start, Synapses]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def passes(self, name: str) -> bool:
        """Whether a relay is passed through."""
        relay, network = self.network.by_name[name], self.network
        if relay.neuron is not None or relay.held is not None or name in (*network.inputs, *self.kept, network.output):
            return False
        incoming = network.incoming[name]
        return bool(incoming) and all(is_linear(p.op) for p in incoming)

    def into(self, name: str) -> dict[Start, Synapses]:
        """Of every start, the synapses into a population, each pair once."""
        if name in self.open:
            raise _TooMuchError
        if name not in self.known:
            self.open.add(name)
            found: dict[Start, Synapses] = {}
            for p in self.network.incoming[name]:
                for start, synapses in self._through(p).items():
                    found[start] = joined(found[start], synapses) if start in found else synapses
            self.known[name] = {start: joined(no_synapses(one.targets), one) for start, one in found.items()}
            self.open.discard(name)
        return self.known[name]

    def _through(self, p: Projection) -> dict[Start, Synapses]:
        op = synapses_of(p.op, self.network.by_name[p.source].shape)
        if op is None:
            raise _TooMuchError
        if not self.passes(p.source):
            return {(p.source, p.delay): op}
        found: dict[Start, Synapses] = {}
        for (source, delay), before in self.into(p.source).items():
            product = product_of(op, before)
            if product is None:
                raise _TooMuchError
            found[source, delay + p.delay] = product
        return found

    def may_join(self, name: str) -> bool:
        """Whether several paths may lead from one element to another: what is cheap to see."""
        return self._spread(name) is None

    def _spread(self, name: str) -> dict[Start, bool] | None:
        """Of every start, whether one of its elements may reach several of these; None if paths may join on the way."""
        found: dict[Start, bool] = {}
        for p in self.network.incoming[name]:
            shape, passed = self.network.by_name[p.source].shape, self.passes(p.source)
            if name in self.open or isinstance(p.op, Sparse):  # a table may list a pair twice
                return None
            self.open.add(name)
            before = self._spread(p.source) if passed else {(p.source, 0): False}
            self.open.discard(name)
            if before is None or (any(before.values()) and int(fan_in(p.op, shape).max(initial=0)) > 1):
                return None
            spreads = int(fan_out(p.op, shape, np.ones(1, np.int64)).max(initial=0)) > 1
            starts = {(source, delay + p.delay): spread or spreads for (source, delay), spread in before.items()}
            if starts.keys() & found.keys():
                return None
            found |= starts
        return found

    def paths(self, name: str) -> np.ndarray:
        """Paths to each element from all that send."""
        counts = np.zeros(self.network.by_name[name].shape, np.int64)
        for p in self.network.incoming[name]:
            before = self.paths(p.source) if self.passes(p.source) else 1
            counts = counts + fan_in(p.op, self.network.by_name[p.source].shape, before)
        return counts

    def bias(self, name: str) -> np.ndarray | None:
        """What relays' biases bring to a population, float64, in its shape."""
        brought: np.ndarray | None = None
        for p in self.network.incoming[name]:
            source = self.network.by_name[p.source]
            if not self.passes(p.source):
                continue
            own, before = source.bias, self.bias(p.source)
            if own is None and before is None:
                continue
            if p.delay:
                raise _TooMuchError  # it would not have arrived yet in the first steps
            values = np.zeros(source.shape) if before is None else before
            values = values if own is None else values + expand(np.asarray(own, np.float64), source.shape)
            arriving = pushed_on(p.op, source.shape, values).reshape(self.network.by_name[name].shape)
            brought = arriving if brought is None else brought + arriving
        return brought


def without_parallel_synapses(network: Network, kept: frozenset[str]) -> tuple[Network, tuple[str, ...]]:
    """The network with one synapse for each connected pair of elements and each delay, and a sentence for each
    population where several became one. kept: relays that send by themselves. In integers only where the sums fit the
    weights. What would be too large to be listed stays as it is."""
    lists = _Lists(network, kept)
    changed: dict[str, list[Projection]] = {}
    populations = {p.name: p for p in network.populations}
    for target in network.populations:
        if lists.passes(target.name) or not all(is_linear(p.op) for p in network.incoming[target.name]):
            continue
        try:
            found = _direct(lists, target) if lists.may_join(target.name) else None
        except _TooMuchError:
            lists.open.clear()
            continue
        if found is not None:
            changed[target.name], populations[target.name] = found
    notes = tuple(f"{name}: paths between the same two elements are one synapse on the chip" for name in changed)
    if not changed:
        return network, ()
    kept_on = [p for p in network.projections if p.target not in changed]
    projections = (*kept_on, *(p for new in changed.values() for p in new))
    return _without_unheard(replace(network, populations=tuple(populations.values()), projections=projections)), notes


def _direct(lists: _Lists, target: Population) -> tuple[list[Projection], Population] | None:
    """The projections into a population as they are without parallel synapses, and the population with the biases of
    relays; None if there are no parallel ones."""
    network, bias = lists.network, lists.bias(target.name)
    found = {start: one for start, one in lists.into(target.name).items() if one.source.size}
    pairs = sum(one.source.size for one in found.values())
    if pairs == total(lists.paths(target.name), target.shape):
        return None
    kind: type = np.float32
    if isinstance(network.arithmetic, Integer):
        kind, most = np.int16, 2 ** (network.arithmetic.weight_bits - 1) - 1
        if any(np.abs(one.weight).max() > most for one in found.values()):
            return None
    projections = []
    for (source, delay), one in found.items():
        name = f"{source} to {target.name}" + (f", {delay} steps later" if delay else "")
        op = _operator(one, network.by_name[source].size, target, kind)
        projections.append(Projection(name, source, target.name, op, delay))
    return projections, target if bias is None else biased(target, bias, network.arithmetic)


def _operator(synapses: Synapses, sources: int, target: Population, kind: type) -> Op:
    """A matrix if all are connected with all."""
    if synapses.source.size == sources * target.size and len(target.shape) == 1:
        return Linear(synapses.weight.reshape(target.size, sources).astype(kind))
    table = as_table(synapses, sources, target.shape)
    return replace(table, weight=table.weight.astype(kind))


def biased(target: Population, arriving: np.ndarray, arithmetic: object) -> Population:
    """The population with what arrives at every step added to its bias."""
    own = 0.0 if target.bias is None else expand(np.asarray(target.bias, np.float64), target.shape)
    bias = _by_channel(np.broadcast_to(arriving.reshape(target.shape) + own, target.shape))
    return replace(target, bias=np.rint(bias) if isinstance(arithmetic, Integer) else bias.astype(np.float32))


def _by_channel(bias: np.ndarray) -> np.ndarray:
    """One for each channel where all of its elements have the same."""
    flat = bias.reshape(bias.shape[0], -1)
    same = bias.size > bias.shape[0] and bool((flat == flat[:, :1]).all())
    return flat[:, 0] if same else np.ascontiguousarray(bias)


def _without_unheard(network: Network) -> Network:
    """Without relays that nothing listens to any more."""
    gone = set(_unheard(network))
    while gone:
        network = replace(
            network,
            populations=tuple(p for p in network.populations if p.name not in gone),
            projections=tuple(p for p in network.projections if p.target not in gone),
        )
        gone = set(_unheard(network))
    return network


def _unheard(network: Network) -> Iterator[str]:
    for p in network.populations:
        plain = p.neuron is None and p.name not in (*network.inputs, network.output)
        if plain and network.incoming[p.name] and not network.outgoing[p.name]:
            yield p.name
