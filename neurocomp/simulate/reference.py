"""The readable twin of the timing kernel (csrc/inference.c): one neuron, one spike, one packet at a time.

Slow on purpose; tests hold the compiled kernel against it, number for number.
"""

from __future__ import annotations

import numpy as np

from neurocomp.activity.trace import SpikeTrace, unpack
from neurocomp.mapping.program import Program
from neurocomp.simulate.engines.event import MachineTables

Packet = tuple[int, int]  # arrival, service, both in ps


def reference_steps(program: Program, tables: MachineTables, trace: SpikeTrace) -> np.ndarray:
    """int64 (chip steps, 5): generate_ps, process_ps, link_ps, spikes, packets of every chip step."""
    chip_steps = trace.samples * trace.steps + max(program.offsets.values(), default=0)
    rows = []
    for step in range(chip_steps):
        fired, active = {}, {}
        for emitter in tables.emitters:
            at = step - program.offsets.get(emitter.name, 0)
            if 0 <= at < trace.samples * trace.steps:
                population = trace.populations[emitter.name]
                where = divmod(at, trace.steps)
                fired[emitter.name] = unpack(population.spikes[where], population.size)
                if population.active is not None:
                    active[emitter.name] = unpack(population.active[where], population.size)
        rows.append(_one_step(tables, fired, active))
    return np.array(rows, np.int64).reshape(-1, 5)


def _one_step(tables: MachineTables, fired: dict[str, np.ndarray], active: dict[str, np.ndarray]) -> tuple[int, ...]:
    arriving: dict[int, list[Packet]] = {}
    link_load: dict[int, int] = {}
    generate = spikes = 0
    for core in range(tables.core_tile_ptr.size - 1):
        clock = 0
        for tile in tables.core_tile[tables.core_tile_ptr[core] : tables.core_tile_ptr[core + 1]]:
            clock, count = _one_tile(tables, int(tile), clock, fired, active, arriving, link_load)
            spikes += count
        generate = max(generate, clock)
    process = max((_queue(packets) for packets in arriving.values()), default=0)
    link = max(link_load.values(), default=0) * tables.costs.link_ps
    return generate, process, link, spikes, sum(map(len, arriving.values()))


def _one_tile(
    tables: MachineTables,
    tile: int,
    clock: int,
    fired: dict[str, np.ndarray],
    active: dict[str, np.ndarray],
    arriving: dict[int, list[Packet]],
    link_load: dict[int, int],
) -> tuple[int, int]:
    """Update a tile's neurons in order from time ``clock`` on; returns (time when done, spikes)."""
    costs = tables.costs
    emitter = next((e for e in tables.emitters if (e.tile == tile).any()), None)
    if emitter is None:  # neurons that nobody listens to through routes, e.g. a readout without spikes
        return clock + int(tables.tile_size[tile]) * costs.access_ps, 0
    is_input, spikes = bool(tables.tile_is_input[tile]), 0
    silent = np.zeros(emitter.tile.size, np.bool_)
    fires, moves = fired.get(emitter.name, silent), active.get(emitter.name, silent)
    members = np.flatnonzero(emitter.tile == tile)
    for element in members[np.argsort(emitter.rank[members])]:
        if not is_input:
            clock += costs.access_ps + (costs.update_ps if moves[element] or fires[element] else 0)
        if fires[element]:
            spikes += 1
            clock += 0 if is_input else costs.spike_ps
            clock = _send(tables, int(emitter.route[element]), clock, is_input, arriving, link_load)
    return clock, spikes


def _send(
    tables: MachineTables,
    route: int,
    clock: int,
    is_input: bool,
    arriving: dict[int, list[Packet]],
    link_load: dict[int, int],
) -> int:
    if route < 0:
        return clock
    out = tables.costs.input_ps if is_input else tables.costs.packet_out_ps
    packets = range(tables.packet_ptr[route], tables.packet_ptr[route + 1])
    if tables.costs.replicates and len(packets):
        clock += out
    for packet in packets:
        clock += 0 if tables.costs.replicates else out
        arrival = clock + int(tables.packet_flight_ps[packet])
        arriving.setdefault(int(tables.packet_core[packet]), []).append(
            (arrival, int(tables.packet_service_ps[packet]))
        )
    for link in tables.link_id[tables.link_ptr[route] : tables.link_ptr[route + 1]]:
        link_load[int(link)] = link_load.get(int(link), 0) + 1
    return clock


def _queue(packets: list[Packet]) -> int:
    """When a core that serves packets in order of arrival has dealt with all of them."""
    free = 0
    for arrival, service in sorted(packets, key=lambda packet: packet[0]):  # sorted is stable
        free = max(free, arrival) + service
    return free
