"""The compiled network on chip (csrc/noc.h): the arrays that it takes, and its answers in the order of our links."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from neurocomp._core.status import CoreError
from neurocomp.errors import Diagnostic, ResourceLimitError, check_failed
from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Fidelity, Noc
from neurocomp.fabric.noc_routes import Routes, Trees, build_trees, flits_along
from neurocomp.fabric.topology import Mesh, Topology

if TYPE_CHECKING:
    from neurocomp._core.noc import Network

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


def cycle_burst(noc: Noc, burst: Burst, routes: Routes | None, until: int | None) -> BurstResult:
    """Flit by flit, checked at the end. routes: as for cycle_tables; until: stop before that cycle. Raises
    ResourceLimitError, and CheckFailedError if flits were lost, made up or stuck."""
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
