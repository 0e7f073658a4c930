"""Feed-forward inference on event-style engines: from a program and a spike trace to counts and times.

Model: per step and core, neurons are updated in order and send their spikes as packets; each destination
core serves packets in order of arrival; the step ends with the slowest core or the busiest link, then the
barrier (csrc/inference.h). The structure follows SANA-FE (Boyle et al., IEEE TCAD 2025, doi
10.1109/TCAD.2025.3537971); links are counted at ``bound`` fidelity: the busiest link's flits one after the
other, without waiting inside the network, so routing time is a lower bound.

Samples follow each other without a gap. On chips that deliver spikes in the next step a population at depth
d works d chip steps behind the input.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.errors import Diagnostic, ResourceLimitError, bad_input
from neurocomp.mapping.program import Program
from neurocomp.network.ops import frozen_array
from neurocomp.network.text import html_table
from neurocomp.simulate.conserve import check_conservation
from neurocomp.simulate.counters import Counters
from neurocomp.simulate.engines.event import MachineTables, machine_tables
from neurocomp.simulate.tally import count_actions

STEPS_PER_TASK = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class StepSeries:
    """Per chip step, int64 (chip steps).

    generate_ps: the slowest core's updates and sends; process_ps: the last packet has been dealt with; link_ps:
    the busiest link's flits one after the other; total_ps: the longest of the three plus the barrier, at least
    the chip's least step. spikes, packets: counts of the whole chip.
    """

    total_ps: np.ndarray
    generate_ps: np.ndarray
    process_ps: np.ndarray
    link_ps: np.ndarray
    spikes: np.ndarray
    packets: np.ndarray

    def __post_init__(self) -> None:
        for name, value in list(vars(self).items()):
            object.__setattr__(self, name, frozen_array(value))


@dataclass(frozen=True, eq=False)
class Simulation:
    """Counts and times of a run. All times are integer picoseconds.

    latency_ps: (samples) from a sample's first step to the end of its last output step. link_flits: int64 per
    directed link. core_busy_ps: int64 per core of the chip, its longer one of sending and receiving work.
    fidelity: of the network-on-chip model.
    """

    samples: int
    steps: int
    chip_steps: int
    counters: Counters
    series: StepSeries
    barrier_ps: int
    latency_ps: np.ndarray
    link_flits: np.ndarray
    core_busy_ps: np.ndarray
    fidelity: str = "bound"

    @property
    def total_ps(self) -> int:
        return int(self.series.total_ps.sum())

    def _repr_html_(self) -> str:
        rows = {
            "samples x steps": f"{self.samples} x {self.steps}",
            "latency per sample": f"{self.latency_ps.mean() / 1e6:.3f} us",
            "mean step": f"{self.series.total_ps.mean() / 1e3:.1f} ns",
            "spikes": f"{int(self.series.spikes.sum()):,}",
            "packets": f"{int(self.series.packets.sum()):,}",
        }
        return html_table("Simulation", rows)

    def __repr__(self) -> str:
        return (
            f"Simulation({self.samples} samples x {self.steps} steps, {self.total_ps / 1e6:.3f} us, "
            f"{self.counters.total('spike_out')} spikes)"
        )


@dataclass(frozen=True, eq=False)
class RawTotals:
    """Sums of the timing kernel over all steps (csrc nc_step_totals)."""

    class_spikes: np.ndarray
    mute_spikes: np.ndarray
    tile_active: np.ndarray
    core_packets: np.ndarray
    core_busy_ps: np.ndarray


def simulate(program: Program, trace: SpikeTrace, *, threads: int = 1, progress: Progress | None = None) -> Simulation:
    """Time and count a program on a trace of its own network.

    The result is the same, byte for byte, for any number of threads. Raises InputError if the trace is not
    one of the program's network, CheckFailedError if spikes, packets or synaptic events do not add up.
    """
    _check_trace(program, trace)
    tables = machine_tables(program)
    chip_steps = trace.samples * trace.steps + max(program.offsets.values(), default=0)
    results, totals = _run(tables, program, trace, chip_steps, threads, progress)
    barrier_ps = program.chip.barrier_ps(program.routers_used)
    series = _series(program, results, barrier_ps)
    _check_times(program, tables, totals, series)
    check_conservation(program, trace, totals, results)
    return Simulation(
        samples=trace.samples,
        steps=trace.steps,
        chip_steps=chip_steps,
        counters=count_actions(program, totals, chip_steps),
        series=series,
        barrier_ps=barrier_ps,
        latency_ps=_latency(program, trace, series),
        link_flits=_link_flits(tables, totals, program),
        core_busy_ps=frozen_array(totals.core_busy_ps[:-1]),
    )


def _check_times(program: Program, tables: MachineTables, totals: RawTotals, series: StepSeries) -> None:
    """All work one after the other must fit 64 bits, so that no single time can have wrapped around."""
    service = np.concatenate([[0.0], np.cumsum(tables.packet_service_ps, dtype=np.float64)])
    per_class = service[tables.packet_ptr[1:]] - service[tables.packet_ptr[:-1]]
    costs = tables.costs
    slowest = float(costs.access_ps + costs.update_ps + costs.spike_ps + costs.packet_out_ps)
    work = float(totals.class_spikes @ per_class) + slowest * float(tables.tile_size.sum()) * series.total_ps.size
    if max(work, float(series.total_ps.astype(np.float64).sum())) >= 2.0**62:
        where = f"{program.chip.name}: times"
        raise ResourceLimitError(
            Diagnostic(
                where, "the run would take longer than 64-bit picoseconds can hold (53 days)", hint="run fewer steps"
            )
        )
    if not series.total_ps.any():
        raise bad_input(
            program.chip.name,
            "every latency of the profile is zero, so no step takes any time",
            hint="give step.floor_ns, step.barrier_ns or some operation a duration",
        )


def _check_trace(program: Program, trace: SpikeTrace) -> None:
    if not isinstance(trace, SpikeTrace):
        raise bad_input("trace", f"is a {type(trace).__name__}", hint="pass the trace of an execution: run.trace")
    if trace.arithmetic not in ("", repr(program.network.arithmetic)):
        raise bad_input(
            "trace",
            "comes from a network in other arithmetic than the program's",
            why=f"{trace.arithmetic} against {program.network.arithmetic!r}",
            hint="execute program.network, which is the network as it was mapped",
        )
    for name in program.routes.route_class:
        if name not in trace.populations:
            raise bad_input(
                name,
                "the trace has no spikes of this population",
                hint="execute program.network, which is the network as it was mapped",
            )
        if trace.populations[name].shape != program.network.by_name[name].shape:
            raise bad_input(
                name,
                f"the trace has shape {trace.populations[name].shape}, "
                f"the program {program.network.by_name[name].shape}",
            )


def _run(
    tables: MachineTables, program: Program, trace: SpikeTrace, chip_steps: int, threads: int, progress: Progress | None
) -> tuple[np.ndarray, RawTotals]:
    from neurocomp._core.timing import Machine

    machine = Machine(tables)
    rows, offsets = [], []
    for emitter in tables.emitters:
        population = trace.populations[emitter.name]
        flat = (trace.samples * trace.steps, -1)
        active = None if population.active is None else population.active.reshape(flat)
        rows.append((population.spikes.reshape(flat), active))
        offsets.append(program.offsets.get(emitter.name, 0))
    most = _most_spikes(rows, offsets, chip_steps)
    results = np.zeros((chip_steps, 5), np.int64)
    spans = [(at, min(at + STEPS_PER_TASK, chip_steps)) for at in range(0, chip_steps, STEPS_PER_TASK)]

    def run(span: tuple[int, int]) -> tuple[np.ndarray, ...]:
        part = _empty_totals(tables)
        machine.run(*span, rows, offsets, most, results, part)
        return part

    summed = _empty_totals(tables)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for (_, done), part in zip(spans, pool.map(run, spans), strict=True):
            for total, increment in zip(summed, part, strict=True):
                total += increment
            if progress is not None:
                progress(done, chip_steps)
    return results, RawTotals(*summed)


def _empty_totals(tables: MachineTables) -> tuple[np.ndarray, ...]:
    classes, tiles, cores = tables.packet_ptr.size - 1, tables.tile_size.size, tables.core_tile_ptr.size - 1
    return tuple(np.zeros(n, np.int64) for n in (classes, tiles, tiles, cores, cores))


def _most_spikes(rows: list[tuple[np.ndarray, np.ndarray | None]], offsets: list[int], chip_steps: int) -> int:
    per_step = np.zeros(chip_steps, np.int64)
    for (spikes, _), offset in zip(rows, offsets, strict=True):
        per_step[offset : offset + spikes.shape[0]] += np.bitwise_count(spikes).sum(axis=1, dtype=np.int64)
    return int(per_step.max(initial=0))


def _series(program: Program, results: np.ndarray, barrier_ps: int) -> StepSeries:
    generate, process, link, spikes, packets = (np.ascontiguousarray(column) for column in results.T)
    total = np.maximum(np.maximum(generate, process), link) + barrier_ps
    return StepSeries(np.maximum(total, program.chip.step.least_ps), generate, process, link, spikes, packets)


def _latency(program: Program, trace: SpikeTrace, series: StepSeries) -> np.ndarray:
    last = program.offsets.get(program.network.output, 0) if program.network.output else 0
    ends = np.concatenate([[0], np.cumsum(series.total_ps)])
    first = np.arange(trace.samples) * trace.steps
    return frozen_array(ends[first + trace.steps + last] - ends[first])


def _link_flits(tables: MachineTables, totals: RawTotals, program: Program) -> np.ndarray:
    per_class = np.repeat(totals.class_spikes, np.diff(tables.link_ptr))
    flits = np.zeros(tables.link_count, np.int64)
    np.add.at(flits, tables.link_id, per_class)
    return frozen_array(flits * program.chip.noc.flits_per_spike)
