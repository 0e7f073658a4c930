"""Simulation of a DRAM at the level of commands: what a list of requests takes in time and energy.

The model (csrc/dram.h) keeps open rows, all JEDEC gaps between commands, refreshes and a controller with finite
queues. Channels do not influence each other and are simulated in parallel. Times are picoseconds, integers.
Not modelled: power-down and self-refresh, forwarding between requests to the same address, errors and their
correction.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.fabric.dram_address import places_of
from neurocomp.fabric.dram_channel import Channel, ChannelRequests, ChannelRun, Counts, channel_of
from neurocomp.fabric.dram_energy import DramEnergy, dram_energy
from neurocomp.fabric.dram_spec import DramSpec
from neurocomp.interrupts import working_threads

LATEST_PS = 2**61


@dataclass(frozen=True, eq=False)
class DramRequests:
    """Accesses of one burst each, in the order in which they are offered, n each.

    address: bytes, integers; write: bool; arrival_ps: never decreasing, None: all are there from the start, so that
    queues decide when they enter.
    """

    address: np.ndarray
    write: np.ndarray
    arrival_ps: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class DramRun:
    """What requests took. accepted_ps: when each entered the controller; done_ps: when a read's data was back, or a
    write's data in the banks; int64 (n). channel_counts: per channel, until it was done itself; counts: of all
    channels until ``duration_ps``."""

    dram: DramSpec
    accepted_ps: np.ndarray
    done_ps: np.ndarray
    arrival_ps: np.ndarray
    write: np.ndarray
    duration_ps: int
    counts: Counts
    channel_counts: tuple[Counts, ...]
    energy: DramEnergy

    @property
    def latency_ps(self) -> np.ndarray:
        """int64 (reads): from the arrival of each read to its data."""
        return (self.done_ps - self.arrival_ps)[~self.write]

    @property
    def bytes_per_second(self) -> float:
        moved = self.done_ps.size * self.dram.organisation.access_bytes
        return moved / self.duration_ps * 1e12 if self.duration_ps else 0.0

    @property
    def row_hit_rate(self) -> float:
        """Share of accesses that were not the first to an open row."""
        return self.counts.row_hits / self.done_ps.size if self.done_ps.size else 0.0


def simulate_dram(
    dram: DramSpec,
    requests: DramRequests,
    *,
    outstanding: int | None = None,
    window: int | None = None,
    threads: int = 1,
) -> DramRun:
    """Serve all requests.

    outstanding: reads that one channel may have on their way at a time; None: no limit but the queues. window:
    all requests come through one door, at which so many may wait for room in their channels, and the next ones behind
    them; None: they wait in front of each channel, in order. threads: channels without a common door are shared out
    among that many; the result is the same, byte for byte, for any number.

    Raises InputError if the requests are malformed or lie outside the memory.
    """
    arrival, write = _checked(requests, outstanding, window)
    places = places_of(dram, requests.address)
    # a request that arrives within a clock cycle is seen at the next edge
    parts = (-(-arrival // dram.clock_ps), places.bank, places.row, write.view(np.uint8))
    all_of_them, channel = ChannelRequests(*parts), channel_of(dram)
    if window is not None:
        channels = dram.organisation.channels
        accepted, done, parted = run_channels(channel, all_of_them, places.channel, channels, window, outstanding or 0)
    else:
        accepted, done, parted = _run_apart(channel, all_of_them, places.channel, dram, outstanding or 0, threads)
    cycles = max(part.cycles for part in parted)
    counts = _total([_prolonged(channel, part, cycles) for part in parted], cycles)
    return DramRun(
        dram, accepted * dram.clock_ps, done * dram.clock_ps, arrival, write, cycles * dram.clock_ps, counts,
        parted, dram_energy(dram, counts),
    )  # fmt: skip


def _run_apart(
    channel: Channel, requests: ChannelRequests, of: np.ndarray, dram: DramSpec, outstanding: int, threads: int
) -> tuple[np.ndarray, np.ndarray, tuple[Counts, ...]]:
    """(accepted, done, counts of each channel); each channel alone."""
    indices = _split(of, dram.organisation.channels)

    def run(index: np.ndarray) -> ChannelRun:
        r = requests
        part = ChannelRequests(r.arrival[index], r.bank[index], r.row[index], r.write[index])
        return run_channel(channel, part, outstanding)

    with working_threads(threads) as pool:
        runs = list(pool.map(run, indices))
    accepted, done = np.zeros(len(of), np.int64), np.zeros(len(of), np.int64)
    for index, part in zip(indices, runs, strict=True):
        accepted[index], done[index] = part.accepted, part.done
    return accepted, done, tuple(part.counts for part in runs)


def run_channels(
    channel: Channel, requests: ChannelRequests, of: np.ndarray, channels: int, window: int, outstanding: int = 0
) -> tuple[np.ndarray, np.ndarray, tuple[Counts, ...]]:
    """(accepted, done, counts of each channel), in clock cycles; of: int32 (n), the channel of each request; window:
    see :func:`simulate_dram`. The counts of all channels go until the last one is done."""
    from neurocomp._core.dram import ChannelCore

    n = len(requests.arrival)
    accepted, done = np.zeros(n, np.int64), np.zeros(n, np.int64)
    arrival, bank, row, write = _tables(requests)
    core = ChannelCore(channel)
    of = np.ascontiguousarray(of, np.int32)
    counts = core.run_window(arrival, of, bank, row, write, channels, window, outstanding, accepted, done)
    return accepted, done, tuple(Counts(*part) for part in counts)


def run_channel(channel: Channel, requests: ChannelRequests, outstanding: int = 0) -> ChannelRun:
    """One channel alone, in clock cycles. outstanding: see :func:`simulate_dram`; 0: no limit but the queues."""
    from neurocomp._core.dram import ChannelCore

    n = len(requests.arrival)
    accepted, done = np.zeros(n, np.int64), np.zeros(n, np.int64)
    counts = ChannelCore(channel).run(*_tables(requests), outstanding, accepted, done)
    return ChannelRun(accepted, done, Counts(*counts))


def _tables(requests: ChannelRequests) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As the core takes them."""
    return (
        np.ascontiguousarray(requests.arrival, np.int64),
        np.ascontiguousarray(requests.bank, np.int32),
        np.ascontiguousarray(requests.row, np.int32),
        np.ascontiguousarray(requests.write, np.uint8),
    )


