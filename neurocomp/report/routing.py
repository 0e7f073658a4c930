"""What the network on chip did: how much of each step it took, how long packets were under way, which links are hot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.program import Program
from neurocomp.report import units
from neurocomp.report.table import table
from neurocomp.simulate.simulation import Simulation

DIRECTIONS = ("east", "west", "north", "south")
HOTTEST = 5  # links that are named
PARTS = ("compute", "routing", "barrier or tick")


@dataclass(frozen=True)
class StepPart:
    """Part of the steps' time. time_ps: over all steps; steps: in which it was the longest of the parts."""

    part: str
    time_ps: int
    steps: int


@dataclass(frozen=True)
class LinkFacts:
    """A directed link: the router that it leaves, the direction, its flits in the run, and the share of the run's time
    in which it carried one (None: the profile does not know how long a flit takes)."""

    x: int
    y: int
    direction: str
    flits: int
    utilisation: float | None


@dataclass(frozen=True)
class RoutingFacts:
    """The network on chip in this run; times in picoseconds.

    fidelity: bound | event | cycle; doubtful_steps: chip steps for which it is known not to hold. parts: each step's
    time cut into what it would have taken had packets arrived as soon as they were sent (on the way that decided the
    step's end), what the network added, and the barrier or the wait for a tick; they sum to the run. packet_*: from
    being sent to arrival; p50 and p99 to 1/1024. queue_ps: packets waiting in their cores' queues, summed; stall_ps:
    cores kept from ending by these, summed; both 0 at ``bound``. links: the hottest. link_flits: (height, width, 4)
    flits over the links that leave each router east, west, north, south. link_stalls: in the same order, cycles that
    flits waited in the buffer behind the link; None at ``bound``.
    """

    fidelity: str
    doubtful_steps: int
    parts: tuple[StepPart, ...]
    packets: int
    packet_p50_ps: int
    packet_p99_ps: int
    packet_max_ps: int
    queue_ps: int
    stall_ps: int
    links: tuple[LinkFacts, ...]
    link_flits: tuple[tuple[tuple[int, ...], ...], ...]
    link_stalls: tuple[tuple[tuple[int, ...], ...], ...] | None


def routing_facts(program: Program, simulation: Simulation) -> RoutingFacts:
    """The facts of a run."""
    series, latency = simulation.series, simulation.packet_latency
    stalls = simulation.link_stalls
    return RoutingFacts(
        fidelity=simulation.fidelity,
        doubtful_steps=simulation.doubtful_steps,
        parts=tuple(_parts(simulation)),
        packets=latency.packets,
        packet_p50_ps=latency.quantile_ps(0.5),
        packet_p99_ps=latency.quantile_ps(0.99),
        packet_max_ps=latency.longest_ps,
        queue_ps=int(series.queue_ps.sum()),
        stall_ps=int(series.stall_ps.sum()),
        links=tuple(_hottest(program, simulation)),
        link_flits=_grid(simulation.link_flits, simulation.mesh),
        link_stalls=None if stalls is None else _grid(stalls, simulation.mesh),
    )


def _parts(simulation: Simulation) -> Iterator[StepPart]:
    series = simulation.series
    times = np.stack([series.work_ps - series.routing_ps, series.routing_ps, series.total_ps - series.work_ps])
    longest = times.argmax(axis=0)
    for index, name in enumerate(PARTS):
        yield StepPart(name, int(times[index].sum()), int((longest == index).sum()))


def _hottest(program: Program, simulation: Simulation) -> Iterator[LinkFacts]:
    flits, noc, mesh = simulation.link_flits, program.chip.noc, program.mesh
    flit_ps = np.full(flits.size, noc.cycle_ps)
    if program.chips != (1, 1) and noc.chip_link is not None:
        between = mesh.leaves_chip(np.arange(flits.size), (noc.width, noc.height))
        flit_ps[between] = noc.chip_link.flit_ps
    order = np.lexsort((np.arange(flits.size), -flits))[:HOTTEST]
    for link in order[flits[order] > 0].tolist():
        router, direction = divmod(link, len(DIRECTIONS))
        share = int(flits[link]) * int(flit_ps[link]) / simulation.total_ps if noc.cycle_ps else None
        yield LinkFacts(router % mesh.width, router // mesh.width, DIRECTIONS[direction], int(flits[link]), share)


def _grid(values: np.ndarray, mesh: tuple[int, int]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    rows = values.reshape(mesh[1], mesh[0], len(DIRECTIONS)).tolist()
    return tuple(tuple(tuple(router) for router in row) for row in rows)


def routing_text(facts: RoutingFacts, samples: int) -> Iterator[str]:
    """The report's section for people, without its title."""
    total, steps = sum(part.time_ps for part in facts.parts), sum(part.steps for part in facts.parts)
    rows = [["part of a step", "share of time", "longest in"]]
    rows += [[p.part, units.share(p.time_ps / total), f"{units.share(p.steps / steps)} of steps"] for p in facts.parts]
    yield from table(rows, "lrr", header=True)
    if not facts.packets:
        yield "  no packet was sent"
        return
    times = (facts.packet_p50_ps, facts.packet_p99_ps, facts.packet_max_ps)
    half, most, longest = (units.time(time) for time in times)
    yield f"  from being sent to its arrival a packet takes {half} (median), {most} (99 %), {longest} at most"
    if facts.fidelity != "bound":
        yield (
            f"  in the queues of their cores packets wait {units.time(facts.queue_ps / facts.packets)} on average; "
            f"cores are kept by them for {units.time(facts.stall_ps / samples)} per inference"
        )
    if facts.links:
        yield ""
        yield from _links_text(facts, samples)


def _links_text(facts: RoutingFacts, samples: int) -> Iterator[str]:
    rows = [["hottest links", "", "flits / inference", "in use"]]
    for link in facts.links:
        use = "" if link.utilisation is None else f"{units.share(link.utilisation)} of the time"
        rows.append([f"router ({link.x}, {link.y})", link.direction, units.count(link.flits / samples), use])
    yield from table(rows, "llrr", header=True)
