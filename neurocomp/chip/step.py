"""The time step of a chip."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neurocomp.chip.part import Count, EnergyPj, Part, TimeNs, in_attojoules, in_thousandths


class Step(Part):
    """How a time step ends.

    barrier_ns: duration of the barrier by the number of routers in use (the entry with the largest key
    that is not larger counts). barrier_energy_pj: per step and chip. period_ns: fixed tick, a step never
    takes less; floor_ns: least duration of a step ever measured; both None where there is none.
    """

    barrier_ns: Annotated[dict[Count, TimeNs], Field(min_length=1)]
    barrier_energy_pj: EnergyPj | None = None
    period_ns: TimeNs | None = None
    floor_ns: TimeNs | None = None

    def barrier_ps(self, routers_used: int) -> int:
        reached = [key for key in self.barrier_ns if key <= routers_used]
        return in_thousandths(self.barrier_ns[max(reached, default=min(self.barrier_ns))])

    @property
    def barrier_energy_aj(self) -> int | None:
        return None if self.barrier_energy_pj is None else in_attojoules(self.barrier_energy_pj)

    @property
    def least_ps(self) -> int:
        """No step takes less than this: the tick or the measured floor."""
        return max(in_thousandths(self.period_ns or 0.0), in_thousandths(self.floor_ns or 0.0))
