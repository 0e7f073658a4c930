"""What would help most: for every part of time and energy, what is gained if it went away altogether.

These are upper bounds in the sense of Amdahl's law, from the counts of this run alone; nothing is simulated anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.report import units
from neurocomp.report.model import Result

LEAST = 0.05  # what gains less is not worth a sentence


@dataclass(frozen=True)
class Advice:
    """One change. what: to do; gain: what it can bring at most; share: of the time or energy, for ranking."""

    what: str
    gain: str
    share: float


_WAITS = {
    "neurons": "Updating neurons takes longest: spread the fullest cores' neurons over more cores",
    "synapses": "Adding up synapses takes longest: spread the busiest core's inputs over more cores, or prune weights",
    "links": "The busiest link takes longest: bring layers that talk closer together, or send fewer flits",
    "routing": "The network on chip takes longest: bring layers that talk closer together, or send fewer flits",
    "barrier or tick": "The barrier between steps takes longest: use fewer steps, or fewer routers",
}
_ENERGY = {
    "static": "Static power takes most: finish faster, switch off idle cores, or use a smaller chip",
    "synapse": "Synaptic operations take most: sparser spikes, fewer synapses or narrower weights",
    "neuron": "Neuron updates take most: fewer neurons or fewer time steps",
    "routing": "Routing takes most: place layers that talk closer together, or gather them on fewer cores",
    "memory": "Memory takes most: narrower weights, or a layout that reads each of them once",
    "host": "The host takes most: replace the functions that it computes by ones that spikes can carry",
}


def advice(result: Result) -> list[Advice]:
    """Changes by how much they can bring, the largest first: of time, then of energy in each pair of equal shares."""
    timed, priced = [], []
    for bound in result.timing.bounds:
        share = bound.time_ps / result.timing.total_ps
        text = _WAITS.get(bound.part, f"The chip waits for {bound.part}")
        timed.append(Advice(text, f"at most {units.share(share)} less time", share))
    total = result.energy.total_aj
    less = "less of the energy that is known" if result.energy.is_lower_bound else "less energy"
    for unit, part in result.energy.by_unit.items():
        share = part / total if total else 0.0
        text = _ENERGY.get(unit, f"{unit} takes energy")
        priced.append(Advice(text, f"at most {units.share(share)} {less}", share))
    largest = [max(kind, key=lambda a: a.share, default=None) for kind in (timed, priced)]
    kept = [a for a in largest if a is not None and a.share >= LEAST]
    return sorted(kept, key=lambda a: -a.share)
