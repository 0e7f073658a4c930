"""From a simulation to the answer: a pure function; the same inputs give the same result on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neurocomp.activity.execution import Execution
from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.table import EnergyTable, tabulate
from neurocomp.errors import bad_input
from neurocomp.mapping.compile import float_form
from neurocomp.mapping.losses import weight_losses
from neurocomp.mapping.program import Program
from neurocomp.network.graph import Network
from neurocomp.report.detail import core_facts, step_bins
from neurocomp.report.difference import differing_sites
from neurocomp.report.layers import layer_facts
from neurocomp.report.model import (
    AccuracyFacts,
    BoundFacts,
    ChipFacts,
    ContentFacts,
    EnergyFacts,
    FitFacts,
    LayerFacts,
    LimitFacts,
    NeuroBenchFacts,
    Result,
    RunFacts,
    TimingFacts,
)  # fmt: skip
from neurocomp.report.neurobench import network_facts, neurobench, observed_kinds
from neurocomp.report.origins import energy_by_kind, values_used
from neurocomp.report.routing import routing_facts
from neurocomp.report.signals import SignalFacts, signal_facts
from neurocomp.report.traffic import traffic_facts
from neurocomp.report.warnings import ASSUMED, not_modelled, unknown_costs, warnings_about
from neurocomp.simulate.inference import Simulation
from neurocomp.version import VERSION

PARTS = ("neurons", "synapses", "links", "barrier or tick")


def report(
    program: Program,
    simulation: Simulation,
    *,
    execution: Execution,
    network: Network | None = None,
    float_execution: Execution | None = None,
    labels: np.ndarray | None = None,
    encoding: str | None = None,
    seed: int | None = None,
) -> Result:
    """Everything there is to say about a run.

    execution: of ``program.network``, the one that was simulated. network, float_execution: the network as it was
    trained and its run on the same inputs, for comparison. labels: int (samples). encoding, seed: how the inputs
    were coded, for the record. Raises InputError if the parts do not belong together.
    """
    _check(simulation, execution, float_execution, labels)
    table = tabulate(simulation, program.chip, program.cores_used, program.chip_count)
    layers = layer_facts(program, simulation, execution, table)
    lost = _lost(program, network)
    accuracy = _accuracy(program, execution, labels, network, float_execution)
    return Result(
        version=VERSION,
        network=network_facts(network or program.network), mapped=network_facts(program.network),
        chip=_chip(program.chip),
        run=RunFacts(simulation.samples, simulation.steps, encoding, seed, execution.trace.digest, simulation.fidelity),
        fit=_fit(program),
        mapping=program.quality,
        timing=_timing(program, simulation),
        energy=_energy(program.chip, table),
        layers=layers,
        neurobench=neurobench(program.network, execution),
        neurobench_trained=_trained(network, float_execution),
        traffic=traffic_facts(program, simulation),
        signals=_signals(program, simulation, execution, table, layers),
        routing=routing_facts(program, simulation),
        cores=core_facts(program, simulation, table),
        steps=step_bins(simulation),
        accuracy=accuracy,
        saturations=execution.saturations,
        values=values_used(program.chip, table, simulation, program.routers_used),
        warnings=warnings_about(layers, table, accuracy, execution, simulation, lost, program.network),
        assumptions=_assumptions(program), mismatches=(*program.mismatches, *lost),
        not_modelled=not_modelled(program.chip, simulation.fidelity),
    )  # fmt: skip


def _lost(program: Program, network: Network | None) -> tuple[str, ...]:
    form = None if network is None else float_form(network, program.chip)
    found = () if form is None else weight_losses(form, program.network)
    return tuple(f"{program.chip.name}: {sentence}" for sentence in found)


def _chip(chip: ChipSpec) -> ChipFacts:
    return ChipFacts(chip.name, chip.title, chip.process, chip.digest())


def _trained(network: Network | None, float_execution: Execution | None) -> NeuroBenchFacts | None:
    return None if network is None or float_execution is None else neurobench(network, float_execution)


def _check(
    simulation: Simulation, execution: Execution, float_execution: Execution | None, labels: np.ndarray | None
) -> None:
    runs = {"simulation": (simulation.samples, simulation.steps)}
    runs["execution"] = (execution.trace.samples, execution.trace.steps)
    if float_execution is not None:
        runs["float_execution"] = (float_execution.trace.samples, float_execution.trace.steps)
    for name, size in runs.items():
        if size != runs["simulation"]:
            what = f"is a run of {size[0]} samples x {size[1]} steps; the simulation has {simulation.samples} x "
            raise bad_input(name, f"{what}{simulation.steps}", hint="pass the runs of the same inputs")
    if labels is not None and np.shape(labels) != (simulation.samples,):
        what = f"have shape {np.shape(labels)}; one for each of {simulation.samples} samples is needed"
        raise bad_input("labels", what)
    if labels is not None and execution.output is not None:
        classes = int(np.prod(execution.output.shape[2:]))
        if np.any((np.asarray(labels) < 0) | (np.asarray(labels) >= classes)):
            raise bad_input("labels", f"must be class numbers from 0 to {classes - 1}")


def _assumptions(program: Program) -> tuple[str, ...]:
    """All assumptions, each once, in the order in which they were made."""
    found = (*program.network.assumptions, *program.assumptions, *ASSUMED, *unknown_costs(program.chip))
    return tuple(dict.fromkeys(found))


def _fit(program: Program) -> FitFacts:
    limits = []
    for use in program.usage.by_limit(program.chip):
        size, unit = (8, "bytes") if use.unit == "bits" else (1, use.unit)
        limits.append(LimitFacts(
            _limit_name(use.name), unit, use.capacity / size, use.total / size, use.most / size, use.fullest_core
        ))  # fmt: skip
    contents = program.usage.bytes_by_use(program.chip)
    return FitFacts(
        cores_used=program.cores_used,
        cores_available=program.chip.cores * program.chip_count,
        neurons=program.usage.neurons,
        weight_bits=program.usage.weight_bits,
        limits=tuple(limits),
        contents=tuple(
            ContentFacts(name, float(sizes.sum()), float(sizes.max(initial=0))) for name, sizes in contents.items()
        ),
        chips=program.chips,
    )


def _limit_name(name: str) -> str:
    return name.replace("_", " ").replace("memory memory", "memory")


def _timing(program: Program, simulation: Simulation) -> TimingFacts:
    total, latency, busy = simulation.series.total_ps, simulation.latency_ps, simulation.core_busy_ps
    output = program.network.output
    depth = program.offsets.get(output, 0) if output is not None else 0
    return TimingFacts(
        chip_steps=simulation.chip_steps,
        total_ps=simulation.total_ps,
        step_min_ps=int(total.min()),
        step_max_ps=int(total.max()),
        steps_per_inference=simulation.steps + depth,
        latency_total_ps=int(latency.sum()),
        latency_min_ps=int(latency.min()),
        latency_max_ps=int(latency.max()),
        streaming_ps=int(total[: simulation.samples * simulation.steps].sum()),
        busiest_core=int(busy.argmax()),
        busiest_core_ps=int(busy.max()),
        all_cores_ps=int(busy.sum()),
        bounds=tuple(_bounds(simulation)),
    )


def _bounds(simulation: Simulation) -> Iterator[BoundFacts]:
    """What each step waited for, see :class:`BoundFacts`."""
    series = simulation.series
    generate = series.generate_ps
    parts = np.stack([generate, np.maximum(series.process_ps - generate, 0)])
    links = np.maximum(series.link_ps - parts.sum(axis=0), 0)
    rest = series.total_ps - parts.sum(axis=0) - links
    parts = np.concatenate([parts, links[None], rest[None]])
    longest = parts.argmax(axis=0)
    for index, name in enumerate(PARTS):
        yield BoundFacts(name, int((longest == index).sum()), int(parts[index].sum()))


def _energy(chip: ChipSpec, table: EnergyTable) -> EnergyFacts:
    by_kind, dynamic_by_kind = energy_by_kind(chip, table)
    return EnergyFacts(
        total_aj=table.total_aj,
        by_unit=table.by_unit(),
        static=dict(table.static_aj),
        chip_wide_aj=sum(table.by_layer().get("", {}).values()),
        by_kind=by_kind,
        dynamic_by_kind=dynamic_by_kind,
        unknown=table.unknown,
        memory_apart=chip.engines.fp.weight_read is not None or chip.engines.fp.state_access is not None,
    )


def _signals(
    program: Program, simulation: Simulation, execution: Execution, table: EnergyTable, layers: tuple[LayerFacts, ...]
) -> SignalFacts:
    kinds = observed_kinds(program.network, execution.trace)
    whole = sum(layer.integer_operations for layer in layers)
    return signal_facts(program, simulation, execution, table, kinds, whole)


def _accuracy(
    program: Program,
    execution: Execution,
    labels: np.ndarray | None,
    network: Network | None,
    floating: Execution | None,
) -> AccuracyFacts | None:
    accuracy = _predicted(execution, floating, labels)
    if accuracy is None or network is None or floating is None:
        return accuracy
    sites = differing_sites(network, floating, program.network, execution)
    return replace(accuracy, spike_sites=sites[0], differing=sites[1]) if sites else accuracy


def _predicted(
    execution: Execution, float_execution: Execution | None, labels: np.ndarray | None
) -> AccuracyFacts | None:
    if execution.output is None or (labels is None and float_execution is None):
        return None
    chip = execution.predictions
    trained = float_execution.predictions if float_execution is not None else None
    return AccuracyFacts(
        samples=chip.size,
        correct_on_chip=int((chip == labels).sum()) if labels is not None else None,
        correct_in_float=int((trained == labels).sum()) if labels is not None and trained is not None else None,
        agreeing=int((chip == trained).sum()) if trained is not None else None,
        tied=execution.ties,
    )
