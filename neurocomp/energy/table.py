"""Energy = counts x cost, once, in integer attojoules, so that parts add up to totals exactly.

1 pJ = 10**6 aJ; microwatts x picoseconds are attojoules. Python integers do not overflow. A cost that the
profile does not know stays unknown: its energy is not counted as zero but listed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from neurocomp.chip.spec import ChipSpec
from neurocomp.simulate.counters import Row
from neurocomp.simulate.inference import Simulation

STATIC, HOST = "static", "host"
UNIT_ORDER = ("synapse", "neuron", "routing", "memory", STATIC)


@dataclass(frozen=True)
class Entry:
    """Energy of one row of counters. energy_aj is None if the action's cost is unknown."""

    row: Row
    energy_aj: int | None


@dataclass(frozen=True)
class EnergyTable:
    """All energy of a run.

    entries: dynamic energy by (core, layer, phase, action). static_aj: what flows whether or not anything
    happens, by part: chip, cores, host. unknown: actions that happened and whose cost is not known.
    """

    entries: tuple[Entry, ...]
    static_aj: dict[str, int]
    unknown: tuple[str, ...]

    @property
    def total_aj(self) -> int:
        return sum(e.energy_aj or 0 for e in self.entries) + sum(self.static_aj.values())

    def by_unit(self) -> dict[str, int]:
        """aJ by unit in a fixed order; the values sum to the total."""
        sums: Counter[str] = Counter({unit: 0 for unit in UNIT_ORDER})
        for entry in self.entries:
            sums[entry.row.unit] += entry.energy_aj or 0
        sums[STATIC] = sum(self.static_aj.values())
        return {unit: sums[unit] for unit in (*self.units, STATIC)}

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units of dynamic energy; the host is one where it has something to compute."""
        host = (HOST,) if any(entry.row.unit == HOST for entry in self.entries) else ()
        return (*UNIT_ORDER[:-1], *host)

    def by_layer(self) -> dict[str, dict[str, int]]:
        """Dynamic aJ by population and unit; the population "" holds what belongs to the chip as a whole."""
        sums: dict[str, dict[str, int]] = {}
        for entry in self.entries:
            layer = sums.get(entry.row.layer)
            if layer is None:
                layer = sums[entry.row.layer] = dict.fromkeys(self.units, 0)
            layer[entry.row.unit] += entry.energy_aj or 0
        return sums

    def by_core(self) -> dict[int, int]:
        """Dynamic aJ by core; core -1 holds what belongs to no single core."""
        sums: dict[int, int] = {}
        for entry in self.entries:
            sums[entry.row.core] = sums.get(entry.row.core, 0) + (entry.energy_aj or 0)
        return sums


def action_costs(chip: ChipSpec) -> dict[str, tuple[str, int | None]]:
    """For each action the profile path of its cost and the cost in attojoules (None: unknown)."""
    engine, noc, host = chip.engines.fp, chip.noc, chip.engines.host_operation
    fp = "engines.fp"
    product = f"{fp}.synaptic_operation.dense" if engine.product_operation is None else f"{fp}.product_operation"
    costs = {
        "synaptic_operation.dense": (f"{fp}.synaptic_operation.dense", engine.synaptic_operation.dense),
        "synaptic_operation.conv": (f"{fp}.synaptic_operation.conv", engine.synaptic_operation.conv),
        "synaptic_operation.sparse": (f"{fp}.synaptic_operation.sparse", engine.synaptic_operation.sparse),
        "product_operation": (product, engine.product_cost),
        "operand_write": (product, engine.product_cost),
        "neuron_access": (f"{fp}.neuron_access", engine.neuron_access),
        "neuron_update": (f"{fp}.neuron_update", engine.neuron_update),
        "spike_out": (f"{fp}.spike_out", engine.spike_out),
        "packet_out": (f"{fp}.packet_out", engine.packet_out),
        "packet_to_host": (f"{fp}.packet_out", engine.packet_out),
        "packet_in": (f"{fp}.packet_in", engine.packet_in),
        "weight_read": (f"{fp}.weight_read", engine.weight_read),
        "state_access": (f"{fp}.state_access", engine.state_access),
        "hop_east_west": ("noc.hop_east_west", noc.hop_east_west),
        "hop_north_south": ("noc.hop_north_south", noc.hop_north_south),
        "hop_chip_link": ("noc.chip_link", None if noc.chip_link is None else noc.chip_link.cost),
        "host_operation": ("engines.host_operation", host),
    }
    table = {action: (path, None if cost is None else cost.energy_aj) for action, (path, cost) in costs.items()}
    return {**table, "barrier": ("step.barrier_energy_pj", chip.step.barrier_energy_aj)}


def tabulate(simulation: Simulation, chip: ChipSpec, cores_used: int, chips: int = 1) -> EnergyTable:
    """Price every count of a simulation. cores_used: how many cores draw the profile's per-core power; chips: how
    many chips there are."""
    costs = action_costs(chip)
    entries, unknown = [], []
    for row in simulation.counters.rows:
        cost = costs[row.action][1]
        entries.append(Entry(row, None if cost is None else cost * row.count))
        if cost is None and row.action not in unknown:
            unknown.append(row.action)
    duration = simulation.total_ps
    static = {
        "chip": chip.power.static_uw * chips * duration,
        "cores": chip.power.per_core_uw * cores_used * duration,
        "host": chip.power.host_uw * chips * duration,
    }
    return EnergyTable(tuple(entries), static, tuple(sorted(unknown)))
