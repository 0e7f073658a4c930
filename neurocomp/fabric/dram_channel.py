"""One DRAM channel as the simulators take it: integers only, in clock cycles; and what a run gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.dram_gaps import Gaps, gaps_of
from neurocomp.fabric.dram_spec import DramSpec


@dataclass(frozen=True)
class Channel:
    """Configuration of one channel; fields as in csrc/dram.h. ranks counts those of all pseudo channels; bus_ranks
    in a row share a data bus. Booleans are 0 or 1."""

    ranks: int
    groups: int
    banks: int
    bus_ranks: int
    window_activates: int
    refresh_interval: int
    refresh_together: int
    activate_slots: int
    column_slots: int
    two_buses: int
    arbitration: int
    read_queue: int
    write_queue: int
    bank_queue: int
    single_queue: int
    write_high: int
    write_low: int
    row_hit_cap: int
    front_cycles: int
    gaps: Gaps


@dataclass(frozen=True)
class ChannelRequests:
    """Requests to one channel in the order in which they are offered, n each: arrival int64 (cycle, never
    decreasing), bank int32 (flat: ((pseudo channel, rank), bank group, bank)), row int32, write uint8."""

    arrival: np.ndarray
    bank: np.ndarray
    row: np.ndarray
    write: np.ndarray


@dataclass(frozen=True)
class Counts:
    """What happened in a channel, int. cycles: until the last data; active_cycles, precharged_cycles: summed over
    ranks, with and without an open row; row_hits: column commands that were not the first to an open row."""

    cycles: int
    activates: int
    reads: int
    writes: int
    refreshes: int
    row_hits: int
    active_cycles: int
    precharged_cycles: int


@dataclass(frozen=True, eq=False)
class ChannelRun:
    """accepted, done: int64 cycles per request: when it entered the controller, and when a read's data reached the
    requester or a write's data the banks."""

    accepted: np.ndarray
    done: np.ndarray
    counts: Counts


def channel_of(dram: DramSpec) -> Channel:
    """The configuration of each channel of a DRAM."""
    o, t, c = dram.organisation, dram.timing_cycles, dram.controller
    return Channel(
        ranks=o.pseudo_channels * o.ranks,
        groups=o.bank_groups,
        banks=o.banks_per_group,
        bus_ranks=o.ranks,
        window_activates=4,
        refresh_interval=t.tREFI,
        refresh_together=int(c.refresh == "together"),
        activate_slots=c.activate_slots,
        column_slots=c.column_slots,
        two_buses=int(c.command_buses == 2),
        arbitration=int(c.arbitration == "oldest"),
        read_queue=c.read_queue,
        write_queue=c.write_queue,
        bank_queue=c.bank_queue,
        single_queue=int(c.scheduler == "single_queue"),
        write_high=c.write_high,
        write_low=c.write_low,
        row_hit_cap=c.row_hit_cap,
        front_cycles=c.front_cycles,
        gaps=gaps_of(dram),
    )
