"""Synthetic traffic and latency-load curves, as network simulators are used to compare routers.

Patterns are those of Dally and Towles (2004), section 3.2, named as in BookSim2. Packets enter at random: in each
cycle each core makes one with probability load / flits (Bernoulli). Latencies contain the wait in the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Fidelity, Noc
from neurocomp.fabric.noc_bound import busiest_cycles
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.topology import Topology

Pattern = Callable[[Topology, np.ndarray, np.random.Generator], np.ndarray]


def _uniform(mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, mesh.core_slots, source.size)


def _moved(mesh: Topology, source: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The core at the same place of the router at x, y."""
    return (y * mesh.width + x) * mesh.cores_per_router + source % mesh.cores_per_router


def _xy(mesh: Topology, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    router = source // mesh.cores_per_router
    return router % mesh.width, router // mesh.width


def _transpose(mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if mesh.width != mesh.height:
        raise bad_input("pattern", "transpose needs as many rows as columns", f"{mesh.width}x{mesh.height} routers")
    x, y = _xy(mesh, source)
    return _moved(mesh, source, y, x)


def _complement(mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x, y = _xy(mesh, source)
    return _moved(mesh, source, mesh.width - 1 - x, mesh.height - 1 - y)


def _neighbor(mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x, y = _xy(mesh, source)
    return _moved(mesh, source, (x + 1) % mesh.width, (y + 1) % mesh.height)


def _tornado(mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x, y = _xy(mesh, source)
    far_x, far_y = (mesh.width + 1) // 2 - 1, (mesh.height + 1) // 2 - 1
    return _moved(mesh, source, (x + far_x) % mesh.width, (y + far_y) % mesh.height)


PATTERNS: dict[str, Pattern] = {
    "uniform": _uniform,
    "transpose": _transpose,
    "bitcomp": _complement,
    "neighbor": _neighbor,
    "tornado": _tornado,
}
HOTSPOT = "hotspot"  # everything to one core
SETTLED = 0.95  # of what is offered comes out of a network that is not saturated; the rest is chance


@dataclass(frozen=True)
class Stream:
    """One part of the traffic; each stream has its own queue in every core, as BookSim2's traffic classes have.

    pattern: one of PATTERNS, or ``hotspot`` with the core that everything goes to. share: of the load.
    """

    pattern: str
    share: float = 1.0
    core: int | None = None

    def destinations(self, mesh: Topology, source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.pattern == HOTSPOT:
            if self.core is None or not 0 <= self.core < mesh.core_slots:
                raise bad_input("pattern", f"a hotspot needs a core from 0 to {mesh.core_slots - 1}")
            return np.full(source.size, self.core)
        if self.pattern not in PATTERNS:
            raise bad_input("pattern", f"{self.pattern!r} is none of {', '.join([*PATTERNS, HOTSPOT])}")
        return PATTERNS[self.pattern](mesh, source, rng)


def traffic(
    noc: Noc, streams: str | tuple[Stream, ...], load: float, *, flits: int = 1, cycles: int = 10_000, seed: int = 0
) -> Burst:
    """Packets of ``cycles`` cycles at ``load`` flits per core and cycle. streams: a pattern, or a mix.

    Raises InputError for unknown patterns and for loads that are not between 0 and the length of a packet.
    """
    streams = (Stream(streams),) if isinstance(streams, str) else streams
    if not 0 < load <= flits:
        raise bad_input("load", f"is {load}; a core can make one packet per cycle, so 0 < load <= {flits} flits")
    parts: list[tuple[np.ndarray, ...]] = []
    for k, stream in enumerate(streams):
        rng = np.random.default_rng([seed, k])
        for release, source in _packets(noc, load * stream.share / flits, cycles, rng):
            destination = stream.destinations(noc.mesh, source, rng)
            parts.append((release, source, destination, np.full(source.size, k)))
    release, source, destination, of_stream = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Burst.unicast(release, source, destination, np.full(source.size, flits), of_stream)


def _packets(noc: Noc, rate: float, cycles: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(cycle, core) of every packet, block by block so that memory stays small."""
    cores = noc.mesh.core_slots
    block = max(1, 2**22 // cores)
    for start in range(0, cycles, block):
        cycle, core = np.nonzero(rng.random((min(block, cycles - start), cores)) < rate)
        yield cycle + start, core


@dataclass(frozen=True)
class LoadPoint:
    """One point of a latency-load curve. load and accepted: flits per core and cycle, offered and delivered while
    measuring. Latencies in cycles, of the packets made while measuring; None where the network was so overloaded
    that some of these did not arrive in the time given. saturated: that, or less came out than went in."""

    load: float
    accepted: float
    latency_mean: float | None
    latency_p50: float | None
    latency_p99: float | None
    latency_max: int | None
    packets: int
    saturated: bool


@dataclass(frozen=True)
class Phases:
    """Cycles of a run: until the network has settled, then while it is measured."""

    warmup: int = 6000
    measure: int = 6000

    @property
    def end(self) -> int:
        return self.warmup + self.measure


def load_point(
    noc: Noc,
    streams: str | tuple[Stream, ...],
    load: float,
    *,
    flits: int = 1,
    warmup: int = 6000,
    measure: int = 6000,
    seed: int = 0,
    fidelity: Fidelity = "cycle",
) -> LoadPoint:
    """Latency and throughput in the steady state. Traffic goes on while the packets that are measured arrive.

    At ``bound`` fidelity nothing waits: latencies are those of an empty network, and what is accepted is limited by
    the busiest link or core alone.
    """
    if fidelity == "bound":
        return _bound_point(noc, traffic(noc, streams, load, flits=flits, cycles=measure, seed=seed), load, measure)
    phases = Phases(warmup, measure)
    until = 2 * phases.end
    burst = traffic(noc, streams, load, flits=flits, cycles=until, seed=seed)
    result = run_burst(noc, burst, fidelity=fidelity, until=until if fidelity == "cycle" else None)
    made = (burst.release >= phases.warmup) & (burst.release < phases.end)
    offered = int(burst.flits[made].sum()) / (measure * noc.mesh.core_slots)
    accepted = _accepted(noc, burst, result, phases)
    arrived = (result.arrival >= 0) & (result.arrival < until)
    complete = bool(made.any()) and bool(arrived[made].all())
    saturated = not complete or accepted < SETTLED * offered
    return LoadPoint(load, accepted, *_latencies(result.latency(burst)[made], complete), int(made.sum()), saturated)


def _bound_point(noc: Noc, burst: Burst, load: float, measure: int) -> LoadPoint:
    offered = int(burst.flits.sum()) / (measure * noc.mesh.core_slots)
    share = min(1.0, measure / max(1, busiest_cycles(noc, burst)))
    latency = run_burst(noc, burst, fidelity="bound").latency(burst)
    saturated = share < SETTLED or not burst.packets
    return LoadPoint(load, offered * share, *_latencies(latency, not saturated), burst.packets, saturated)


def _latencies(latency: np.ndarray, complete: bool) -> tuple[float | None, float | None, float | None, int | None]:
    """(mean, median, 99th percentile, largest)."""
    if not complete:
        return None, None, None, None
    middle, high = np.percentile(latency, (50, 99), method="higher")
    return float(latency.mean()), float(middle), float(high), int(latency.max())


def saturation_throughput(
    noc: Noc,
    streams: str | tuple[Stream, ...],
    *,
    flits: int = 1,
    warmup: int = 6000,
    measure: int = 4000,
    seed: int = 0,
    fidelity: Fidelity = "cycle",
) -> float:
    """Flits per core and cycle that are delivered when every core offers one flit per cycle."""
    if fidelity == "bound":
        return _bound_point(
            noc, traffic(noc, streams, 1.0, flits=flits, cycles=measure, seed=seed), 1.0, measure
        ).accepted
    phases = Phases(warmup, measure)
    burst = traffic(noc, streams, 1.0, flits=flits, cycles=phases.end, seed=seed)
    until = phases.end if fidelity == "cycle" else None
    return _accepted(noc, burst, run_burst(noc, burst, fidelity=fidelity, until=until), phases)


def _accepted(noc: Noc, burst: Burst, result: BurstResult, phases: Phases) -> float:
    arrived = (result.arrival >= phases.warmup) & (result.arrival < phases.end)
    return int(burst.flits[arrived].sum()) / (phases.measure * noc.mesh.core_slots)
