"""A float network in the integers of a chip, such that no sum that is possible leaves 32 bits.

Real values that go through several layers of weights grow by a layer's bits each time. Where the chip's packets carry
values, they are kept in registers (network/registers.py), whose widths are narrowed here until all sums fit; elsewhere
the weights of such layers get fewer bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.plan_range import MOST, check_range, largest_sums
from neurocomp.chip.numeric import Numeric
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError, bad_input
from neurocomp.mapping.losses import WEIGHTS_LOST
from neurocomp.mapping.stations import too_wide
from neurocomp.network.graph import Integer, Network, Population
from neurocomp.network.quantise import LARGEST_ANALOG, Quantised, WeightScales, Widths, quantise
from neurocomp.network.registers import feeding, multiplied_values
from neurocomp.network.units import chains_of_values

LEAST_RELAY_BITS = 3
ALL_BUT_ZERO = 0.5  # an error of the largest weight at which it is zero, or nearly
WELL_KEPT = 1 / 64  # an error of weights, as a fraction of the largest, with which nothing else is tried
LEAST_REGISTER_BITS = 4
MOST_REGISTER_BITS = 16  # more leave no room for weights in sums of 32 bits
MOST_ROUNDS = 32  # of narrowing registers


@dataclass(frozen=True, eq=False)
class Rounding:
    """What a network is rounded with; see :func:`neurocomp.network.quantise.quantise`."""

    arithmetic: Integer
    calibration: np.ndarray | None
    weight_scales: WeightScales
    ranges: Mapping[str, float] | None

    def quantised(
        self, network: Network, relay_bits: int | None = None, reader_bits: int | None = None,
        widths: Widths | None = None,
    ) -> Quantised:  # fmt: skip
        return quantise(
            network, self.arithmetic, self.calibration, weight_scales=self.weight_scales, ranges=self.ranges,
            relay_bits=relay_bits, reader_bits=reader_bits, widths=widths,
        )  # fmt: skip


def register_bits(numeric: Numeric) -> int:
    """Width of a register for real values that are handed on; 0 where packets carry none."""
    if not numeric.graded_spikes:
        return 0
    return numeric.value_bits or min(numeric.spike_bits, numeric.state_bits, MOST_REGISTER_BITS)


def exponent_max(numeric: Numeric) -> int:
    """The largest exponent by which sums can be divided on their way into the states."""
    return numeric.exponent_max or 0


def held_values(network: Network, chip: ChipSpec) -> list[str]:
    """Populations of a float network whose values the chip may keep in registers: what is multiplied again, and what
    would be too wide for its packets."""
    if not register_bits(chip.numeric):
        return []
    found = {*multiplied_values(network), *too_wide(network, chip)}
    return [p.name for p in network.populations if p.name in found]


def in_integers(network: Network, chip: ChipSpec, rounding: Rounding) -> Quantised:
    """The network in integers of which all possible sums fit. Raises InputError if there are none.

    As it is, if that keeps its weights; otherwise with registers for the values that are multiplied again and exponents
    for neurons, as far as the chip has them; otherwise with fewer bits for the weights of chains of layers.
    """
    refused: InputError | None = None
    plain: Quantised | None = None
    try:
        plain = rounding.quantised(network)
        check_range(plain.network, rounding.arithmetic, float(LARGEST_ANALOG))
    except InputError as error:
        plain, refused = None, error
    carried = not too_wide(network, chip)
    if plain is not None and carried and not plain.lost and not plain.tight and plain.weight_error <= WELL_KEPT:
        return plain
    try:
        held = _with_registers(network, chip, rounding)
    except InputError as error:
        held, refused = None, error if multiplied_values(network) else refused or error
    if held is not None and (plain is None or not carried or held.weight_error <= max(plain.weight_error, WELL_KEPT)):
        return held
    found = _with_fewer_bits(network, rounding, plain)
    if found is None:
        raise refused or bad_input(network.name, "cannot be rounded to the chip's integers")
    return found


def _with_registers(network: Network, chip: ChipSpec, rounding: Rounding) -> Quantised | None:
    """With registers no wider than all sums that are made of them allow; None if the chip has no use for them."""
    numeric, names = chip.numeric, held_values(network, chip)
    width = register_bits(numeric)
    if (multiplied_values(network) and not width) or not (names or exponent_max(numeric)):
        return None
    bits: dict[str, int] = dict.fromkeys(names, width)
    exponents: dict[str, int] = {}
    for _ in range(MOST_ROUNDS):
        found = rounding.quantised(network, widths=Widths(bits, exponents, exponent_max(numeric)))
        sums = largest_sums(found.network, rounding.arithmetic, float(LARGEST_ANALOG))
        narrower, absorbed = dict(found.crowded), False
        for name in (name for name, total in sums.items() if total >= MOST):
            excess = math.floor(math.log2(sums[name] / MOST)) + 1
            population = found.network.by_name[name]
            more = _absorbed(population, excess, rounding.arithmetic, numeric)
            if more:
                exponents[name], absorbed = population.exponent + more, True
            for source in feeding(network, name, names) if more < excess else ():
                narrower[source] = max(narrower.get(source, 0), excess - more)
        if not narrower and not absorbed:
            check_range(found.network, rounding.arithmetic, float(LARGEST_ANALOG))
            return _told(_without_needless(found, sums, set(too_wide(network, chip))))
        bits = {name: width - narrower.get(name, 0) for name, width in bits.items()}
        if min(bits.values(), default=LEAST_REGISTER_BITS) < LEAST_REGISTER_BITS:
            break
    what = "hands real values on through so many weights that too few bits would be left of them"
    raise bad_input(min(bits, key=lambda name: bits[name], default=network.name), what, hint="put neurons between")


def _absorbed(population: Population, excess: int, arithmetic: Integer, numeric: Numeric) -> int:
    """By how many bits a neuron's exponent can grow before bits of its sums are lost."""
    if population.neuron is None:
        return 0
    most = min(arithmetic.state_shift, exponent_max(numeric))
    return max(min(excess, most - population.exponent), 0)


