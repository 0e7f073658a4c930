"""Maxima in a network of rates: the pooled neuron has fired as often as the busiest one in its window.

The maximum of spikes is no maximum of rates: two neurons that fire by turns would count as one that always fires.
Rueckauer et al. (Front. Neurosci. 11:682, 2017) let pass the spikes of the neuron that has fired most so far. Here the
numbers themselves are compared: each input of a window is summed up, the largest sum is taken at every step, and what
it has grown by since the step before is sent on. The sum of what was sent is the largest sum at every step, exactly; of
spikes it grows by one or not at all, so that spikes leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Host, OneToOne, Pool, Reduce
from neurocomp.network.verify import population_order

MaxPool = Literal["counts", "average"]
MAX_POOLS = get_args(MaxPool)

SUMS = Neuron(threshold=float("inf"), reset="none", output="membrane")
"""Adds up what arrives and hands the sum on."""
GROWTH = Neuron(v_decay=0.0, threshold=0.5, reset="none")
"""A spike where something arrives in this step."""


def is_maximum(projection: Projection) -> bool:
    """Whether a projection takes the maximum of windows or along an axis."""
    return isinstance(projection.op, Pool | Reduce) and projection.op.kind == "max"


def averaged(network: Network) -> Network:
    """Another network: averages in place of maxima."""
    projections = (replace(p, op=replace(p.op, kind="avg")) if is_maximum(p) else p for p in network.projections)  # type: ignore[call-arg]
    return replace(network, projections=tuple(projections))


def rectified_first(network: Network) -> Network:
    """The same network with rectifiers in front of maxima instead of behind them: both keep the order of values."""
    while (found := _behind(network)) is not None:
        maximum, rectifier = found
        between = network.by_name[maximum.target]
        changed = {
            maximum.name: replace(maximum, source=between.name, target=rectifier.target),
            rectifier.name: replace(rectifier, source=maximum.source, target=between.name),
        }
        shape = network.by_name[maximum.source].shape
        network = replace(
            network,
            populations=tuple(replace(p, shape=shape) if p is between else p for p in network.populations),
            projections=tuple(changed.get(p.name, p) for p in network.projections),
        )
    return network


def _behind(network: Network) -> tuple[Projection, Projection] | None:
    """A maximum that only a rectifier reads, and that rectifier."""
    for p in network.projections:
        readers = network.outgoing[p.target]
        between = network.by_name[p.target]
        alone = len(readers) == len(network.incoming[p.target]) == 1 and between.bias is None
        if is_maximum(p) and alone and p.target != network.output and isinstance(readers[0].op, Host):
            return p, readers[0]
    return None


def with_largest_sums(network: Network) -> Network:
    """Maxima of what varies over time as maxima of sums over time; those of constant inputs stay as they are."""
    varying = _varying(network)
    populations: list[Population] = []
    projections = [p for p in network.projections if not (is_maximum(p) and p.source in varying)]
    for population in network.populations:
        for p in network.incoming[population.name]:
            if is_maximum(p) and p.source in varying:
                source = network.by_name[p.source]
                sums, largest = f"{p.name}.sums", f"{p.name}.largest"
                same = OneToOne(1.0, population.shape)
                populations += [Population(sums, source.shape, SUMS), Population(largest, population.shape)]
                projections += [
                    Projection(f"{sums}.in", p.source, sums, OneToOne(1.0, source.shape)),
                    replace(p, source=sums, target=largest),
                    Projection(f"{largest}.now", largest, population.name, same),
                    Projection(f"{largest}.before", largest, population.name, replace(same, scale=-1.0), delay=1),
                ]
                if source.neuron is not None and source.neuron.output == "binary":
                    population = replace(population, neuron=GROWTH)
        populations.append(population)
    return replace(network, populations=tuple(populations), projections=tuple(projections))


def _varying(network: Network) -> set[str]:
    """Populations whose values are not the same at each step of a constant input: neurons, and all behind them."""
    found: set[str] = set()
    for name in population_order(network):
        if network.by_name[name].neuron is not None or any(p.source in found for p in network.incoming[name]):
            found.add(name)
    return found
