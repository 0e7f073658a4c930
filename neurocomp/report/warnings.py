"""What makes an answer questionable, what had to be taken as nothing, and what no answer of ours contains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.activity.execution import Execution
from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.table import HOST, EnergyTable
from neurocomp.fabric.noc import Fidelity
from neurocomp.network.graph import Network
from neurocomp.report import units
from neurocomp.report.model import AccuracyFacts, LayerFacts
from neurocomp.simulate.inference import Simulation

TOLERATED_LOSS = 0.01
SHOWN_LOSSES = 3
NOTABLE_DRAIN = 0.05  # of the run's chip steps

ASSUMED = (
    "samples follow each other without a gap, so that the steps of one also hold work of its neighbours; figures per "
    "inference are those of the whole run divided by its samples",
)
NETWORK = {
    "bound": "waiting inside the network on chip: links are counted at bound fidelity (the busiest link's flits one "
    "after the other), so routing time is a lower bound",
    "event": "full buffers in the network on chip: packets reserve links in order of arrival",
    "cycle": "the depth of the queues in which cores keep packets that the network does not take: they never overflow, "
    "and a core goes on with its neurons while packets wait",
}
NOT_MODELLED = (
    "loading weights and routing tables onto the chip, and switching it on",
    "the host: producing the inputs, moving them to the chip and reading the outputs",
    "the reset of neuron states between samples, which is taken to cost nothing",
    "spread between chips, supply voltage and temperature",
)


def warnings_about(
    layers: tuple[LayerFacts, ...],
    table: EnergyTable,
    accuracy: AccuracyFacts | None,
    execution: Execution,
    simulation: Simulation,
    lost: tuple[str, ...] = (),
    network: Network | None = None,
) -> tuple[str, ...]:
    """Sentences, most serious first. lost: about weights of which rounding left little (mapping/losses.py); network:
    the one that was run, whose registers are looked at."""
    clipping = (*_clipped_inputs(execution.clipped_inputs), *_saturation(execution.saturations))
    if network is not None:
        clipping = (*clipping, *_registers(network, execution))
    figures = (
        *_costs(table),
        *_host_time(table),
        *_accuracy(accuracy),
        *_rounding(lost),
        *_doubts(simulation),
        *_draining(simulation),
    )
    return (*figures, *_activity(layers), *clipping)


def unknown_costs(chip: ChipSpec) -> Iterator[str]:
    """Values of the profile that are unknown and were taken as nothing."""
    if chip.noc.link_flit_ns is None:
        yield f"on {chip.name}: how long a flit occupies a link is unknown; taken as 0, so no link is ever busy"


def not_modelled(chip: ChipSpec, fidelity: Fidelity) -> tuple[str, ...]:
    """What the answer leaves out: at this fidelity of the network, always, and on this chip."""
    return (NETWORK[fidelity], *NOT_MODELLED, *(f"{chip.name}: {note}" for note in chip.notes))


def _costs(table: EnergyTable) -> Iterator[str]:
    if table.unknown:
        one = len(table.unknown) == 1
        yield (
            f"energy is a lower bound: the profile does not know the cost of {', '.join(table.unknown)}, so "
            f"{'it counts' if one else 'they count'} as nothing"
        )


def _host_time(table: EnergyTable) -> Iterator[str]:
    if HOST in table.units:
        yield (
            "latency and throughput are the chip's: the time that the host takes for what it computes is not known, "
            "so it counts as nothing"
        )


def _accuracy(accuracy: AccuracyFacts | None) -> Iterator[str]:
    if accuracy is None or accuracy.correct_in_float is None or accuracy.correct_on_chip is None:
        return
    loss = (accuracy.correct_in_float - accuracy.correct_on_chip) / accuracy.samples
    if loss > TOLERATED_LOSS:
        yield f"accuracy on the chip is {100 * loss:.1f} points below the float network's"


def _rounding(lost: tuple[str, ...]) -> Iterator[str]:
    for sentence in lost[:SHOWN_LOSSES]:
        yield f"{units.clean(sentence, 160)}; its results are not the trained network's"
    if len(lost) > SHOWN_LOSSES:
        yield f"rounding leaves little of the weights of {len(lost) - SHOWN_LOSSES} more layers; see below"


def _doubts(simulation: Simulation) -> Iterator[str]:
    if simulation.doubtful_steps:
        yield (
            f"the network on chip was modelled by reservation of links (event), which is known not to hold for "
            f"{simulation.doubtful_steps:,} of {simulation.chip_steps:,} chip steps: a router has few virtual channels "
            "and cores send many packets; use --noc cycle"
        )


def _draining(simulation: Simulation) -> Iterator[str]:
    samples = simulation.samples
    last = simulation.chip_steps - samples * simulation.steps
    if last > NOTABLE_DRAIN * simulation.chip_steps:
        yield (
            f"after the last input the run takes {last:,} of its {simulation.chip_steps:,} chip steps to let the "
            f"pipeline run empty, whose energy is spread over {units.many(samples, 'sample')}: with more of them "
            "an inference takes less"
        )


def _activity(layers: tuple[LayerFacts, ...]) -> Iterator[str]:
    silent = [units.clean(layer.name) for layer in layers if layer.role == "neurons" and layer.spikes == 0]
    if silent:
        shown = ", ".join(silent[:5]) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
        yield f"no neuron of {shown} ever spikes on these inputs; whatever depends on it costs nothing"
    full = [units.clean(layer.name) for layer in layers if layer.role == "neurons" and layer.spikes == layer.outputs]
    if full:
        yield f"every neuron of {', '.join(full[:5])} spikes at every step"
    if any(layer.role == "input" and layer.spikes == 0 for layer in layers):
        yield "all inputs are zero"


def _clipped_inputs(clipped: int) -> Iterator[str]:
    if clipped:
        yield (
            f"{clipped:,} input values lie beyond what the chip's integers can hold and were cut to their limits; "
            "compile with inputs of this range so that the input scale suits them"
        )


def _saturation(saturations: int) -> Iterator[str]:
    if saturations:
        yield (
            f"integer states and registers hit their limits {saturations:,} times and were clipped; the chip's results "
            "may differ from the trained network's"
        )


def _registers(network: Network, execution: Execution) -> Iterator[str]:
    """Of the values that a register holds, how many are at its limits."""
    found = []
    for population in network.populations:
        trace = execution.trace.populations.get(population.name)
        if population.held is None or trace is None or trace.values is None:
            continue
        full = int((np.abs(trace.values.astype(np.int64)) >= population.held.limit).sum())
        if full:
            name, bits = units.clean(population.name), population.held.bits
            found.append((full, f"{full:,} of {trace.values.size:,} values of {name} fill its register of {bits} bits"))
    found.sort(key=lambda one: -one[0])
    for _, sentence in found[:SHOWN_LOSSES]:
        yield f"{sentence} and were cut; --calibrate with data that reach as far widens it"
    if len(found) > SHOWN_LOSSES:
        yield f"values of {len(found) - SHOWN_LOSSES} more layers fill their registers"