def _checked(requests: DramRequests, outstanding: int | None, window: int | None) -> tuple[np.ndarray, np.ndarray]:
    """(arrival_ps int64, write bool), both (n)."""
    n = len(requests.address)
    write = np.asarray(requests.write)
    arrival = np.zeros(n, np.int64) if requests.arrival_ps is None else np.asarray(requests.arrival_ps)
    where = "DRAM requests"
    if write.shape != (n,) or arrival.shape != (n,):
        raise bad_input(where, f"{n} addresses, but write has shape {write.shape} and arrival_ps {arrival.shape}")
    if write.dtype != bool:
        raise bad_input(where, f"write must be true or false for each request, not {write.dtype}")
    if arrival.dtype.kind not in "iu":
        raise bad_input(where, f"arrival_ps must be whole picoseconds, not {arrival.dtype}")
    if n and (arrival[0] < 0 or arrival[-1] > LATEST_PS or np.any(arrival[1:] < arrival[:-1])):
        raise bad_input(where, "arrival_ps must not decrease, from 0 on", hint=f"the latest possible is {LATEST_PS}")
    for name, limit in (("outstanding", outstanding), ("window", window)):
        if limit is not None and not 1 <= limit <= 2**20:
            raise bad_input(where, f"{name} is {limit}; from 1 to {2**20} are possible")
    return arrival.astype(np.int64), np.ascontiguousarray(write)


def _split(channel: np.ndarray, channels: int) -> list[np.ndarray]:
    """The requests of each channel, in order."""
    if channels == 1:
        return [np.arange(channel.size)]
    order = np.argsort(channel.astype(np.uint16), kind="stable")  # 16 bits are sorted by counting
    return np.split(order, np.cumsum(np.bincount(channel, minlength=channels))[:-1])


def _prolonged(channel: Channel, counts: Counts, cycles: int) -> Counts:
    """A channel that is done waits for the others, precharged and refreshed."""
    idle = cycles - counts.cycles
    refreshes = idle // channel.refresh_interval * channel.ranks if channel.refresh_interval else 0
    values = {f.name: getattr(counts, f.name) for f in fields(Counts)}
    values |= {"cycles": cycles, "refreshes": counts.refreshes + refreshes}
    return Counts(**values | {"precharged_cycles": counts.precharged_cycles + idle * channel.ranks})


def _total(parts: list[Counts], cycles: int) -> Counts:
    sums = {f.name: sum(getattr(part, f.name) for part in parts) for f in fields(Counts)}
    return Counts(**sums | {"cycles": cycles})
