"""Closed forms for a DRAM: latency of one access, limits of the throughput, a lower bound for a transfer.

For searches and for checking the simulation; no queues, no order of requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurocomp.fabric.dram_channel import Channel, channel_of
from neurocomp.fabric.dram_spec import DramSpec

RowState = Literal["open", "closed", "conflict"]


@dataclass(frozen=True)
class DramBound:
    """least_ps: no order of the requests takes less, refreshes left out. limit: what it rests on: ``data bus``,
    ``command bus``, ``activates`` (tFAW, tRRD) or ``banks`` (tRC)."""

    least_ps: int
    limit: str


def read_latency_ps(dram: DramSpec, row: RowState) -> int:
    """From the arrival of a read at an idle memory to its data: the row is open, its bank is closed (activate and
    read), or another row is open (precharge, activate and read)."""
    channel, gaps = channel_of(dram), channel_of(dram).gaps
    move = 0 if channel.single_queue else 1  # cycle in which the request moves to its bank's queue
    cycles = move + gaps.read_data + channel.front_cycles
    if row != "open":
        cycles += gaps.activate_read_bank
    if row == "conflict":
        cycles += gaps.precharge_activate_bank
    return cycles * dram.clock_ps


def least_time(dram: DramSpec, accesses: int, rows_opened: int) -> DramBound:
    """A lower bound for so many accesses of which so many have to open a row."""
    channel, channels = channel_of(dram), dram.organisation.channels
    burst = dram.organisation.burst_cycles  # bursts on a data bus never overlap
    work = _work(channel, -(-accesses // channels), -(-rows_opened // channels), burst)
    limit = max(work, key=lambda name: work[name])
    return DramBound(work[limit] * dram.clock_ps, limit)


def sustained_bytes_per_second(dram: DramSpec, accesses_per_row: float = 1.0) -> float:
    """Throughput of reads that open a random row and read so many accesses of it, with enough of them in flight.

    The least of the limits, less the time of refreshes: an estimate, not a bound. Random rows do not spread evenly
    over the banks, so that the simulation stays some percent below.
    """
    channel, many = channel_of(dram), 10**6
    gaps = channel.gaps
    spacing = min(gaps.read_read_rank, gaps.read_read_other) if channel.bus_ranks > 1 else gaps.read_read_rank
    cycles = max(_work(channel, many, round(many / accesses_per_row), spacing).values()) / many
    awake = 1 - gaps.refresh_activate / channel.refresh_interval if channel.refresh_interval else 1.0
    return dram.organisation.channels * dram.organisation.access_bytes / (cycles * dram.clock_ps) * 1e12 * awake


def _work(channel: Channel, accesses: int, rows_opened: int, spacing: int) -> dict[str, int]:
    """Cycles that each resource of one channel needs at least; spacing: from burst to burst on a data bus."""
    gaps, buses = channel.gaps, channel.ranks // channel.bus_ranks
    row_slots, column_slots = rows_opened * channel.activate_slots, accesses * channel.column_slots
    in_rank = max(0, -(-rows_opened // channel.ranks) - 1)  # activates of the busiest rank after its first
    in_bank = max(0, -(-rows_opened // (channel.ranks * channel.groups * channel.banks)) - 1)
    cycle = max(gaps.activate_activate_bank, gaps.activate_precharge_bank + gaps.precharge_activate_bank)
    windows = in_rank // channel.window_activates * gaps.window
    return {
        "data bus": -(-accesses // buses) * spacing,
        "command bus": max(row_slots, column_slots) if channel.two_buses else row_slots + column_slots,
        "activates": max(windows, in_rank * gaps.activate_activate_rank),
        "banks": in_bank * cycle,
    }
