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
    listeners: dict[str, list[str]] = {name: [] for name in relays}
    for name, before in sources.items():
        for source in before:
            listeners[source].append(name)
    rank, order = {name: i for i, name in enumerate(relays)}, list[str]()
    ready = [name for name in relays if not sources[name]]
    while len(order) < len(relays):
        if not ready:
            known = set(order)
            circle = [name for name in relays if name not in known]
            raise InputError(Diagnostic(
                " -> ".join(circle), "these relays feed each other in a circle",
                why="a spike would pass round it for ever without reaching a neuron that could be placed on a core",
                hint="put neurons, or a leaky readout, into the loop",
            ))  # fmt: skip
        order += ready
        ready = _freed(ready, sources, listeners, rank)
    return tuple(order)


def _freed(
    ready: list[str], sources: dict[str, set[str]], listeners: dict[str, list[str]], rank: dict[str, int]
) -> list[str]:
    """Relays that wait for none any more after those in ``ready``, which are taken out of ``sources``."""
    freed = []
    for name in ready:
        for target in listeners[name]:
            sources[target].remove(name)
            if not sources[target]:
                freed.append(target)
    return sorted(freed, key=rank.__getitem__)
