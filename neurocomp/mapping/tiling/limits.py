"""The hard limits of one core, as one linear system over what a tile demands.

A demand is a vector (neurons, fan-in axons, fan-out axons, synapse bits). Each limit weighs these four and
has a capacity: the counts one each, every memory the bits of all that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.chip.spec import ChipSpec

NEURONS, AXONS_IN, AXONS_OUT, SYNAPSE_BITS = range(4)
DEMANDS = 4


@dataclass(frozen=True)
class Limit:
    """weights: what one unit of each demand takes; capacity: what a core has; unit: how to print amounts."""

    name: str
    weights: tuple[int, int, int, int]
    capacity: int
    unit: str

    def shown(self, amount: float) -> str:
        """An amount in the unit that people read."""
        if self.unit != "bits":
            return f"{amount:,.0f}"
        if amount >= 8192:
            return f"{amount / 8192:,.1f} KiB"
        return f"{amount:,.0f} bits" if amount % 8 else f"{amount // 8:,.0f} bytes"

    def beside(self, amount: int) -> tuple[str, str]:
        """(an amount, the capacity), told apart where they are not the same."""
        texts = self.shown(amount), self.shown(self.capacity)
        if texts[0] != texts[1] or amount == self.capacity:
            return texts
        each, unit = (1, "bits") if amount % 8 or self.capacity % 8 else (8, "bytes")
        return f"{amount // each:,} {unit}", f"{self.capacity // each:,} {unit}"


@dataclass(frozen=True)
class Limits:
    """All limits of a core of one chip."""

    limits: tuple[Limit, ...]

    @cached_property
    def weights(self) -> np.ndarray:
        """int64 (limits, demands)."""
        return np.array([limit.weights for limit in self.limits], np.int64).reshape(-1, DEMANDS)

    @cached_property
    def capacities(self) -> np.ndarray:
        return np.array([limit.capacity for limit in self.limits], np.int64)

    def used(self, demand: np.ndarray) -> np.ndarray:
        """int64 (..., limits): what demands (..., 4) take of each limit."""
        return np.asarray(demand, np.int64) @ self.weights.T

    def fits(self, demand: np.ndarray) -> np.ndarray:
        """bool (...): whether a core holds each demand."""
        return np.asarray((self.used(demand) <= self.capacities).all(axis=-1))

    def load(self, demand: np.ndarray) -> np.ndarray:
        """float64 (...): the fullest limit's share of its capacity."""
        return (self.used(demand) / self.capacities).max(axis=-1)

    def broken(self, demand: np.ndarray) -> list[tuple[Limit, int]]:
        """Limits that one demand vector (4,) exceeds, with what it would take."""
        used = self.used(demand)
        return [(limit, int(u)) for limit, u in zip(self.limits, used, strict=True) if u > limit.capacity]


def limits_of(chip: ChipSpec) -> Limits:
    """The limits that a profile states; what it leaves open (null) limits nothing."""
    core = chip.core
    limits = [Limit("neurons", (1, 0, 0, 0), core.neurons_max, "neurons")]
    if core.fan_in_axons_max is not None:
        limits.append(Limit("fan-in axons", (0, 1, 0, 0), core.fan_in_axons_max, "axons"))
    if core.fan_out_axons_max is not None:
        limits.append(Limit("fan-out axons", (0, 0, 1, 0), core.fan_out_axons_max, "axons"))
    bits = {
        "neuron_state": (core.neuron_state_bits, 0, 0, 0),
        "axons_in": (0, core.axon_in_bits, 0, 0),
        "axons_out": (0, 0, core.axon_out_bits, 0),
        "synapses": (0, 0, 0, 1),
    }
    for memory in core.memories:
        rows = [bits[holding] for holding in memory.holds]
        weights = tuple(map(sum, zip(*rows, strict=True)))
        name = memory.name.replace("_", " ")
        name += "" if name.endswith("memory") else " memory"
        limits.append(Limit(name, weights, memory.size_bits, "bits"))  # type: ignore[arg-type]
    return Limits(tuple(limits))
