"""Lower bounds of the cycle model in closed form: what every packet and every link need at the very least.

A packet needs the pipelines of its routers, its links, and one cycle per flit. A link (or a core's entrance or
exit) cannot be done before its first head can be there, its flits have passed one after the other, and the last of
them has reached its core. Flits over a link are at least a cycle apart; vcs x buffer flits can be under way before
a credit comes back; a single VC changes packets only after the pipeline has been gone through again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_routes import Routes, routes_of

EJECT = 4  # cycles from the last switch into the core


@dataclass(frozen=True)
class Pace:
    """How fast flits can follow each other over links, into the network and out of it.

    Arrays are indexed by place: first the link slots, then the cores' exits, then their entrances. interval:
    cycles from flit to flit; turnaround: cycles from taking a credit until it is back, at the least; gap: further
    cycles from packet to packet if there is one VC.
    """

    interval: np.ndarray
    turnaround: np.ndarray
    gap: np.ndarray
    window: int

    def span(self, place: np.ndarray, flits: np.ndarray, packets: np.ndarray) -> np.ndarray:
        """Cycles from the first to the last of these flits."""
        credit = (flits - 1) // self.window * self.turnaround[place]
        turns = flits - 1 + (packets - 1) * self.gap[place]
        return np.maximum(np.maximum((flits - 1) * self.interval[place], credit), turns)


def pace_of(noc: Noc, *, single_flit: bool) -> Pace:
    """single_flit: every flit is a head, and so goes through the whole pipeline."""
    router, cores = noc.router, noc.mesh.core_slots
    latency, interval = noc.link_latencies().astype(np.int64), noc.link_intervals().astype(np.int64)
    stay = router.pipeline if single_flit else 0
    turnaround = np.concatenate(
        [
            3 + 2 * latency + router.credit_delay + stay,
            np.full(cores, 5 + router.credit_delay),
            np.full(cores, 4 + stay),
        ]
    )
    one_vc = int(router.vcs == 1)
    exit_gap = 0 if router.speculative else 1
    gap = np.concatenate(
        [np.full(latency.size, router.pipeline), np.full(cores, exit_gap), np.full(cores, router.pipeline)]
    )
    interval = np.concatenate([interval, np.ones(2 * cores, np.int64)])
    return Pace(interval, turnaround, gap * one_vc, router.vcs * router.buffer_flits)


@dataclass(frozen=True, eq=False)
class _Visits:
    """One row per delivery and place on its way: the head is there after ``head`` cycles from its release, and what
    has just passed there is in its core after ``tail`` cycles, at the earliest."""

    delivery: np.ndarray
    place: np.ndarray
    head: np.ndarray
    tail: np.ndarray


def _visits(noc: Noc, burst: Burst, routes: Routes | None = None) -> _Visits:
    mesh, of = noc.mesh, burst.packet_of_delivery
    if routes is None:
        routes = routes_of(mesh, burst, noc.forward_ties(burst.packets))
    pointer, links = routes.pointer, routes.links
    delivery = np.arange(of.size)
    on = np.repeat(delivery, np.diff(pointer))
    pipeline = noc.router.pipeline
    hop = 2 + noc.link_latencies().astype(np.int64)[links]
    before = np.concatenate([[0], np.cumsum(hop + pipeline)])
    flight = np.concatenate([[0], np.cumsum(hop + np.where(burst.flits[of][on] == 1, pipeline, 0))])
    whole, tail_whole = before[pointer[1:]] - before[pointer[:-1]], flight[pointer[1:]] - flight[pointer[:-1]]
    head = 1 + pipeline + before[:-1] - before[pointer[:-1]][on]
    tail = EJECT + flight[pointer[1:]][on] - flight[:-1]
    into = np.where(burst.flits[of] == 1, 1 + pipeline, 1)
    exits, entrances = mesh.link_slots + burst.destination, mesh.link_slots + mesh.core_slots + burst.source[of]
    return _Visits(
        np.concatenate([on, delivery, delivery]),
        np.concatenate([links, exits, entrances]),
        np.concatenate([head, 1 + pipeline + whole, np.zeros(of.size, np.int64)]),
        np.concatenate([tail, np.full(of.size, EJECT), into + tail_whole + EJECT]),
    )


def _alone(noc: Noc, burst: Burst, pace: Pace, visits: _Visits) -> np.ndarray:
    """int64 (deliveries): arrival if a packet had the network for itself; its flits use one VC at a time."""
    of = burst.packet_of_delivery
    after = burst.flits[of[visits.delivery]].astype(np.int64) - 1
    spread = np.maximum(
        after * pace.interval[visits.place], after // noc.router.buffer_flits * pace.turnaround[visits.place]
    )
    last = np.zeros(burst.deliveries, np.int64)
    np.maximum.at(last, visits.delivery, visits.head + spread + visits.tail)
    return burst.release[of] + last


def bound_burst(noc: Noc, burst: Burst, routes: Routes | None = None) -> BurstResult:
    """A lower bound of the drain and of each arrival; nothing waits in sources and buffers."""
    pace = pace_of(noc, single_flit=bool((burst.flits == 1).all()))
    visits, of = _visits(noc, burst, routes), burst.packet_of_delivery
    arrival = _alone(noc, burst, pace, visits)
    packet = of[visits.delivery]
    places = pace.interval.size
    once = np.unique(packet * places + visits.place, return_index=True)[1]  # a tree has each of its links once
    load = np.bincount(visits.place[once], burst.flits[packet[once]], places).astype(np.int64)
    packets = np.bincount(visits.place[once], minlength=places)
    first, tail = np.full(places, np.iinfo(np.int64).max), np.full(places, np.iinfo(np.int64).max)
    np.minimum.at(first, visits.place, burst.release[packet] + visits.head)
    np.minimum.at(tail, visits.place, visits.tail)
    used = np.flatnonzero(load)
    done = first[used] + pace.span(used, load[used], packets[used]) + tail[used]
    drain = max(int(done.max(initial=-1)), int(arrival.max(initial=-1)))
    links = noc.mesh.link_slots
    return BurstResult(
        "bound",
        drain,
        arrival,
        burst.release,
        load[:links],
        np.zeros(links, np.int64),
        int(load[: links + noc.mesh.core_slots].sum()),
    )


def busiest_cycles(noc: Noc, burst: Burst) -> int:
    """Cycles that the busiest link, core's exit or core's entrance needs for its flits, one after the other."""
    pace, visits = pace_of(noc, single_flit=False), _visits(noc, burst)
    load = np.bincount(visits.place, burst.flits[burst.packet_of_delivery[visits.delivery]], pace.interval.size)
    return int((load.astype(np.int64) * pace.interval).max(initial=0))
