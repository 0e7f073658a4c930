"""The network on chip as a graph: a mesh or torus of routers, several cores at each, routed X first, then Y.

router = y * width + x; core = router * cores_per_router + k. A directed link is named after the router that
it leaves: link = router * 4 + direction. North is towards smaller y. On a torus a packet takes the shorter
way round, east or south if both are equally long. All functions take arrays and work on many routes at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.fabric.curve import space_filling_order

EAST, WEST, NORTH, SOUTH = range(4)
DIRECTIONS = 4


@dataclass(frozen=True)
class Mesh:
    """A grid of routers. torus: the links at the borders lead round to the other side."""

    width: int
    height: int
    cores_per_router: int = 1
    torus: bool = False

    @property
    def routers(self) -> int:
        return self.width * self.height

    @property
    def core_slots(self) -> int:
        return self.routers * self.cores_per_router

    @property
    def link_slots(self) -> int:
        """One more than the largest link number (links that would leave a mesh keep their number, unused)."""
        return self.routers * DIRECTIONS

    def router_of(self, core: np.ndarray) -> np.ndarray:
        return np.asarray(core) // self.cores_per_router

    def router_at(self, x: int, y: int) -> int:
        return y * self.width + x

    def core_order(self) -> np.ndarray:
        """int32: all cores along a space-filling curve over the routers; cores of a router are consecutive."""
        routers = space_filling_order(self.width, self.height)
        slots = np.arange(self.cores_per_router, dtype=np.int32)
        return (routers[:, None] * np.int32(self.cores_per_router) + slots).reshape(-1)

    def displacement(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed steps (east positive, south positive) from router to router."""
        source, destination = np.asarray(source, np.int64), np.asarray(destination, np.int64)
        dx = destination % self.width - source % self.width
        dy = destination // self.width - source // self.width
        if self.torus:
            dx, dy = _shorter_way(dx, self.width), _shorter_way(dy, self.height)
        return dx, dy

    def hops(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Links (east-west, north-south) that a packet crosses from router to router."""
        dx, dy = self.displacement(source, destination)
        return np.abs(dx), np.abs(dy)

    def paths(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(pointer int64 (n + 1), links int64): the links of each XY path, in the order in which they are crossed."""
        return self.paths_along(source, *self.displacement(source, destination))

    def paths_along(self, source: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for given displacements: ``dx`` steps along the row first, then ``dy`` along the column."""
        source = np.asarray(source, np.int64)
        length = np.abs(dx) + np.abs(dy)
        pointer = np.concatenate([[0], np.cumsum(length)])
        of = np.repeat(np.arange(length.size), length)
        step = np.arange(pointer[-1]) - pointer[of]
        in_x = step < np.abs(dx)[of]
        x = (source % self.width)[of] + np.where(in_x, np.sign(dx)[of] * step, dx[of])
        y = (source // self.width)[of] + np.where(in_x, 0, np.sign(dy)[of] * (step - np.abs(dx)[of]))
        direction = np.where(in_x, np.where(dx[of] > 0, EAST, WEST), np.where(dy[of] > 0, SOUTH, NORTH))
        return pointer, ((y % self.height) * self.width + x % self.width) * DIRECTIONS + direction

    def trees(self, source: np.ndarray, pointer: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(pointer, links): the links of each multicast tree, every link once, in increasing order.

        source: router of each tree; destination[pointer[i]:pointer[i + 1]]: the routers that tree i reaches.
        """
        tree = np.repeat(np.arange(len(source)), np.diff(pointer))
        path_pointer, links = self.paths(np.asarray(source)[tree], destination)
        key = np.repeat(tree, np.diff(path_pointer)) * self.link_slots + links
        key.sort()
        tree, links = np.divmod(key[np.diff(key, prepend=-1) > 0], self.link_slots)
        return np.searchsorted(tree, np.arange(len(source) + 1)), links

    def tree_hops(
        self, source: np.ndarray, pointer: np.ndarray, destination: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Links (east-west, north-south) of each multicast tree in closed form: the reach east and west in the
        source's row, and in every column that is hit the reach north and south."""
        tree = np.repeat(np.arange(len(source)), np.diff(pointer))
        dx, dy = self.displacement(np.asarray(source)[tree], destination)
        hops_x = _reach(tree, dx, len(source))
        column = tree * (2 * self.width + 1) + dx + self.width
        columns, column = np.unique(column, return_inverse=True)
        per_column = _reach(column, dy, columns.size)
        hops_y = np.bincount(columns // (2 * self.width + 1), per_column, len(source)).astype(np.int64)
        return hops_x, hops_y

    def head_of(self, link: np.ndarray) -> np.ndarray:
        """The router that a link leads to."""
        router, direction = np.divmod(np.asarray(link, np.int64), DIRECTIONS)
        x = router % self.width + (direction == EAST) - (direction == WEST)
        y = router // self.width + (direction == SOUTH) - (direction == NORTH)
        return y % self.height * self.width + x % self.width


def _shorter_way(steps: np.ndarray, size: int) -> np.ndarray:
    forward = steps % size
    return np.where(2 * forward <= size, forward, forward - size)


def _reach(group: np.ndarray, steps: np.ndarray, groups: int) -> np.ndarray:
    """Per group: the largest step forward plus the largest step backward."""
    forward, back = np.zeros(groups, np.int64), np.zeros(groups, np.int64)
    np.maximum.at(forward, group, steps)
    np.maximum.at(back, group, -steps)
    return forward + back
