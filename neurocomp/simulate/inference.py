"""Feed-forward inference on event-style engines: from a program and a spike trace to counts and times.

Model: per step and core, neurons are updated in order and send their spikes as packets; the network carries them; each
destination core serves packets in order of arrival; the step ends with the slowest core or the busiest link, then the
barrier (csrc/inference.h). The structure follows SANA-FE (Boyle et al., IEEE TCAD 2025, doi
10.1109/TCAD.2025.3537971). The network on chip is modelled at one of three fidelities (neurocomp.fabric.noc): at
``bound`` packets do not wait for each other, so routing time is a lower bound; at ``cycle`` each step is a burst
through the profile's routers, flit by flit; at ``event`` by reservation of links.

Samples follow each other without a gap. On chips that deliver spikes in the next step a population at depth
d works d chip steps behind the input. Products of two signals are formed at the end of a step (products.py); what the
host computes is counted and takes no time (host.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import get_args

import numpy as np

from neurocomp._core.status import CoreError
from neurocomp.activity.trace import SpikeTrace
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, ResourceLimitError, bad_input, check_failed
from neurocomp.fabric.chip_network import router_of
from neurocomp.fabric.links import link_loads
from neurocomp.fabric.noc import Fidelity
from neurocomp.fabric.noc_cycle import stalls_of
from neurocomp.fabric.noc_event import holds_for
from neurocomp.interrupts import working_threads
from neurocomp.mapping.program import Program
from neurocomp.network.ops import frozen_array
from neurocomp.simulate.conserve import check_conservation, check_products
from neurocomp.simulate.engines.event import MachineTables, machine_tables
from neurocomp.simulate.host import host_work
from neurocomp.simulate.products import ProductWork, product_work
from neurocomp.simulate.simulation import LATENCY_BINS, Latencies, RawTotals, Simulation, StepSeries
from neurocomp.simulate.tally import chip_crossings, count_actions, packets_injected

STEPS_PER_TASK = 64

Progress = Callable[[int, int], None]


def fidelity_for(chip: ChipSpec, noc: str | None) -> Fidelity:
    """The fidelity of the network on chip that was asked for; None: ``cycle`` where the profile knows its routers, else
    ``bound``. Raises InputError for one that there is not, or that needs a router which the profile does not have."""
    if noc is None:
        return "bound" if chip.noc.router is None else "cycle"
    known: tuple[Fidelity, ...] = get_args(Fidelity)
    if noc not in known:
        raise bad_input("noc", f"{noc!r} is none of {', '.join(known)}")
    if noc != "bound":
        router_of(chip)
    return known[known.index(noc)]


def simulate(
    program: Program,
    trace: SpikeTrace,
    noc: Fidelity | None = None,
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> Simulation:
    """Time and count a program on a trace of its own network.

    noc: fidelity of the network on chip; None: ``cycle`` if the profile has a router, else ``bound``. The result is
    the same, byte for byte, for any number of threads. Raises InputError if the trace is not one of the program's
    network or the profile has no router for this fidelity, CheckFailedError if spikes, packets, flits or synaptic
    events do not add up.
    """
    _check_trace(program, trace)
    fidelity = fidelity_for(program.chip, noc)
    tables = machine_tables(program, fidelity)
    chip_steps = trace.samples * trace.steps + max(program.offsets.values(), default=0)
    results, totals = run_steps(tables, program, trace, chip_steps, threads, progress)
    products, host = product_work(program, trace, chip_steps), host_work(program, trace)
    _add_products(results, totals, products)
    barrier_ps = program.chip.barrier_ps(program.routers_used)
    series = _series(program, results, barrier_ps)
    _check_times(program, tables, totals, series)
    link_flits = flits_of_links(tables, totals, program)
    check_conservation(program, trace, totals, results, link_flits)
    check_products(products)
    return Simulation(
        samples=trace.samples,
        steps=trace.steps,
        chip_steps=chip_steps,
        counters=count_actions(program, totals, chip_steps, products, host),
        series=series,
        barrier_ps=barrier_ps,
        latency_ps=_latency(program, trace, series),
        link_flits=link_flits,
        core_busy_ps=frozen_array(totals.core_busy_ps[:-1]),
        fidelity=fidelity,
        packet_latency=Latencies(frozen_array(totals.latencies), int(series.latency_ps.max(initial=0))),
        link_stalls=_link_stalls(tables, totals),
        doubtful_steps=_doubtful_steps(tables, series),
        mesh=(program.mesh.width, program.mesh.height),
        injected=packets_injected(program, totals),
        chip_crossings=chip_crossings(program, link_flits, host),
    )


def _add_products(results: np.ndarray, totals: RawTotals, products: ProductWork) -> None:
    """Products are formed once all packets of a step have been dealt with, by all cores at once."""
    late = products.phase_ps > 0
    results[late, 1] = np.maximum(results[late, 0], results[late, 1]) + products.phase_ps[late]
    totals.core_busy_ps[: products.core_ps.size] += products.core_ps


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


def run_steps(
    tables: MachineTables, program: Program, trace: SpikeTrace, chip_steps: int, threads: int, progress: Progress | None
) -> tuple[np.ndarray, RawTotals]:
    """(int64 (chip_steps, RESULTS), counts of the run). Raises CheckFailedError if the compiled core refuses a step."""
    from neurocomp._core.timing import RESULTS, Machine, Work

    machine = Machine(tables)
    rows, offsets = _rows(tables, program, trace)
    most = _most_spikes(rows, offsets, chip_steps)
    results = np.zeros((chip_steps, RESULTS), np.int64)
    areas: SimpleQueue[tuple[Work, tuple[np.ndarray, ...]]] = SimpleQueue()  # one for each thread, as they are needed
    spans = [(at, min(at + STEPS_PER_TASK, chip_steps)) for at in range(0, chip_steps, STEPS_PER_TASK)]

    def run(span: tuple[int, int]) -> None:
        try:
            work, part = areas.get_nowait()
        except Empty:
            work, part = Work(machine, most), _empty_totals(tables)
        try:
            machine.run(work, *span, rows, offsets, results, part)
        except CoreError as error:
            raise check_failed("timing", str(error), f"chip steps {span[0]} to {span[1] - 1} of {program!r}") from error
        areas.put((work, part))

    with working_threads(threads) as pool:
        for (_, done), _ in zip(spans, pool.map(run, spans), strict=True):
            if progress is not None:
                progress(done, chip_steps)
    summed = _empty_totals(tables)
    while not areas.empty():
        for total, part in zip(summed, areas.get()[1], strict=True):
            total += part
    return results, RawTotals(*summed)


def single_steps(
    tables: MachineTables, program: Program, trace: SpikeTrace, first: int, last: int
) -> Iterator[RawTotals]:
    """Counts of the chip steps first to last - 1, one after the other; tables: of the program, at some fidelity.
    For looking at a few steps: each is run on its own."""
    from neurocomp._core.timing import RESULTS, Machine, Work

    machine = Machine(tables)
    rows, offsets = _rows(tables, program, trace)
    results = np.zeros((last, RESULTS), np.int64)
    work = Work(machine, _most_spikes(rows, offsets, trace.samples * trace.steps + max(offsets, default=0)))
    for step in range(first, last):
        part = _empty_totals(tables)
        machine.run(work, step, step + 1, rows, offsets, results, part)
        yield RawTotals(*part)


def _rows(
    tables: MachineTables, program: Program, trace: SpikeTrace
) -> tuple[list[tuple[np.ndarray, np.ndarray | None]], list[int]]:
    """Per emitter its packed spikes and active neurons, a row per time step, and how many chip steps late it works."""
    rows, offsets = [], []
    for emitter in tables.emitters:
        population = trace.populations[emitter.name]
        flat = (trace.samples * trace.steps, -1)
        active = None if population.active is None else population.active.reshape(flat)
        rows.append((population.spikes.reshape(flat), active))
        offsets.append(program.offsets.get(emitter.name, 0))
    return rows, offsets


def _empty_totals(tables: MachineTables) -> tuple[np.ndarray, ...]:
    classes, tiles, cores = tables.packet_ptr.size - 1, tables.tile_size.size, tables.core_tile_ptr.size - 1
    links = inputs = 0
    if tables.network is not None:
        mesh = tables.network.noc.mesh
        links, inputs = mesh.link_slots, mesh.link_slots + mesh.core_slots
    return tuple(np.zeros(n, np.int64) for n in (classes, tiles, tiles, cores, cores, LATENCY_BINS, links, inputs))


def _most_spikes(rows: list[tuple[np.ndarray, np.ndarray | None]], offsets: list[int], chip_steps: int) -> int:
    per_step = np.zeros(chip_steps, np.int64)
    for (spikes, _), offset in zip(rows, offsets, strict=True):
        per_step[offset : offset + spikes.shape[0]] += np.bitwise_count(spikes).sum(axis=1, dtype=np.int64)
    return int(per_step.max(initial=0))


def _series(program: Program, results: np.ndarray, barrier_ps: int) -> StepSeries:
    columns = [np.ascontiguousarray(column) for column in results.T]
    total = np.maximum(np.maximum(columns[0], columns[1]), columns[2]) + barrier_ps
    return StepSeries(np.maximum(total, program.chip.step.least_ps), *columns)


def _latency(program: Program, trace: SpikeTrace, series: StepSeries) -> np.ndarray:
    last = program.offsets.get(program.network.output, 0) if program.network.output else 0
    ends = np.concatenate([[0], np.cumsum(series.total_ps)])
    first = np.arange(trace.samples) * trace.steps
    return frozen_array(ends[first + trace.steps + last] - ends[first])


def flits_of_links(tables: MachineTables, totals: RawTotals, program: Program) -> np.ndarray:
    """int64 (link slots): flits of the routes of all spikes that were sent."""
    flits = link_loads(tables.link_ptr, tables.link_id, totals.class_spikes, tables.link_count)
    return frozen_array(flits * program.chip.noc.flits_per_spike)


def _link_stalls(tables: MachineTables, totals: RawTotals) -> np.ndarray | None:
    if tables.network is None:
        return None
    return frozen_array(np.maximum(stalls_of(tables.network.noc.mesh, totals.network_waits), 0))


def _doubtful_steps(tables: MachineTables, series: StepSeries) -> int:
    """Steps in which a core sends more packets than the reservation model is good for with this router."""
    network = tables.network
    if network is None or network.service is None:
        return 0
    sent, count = np.unique(series.most_sent, return_counts=True)
    return sum(int(n) for most, n in zip(sent, count, strict=True) if not holds_for(network.noc, int(most)))
