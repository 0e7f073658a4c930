"""What a simulation found: counts and times, per step and in all."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from neurocomp.fabric.noc import Fidelity
from neurocomp.network.ops import frozen_array
from neurocomp.network.text import html_table
from neurocomp.simulate.counters import Counters

LATENCY_BINS = 54 * 1024  # csrc/inference.h, NC_LATENCY_BINS


@dataclass(frozen=True, eq=False)
class StepSeries:
    """Per chip step, int64 (chip steps).

    generate_ps: the slowest core's updates and sends, and its wait for the network to take its packets; process_ps: the
    last packet has been dealt with; link_ps: the busiest link's flits one after the other; total_ps: the longest of the
    three plus the barrier, at least the chip's least step. spikes, packets: counts of the whole chip.

    routing_ps: what the network added to the longest of the three: the way of the packet that the last core waited for
    before it worked without a pause, or the time for which the queue of the core that sent last kept it. latency_ps:
    the slowest packet, from being sent to its arrival. queue_ps: time that packets spent in their cores' queues,
    summed; stall_ps: time that these kept cores from ending, summed over cores. most_sent: packets of the busiest
    source. The last three are 0 at ``bound``.
    """

    total_ps: np.ndarray
    generate_ps: np.ndarray
    process_ps: np.ndarray
    link_ps: np.ndarray
    spikes: np.ndarray
    packets: np.ndarray
    routing_ps: np.ndarray
    latency_ps: np.ndarray
    queue_ps: np.ndarray
    stall_ps: np.ndarray
    most_sent: np.ndarray

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, frozen_array(getattr(self, field.name)))

    @property
    def work_ps(self) -> np.ndarray:
        """int64 (chip steps): a step without its barrier, and without waiting for a tick."""
        return np.maximum(np.maximum(self.generate_ps, self.process_ps), self.link_ps)


@dataclass(frozen=True, eq=False)
class Latencies:
    """How long packets took from being sent to their arrival: counts by bins of csrc/inference.h, and the longest."""

    counts: np.ndarray
    longest_ps: int

    @property
    def packets(self) -> int:
        return int(self.counts.sum())

    def quantile_ps(self, share: float) -> int:
        """A time that this share of the packets did not exceed, at most 1/1024 above the least such time; 0 without
        packets. ``share`` is taken as the decimal number that it is written as."""
        if not self.packets:
            return 0
        wanted = -(-Fraction(str(share)) * self.packets // 1)
        found = int(np.searchsorted(np.cumsum(self.counts), max(int(wanted), 1)))
        return min(latency_bin_end(found), self.longest_ps)


def latency_bin_end(bin_number: int) -> int:
    """The longest time in a bin: below 2048 each has its own, then there are 1024 for each factor of two."""
    if bin_number < 2048:
        return bin_number
    high = bin_number // 1024 - 1
    return (bin_number - high * 1024 + 1 << high) - 1


@dataclass(frozen=True, eq=False)
class Simulation:
    """Counts and times of a run. All times are integer picoseconds.

    latency_ps: (samples) from a sample's first step to the end of its last output step. link_flits: int64 per
    directed link. core_busy_ps: int64 per core of the chip, its longer one of sending and receiving work.
    fidelity: of the network-on-chip model. packet_latency: of all packets that were received. link_stalls: int64 per
    directed link, cycles that flits waited in the buffer behind it, None at ``bound``. doubtful_steps: chip steps for
    which this fidelity is known not to hold (``event`` only). mesh: (width, height) of the routers. injected: packets
    that entered at the input port; chip_crossings: links from one chip to another that packets crossed, each link of a
    multicast tree once.
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
    fidelity: Fidelity
    packet_latency: Latencies
    link_stalls: np.ndarray | None
    doubtful_steps: int
    mesh: tuple[int, int]
    injected: int
    chip_crossings: int

    @property
    def total_ps(self) -> int:
        return int(self.series.total_ps.sum())

    def _repr_html_(self) -> str:
        rows = {
            "samples x steps": f"{self.samples} x {self.steps}",
            "latency per sample": f"{self.latency_ps.mean() / 1e6:.3f} us",
            "mean chip step": f"{self.series.total_ps.mean() / 1e3:.1f} ns",
            "spikes": f"{int(self.series.spikes.sum()):,}",
            "packets delivered": f"{int(self.series.packets.sum()):,}",
            "network on chip": self.fidelity,
        }
        return html_table("Simulation", rows)

    def __repr__(self) -> str:
        return (
            f"Simulation({self.samples} samples x {self.steps} steps, {self.total_ps / 1e6:.3f} us, "
            f"{self.counters.total('spike_out')} spikes)"
        )


@dataclass(frozen=True, eq=False)
class RawTotals:
    """Sums of the timing kernel over all steps (csrc nc_step_totals). The last two are empty at ``bound``."""

    class_spikes: np.ndarray
    mute_spikes: np.ndarray
    tile_active: np.ndarray
    core_packets: np.ndarray
    core_busy_ps: np.ndarray
    latencies: np.ndarray
    network_flits: np.ndarray
    network_waits: np.ndarray
