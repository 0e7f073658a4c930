"""Are the registers and exponents of integer arithmetic such as the engine can compute?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Held, Integer, Network, Population

MOST_SHIFT = 16  # bits by which sums are shifted on their way into states, either way


def held_findings(network: Network, population: Population) -> Iterator[Diagnostic]:
    """What is wrong with a population's exponent and register."""
    name, held, neuron = population.name, population.held, population.neuron
    if (population.exponent or held is not None) and not isinstance(network.arithmetic, Integer):
        yield Diagnostic(name, "has an exponent or a register, which only integer arithmetic has")
        return
    if isinstance(network.arithmetic, Integer):
        if population.exponent and neuron is None:
            yield Diagnostic(name, f"has an exponent of {population.exponent}, but no neurons whose sums it divides")
        elif not -MOST_SHIFT <= network.arithmetic.state_shift - population.exponent <= MOST_SHIFT:
            shift = network.arithmetic.state_shift
            what = f"has an exponent of {population.exponent} beside a state shift of {shift}"
            yield Diagnostic(name, f"{what}; their difference must lie within -{MOST_SHIFT} and {MOST_SHIFT}")
    if held is None:
        return
    spikes = neuron is not None and neuron.output not in ("membrane", "graded")
    if name in network.inputs or spikes:
        yield Diagnostic(name, "has a register, but sends no values of its own")
    yield from _register(name, held)


def _register(name: str, held: Held) -> Iterator[Diagnostic]:
    if not 2 <= held.bits <= 32 or not 0 <= held.shift <= 31:
        what = f"has a register of {held.bits} bits with a shift of {held.shift}"
        yield Diagnostic(name, f"{what}; 2 to 32 and 0 to 31 are supported")
    if not (held.unit > 0 and math.isfinite(held.unit)):
        yield Diagnostic(name, f"has a register in units of {held.unit}; they must be above 0")
