"""Lays a network out for the compiled engine: execution order, repeated parameters; plan_ops.py has the operators."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from neurocomp.activity.plan_neuron import PlannedNeurons, plan_neurons, repeated, value_type
from neurocomp.activity.plan_ops import PlannedProjection, plan_projections
from neurocomp.activity.plan_range import check_range
from neurocomp.network.graph import Integer, Network, Population
from neurocomp.network.verify import population_order

INPUT, RELAY, NEURONS = range(3)  # codes of csrc/network.h


@dataclass(frozen=True, eq=False)
class PlannedPopulation:
    """One population; width: elements of one row, the channels of a pixel."""

    name: str
    kind: int
    n: int
    width: int
    history: int
    first: int
    last: int
    shift: int
    bias: np.ndarray | None
    neurons: PlannedNeurons | None


@dataclass(frozen=True, eq=False)
class Plan:
    """A network as the compiled engine takes it."""

    integer: bool
    populations: tuple[PlannedPopulation, ...]
    projections: tuple[PlannedProjection, ...]


# the network that was laid out last: one that is run sample by sample is laid out once, and none is kept alive
_latest: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()


def plan_network(network: Network, largest_input: float | None = None) -> Plan:
    """Lay out a verified network.

    largest_input: largest magnitude among the inputs in the network's arithmetic; None: all that the
    arithmetic allows. Raises InputError if integer sums could leave 32 bits.
    """
    if isinstance(network.arithmetic, Integer):
        check_range(network, network.arithmetic, largest_input)
    plan = _latest.get(network)
    if plan is None:
        plan = _laid_out(network)
        _latest.clear()
        _latest[network] = plan
    return plan


def _laid_out(network: Network) -> Plan:
    inputs = set(network.inputs)  # the engine feeds the first populations
    order = [*network.inputs, *(name for name in population_order(network) if name not in inputs)]
    index = {name: k for k, name in enumerate(order)}
    populations, projections = [], []
    for name in order:
        incoming = network.incoming[name]
        first = len(projections)
        projections += plan_projections(network, incoming, index)
        populations.append(_population(network, network.by_name[name], first, len(projections)))
    return Plan(isinstance(network.arithmetic, Integer), tuple(populations), tuple(projections))


def _population(network: Network, population: Population, first: int, last: int) -> PlannedPopulation:
    dtype = value_type(network)
    history = 1 + max((p.delay for p in network.outgoing[population.name]), default=0)
    kind = INPUT if population.name in network.inputs else RELAY if population.neuron is None else NEURONS
    shift = network.arithmetic.state_shift if isinstance(network.arithmetic, Integer) and kind == NEURONS else 0
    bias = None
    if population.bias is not None:
        bias = repeated({"bias": population.bias}, population.shape, dtype)[1]["bias"]
    neurons = plan_neurons(network, population, population.neuron) if population.neuron is not None else None
    width = population.shape[0]
    return PlannedPopulation(population.name, kind, population.size, width, history, first, last, shift, bias, neurons)
