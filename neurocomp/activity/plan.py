"""Lays a network out for the compiled engine: execution order, repeated parameters; plan_ops.py has the operators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from neurocomp.activity.plan_neuron import PlannedNeurons, plan_neurons, repeated, value_type
from neurocomp.activity.plan_ops import PlannedProjection, plan_projections
from neurocomp.activity.plan_range import check_range
from neurocomp.network.graph import Held, Integer, Network, Population, state_shift
from neurocomp.network.verify import population_order

INPUT, RELAY, NEURONS = range(3)  # codes of csrc/network.h
ALIGNMENT = 16  # elements that arrays begin at a multiple of


@dataclass(frozen=True, eq=False)
class PlannedPopulation:
    """One population; width: elements of one row, the channels of a pixel; place: where its outputs lie in the memory
    that populations share which are not needed at the same time, -1 for memory of its own."""

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
    place: int = -1
    held_shift: int = 0
    held_limit: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """A network as the compiled engine takes it. pool: elements of shared memory."""

    integer: bool
    pool: int
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
    places, pool = _places(populations, projections)
    populations = [replace(p, place=place) for p, place in zip(populations, places, strict=True)]
    return Plan(isinstance(network.arithmetic, Integer), pool, tuple(populations), tuple(projections))


def _places(populations: list[PlannedPopulation], projections: list[PlannedProjection]) -> tuple[list[int], int]:
    """Where each population's outputs lie, and the size of it all: the first gap among those that are still read."""
    last_reader = list(range(len(populations)))
    for p in projections:
        last_reader[p.source] = max(last_reader[p.source], p.target)
    places, pool = [], 0
    live: list[tuple[int, int, int]] = []  # (start, stop, last reader), by start
    for k, population in enumerate(populations):
        if population.history > 1:  # what is heard later stays where it is
            places.append(-1)
            continue
        live = [held for held in live if held[2] >= k]
        size = -(-population.n // ALIGNMENT) * ALIGNMENT
        start = 0
        for held_start, held_stop, _ in live:
            if held_start - start >= size:
                break
            start = max(start, held_stop)
        live = sorted([*live, (start, start + size, last_reader[k])])
        places.append(start)
        pool = max(pool, start + size)
    return places, pool


def _population(network: Network, population: Population, first: int, last: int) -> PlannedPopulation:
    dtype = value_type(network)
    history = 1 + max((p.delay for p in network.outgoing[population.name]), default=0)
    kind = INPUT if population.name in network.inputs else RELAY if population.neuron is None else NEURONS
    shift = state_shift(network.arithmetic, population)
    bias = None
    if population.bias is not None:
        bias = repeated({"bias": population.bias}, population.shape, dtype)[1]["bias"]
    neurons = plan_neurons(network, population, population.neuron) if population.neuron is not None else None
    held = population.held or Held(1)
    return PlannedPopulation(
        population.name, kind, population.size, population.shape[0], history, first, last, shift, bias, neurons,
        held_shift=held.shift, held_limit=held.limit,
    )  # fmt: skip
