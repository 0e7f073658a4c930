"""Relays: populations that spikes pass within their step, and the order in which they do."""

from __future__ import annotations

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Network


def emits(network: Network, name: str) -> bool:
    """Whether a population sends spikes of its own: an input or neurons."""
    return name in network.inputs or network.by_name[name].neuron is not None


def relay_order(network: Network) -> tuple[str, ...]:
    """Relays, each before those that it feeds. Raises InputError if relays feed each other in a circle."""
    relays = [p.name for p in network.populations if not emits(network, p.name)]
    sources = {name: {q.source for q in network.incoming[name] if not emits(network, q.source)} for name in relays}
    order: list[str] = []
    while len(order) < len(relays):
        ready = [name for name in relays if name not in order and sources[name] <= set(order)]
        if not ready:
            circle = [name for name in relays if name not in order]
            raise InputError(Diagnostic(
                " -> ".join(circle), "these relays feed each other in a circle",
                why="a spike would pass round it for ever without reaching a neuron that could be placed on a core",
                hint="put neurons, or a leaky readout, into the loop",
            ))  # fmt: skip
        order += ready
    return tuple(order)
