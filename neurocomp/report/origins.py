"""Which values of the chip profile an answer rests on, and how much of the energy rests on which kind of value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from neurocomp.chip.provenance import KINDS, Kind, Provenance
from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.table import EnergyTable, action_costs
from neurocomp.report.model import ValueUse
from neurocomp.simulate.inference import Simulation

STATIC_PATHS = {"chip": "power.static_mw", "cores": "power.per_core_mw", "host": "power.host_mw"}
# actions whose latency enters the time of a step; a memory access is hidden in the operation that makes it
TIMED = (
    "synaptic_operation.dense", "synaptic_operation.conv", "synaptic_operation.sparse", "neuron_access",
    "product_operation", "operand_write", "neuron_update", "spike_out", "packet_out", "packet_in", "hop_east_west",
    "hop_north_south", "hop_chip_link",
)  # fmt: skip
ROUTING = ("noc.router", "noc.clock_ns", "noc.link_latency_cycles")  # where packets wait for each other
CAPACITIES = ("noc.width", "noc.height", "noc.cores_per_router", "core.", "noc.multicast", "noc.input_port")
FUNCTION = ("numeric.",)


def values_used(chip: ChipSpec, table: EnergyTable, simulation: Simulation, routers_used: int) -> tuple[ValueUse, ...]:
    """Every value of the profile that enters the answer, by use; a value that is not known is left out."""
    found = [
        *_uses(chip, "energy", _energy_paths(chip, table)),
        *_uses(chip, "time", _time_paths(chip, simulation, routers_used)),
        *_uses(chip, "capacity", _paths_under(chip, CAPACITIES)),
        *_uses(chip, "function", _paths_under(chip, FUNCTION)),
    ]
    return tuple(found)


def energy_by_kind(chip: ChipSpec, table: EnergyTable) -> tuple[dict[Kind, int], dict[Kind, int]]:
    """Attojoules by the kind of the cost that they were computed from, best kind first; in all and without the
    static part. Each sums to its total."""
    costs = action_costs(chip)
    dynamic = dict.fromkeys(KINDS, 0)
    for entry in table.entries:
        if entry.energy_aj is not None:
            path = _energy_path(entry.row.action, costs[entry.row.action][0])
            dynamic[origin_of(chip, path).kind] += entry.energy_aj
    total = dict(dynamic)
    for part, energy_aj in table.static_aj.items():
        total[origin_of(chip, STATIC_PATHS[part]).kind] += energy_aj
    return _present(total), _present(dynamic)


def _present(sums: dict[Kind, int]) -> dict[Kind, int]:
    return {kind: energy for kind, energy in sums.items() if energy}


def origin_of(chip: ChipSpec, path: str) -> Provenance:
    """Where the value at a dotted path came from. A list is looked up under its first entry."""
    for key in (path, f"{path}[0]"):
        if key in chip.provenance:
            return chip.provenance[key]
    return Provenance(value=None)


def value_at(chip: ChipSpec, path: str) -> object:
    """The plain value at a dotted path; None if the path leads nowhere."""
    node: Any = chip.model_dump(mode="json", exclude={"provenance"})
    for key in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, list):
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.get(key)
    return node


def _energy_path(action: str, path: str) -> str:
    return path if action == "barrier" else f"{path}.energy_pj"


def _energy_paths(chip: ChipSpec, table: EnergyTable) -> Iterator[str]:
    costs = action_costs(chip)
    happened = {entry.row.action for entry in table.entries if entry.energy_aj is not None}
    yield from (_energy_path(action, path) for action, (path, _) in costs.items() if action in happened)
    yield from STATIC_PATHS.values()


def _time_paths(chip: ChipSpec, simulation: Simulation, routers_used: int) -> Iterator[str]:
    costs = action_costs(chip)
    happened = {row.action for row in simulation.counters.rows}
    yield from (f"{costs[action][0]}.latency_ns" for action in TIMED if action in happened)
    yield from ("noc.link_flit_ns", "noc.flits_per_spike")
    if simulation.fidelity != "bound":
        yield from (path for path in chip.provenance if path.startswith(ROUTING))
    waits_for_tick = simulation.series.work_ps + simulation.barrier_ps < chip.step.least_ps
    if waits_for_tick.any():
        period = chip.step.period_ns or 0.0
        yield "step.period_ns" if period >= (chip.step.floor_ns or 0.0) else "step.floor_ns"
    if not waits_for_tick.all():
        reached = [key for key in chip.step.barrier_ns if key <= routers_used]
        yield f"step.barrier_ns.{max(reached, default=min(chip.step.barrier_ns))}"


def _paths_under(chip: ChipSpec, prefixes: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for path in chip.provenance:
        plain = path[: path.index("[")] if path.endswith("]") else path  # the entries of a list count as one value
        if plain.startswith(prefixes) and plain not in seen:
            seen.add(plain)
            yield plain


def _uses(chip: ChipSpec, use: str, paths: Iterable[str]) -> Iterator[ValueUse]:
    keys = {source: key for key, source in chip.sources.items()}
    for path in dict.fromkeys(paths):
        value = value_at(chip, path)
        if value is None:
            continue
        origin = origin_of(chip, path)
        shown = " ".join(map(str, value)) if isinstance(value, list) else value
        shown = origin.value if isinstance(value, dict) else shown  # a router's preset stands as its name
        yield ValueUse(path, use, shown, origin.kind, keys.get(origin.source, ""), origin.source, origin.note)  # type: ignore[arg-type]
