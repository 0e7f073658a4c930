"""Takes relays out of a freshly read network that only pass values on.

Readers may give every node of a file a population of its own; what remains here is what the network needs:
an operator lies on the projection into the neurons that it feeds, and a delay is a delay of that projection.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurocomp.errors import InputError
from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Linear, OneToOne, Op, Pool, Shape, Sparse
from neurocomp.network.verify import verify


def join_relays(network: Network) -> Network:
    """The same network with fewer relays. Spikes and outputs of what remains are unchanged."""
    return _Joiner(network).joined()


def verified(network: Network, where: str) -> Network:
    """The network itself, if it is well formed; otherwise InputError, with the file in front of each finding."""
    try:
        return verify(network)
    except InputError as error:
        found = [replace(d, where=f"{where}: {d.where}" if d.where else where) for d in error.diagnostics]
        raise InputError(found) from error


class _Joiner:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.populations = {p.name: p for p in network.populations}
        self.projections = {p.name: p for p in network.projections}
        self.incoming: dict[str, list[str]] = {name: [] for name in self.populations}
        self.outgoing: dict[str, list[str]] = {name: [] for name in self.populations}
        for p in network.projections:
            self.incoming[p.target].append(p.name)
            self.outgoing[p.source].append(p.name)
        self.output = network.output

    def joined(self) -> Network:
        relays = [p.name for p in self.network.populations if p.neuron is None and p.name not in self.network.inputs]
        left = [name for name in relays if not self._pull_through(name)]
        for name in left:
            self._push_on(name)
        rank = {name: k for k, name in enumerate(self.populations)}
        ordered = sorted(self.projections.values(), key=lambda p: (rank[p.target], p.delay, rank[p.source]))
        return replace(
            self.network, populations=tuple(self.populations.values()), projections=tuple(ordered), output=self.output
        )

    def _pull_through(self, name: str) -> bool:
        """Feed the targets of a plain copy straight from what it copies. Whether that was possible."""
        relay = self.populations[name]
        if relay.bias is not None or len(self.incoming[name]) != 1:
            return False
        copy = self.projections[self.incoming[name][0]]
        source = self.populations[copy.source]
        if not is_identity(copy.op) or source.name == name:
            return False
        onward = [self.projections[n] for n in self.outgoing[name]]
        reshapes = source.shape != relay.shape
        if reshapes and not all(isinstance(p.op, Linear | Sparse | OneToOne) for p in onward):
            return False
        if name == self.output:
            if copy.delay or reshapes or source.name in self.network.inputs:
                return False
            self.output = source.name
        elif not onward:
            return False
        self._remove(copy)
        for p in onward:
            self._move(p, replace(p, source=source.name, delay=p.delay + copy.delay, op=_reshaped(p.op, relay.shape)))
        del self.populations[name]
        return True

    def _push_on(self, name: str) -> None:
        """Let what feeds a relay feed its only target instead, if the target takes over a plain copy."""
        relay = self.populations[name]
        if name == self.output or len(self.outgoing[name]) != 1:
            return
        copy = self.projections[self.outgoing[name][0]]
        target = self.populations[copy.target]
        if not is_identity(copy.op) or target.shape != relay.shape or target.name == name:
            return
        arriving = [self.projections[n] for n in self.incoming[name]]
        if relay.bias is not None and (copy.delay or self._shifts(target)):
            return  # a delayed bias is not there in the first steps
        if any(_is_maximum(p.op) for p in arriving) and len(self.incoming[target.name]) > 1:
            return  # a maximum stays alone
        if relay.bias is not None:
            self.populations[target.name] = replace(target, bias=_sum(target, relay.bias))
        self._remove(copy)
        for p in arriving:
            self._move(p, replace(p, target=target.name, delay=p.delay + copy.delay))
        del self.populations[name]

    def _shifts(self, target: Population) -> bool:
        """Whether the target shifts its inputs (integer neurons), so that a bias would have to be shifted too."""
        return target.neuron is not None and isinstance(self.network.arithmetic, Integer)

    def _remove(self, p: Projection) -> None:
        del self.projections[p.name]
        self.outgoing[p.source].remove(p.name)
        self.incoming[p.target].remove(p.name)

    def _move(self, old: Projection, new: Projection) -> None:
        self.projections[old.name] = new
        self.outgoing[old.source].remove(old.name)
        self.incoming[old.target].remove(old.name)
        self.outgoing[new.source].append(new.name)
        self.incoming[new.target].append(new.name)


def is_identity(op: Op) -> bool:
    """Whether every value arrives as it was sent (in another shape, perhaps)."""
    return isinstance(op, OneToOne) and not isinstance(op.scale, np.ndarray) and op.scale == 1.0


def _is_maximum(op: Op) -> bool:
    return isinstance(op, Pool) and op.kind == "max"


def _reshaped(op: Op, shape: Shape) -> Op:
    """``op`` for a source of another shape: only an operator without shape of its own has to be told."""
    return replace(op, shape=op.shape or shape) if isinstance(op, OneToOne) else op


def _sum(population: Population, bias: np.ndarray) -> np.ndarray:
    if population.bias is None:
        return bias
    if population.bias.shape == bias.shape:
        return population.bias + bias
    return np.broadcast_to(expand(population.bias, population.shape) + expand(bias, population.shape), population.shape)


def selected_copy(chosen: np.ndarray, shape: Shape, dtype: type[np.generic] = np.float32) -> Sparse:
    """A copy of the chosen elements (bool, flat channel-first) of ``shape``; the others have no synapse."""
    indptr = np.concatenate([[0], np.cumsum(chosen)])
    return Sparse(indptr, np.flatnonzero(chosen), np.ones(int(indptr[-1]), dtype), shape)
