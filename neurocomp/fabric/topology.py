"""The network on chip as a graph: a mesh or torus of routers, several cores at each, routed X first, then Y.

router = y * width + x; core = router * cores_per_router + k. A directed link is named after the router that
it leaves: link = router * 4 + direction. North is towards smaller y. On a torus a packet takes the shorter
way round, east or south if both are equally long. All functions take arrays and work on many routes at once.
A ring is a torus of one row, a crossbar a mesh of one router. tree.py has the quad tree, which answers the same
questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurocomp.fabric.curve import space_filling_order

EAST, WEST, NORTH, SOUTH = range(4)
DIRECTIONS = 4


class Topology(Protocol):
    """What every network on chip can be asked. width x height: routers with cores; links are numbered router *
    links_per_router + direction. Along a topology's two axes (columns and rows, up and down) links may differ."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def cores_per_router(self) -> int: ...
    @property
    def torus(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def links_per_router(self) -> int: ...
    @property
    def port_of_direction(self) -> tuple[int, ...]:
        """The ports of csrc/noc.h; the order is its own inverse."""
        ...

    @property
    def axis_names(self) -> tuple[str, str]: ...
    @property
    def routers(self) -> int: ...
    @property
    def core_slots(self) -> int: ...
    @property
    def link_slots(self) -> int: ...
    def router_of(self, core: np.ndarray) -> np.ndarray: ...
    def router_at(self, x: int, y: int) -> int: ...
    def core_order(self) -> np.ndarray: ...
    def hops(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Links along each axis from router to router."""
        ...

    def paths(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(pointer, links): those of each path, in order."""
        ...

    def axis_of(self, link: np.ndarray) -> np.ndarray: ...
    def head_of(self, link: np.ndarray) -> np.ndarray:
        """The router that a link leads to."""
        ...

    def back_of(self, link: np.ndarray) -> np.ndarray:
        """The link in the opposite direction; -1 where there is no such link."""
        ...

    def describe_link(self, link: int) -> tuple[int, int, str]:
        """(x, y, direction) for people."""
        ...


@dataclass(frozen=True)
class Mesh:
    """A grid of routers. torus: the links at the borders lead round to the other side."""

    width: int
    height: int
    cores_per_router: int = 1
    torus: bool = False

    links_per_router = DIRECTIONS
    port_of_direction = (0, 1, 3, 2)  # csrc/noc.h has south before north
    axis_names = ("x", "y")

    @property
    def name(self) -> str:
        if self.routers == 1:
            return "crossbar"
        return ("ring" if self.height == 1 else "torus") if self.torus else "mesh"

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

    def head_of(self, link: np.ndarray) -> np.ndarray:
        """The router that a link leads to."""
        router, direction = np.divmod(np.asarray(link, np.int64), DIRECTIONS)
        x = router % self.width + (direction == EAST) - (direction == WEST)
        y = router // self.width + (direction == SOUTH) - (direction == NORTH)
        return y % self.height * self.width + x % self.width

    def leaves_chip(self, link: np.ndarray, chip_size: tuple[int, int]) -> np.ndarray:
        """Whether links lead from one chip of ``chip_size`` (routers along x, y) to another."""
        (ax, ay), (bx, by) = (
            (router % self.width // chip_size[0], router // self.width // chip_size[1])
            for router in (np.asarray(link) // DIRECTIONS, self.head_of(link))
        )
        return (ax != bx) | (ay != by)

    def axis_of(self, link: np.ndarray) -> np.ndarray:
        """0 for links along a row, 1 for links along a column."""
        return np.asarray(link) % DIRECTIONS // 2

    def back_of(self, link: np.ndarray) -> np.ndarray:
        """The link in the opposite direction; -1 where there is no such link."""
        link = np.asarray(link, np.int64)
        router, direction = np.divmod(link, DIRECTIONS)
        x, y = router % self.width, router // self.width
        inside = np.choose(direction, [x < self.width - 1, x > 0, y > 0, y < self.height - 1])
        return np.where(inside | self.torus, self.head_of(link) * DIRECTIONS + (direction ^ 1), -1)

    def describe_link(self, link: int) -> tuple[int, int, str]:
        """(x, y, direction) for people."""
        router, direction = divmod(link, DIRECTIONS)
        return router % self.width, router // self.width, ("east", "west", "north", "south")[direction]


def _shorter_way(steps: np.ndarray, size: int) -> np.ndarray:
    forward = steps % size
    return np.where(2 * forward <= size, forward, forward - size)
