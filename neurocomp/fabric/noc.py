"""The network on chip at three fidelities, behind one function: :func:`run_burst`.

``bound``: no packet waits for another one except where it must (busiest link); a lower bound of ``cycle``.
``event``: packets reserve links in order of arrival; buffers are taken as infinite, so it holds only for routers with
several VCs or for small bursts, and the result says whether it does. ``cycle``: flit by flit (csrc/noc.h), agreeing
with BookSim2 to the cycle on meshes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal

import numpy as np

from neurocomp._core.status import CoreError
from neurocomp.errors import Diagnostic, InputError, ResourceLimitError, check_failed
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc_routes import Trees, build_trees, displacements
from neurocomp.fabric.router import ROUTERS, Router, find_router
from neurocomp.fabric.topology import DIRECTIONS, Mesh

if TYPE_CHECKING:
    from neurocomp._core.noc import Network

Fidelity = Literal["bound", "event", "cycle"]

CELLS_MAX = 64  # input VCs of a router
LINK_DELAY_MAX = 1000
TO_PORT_ORDER = (0, 1, 3, 2)  # csrc/noc.h has south before north; the exchange is its own inverse

__all__ = ["ROUTERS", "Burst", "BurstResult", "Fidelity", "Noc", "Router", "find_router", "run_burst"]


@dataclass(frozen=True)
class Noc:
    """A network of equal routers; all times in cycles of its clock.

    link_latency: (along x, along y), or one number for both. chip_size: routers (x, y) of one chip, where
    several chips make up the mesh; links from chip to chip have boundary_latency and take a flit only every
    boundary_interval cycles. ties: on a torus with two ways of equal length, ``forward`` takes the one east or
    south, as neurocomp.fabric.topology does, ``random`` chooses by packet number, as BookSim2 does by chance.
    """

    mesh: Mesh
    router: Router
    link_latency: int | tuple[int, int] = 1
    chip_size: tuple[int, int] | None = None
    boundary_latency: int = 1
    boundary_interval: int = 1
    ties: Literal["forward", "random"] = "forward"

    def __post_init__(self) -> None:
        found = [Diagnostic(f"noc.{where}", what, hint=hint) for where, what, hint in _faults(self)]
        if found:
            raise InputError(found)

    @property
    def latency_xy(self) -> tuple[int, int]:
        return self.link_latency if isinstance(self.link_latency, tuple) else (self.link_latency, self.link_latency)

    def at_boundary(self) -> np.ndarray:
        """bool (link slots): links from one chip to another."""
        links = np.arange(self.mesh.link_slots)
        if self.chip_size is None:
            return np.zeros(links.size, np.bool_)
        here, there = links // DIRECTIONS, self.mesh.head_of(links)
        width, height = self.chip_size
        across_x = here % self.mesh.width // width != there % self.mesh.width // width
        return across_x | (here // self.mesh.width // height != there // self.mesh.width // height)

    def link_latencies(self) -> np.ndarray:
        """int32 (link slots)."""
        along = np.array(self.latency_xy, np.int32)[np.arange(self.mesh.link_slots) % DIRECTIONS // 2]
        return np.where(self.at_boundary(), np.int32(self.boundary_latency), along)

    def link_intervals(self) -> np.ndarray:
        """int32 (link slots): cycles from one flit to the next."""
        return np.where(self.at_boundary(), self.boundary_interval, 1).astype(np.int32)

    def forward_ties(self, packets: int) -> np.ndarray:
        """bool (packets, 2): whether a packet goes east, south where both ways round are equally long."""
        if self.ties == "forward" or not self.mesh.torus:
            return np.ones((packets, 2), np.bool_)
        z = (np.arange(packets, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # splitmix64
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        return np.stack([z & np.uint64(1), z >> np.uint64(1) & np.uint64(1)], axis=1).astype(np.bool_)


def _faults(noc: Noc) -> list[tuple[str, str, str]]:
    mesh, router, found = noc.mesh, noc.router, []
    shared = -(-router.vcs // router.input_speedup) * router.input_speedup
    inputs = DIRECTIONS + mesh.cores_per_router
    if inputs * shared > CELLS_MAX:
        found.append(
            (
                "router.vcs",
                f"{inputs} inputs of {router.vcs} VCs are more than {CELLS_MAX} input VCs",
                "fewer VCs, or fewer cores per router",
            )
        )
    if mesh.torus and router.vcs < 2:
        found.append(("router.vcs", "a torus needs two VCs or more, or packets can block each other for ever", ""))
    delays = {
        "link_latency": (*noc.latency_xy,),
        "boundary_latency": (noc.boundary_latency,),
        "boundary_interval": (noc.boundary_interval,),
    }
    for where, values in delays.items():
        if not all(1 <= value <= LINK_DELAY_MAX for value in values):
            found.append((where, f"must be 1 to {LINK_DELAY_MAX} cycles", ""))
    if noc.chip_size is not None and min(noc.chip_size) < 1:
        found.append(("chip_size", "a chip has at least one router along each axis", ""))
    return found


_of_thread = threading.local()


def network_of_thread(noc: Noc) -> Network:
    """The compiled network that this thread used last, if it is this one: its work area is kept between bursts."""
    if getattr(_of_thread, "noc", None) != noc:
        from neurocomp._core.noc import Network

        _of_thread.network = Network(
            noc.mesh, noc.router, _port_order(noc.link_latencies()), _port_order(noc.link_intervals())
        )
        _of_thread.noc = noc
    return _of_thread.network


def run_burst(
    noc: Noc,
    burst: Burst,
    *,
    fidelity: Fidelity = "cycle",
    multicast: Literal["tree", "unicast"] = "tree",
    until: int | None = None,
) -> BurstResult:
    """Send a burst through a network and say when each packet arrives.

    multicast: packets with several destinations follow an XY tree and are copied at routers, or their sender
    sends one copy to each. until: (``cycle`` only) stop before that cycle; what has not arrived then has arrival -1.
    Raises InputError for packets that do not suit the network, CheckFailedError if flits were lost, made up or stuck.
    """
    _check_burst(noc, burst, fidelity, multicast, until)
    of = burst.packet_of_delivery
    if multicast == "unicast" and burst.deliveries > burst.packets:
        result = run_burst(noc, burst.as_unicast(), fidelity=fidelity, until=until)
        first = np.full(burst.packets, np.iinfo(np.int64).max)
        np.minimum.at(first, of[result.inject >= 0], result.inject[result.inject >= 0])
        return result.with_inject(np.where(first == np.iinfo(np.int64).max, -1, first))
    if fidelity == "bound":
        from neurocomp.fabric.noc_bound import bound_burst

        return bound_burst(noc, burst)
    if fidelity == "event":
        from neurocomp.fabric.noc_event import event_burst

        return event_burst(noc, burst)
    return _run_cycles(noc, burst, until)


def _check_burst(noc: Noc, burst: Burst, fidelity: str, multicast: str, until: int | None) -> None:
    found = []
    for name in ("source", "destination"):
        cores = getattr(burst, name)
        if cores.size and not (cores.min() >= 0 and cores.max() < noc.mesh.core_slots):
            found.append(Diagnostic(f"burst.{name}", f"cores must be 0 to {noc.mesh.core_slots - 1}"))
    if fidelity not in ("bound", "event", "cycle"):
        found.append(Diagnostic("fidelity", f"{fidelity!r} is none of bound, event, cycle"))
    if multicast not in ("tree", "unicast"):
        found.append(Diagnostic("multicast", f"{multicast!r} is neither tree nor unicast"))
    if until is not None and (fidelity != "cycle" or until < 0):
        found.append(Diagnostic("until", "only the cycle model can be stopped, and not before cycle 0"))
    branching = np.diff(burst.pointer) > 1
    if multicast == "tree" and branching.any() and burst.flits[branching].max() > noc.router.buffer_flits:
        found.append(
            Diagnostic(
                "burst.flits",
                "a packet that is copied at routers is longer than a router's buffer",
                f"{burst.flits[branching].max()} flits, {noc.router.buffer_flits} places",
                "deeper buffers, shorter packets, or multicast='unicast'",
            )
        )
    if found:
        raise InputError(found)


def _port_order(links: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(links.reshape(-1, DIRECTIONS)[:, TO_PORT_ORDER].reshape(-1))


def cycle_tables(noc: Noc, burst: Burst) -> tuple[SimpleNamespace, np.ndarray]:
    """(the arrays that neurocomp._core.noc takes, ties as of Noc.forward_ties)."""
    ties = noc.forward_ties(burst.packets)
    trees = build_trees(noc.mesh, burst, ties) if burst.deliveries > burst.packets else None
    tables = SimpleNamespace(
        order=np.argsort(burst.release, kind="stable").astype(np.int32),
        release=burst.release,
        source=burst.source,
        flits=burst.flits,
        classes=burst.classes,
        traffic_class=burst.traffic_class,
        destination=burst.destination,
        pointer=None if trees is None else burst.pointer,
        trees=trees,
        forward=np.packbits(ties, axis=1, bitorder="little")[:, 0].copy() if noc.mesh.torus else None,
    )
    return tables, ties


def _run_cycles(noc: Noc, burst: Burst, until: int | None) -> BurstResult:
    tables, ties = cycle_tables(noc, burst)
    try:
        outcome = network_of_thread(noc).run(tables, -1 if until is None else until)
    except MemoryError as error:
        raise ResourceLimitError(Diagnostic("noc", "not enough memory for this network", str(error))) from error
    except CoreError as error:
        raise check_failed("noc", str(error), f"{burst!r} on {noc!r}") from error
    return from_outcome(noc, burst, tables, ties, outcome, complete=until is None)


def from_outcome(
    noc: Noc,
    burst: Burst,
    tables: SimpleNamespace,
    ties: np.ndarray,
    outcome: tuple,
    *,
    fidelity: Fidelity = "cycle",
    complete: bool = True,
    within_domain: bool = True,
) -> BurstResult:
    """The result of a run of the C core, checked if it was complete."""
    drain, delivered, flit_hops, arrival, inject, link_flits, port_wait = outcome
    stalls = _stalls(noc.mesh, port_wait)
    result = BurstResult(fidelity, drain, arrival, inject, _port_order(link_flits), stalls, flit_hops, within_domain)
    if complete:
        _check_conserved(noc, burst, tables.trees, ties, result, delivered)
    return result


def _stalls(mesh: Mesh, port_wait: np.ndarray) -> np.ndarray:
    """From the input at which flits waited to the link that leads there."""
    inputs = _port_order(port_wait.reshape(mesh.routers, -1)[:, :DIRECTIONS].reshape(-1))
    links = np.arange(mesh.link_slots)
    exists = np.ones(links.size, np.bool_) if mesh.torus else _inside(mesh, links)
    return np.where(exists, inputs[mesh.head_of(links) * DIRECTIONS + (links % DIRECTIONS ^ 1)], 0)


def _inside(mesh: Mesh, links: np.ndarray) -> np.ndarray:
    x, y, direction = links // DIRECTIONS % mesh.width, links // DIRECTIONS // mesh.width, links % DIRECTIONS
    ends = [x < mesh.width - 1, x > 0, y > 0, y < mesh.height - 1]
    return np.choose(direction, ends)


def _check_conserved(
    noc: Noc, burst: Burst, trees: Trees | None, ties: np.ndarray, result: BurstResult, delivered: int
) -> None:
    """Every delivery once, and as many flits over links as the routes have links."""
    if delivered != burst.deliveries or (result.arrival < 0).any():
        raise check_failed("noc", f"{delivered} of {burst.deliveries} deliveries arrived")
    if trees is None:
        dx, dy = displacements(noc.mesh, burst, ties)
        along = np.array([np.abs(dx) @ burst.flits.astype(np.int64), np.abs(dy) @ burst.flits.astype(np.int64)])
    else:
        along = trees.flits_along(burst)
    counted = result.link_flits.reshape(-1, 2, 2).sum(axis=(0, 2))
    into_cores = int(burst.flits[burst.packet_of_delivery].sum(dtype=np.int64))
    if (counted != along).any() or result.flit_hops != int(along.sum()) + into_cores:
        raise check_failed("noc", f"links carried {counted.tolist()} flits along x and y, {along.tolist()} were sent")
    if burst.deliveries and result.drain != result.arrival.max():
        raise check_failed("noc", "the drain time is not that of the last arrival")
