"""The readable twin of the timing kernel (csrc/inference.c): one neuron, one spike, one packet at a time.

Slow on purpose; tests hold the compiled kernel against it, number for number. Where packets wait for each other, the
network is the readable twin of the flit-level model (fabric/noc_reference.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neurocomp.activity.trace import SpikeTrace, unpack
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc_reference import reference_burst
from neurocomp.mapping.program import Program
from neurocomp.simulate.engines.event import MachineTables


@dataclass
class Packet:
    """A packet that a core sends; with several deliveries where routers copy it. deliveries: numbers in the tables."""

    core: int
    send_ps: int
    deliveries: range
    arrival_ps: dict[int, int] = field(default_factory=dict)
    queue_ps: int = 0


@dataclass
class Served:
    """What a core's queue came to, as csrc/inference_queue.h has it."""

    end_ps: int = 0
    network_ps: int = 0
    latency_ps: int = 0


def reference_steps(program: Program, tables: MachineTables, trace: SpikeTrace) -> np.ndarray:
    """int64 (chip steps, 10): the fields of nc_step_result for every chip step."""
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
    return np.array(rows, np.int64).reshape(-1, 10)


def _one_step(tables: MachineTables, fired: dict[str, np.ndarray], active: dict[str, np.ndarray]) -> tuple[int, ...]:
    sent: list[Packet] = []
    link_load: dict[int, int] = {}
    cores = range(tables.core_tile_ptr.size - 1)
    ends, spikes = [0] * len(cores), 0
    for core in cores:
        clock = 0
        for tile in tables.core_tile[tables.core_tile_ptr[core] : tables.core_tile_ptr[core + 1]]:
            clock, count = _one_tile(tables, (core, int(tile)), clock, fired, active, sent, link_load)
            spikes += count
        ends[core] = clock
    _carry(tables, sent)
    left, source = list(ends), Counter(packet.core for packet in sent)
    for packet in sent:
        left[packet.core] = max(left[packet.core], packet.send_ps + packet.queue_ps)
    served = _queues(tables, sent)
    packets = sum(len(p.deliveries) for p in sent)
    link = max(link_load.values(), default=0) * tables.costs.link_ps
    slowest, last = max(cores, key=lambda c: left[c]), max(cores, key=lambda c: served[c].end_ps)
    generate, process = left[slowest], served[last].end_ps
    routing = served[last].network_ps if process > generate else generate - ends[slowest]
    routing += max(link - max(generate, process), 0)
    stall = sum(left[c] - ends[c] for c in cores)
    most = max(source.values(), default=0) if tables.network else 0
    longest = max(s.latency_ps for s in served)
    return generate, process, link, spikes, packets, routing, longest, sum(p.queue_ps for p in sent), stall, most


def _carry(tables: MachineTables, sent: list[Packet]) -> None:
    """When each packet arrives: after its flight, and what it waited in the network if that is modelled."""
    network = tables.network
    found = None if network is None or not sent else _burst(tables, sent)
    for number, packet in enumerate(sent):
        for k, delivery in enumerate(packet.deliveries):
            packet.arrival_ps[delivery] = packet.send_ps + int(tables.packet_flight_ps[delivery])
            if network is None or found is None:
                continue
            burst, result = found
            release = int(burst.release[number])
            cycles = int(result.arrival[burst.pointer[number] + k]) - release - int(network.packet_cycles[delivery])
            late_ps = release * network.cycle_ps - packet.send_ps if network.clocked else 0
            packet.arrival_ps[delivery] += late_ps + cycles * network.cycle_ps
            packet.queue_ps = (int(result.inject[number]) - release) * network.cycle_ps


def _burst(tables: MachineTables, sent: list[Packet]) -> tuple[Burst, BurstResult]:
    """A step's packets in cycles, and what the network does with them."""
    network = tables.network
    if network is None:
        raise ValueError("no network is modelled")
    burst = Burst(
        np.array([-(-packet.send_ps // network.cycle_ps) for packet in sent]),
        np.array([network.core_source[packet.core] for packet in sent]),
        np.full(len(sent), network.flits),
        np.cumsum([0, *(len(packet.deliveries) for packet in sent)]),
        np.array([network.packet_sink[delivery] for packet in sent for delivery in packet.deliveries]),
    )
    return burst, reference_burst(network.noc, burst)


def _one_tile(
    tables: MachineTables,
    place: tuple[int, int],
    clock: int,
    fired: dict[str, np.ndarray],
    active: dict[str, np.ndarray],
    sent: list[Packet],
    link_load: dict[int, int],
) -> tuple[int, int]:
    """Update the neurons of a (core, tile) in order from time ``clock`` on; returns (time when done, spikes)."""
    costs, (core, tile) = tables.costs, place
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
            clock = _send(tables, int(emitter.route[element]), clock, core, is_input, sent)
            _load(tables, int(emitter.route[element]), link_load)
    return clock, spikes


def _send(tables: MachineTables, route: int, clock: int, core: int, is_input: bool, sent: list[Packet]) -> int:
    """Send one spike's packets; returns when the last has left the core's output."""
    if route < 0 or tables.packet_ptr[route] == tables.packet_ptr[route + 1]:
        return clock
    out = tables.costs.input_ps if is_input else tables.costs.packet_out_ps
    deliveries = range(int(tables.packet_ptr[route]), int(tables.packet_ptr[route + 1]))
    for group in [deliveries] if tables.costs.replicates else [range(d, d + 1) for d in deliveries]:
        clock += out
        sent.append(Packet(core, clock, group))
    return clock


def _load(tables: MachineTables, route: int, link_load: dict[int, int]) -> None:
    if route < 0:
        return
    for link in tables.link_id[tables.link_ptr[route] : tables.link_ptr[route + 1]]:
        link_load[int(link)] = link_load.get(int(link), 0) + 1


def _queues(tables: MachineTables, sent: list[Packet]) -> list[Served]:
    """Every core serves its packets in order of arrival, until it has dealt with all of them."""
    served = [Served() for _ in range(tables.core_tile_ptr.size - 1)]
    arriving = [(packet.arrival_ps[d], packet.send_ps, d) for packet in sent for d in packet.deliveries]
    for arrival, send, delivery in sorted(arriving, key=lambda packet: packet[0]):  # sorted is stable
        at = served[tables.packet_core[delivery]]
        if arrival > at.end_ps:
            at.end_ps, at.network_ps = arrival, arrival - send
        at.end_ps += int(tables.packet_service_ps[delivery])
        at.latency_ps = max(at.latency_ps, arrival - send)
    return served