def _without_needless(found: Quantised, sums: Mapping[str, float], sent: set[str]) -> Quantised:
    """Sums that fit their registers as they are need none, unless a packet's width has to be known."""

    def kept(p: Population) -> Population:
        fits = p.neuron is None and p.held is not None and p.held.shift == 0 and sums[p.name] <= p.held.limit
        return replace(p, held=None) if fits and p.name not in sent else p

    return replace(found, network=replace(found.network, populations=tuple(map(kept, found.network.populations))))


def _told(found: Quantised) -> Quantised:
    return replace(found, notes=(*found.notes, *_register_notes(found.network)))


def _register_notes(network: Network) -> Iterator[str]:
    for p in network.populations:
        if p.held is not None:
            span = f"values are held in {p.held.bits} bits, in steps of {p.held.unit:.3g} up to "
            span += f"{p.held.limit * p.held.unit:.3g}"
            data = "what the calibration data reach and a quarter; larger ones saturate"
            yield f"{p.name}: {span}, {data if p.held.calibrated else 'which no value exceeds'}"
    divided = [p for p in network.populations if p.exponent > 0]
    if divided:
        shown = ", ".join(p.name for p in divided[:3]) + (f" and {len(divided) - 3} more" if len(divided) > 3 else "")
        most = max(p.exponent for p in divided)
        yield f"sums of {shown} are divided by up to 2^{most} on their way into the states, so that thresholds fit"


def _with_fewer_bits(network: Network, rounding: Rounding, plain: Quantised | None) -> Quantised | None:
    """Real values that go through several layers of weights get fewer bits, as far as that is needed or keeps more of
    the weights that hear them: first the inner ones of a chain of layers, then the last ones too."""
    best = plain
    if not chains_of_values(network) or (best is not None and best.weight_error <= WEIGHTS_LOST):
        return best
    fewer = range(rounding.arithmetic.weight_bits - 1, LEAST_RELAY_BITS - 1, -1)
    for bits, last in (*((bits, None) for bits in fewer), *((bits, bits) for bits in fewer)):
        try:
            found = rounding.quantised(network, bits, last)
            check_range(found.network, rounding.arithmetic, float(LARGEST_ANALOG))
        except InputError:
            continue
        if best is None or found.weight_error < best.weight_error:
            best = found
        elif best.weight_error < ALL_BUT_ZERO:
            return best  # still fewer bits lose more
        if best.weight_error <= WEIGHTS_LOST:
            return best
    return best
