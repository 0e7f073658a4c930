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
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from neurocomp._core.status import CoreError
from neurocomp.errors import Diagnostic, InputError, ResourceLimitError, check_failed
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc_paths import dual_paths, first_injection
from neurocomp.fabric.noc_routes import Routes, Trees, build_trees, flits_along
from neurocomp.fabric.router import ROUTERS, Router, find_router
from neurocomp.fabric.topology import Mesh, Topology

if TYPE_CHECKING:
    from neurocomp._core.noc import Network

Fidelity = Literal["bound", "event", "cycle"]
Multicast = Literal["tree", "unicast", "dual-path"]

CELLS_MAX = 64  # input VCs of a router
LINK_DELAY_MAX = 1000

__all__ = ["ROUTERS", "Burst", "BurstResult", "Fidelity", "Multicast", "Noc", "Router", "find_router", "run_burst"]


@dataclass(frozen=True)
class Noc:
    """A network of equal routers; all times in cycles of its clock.

    link_latency: (along x, along y), on a tree (up, down), or one number for both. chip_size: routers (x, y) of one
    chip, where several chips make up the mesh; links from chip to chip have boundary_latency and take a flit only
    every boundary_interval cycles. ties: on a torus with two ways of equal length, ``forward`` takes the one east or
    south, as neurocomp.fabric.topology does, ``random`` chooses by packet number, as BookSim2 does by chance.
    """

    mesh: Topology
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
        if self.chip_size is None or not isinstance(self.mesh, Mesh):
            return np.zeros(links.size, np.bool_)
        return self.mesh.leaves_chip(links, self.chip_size)

    def link_latencies(self) -> np.ndarray:
        """int32 (link slots)."""
        along = np.array(self.latency_xy, np.int32)[self.mesh.axis_of(np.arange(self.mesh.link_slots))]
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
    inputs = mesh.links_per_router + mesh.cores_per_router
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
    if noc.chip_size is not None and (min(noc.chip_size) < 1 or not isinstance(mesh, Mesh)):
        found.append(("chip_size", "several chips make up a mesh; a chip has at least one router along each axis", ""))
    return found


_of_thread = threading.local()


def compiled_network(noc: Noc, halves: bool = False) -> Network:
    """The network as the C core takes it, with a work area of its own. halves: half the VCs are for paths."""
    from neurocomp._core.noc import Network

    latency, interval = (port_order(of_link, noc.mesh) for of_link in (noc.link_latencies(), noc.link_intervals()))
    return Network(noc.mesh, noc.router, latency, interval, not isinstance(noc.mesh, Mesh), halves)


def network_of_thread(noc: Noc, halves: bool = False) -> Network:
    """The compiled network that this thread used last, if it is this one: its work area is kept between bursts."""
    if getattr(_of_thread, "noc", None) != (noc, halves):
        _of_thread.network = compiled_network(noc, halves)
        _of_thread.noc = (noc, halves)
    return _of_thread.network


def run_burst(
    noc: Noc,
    burst: Burst,
    *,
    fidelity: Fidelity = "cycle",
    multicast: Multicast = "tree",
    until: int | None = None,
) -> BurstResult:
    """Send a burst through a network and say when each packet arrives.

    multicast: packets with several destinations follow a tree of their routes and are copied at routers, or their
    sender sends one copy to each, or (``dual-path``, meshes only) two that visit them one after the other. until:
    (``cycle`` only) stop before that cycle; what has not arrived then has arrival -1.
    Raises InputError for packets that do not suit the network, CheckFailedError if flits were lost, made up or stuck.
    """
    _check_burst(noc, burst, fidelity, multicast, until)
    if burst.deliveries == burst.packets or multicast == "tree":
        return _run(noc, burst, None, fidelity, until)
    if multicast == "unicast":
        result = _run(noc, burst.as_unicast(), None, fidelity, until)
        first = first_injection(burst.packets, burst.packet_of_delivery, result.inject)
        return result.with_times(result.arrival, first)
    paths = dual_paths(cast("Mesh", noc.mesh), burst)
    return paths.restore(_run(noc, paths.burst, paths.routes, fidelity, until), burst)


def _run(noc: Noc, burst: Burst, routes: Routes | None, fidelity: Fidelity, until: int | None) -> BurstResult:
    if fidelity == "bound":
        from neurocomp.fabric.noc_bound import bound_burst

        return bound_burst(noc, burst, routes)
    if fidelity == "event":
        from neurocomp.fabric.noc_event import event_burst

        return event_burst(noc, burst, routes)
    return _run_cycles(noc, burst, routes, until)


