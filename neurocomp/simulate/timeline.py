"""A few chip steps seen closely: what each core sent and received, and what went over each link.

Durations are exact. The simulator does not keep when within a step a core pauses, so a core's work of one step is one
piece of sending and one of receiving.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.mapping.program import Program
from neurocomp.simulate.engines.event import MachineTables, class_tile, machine_tables
from neurocomp.simulate.inference import single_steps
from neurocomp.simulate.simulation import RawTotals, Simulation


@dataclass(frozen=True, eq=False)
class StepWork:
    """One chip step. start_ps: from the run's beginning. Per core of the chip, int64: send_ps updating neurons and
    sending, receive_ps serving packets, stall_ps kept from ending by its queue into the network, packets received.
    link_flits: per directed link."""

    step: int
    start_ps: int
    total_ps: int
    work_ps: int
    spikes: int
    send_ps: np.ndarray
    receive_ps: np.ndarray
    stall_ps: np.ndarray
    packets: np.ndarray
    link_flits: np.ndarray


def closely(program: Program, trace: SpikeTrace, simulation: Simulation, first: int, last: int) -> Iterator[StepWork]:
    """The chip steps first to last - 1 of a simulated run, at the fidelity that it was simulated with."""
    tables = machine_tables(program, simulation.fidelity)
    series = simulation.series
    starts = np.concatenate([[0], np.cumsum(series.total_ps)])
    cores = _Cores(program, tables)
    for step, totals in enumerate(single_steps(tables, program, trace, first, last), first):
        send, receive = cores.send_ps(totals), cores.receive_ps(totals)
        busy = totals.core_busy_ps[:-1]
        stall = np.where(busy > np.maximum(send, receive), busy - send, 0)
        flits = np.zeros(tables.link_count, np.int64)
        np.add.at(flits, tables.link_id, np.repeat(totals.class_spikes, np.diff(tables.link_ptr)))
        yield StepWork(
            step, int(starts[step]), int(series.total_ps[step]), int(series.work_ps[step]), int(series.spikes[step]),
            send, receive, stall, totals.core_packets[:-1].copy(), flits * program.chip.noc.flits_per_spike,
        )  # fmt: skip


class _Cores:
    """What the timing kernel adds up for each core (csrc/inference.c), as sums of its counts."""

    def __init__(self, program: Program, tables: MachineTables) -> None:
        self.tables = tables
        self.count = tables.core_tile_ptr.size - 1
        self.tile_core = np.empty(tables.tile_size.size, np.int64)
        self.tile_core[tables.core_tile] = np.repeat(np.arange(self.count), np.diff(tables.core_tile_ptr))
        self.class_tile = class_tile(program)

    def send_ps(self, totals: RawTotals) -> np.ndarray:
        tables, costs = self.tables, self.tables.costs
        inner = tables.tile_is_input == 0
        spikes = totals.mute_spikes + self._by_tile(totals.class_spikes)
        per_tile = tables.tile_size * costs.access_ps + totals.tile_active * costs.update_ps + spikes * costs.spike_ps
        packets = np.diff(tables.packet_ptr)
        packets = np.minimum(packets, 1) if costs.replicates else packets
        out = self._by_tile(totals.class_spikes * packets) * np.where(inner, costs.packet_out_ps, costs.input_ps)
        return self._by_core(np.where(inner, per_tile, 0) + out)[:-1]

    def receive_ps(self, totals: RawTotals) -> np.ndarray:
        tables = self.tables
        served = np.repeat(totals.class_spikes, np.diff(tables.packet_ptr)) * tables.packet_service_ps
        found = np.zeros(self.count, np.int64)
        np.add.at(found, tables.packet_core, served)
        return found[:-1]

    def _by_tile(self, per_class: np.ndarray) -> np.ndarray:
        found = np.zeros(self.tile_core.size, np.int64)
        np.add.at(found, self.class_tile, per_class)
        return found

    def _by_core(self, per_tile: np.ndarray) -> np.ndarray:
        found = np.zeros(self.count, np.int64)
        np.add.at(found, self.tile_core, per_tile)
        return found
