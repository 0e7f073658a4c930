"""Energy of learning on an event-driven chip: updates times their cost, and static power for the time they add."""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import bad_input
from neurocomp.simulate.plasticity import PlasticityRun


@dataclass(frozen=True)
class PlasticityEnergy:
    """aJ of a run. layers: of the updates, by layer, None if their cost is unknown; static_aj: of chip, cores in use
    and host for as long as the updates take."""

    layers: dict[str, int] | None
    static_aj: int

    @property
    def total_aj(self) -> int:
        return sum((self.layers or {}).values()) + self.static_aj


def price_plasticity(run: PlasticityRun, chip: ChipSpec, cores_used: int, chips: int = 1) -> PlasticityEnergy:
    """cores_used: how many cores draw the profile's per-core power. Raises InputError for a chip that does not
    learn."""
    if chip.engines.wg is None:
        raise bad_input(chip.name, "has no learning engine")
    cost = chip.engines.wg.weight_update.energy_aj
    power = chips * (chip.power.static_uw + chip.power.host_uw) + cores_used * chip.power.per_core_uw
    layers = None if cost is None else {name: int(n.sum()) * cost for name, n in run.updates.items()}
    return PlasticityEnergy(layers, power * run.total_ps)
