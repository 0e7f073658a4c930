"""One row per population: what it did, what the chip did for it, and what that cost."""

from __future__ import annotations

from neurocomp.activity.execution import Execution
from neurocomp.energy.table import EnergyTable
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import INPUT_PORT
from neurocomp.mapping.stations import is_hosted, is_product
from neurocomp.network.graph import Network, Population
from neurocomp.network.ops import stands_alone
from neurocomp.report.model import LayerFacts
from neurocomp.report.neurobench import Operations, observed_kinds, spikes, synaptic_operations
from neurocomp.simulate.inference import Simulation


def layer_facts(
    program: Program, simulation: Simulation, execution: Execution, table: EnergyTable
) -> tuple[LayerFacts, ...]:
    """Inputs and everything on the cores, in network order."""
    network, trace = program.network, execution.trace
    cores = _cores(program)
    kinds = observed_kinds(network, trace)
    operations = _by_layer(network, set(cores), synaptic_operations(network, execution))
    updates = simulation.counters.by_layer("neuron_update")
    events = _events(simulation)
    products = simulation.counters.by_layer("product_operation")
    hosted = simulation.counters.by_layer("host_operation")
    energy = table.by_layer()
    rows = []
    for population in network.populations:
        name = population.name
        if name not in cores:
            continue
        done = operations.get(name, [])
        rows.append(LayerFacts(
            name=name,
            role=_role(network, population),
            shape=population.shape,
            elements=population.size,
            cores=cores[name],
            level=program.offsets.get(name, 0),
            value_kind=str(kinds[name]),
            outputs=population.size * trace.samples * trace.steps,
            spikes=int(execution.nonzero_counts[name].sum()),
            effective_acs=sum(o.effective for o in done if not o.is_mac),
            effective_macs=sum(o.effective for o in done if o.is_mac),
            dense_operations=sum(o.dense for o in done),
            synaptic_events=events.get(name, 0),
            neuron_updates=updates.get(name, 0),
            energy=energy.get(name, dict.fromkeys(table.units, 0)),
            integer_operations=sum(o.effective for o in done if o.is_integer),
            product_operations=products.get(name, 0),
            host_operations=hosted.get(name, 0),
        ))  # fmt: skip
    return tuple(rows)


def _role(network: Network, population: Population) -> str:
    name = population.name
    if name in network.inputs:
        return "input"
    if name not in network.stations:
        return "neurons" if spikes(population) else "readout"
    if is_product(network, name):
        return "product"
    if is_hosted(network, name):
        return "host"
    return "maximum" if any(stands_alone(p.op) for p in network.incoming[name]) else "sum"


def _cores(program: Program) -> dict[str, int]:
    """How many cores each population lies on; 0 for inputs."""
    cores: dict[str, set[int]] = {}
    for tile in program.tiles:
        cores.setdefault(tile.population, set()).add(tile.core)
    return {name: len(found - {INPUT_PORT}) for name, found in cores.items()}


def _events(simulation: Simulation) -> dict[str, int]:
    events: dict[str, int] = {}
    for form in ("dense", "conv", "sparse"):
        for name, count in simulation.counters.by_layer(f"synaptic_operation.{form}").items():
            events[name] = events.get(name, 0) + count
    return events


def _by_layer(network: Network, mapped: set[str], operations: tuple[Operations, ...]) -> dict[str, list[Operations]]:
    """Operations by the population that they end in; what a relay passes on counts for the first one behind it."""
    target = {p.name: p.target for p in network.projections}
    groups: dict[str, list[Operations]] = {}
    for operation in operations:
        groups.setdefault(_behind(network, mapped, target[operation.projection]), []).append(operation)
    return groups


def _behind(network: Network, mapped: set[str], name: str) -> str:
    waiting, seen = [name], {name}
    while waiting:
        current = waiting.pop(0)
        if current in mapped:
            return current
        onward = [p.target for p in network.outgoing[current] if p.target not in seen]
        waiting += onward
        seen.update(onward)
    return name  # leads nowhere; its operations belong to no layer
