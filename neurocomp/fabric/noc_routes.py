"""Where the packets of a burst go: displacements, and the XY trees of multicast packets as tables for csrc/noc.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.burst import Burst
from neurocomp.fabric.topology import DIRECTIONS, NORTH, SOUTH, Mesh

PORT_OF_DIRECTION = np.array([0, 1, 3, 2])  # csrc/noc.h: east, west, south, north


@dataclass(frozen=True, eq=False)
class Trees:
    """tree: int32 (packets), number of the packet's tree or -1 where it has one destination. Tree k's routers are
    router[pointer[k]:pointer[k + 1]] (ascending), each with the ports (bits) by which it is left; high: which of
    these links lie on a way round that crosses the dateline."""

    tree: np.ndarray
    pointer: np.ndarray
    router: np.ndarray
    ports: np.ndarray
    high: np.ndarray
    single_along: np.ndarray  # int64 (2): flits that packets with one destination send along x and y

    def flits_along(self, burst: Burst) -> np.ndarray:
        """int64 (2): flits over links along x and along y."""
        flits = burst.flits[self.tree >= 0].astype(np.int64)
        per_row = np.repeat(flits, np.diff(self.pointer))
        x = np.bitwise_count(self.ports & np.uint64(0b0011)) @ per_row
        y = np.bitwise_count(self.ports & np.uint64(0b1100)) @ per_row
        return self.single_along + np.array([x, y], np.int64)


def displacements(mesh: Mesh, burst: Burst, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed steps (east, south) of each delivery. forward: bool (packets, 2), the way taken where both are equal."""
    of = burst.packet_of_delivery
    dx, dy = mesh.displacement(mesh.router_of(burst.source)[of], mesh.router_of(burst.destination))
    if mesh.torus:
        dx = np.where((2 * dx == mesh.width) & ~forward[of, 0], -dx, dx)
        dy = np.where((2 * dy == mesh.height) & ~forward[of, 1], -dy, dy)
    return dx, dy


def build_trees(mesh: Mesh, burst: Burst, forward: np.ndarray) -> Trees:
    """The trees of all packets with several destinations."""
    of, several = burst.packet_of_delivery, np.diff(burst.pointer) > 1
    tree = np.where(several, np.cumsum(several) - 1, -1).astype(np.int32)
    dx, dy = displacements(mesh, burst, forward)
    chosen, single = several[of], ~several[of]
    flits = burst.flits[of].astype(np.int64)
    single_along = np.array([np.abs(dx[single]) @ flits[single], np.abs(dy[single]) @ flits[single]], np.int64)
    key, ports, high = _rows(mesh, burst, tree, chosen, dx[chosen], dy[chosen])
    order = np.argsort(key, kind="stable")
    key, starts = np.unique(key[order], return_index=True)
    pointer = np.searchsorted(key, np.arange(several.sum() + 1) * mesh.routers)
    ports, high = (np.bitwise_or.reduceat(of_step[order], starts) for of_step in (ports, high))
    router = (key % mesh.routers).astype(np.int32)
    return Trees(tree, pointer.astype(np.int64), router, ports, high, single_along)


def _rows(
    mesh: Mesh, burst: Burst, tree: np.ndarray, chosen: np.ndarray, dx: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(tree * routers + router, port bit, port bit if its way crosses the dateline): one row per step of each path."""
    of = burst.packet_of_delivery[chosen]
    source, core = mesh.router_of(burst.source)[of].astype(np.int64), burst.destination[chosen].astype(np.int64)
    pointer, links = mesh.paths_along(source, dx, dy)
    path = np.repeat(np.arange(of.size), np.diff(pointer))
    router, direction = np.divmod(links, DIRECTIONS)
    x, y = source % mesh.width + dx, source // mesh.width + dy
    wraps_x, wraps_y = (x < 0) | (x >= mesh.width), (y < 0) | (y >= mesh.height)
    wraps = np.where((direction == NORTH) | (direction == SOUTH), wraps_y[path], wraps_x[path])
    bit = np.uint64(1) << PORT_OF_DIRECTION[direction].astype(np.uint64)
    local = np.uint64(1) << (DIRECTIONS + core % mesh.cores_per_router).astype(np.uint64)
    trees = tree[of].astype(np.int64) * mesh.routers
    return (
        np.concatenate([trees[path] + router, trees + mesh.router_of(core)]),
        np.concatenate([bit, local]),
        np.concatenate([np.where(wraps, bit, 0), np.zeros(of.size)]).astype(np.uint8),
    )
