"""Units where real values are kept in registers (registers.py): each register begins a fixed point of its own.

Units of sums without neurons are powers of two here, so that what comes out of one register enters any other sum by a
whole factor. Neurons absorb a fine unit by an exponent, as Loihi's weight exponents do: their sums are divided by a
power of two on their way into the states, and the weights keep their bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from neurocomp.network.graph import Held, Integer, Population, Projection
from neurocomp.network.ops import OneToOne, Op
from neurocomp.network.quantise_neuron import sent_unit
from neurocomp.network.registers import Register, circling, feeding
from neurocomp.network.rounding import coarsest_for, state_values
from neurocomp.network.units import (
    INT16,
    LEAST_LEVELS,
    Unit,
    Units,
    is_unchanged,
    real_weights,
    sends_spikes,
)

HEADROOM_BITS = 5  # above thresholds in the states, beyond the bit that is always there
WELL_RESOLVED = 8  # bits of a register that weights do not take away
ODD_FACTOR = 2.0**8  # a unit that is no power of two of another is so much finer: factors are off by 0.2 % at most
MOST_FACTOR = 2.0**13  # by which values enter a finer sum
MOST_OF_SPIKES = 2.0**14  # the same for spikes; both leave weights within the engine's 16 bits


def power_above(value: float) -> float:
    """The smallest power of two that is not below."""
    return 2.0 ** math.ceil(math.log2(value))


def power_below(value: float) -> float:
    """The largest power of two that is not above."""
    return 2.0 ** math.floor(math.log2(value))


def grain(op: Op) -> float:
    """What an operator multiplies the unit of values by that it hands on as they are, or times a power of two; 0 if it
    has other weights, of which some bits should be left."""
    if is_unchanged(op):
        return 1.0
    scale = op.scale if isinstance(op, OneToOne) and not isinstance(op.scale, np.ndarray) else 0.0
    return abs(scale) if scale and abs(scale) == power_below(abs(scale)) else 0.0


@dataclass(eq=False)
class RegisterUnits(Units):
    """registers: by population. least_exponents: of neurons whose sums would not fit otherwise, all at most
    exponent_max. crowded: registers that are finer than the weights beside them can be, and by how many bits."""

    registers: dict[str, Register] = field(default_factory=dict)
    least_exponents: dict[str, int] = field(default_factory=dict)
    exponent_max: int = 0
    few_levels: ClassVar[int] = 63  # seven bits of every layer's weights: exponents of the others cost nothing
    crowded: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.given = circling(self.network) & self.registers.keys()  # their units have to be known before their sums'
        super().__post_init__()

    def sent(self, name: str) -> float:
        if name not in self.registers:
            return super().sent(name)
        wish = self.registers[name].unit
        if self._is_waited_for(name):
            self.given.add(name)
        if name in self.given:
            return wish
        own = self._own_unit(name)
        return own * 2.0 ** max(math.ceil(math.log2(wish / own) - 1e-9), 0)

    def held(self, name: str) -> Held | None:
        """The register of a population, as it is in integers."""
        register = self.registers.get(name)
        if register is None:
            return None
        unit = self.sent(name)
        return Held(register.bits, round(math.log2(unit / self._own_unit(name))), unit, register.calibrated)

    def exponent(self, name: str) -> int:
        """By how many bits a population's sums are divided on their way into its states."""
        population = self.network.by_name[name]
        if population.neuron is None:
            return 0
        least = math.ceil(math.log2(max(self._needed(population, self.of(name)), 2.0**-HEADROOM_BITS)))
        roomy = min(least + HEADROOM_BITS, self.arithmetic.state_shift)  # costs nothing: bits that decays only fill
        return min(max(least, roomy, self.least_exponents.get(name, 0)), self.exponent_max)

    def arithmetic_of(self, name: str) -> Integer:
        return replace(self.arithmetic, state_shift=self.arithmetic.state_shift - self.exponent(name))

    def _own_unit(self, name: str) -> float:
        """Real value of one integer before it enters the register."""
        return float(np.max(self.of(name))) * sent_unit(self.network.by_name[name], self.arithmetic_of(name))

    def _needed(self, population: Population, unit: Unit) -> float:
        """How many times too fine a unit is for thresholds and membranes to fit the states."""
        values = state_values(population, unit).get("threshold", np.zeros(0))
        top = float(np.abs(values).max(initial=0.0))
        register = self.registers.get(population.name)
        if register is not None:
            top = max(
                top,
                register.top / (float(np.max(unit)) * sent_unit(population, replace(self.arithmetic, state_shift=0))),
            )
        return top / 2.0 ** (self.arithmetic.state_bits - 2 - self.arithmetic.state_shift)

    def _is_waited_for(self, name: str) -> bool:
        return name not in self.known and any(one in self.asked for one in self.groups.get(name, (name,)))

    def _is_relay(self, name: str) -> bool:
        return name not in self.registers and super()._is_relay(name)

    def _takes_powers(self, members: list[Population]) -> bool:
        return self.power_of_two or any(m.neuron is None for m in members)

    def _of_group(self, names: tuple[str, ...]) -> Unit:
        arriving = [
            p for name in names for p in self.network.incoming[name] if p.source not in names or not self._within(p)
        ]
        fixed = [(p.source, self.sent(p.source) * grain(p.op)) for p in arriving if grain(p.op)]
        weighted = [real_weights(p.op) * self.sent(p.source) for p in arriving if not grain(p.op)]
        units = {unit for _, unit in fixed}
        if fixed and (weighted or len(units) > 1) and not self._takes_channels(names, arriving):
            unit: Unit = self._joined([self.network.by_name[name] for name in names], fixed, weighted)
        else:
            unit = super()._of_group(names)
        unit = self._below_registers(names, unit)
        excess = max(self._beyond_exponents(self.network.by_name[name], unit) for name in names)
        for p in arriving:
            if not is_unchanged(p.op):
                self._share_loss(p, max(excess, self._lost(p, float(np.max(unit)))))
        return unit

    def _beyond_exponents(self, population: Population, unit: Unit) -> int:
        """By how many bits a unit is finer than exponents can absorb, or was before weights lost as many."""
        if population.neuron is None:
            return 0
        fine = self._needed(population, unit) / 2.0**self.exponent_max
        return max(self.lost_bits.get(population.name, 0), math.ceil(math.log2(max(fine, 1.0))))

    def _lost(self, p: Projection, unit: float) -> int:
        """How many more bits weights would need to keep seven: those on values much finer than what else arrives."""
        counted = real_weights(p.op) * (self.sent(p.source) / unit)
        top = float(np.abs(counted).max(initial=0.0))
        least = min(self.few_levels, self.largest / 2)
        if not 0 < top < least or np.array_equal(counted, np.rint(counted)):
            return 0
        return math.ceil(math.log2(least / top))

    def _share_loss(self, p: Projection, bits: int) -> None:
        """Rather than weights, registers lose bits, as long as they have some to spare."""
        for source in self._registers_of(p.source):
            spare = min(bits, self.registers[source].bits - WELL_RESOLVED)
            if spare > 0:
                self.crowded[source] = max(self.crowded.get(source, 0), spare)

    def _registers_of(self, source: str) -> tuple[str, ...]:
        """The registers that a source's values come from: its own, or those that its sums or products are made of."""
        if source in self.registers:
            return (source,)
        return () if self.network.by_name[source].neuron else tuple(feeding(self.network, source, self.registers))

    def _joined(self, members: list[Population], fixed: list[tuple[str, float]], weighted: list[np.ndarray]) -> float:
        """The unit of sums that hear values as they are beside others: fine enough for both. fixed: sources and the
        units in which their values arrive."""
        unit = min(u if u == power_below(u) else power_below(u) / ODD_FACTOR for _, u in fixed)
        tops = [top for top in (float(np.abs(part).max(initial=0.0)) for part in weighted) if top > 0]
        coarsest = power_above(max(tops) / self.largest) if tops else 0.0
        if tops:
            unit = min(unit, coarsest, power_below(min(tops) / min(self.few_levels, self.largest / 2)))
        factors = [u / (MOST_OF_SPIKES if sends_spikes(self.network, s) else MOST_FACTOR) for s, u in fixed]
        unit = max(unit, power_above(max(factors)), coarsest / power_below(INT16 / self.largest))
        for source, own in fixed:
            for name in self._registers_of(source) if own < unit else ():
                self.crowded[name] = max(self.crowded.get(name, 0), math.ceil(math.log2(unit / own)))
        return self._coarse_enough(unit, max(tops, default=math.inf), members)

    def _coarse_enough(self, unit: float, top: float, members: list[Population]) -> float:
        """Neurons divide their sums; only what exponents do not reach costs weights bits."""
        absorbed = replace(self.arithmetic, state_shift=self.arithmetic.state_shift - self.exponent_max)
        needed = coarsest_for(members, absorbed)
        if needed <= unit or top < LEAST_LEVELS * needed:
            return unit
        doublings = math.ceil(math.log2(needed / unit))
        self.lost_bits |= {m.name: doublings for m in members}
        return unit * 2.0**doublings

    def _below_registers(self, names: tuple[str, ...], unit: Unit) -> Unit:
        """The unit, or a finer one where registers are finer; that of membranes makes their own a power of two."""
        for name in (n for n in names if n in self.registers):
            wish = self.registers[name].unit
            population = self.network.by_name[name]
            if population.neuron is not None:
                step = sent_unit(population, self.arithmetic)
                unit = min(power_above(float(np.max(unit)) * step), wish) / step
            elif name in self.given:
                unit = min(float(np.max(unit)), wish)
        return unit
