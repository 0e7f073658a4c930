"""Where the packets of a burst go: the links of each delivery, and the trees of multicast packets for csrc/noc.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.burst import Burst
from neurocomp.fabric.topology import Mesh, Topology


@dataclass(frozen=True, eq=False)
class Routes:
    """The links of each delivery: links[pointer[d]:pointer[d + 1]], in the order in which they are crossed. high: bool
    (links), those that use the second half of the VCs."""

    pointer: np.ndarray
    links: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Trees:
    """tree: int32 (packets), number of the packet's tree or -1 where it has one destination. Tree k's routers are
    router[pointer[k]:pointer[k + 1]] (ascending), each with the ports (bits) by which it is left; high: which of
    these links use the second half of the VCs."""

    tree: np.ndarray
    pointer: np.ndarray
    router: np.ndarray
    ports: np.ndarray
    high: np.ndarray


def routes_of(topology: Topology, burst: Burst, forward: np.ndarray) -> Routes:
    """Every delivery on its own way. forward: bool (packets, 2), on a torus the way taken where both are equally long.

    On a torus the second half of the VCs is for ways round that cross the dateline.
    """
    of = burst.packet_of_delivery
    source, to = topology.router_of(burst.source)[of].astype(np.int64), topology.router_of(burst.destination)
    if not isinstance(topology, Mesh) or not topology.torus:
        pointer, links = topology.paths(source, to)
        return Routes(pointer, links, np.zeros(links.size, np.bool_))
    dx, dy = displacements(topology, burst, forward)
    pointer, links = topology.paths_along(source, dx, dy)
    path = np.repeat(np.arange(of.size), np.diff(pointer))
    x, y = source % topology.width + dx, source // topology.width + dy
    wraps_x, wraps_y = (x < 0) | (x >= topology.width), (y < 0) | (y >= topology.height)
    return Routes(pointer, links, np.where(topology.axis_of(links) == 0, wraps_x[path], wraps_y[path]))


def displacements(mesh: Mesh, burst: Burst, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed steps (east, south) of each delivery."""
    of = burst.packet_of_delivery
    dx, dy = mesh.displacement(mesh.router_of(burst.source)[of], mesh.router_of(burst.destination))
    if mesh.torus:
        dx = np.where((2 * dx == mesh.width) & ~forward[of, 0], -dx, dx)
        dy = np.where((2 * dy == mesh.height) & ~forward[of, 1], -dy, dy)
    return dx, dy


def build_trees(topology: Topology, burst: Burst, forward: np.ndarray, routes: Routes | None = None) -> Trees:
    """The trees of all packets with several destinations: their deliveries' links, each once. routes: those of
    routes_of if None."""
    routes = routes_of(topology, burst, forward) if routes is None else routes
    of, several = burst.packet_of_delivery, np.diff(burst.pointer) > 1
    tree = np.where(several, np.cumsum(several) - 1, -1).astype(np.int32)
    key, ports, high = _rows(topology, burst, tree, several[of], routes)
    order = np.argsort(key, kind="stable")
    key, starts = np.unique(key[order], return_index=True)
    pointer = np.searchsorted(key, np.arange(several.sum() + 1) * topology.routers)
    ports, high = (np.bitwise_or.reduceat(of_step[order], starts) for of_step in (ports, high))
    router = (key % topology.routers).astype(np.int32)
    return Trees(tree, pointer.astype(np.int64), router, ports, high)


def _rows(
    topology: Topology, burst: Burst, tree: np.ndarray, chosen: np.ndarray, routes: Routes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(tree * routers + router, port bit, port bit if in the second half): a row per step and delivery of a tree."""
    of = burst.packet_of_delivery
    path = np.repeat(np.arange(of.size), np.diff(routes.pointer))
    used = chosen[path]
    path, links, second = path[used], routes.links[used], routes.high[used]
    router, direction = np.divmod(links, topology.links_per_router)
    bit = np.uint64(1) << np.array(topology.port_of_direction)[direction].astype(np.uint64)
    core = burst.destination[chosen].astype(np.int64)
    local = np.uint64(1) << (topology.links_per_router + core % topology.cores_per_router).astype(np.uint64)
    trees = tree[of].astype(np.int64) * topology.routers
    return (
        np.concatenate([trees[path] + router, trees[chosen] + topology.router_of(core)]),
        np.concatenate([bit, local]),
        np.concatenate([np.where(second, bit, 0), np.zeros(core.size)]).astype(np.uint8),
    )


def flits_along(topology: Topology, burst: Burst, forward: np.ndarray, trees: Trees | None) -> np.ndarray:
    """int64 (2): flits over the links of each axis, as the routes have them."""
    single = np.ones(burst.packets, np.bool_) if trees is None else trees.tree < 0
    alone = burst.only(single)
    flits = burst.flits.astype(np.int64)
    if isinstance(topology, Mesh) and topology.torus:
        dx, dy = (np.abs(steps) for steps in displacements(topology, alone, forward[single]))
    else:
        dx, dy = topology.hops(topology.router_of(alone.source), topology.router_of(alone.destination))
    sums = np.array([dx @ flits[single], dy @ flits[single]], np.int64)
    if trees is not None:
        per_row = np.repeat(flits[~single], np.diff(trees.pointer))
        axis = topology.axis_of(np.arange(topology.links_per_router))
        ports = np.array(topology.port_of_direction)
        masks = [np.uint64(sum(1 << int(port) for port in ports[axis == k])) for k in (0, 1)]
        sums += np.array([np.bitwise_count(trees.ports & mask) @ per_row for mask in masks], np.int64)
    return sums
