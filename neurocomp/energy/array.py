"""Energy of what array engines do: counts x cost, exactly, then rounded once to whole attojoules.

Costs like 0.0025 pJ for a one-bit register are finer than an attojoule can hold, so a cost stays a fraction and the
product is rounded; totals are sums of the rounded entries, so parts sum to them.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from neurocomp.chip.array_chip import ArrayChip

AJ_PER_PJ = 1_000_000


class ArrayCosts:
    """Cost of each action of one chip, by its path."""

    def __init__(self, chip: ArrayChip) -> None:
        self.chip = chip
        self._cost: dict[str, Fraction | None] = {}

    def cost_aj(self, action: str) -> Fraction | None:
        """Attojoules of one operation, register access or bit; None if the profile does not know it."""
        if action not in self._cost:
            self._cost[action] = _cost_aj(self.chip, action)
        return self._cost[action]

    def energy_aj(self, action: str, count: int) -> int | None:
        """Energy of ``count`` times the action, rounded to whole attojoules."""
        cost = self.cost_aj(action)
        return None if cost is None else round(cost * count)


def cost_path(action: str, chip: ArrayChip) -> str:
    """The dotted path of the profile's value that an action is priced by."""
    group, _, rest = action.partition(".")
    if group == "operations":
        return f"operations.{rest}_pj"
    if group == "registers":
        return f"registers[{[r.bits for r in chip.registers].index(int(rest))}].access_pj"
    if group == "memories":
        name, _, direction = rest.partition(".")
        return f"memories[{[m.name for m in chip.memories].index(name)}].{direction}_pj"
    return "dram.access_pj_per_bit" if group == "dram" else "noc.hop_pj_per_bit"


def _cost_aj(chip: ArrayChip, action: str) -> Fraction | None:
    group, _, rest = action.partition(".")
    if group == "operations":
        return exact_aj(getattr(chip.operations, f"{rest}_pj"))
    if group == "registers":
        return exact_aj(chip.register_pj(int(rest)))
    if group == "memories":
        name, _, direction = rest.partition(".")
        memory = chip.memory(name)
        return exact_aj(memory.read_pj if direction == "read" else memory.write_pj) / memory.port_bits
    known = chip.dram.access_pj_per_bit if group == "dram" else chip.noc.hop_pj_per_bit
    return None if known is None else exact_aj(known)


@lru_cache(maxsize=256)
def exact_aj(energy_pj: float) -> Fraction:
    """Picojoules as they are written in the profile, in attojoules."""
    return Fraction(Decimal(repr(energy_pj))) * AJ_PER_PJ
