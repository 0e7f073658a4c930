"""Registers for real values that are multiplied again: what a chain of layers without neurons hands on.

A sum of products of a value with weights has as many bits as both together and those of the sum. Where it goes on into
further weights or products it would grow without end; so it is kept in a register of the chip's width, like the
activations of a quantised network (Jacob et al., CVPR 2018), with a power of two as its scale, and saturates. What the
register spans is the largest value of a calibration run and a margin, or the largest value possible if that costs at
most one bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.network.gains import largest_gain, largest_product
from neurocomp.network.graph import Network, Population
from neurocomp.network.kinds import value_kinds
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Factor, hosted_function
from neurocomp.network.units import unit_ratio
from neurocomp.network.verify import value_order

MARGIN = 1.25  # of a register's range above the largest value of the calibration run


@dataclass(frozen=True)
class Register:
    """bits: width, sign included; top: largest magnitude that it is to hold; calibrated: whether that is known from
    data only."""

    bits: int
    top: float
    calibrated: bool

    @property
    def unit(self) -> float:
        """The smallest power of two in which the range fits."""
        limit = 2 ** (self.bits - 1) - 1
        return 2.0 ** math.ceil(math.log2(self.top / limit)) if self.top > 0 else 1.0


def multiplied_values(network: Network) -> list[str]:
    """Relays and neurons whose real values weights or products multiply again, directly or behind relays that only pass
    them on, and neurons that hand values round in a circle."""
    kinds = value_kinds(network)
    round_about = circling(network)
    return [
        p.name
        for p in network.populations
        if p.name not in network.inputs
        and kinds[p.name].name == "real"
        and not _is_hosted(network, p.name)
        and not _only_passes(network, p)
        and (p.name in round_about or _is_multiplied(network, p.name))
    ]


def circling(network: Network) -> set[str]:
    """Neurons whose values come back to them, however late, through others that send values."""
    found = set()
    for population in network.populations:
        if _sends_values(population) and population.neuron is not None:
            seen: set[str] = set()
            waiting = [population.name]
            while waiting:
                targets = {p.target for p in network.outgoing[waiting.pop()]} - seen
                waiting += [name for name in targets if _sends_values(network.by_name[name])]
                seen |= targets
            found |= {population.name} & seen
    return found


def _sends_values(population: Population) -> bool:
    return population.neuron is None or population.neuron.output in ("membrane", "graded")


def _is_hosted(network: Network, name: str) -> bool:
    return any(hosted_function(p.op) is not None for p in network.incoming[name])


def _only_passes(network: Network, population: Population) -> bool:
    """Whether a relay passes on what one other sends (or averages or scales it), so that the other has the register."""
    incoming = network.incoming[population.name]
    if population.neuron is not None or len(incoming) != 1 or isinstance(incoming[0].op, Factor):
        return False
    return population.bias is None and unit_ratio(incoming[0].op) is not None


def _is_multiplied(network: Network, name: str) -> bool:
    for p in network.outgoing[name]:
        if isinstance(p.op, Factor) or (unit_ratio(p.op) is None and hosted_function(p.op) is None):
            return True
        target = network.by_name[p.target]
        if _only_passes(network, target) and _is_multiplied(network, p.target):
            return True
    return False


def registers(
    network: Network, bits: Mapping[str, int], ranges: Mapping[str, float], fed: float
) -> dict[str, Register]:
    """The registers of the named populations of a float network; those of unknown range are left out.

    bits: width of each. ranges: largest magnitudes in a run. fed: largest magnitude of the inputs.
    """
    worst: dict[str, float] = dict.fromkeys(network.inputs, fed)
    found: dict[str, Register] = {}
    for name in value_order(network):
        if name in network.inputs:
            continue
        population = network.by_name[name]
        arriving = _largest_sum(network, population, ranges, worst)
        largest = arriving if population.neuron is None else _largest_sent(population.neuron, arriving)
        if name in bits:
            seen = ranges[name] * MARGIN if name in ranges else math.inf
            calibrated = largest > 2 * seen
            largest = seen if calibrated else largest
            if math.isfinite(largest):
                found[name] = Register(bits[name], largest, calibrated)
        worst[name] = largest
    return found


def _largest_sum(
    network: Network, population: Population, ranges: Mapping[str, float], worst: Mapping[str, float]
) -> float:
    incoming = network.incoming[population.name]
    sizes = [worst.get(p.source, _largest_sent(network.by_name[p.source].neuron, math.inf)) for p in incoming]
    if any(hosted_function(p.op) is not None for p in incoming):
        return 2 * ranges.get(population.name, 1.0)
    if incoming and isinstance(incoming[0].op, Factor):
        return largest_product(incoming[0].op, sizes) if 0.0 not in sizes else 0.0
    arriving = [(largest_gain(p.op), size) for p, size in zip(incoming, sizes, strict=True)]
    total = sum(gain * size for gain, size in arriving if gain > 0)
    bias = 0.0 if population.bias is None else float(np.abs(population.bias).max(initial=0.0))
    return total + bias


def _largest_sent(neuron: Neuron | None, arriving: float) -> float:
    """The largest magnitude of what a population sends: a sum, spikes, or a membrane, whose leak makes it a geometric
    series of what arrives."""
    if neuron is None:
        return arriving
    if neuron.output not in ("membrane", "graded"):
        return float(neuron.max_count)
    plain = neuron.is_plain and neuron.i_decay is None and neuron.reset == "none"
    decay = float(np.abs(neuron.v_decay).max())
    if not plain or decay >= 1:
        return math.inf
    first = float(np.abs(neuron.v_init).max())
    driven = float(np.abs(neuron.v_gain).max()) * (arriving + float(np.abs(neuron.leak).max()))
    return first + driven / (1 - decay)


def feeding(network: Network, name: str, registered: Iterable[str]) -> list[str]:
    """Registers that a population's sums are made of, directly or through relays without one."""
    known, found, seen = set(registered), [], {name}
    waiting = [name]
    while waiting:
        for p in network.incoming[waiting.pop()]:
            if p.source in seen:
                continue
            seen.add(p.source)
            if p.source in known:
                found.append(p.source)
            elif network.by_name[p.source].neuron is None:
                waiting.append(p.source)
    return found
