"""How many terms of a product of two signals are expected per step: the work of the layer that forms it."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.stations import Operand, is_product, operands_of, product_home
from neurocomp.mapping.stations.wires import wires_into


def product_terms(problem: Problem, profile: Profile) -> dict[str, float]:
    """By the population whose cores form them: terms of which neither operand is zero, as if the two operands' spikes
    had nothing to do with each other. A weight for sharing out work, no bound."""
    network, found = problem.lowered, {}
    for name in (p.name for p in network.populations if is_product(network, p.name)):
        left, right = (_rates(problem, profile, operand) for operand in operands_of(network, name))
        home = product_home(network, name)
        found[home] = found.get(home, 0.0) + float((left.sum(axis=1) * right.sum(axis=2)).sum())
    return found


def _rates(problem: Problem, profile: Profile, operand: Operand) -> np.ndarray:
    """float64 (batch, rows, columns): how often each element of an operand is not zero per step."""
    network = problem.lowered
    rates = np.zeros(network.by_name[operand.projection.source].size)
    for wire in wires_into(network, operand.projection.source, frozenset(network.stations)) or ():
        rate = np.broadcast_to(profile.rates.of(wire.source), problem.shape(wire.source)).reshape(-1)
        there = wire.index >= 0
        rates[there] = np.minimum(rate[wire.index[there]] / TRAFFIC_PER_SPIKE, 1.0)
    return rates.reshape(operand.op.source_form)