def _check_burst(noc: Noc, burst: Burst, fidelity: str, multicast: str, until: int | None) -> None:
    found = []
    for name in ("source", "destination"):
        cores = getattr(burst, name)
        if cores.size and not (cores.min() >= 0 and cores.max() < noc.mesh.core_slots):
            found.append(Diagnostic(f"burst.{name}", f"cores must be 0 to {noc.mesh.core_slots - 1}"))
    if fidelity not in ("bound", "event", "cycle"):
        found.append(Diagnostic("fidelity", f"{fidelity!r} is none of bound, event, cycle"))
    if multicast not in ("tree", "unicast", "dual-path"):
        found.append(Diagnostic("multicast", f"{multicast!r} is none of tree, unicast, dual-path"))
    if until is not None and (fidelity != "cycle" or until < 0):
        found.append(Diagnostic("until", "only the cycle model can be stopped, and not before cycle 0"))
    branching = np.diff(burst.pointer) > 1
    if multicast == "dual-path" and branching.any():
        found += _path_faults(noc)
    if (
        multicast in ("tree", "dual-path")
        and branching.any()
        and burst.flits[branching].max() > noc.router.buffer_flits
    ):
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


def _path_faults(noc: Noc) -> list[Diagnostic]:
    if not isinstance(noc.mesh, Mesh) or noc.mesh.torus:
        what = f"dual-path is for meshes, and this is a {noc.mesh.name}"
        return [Diagnostic("multicast", what, hint="multicast='tree'")]
    if noc.router.vcs < 2:
        why = "half of them are for packets on paths, which could block those that go along x and then y"
        return [Diagnostic("multicast", "dual-path needs two VCs or more", why, "multicast='tree'")]
    return []


def port_order(links: np.ndarray, topology: Topology | None = None) -> np.ndarray:
    """Values per link from the order of the topology (None: a mesh) into that of csrc/noc.h, or back."""
    topology = Mesh(1, 1) if topology is None else topology
    ports = links.reshape(-1, topology.links_per_router)[:, topology.port_of_direction]
    return np.ascontiguousarray(ports.reshape(-1))


def cycle_tables(noc: Noc, burst: Burst, routes: Routes | None = None) -> tuple[SimpleNamespace, np.ndarray]:
    """(the arrays that neurocomp._core.noc takes, ties as of Noc.forward_ties). routes: where they are not those of
    routes_of."""
    ties = noc.forward_ties(burst.packets)
    trees = None
    if burst.deliveries > burst.packets:
        trees = build_trees(noc.mesh, burst, ties, routes)
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


def _run_cycles(noc: Noc, burst: Burst, routes: Routes | None, until: int | None) -> BurstResult:
    tables, ties = cycle_tables(noc, burst, routes)
    try:
        outcome = network_of_thread(noc, routes is not None).run(tables, -1 if until is None else until)
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
    stalls = stalls_of(noc.mesh, port_wait)
    result = BurstResult(
        fidelity, drain, arrival, inject, port_order(link_flits, noc.mesh), stalls, flit_hops, within_domain
    )
    if complete:
        _check_conserved(noc, burst, tables.trees, ties, result, delivered)
    return result


def stalls_of(topology: Topology, port_wait: np.ndarray) -> np.ndarray:
    """int64 (link slots): from the input at which flits waited to the link that leads there."""
    waits = port_wait.reshape(topology.routers, -1)[:, : topology.links_per_router]
    back = topology.back_of(np.arange(topology.link_slots))  # a router's input has the number of the output beside it
    return np.where(back >= 0, port_order(waits.reshape(-1), topology)[back], 0)


def _check_conserved(
    noc: Noc, burst: Burst, trees: Trees | None, ties: np.ndarray, result: BurstResult, delivered: int
) -> None:
    """Every delivery once, and as many flits over links as the routes have links."""
    if delivered != burst.deliveries or (result.arrival < 0).any():
        raise check_failed("noc", f"{delivered} of {burst.deliveries} deliveries arrived")
    along = flits_along(noc.mesh, burst, ties, trees)
    counted = np.bincount(noc.mesh.axis_of(np.arange(noc.mesh.link_slots)), result.link_flits, 2).astype(np.int64)
    into_cores = int(burst.flits[burst.packet_of_delivery].sum(dtype=np.int64))
    if (counted != along).any() or result.flit_hops != int(along.sum()) + into_cores:
        raise check_failed("noc", f"links carried {counted.tolist()} flits along the axes, {along.tolist()} were sent")
    if burst.deliveries and result.drain != result.arrival.max():
        raise check_failed("noc", "the drain time is not that of the last arrival")
