"""A quad tree of routers: a grid of leaves with the cores, a router above each 2 x 2 of them, and so on up to the root.

Sides that are odd leave routers with two children or one. Leaves are numbered like the routers of a mesh of the same
size (leaf = y * width + x, core = leaf * cores_per_router + k), so that patterns and placements mean the same on both;
the routers above follow, level by level. link = router * 5 + port; ports 0 to 3 lead down to the child at
(x odd) + 2 * (y odd), port 4 up. A packet goes up to the lowest router above both ends, then down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.fabric.curve import space_filling_order

UP, LINKS = 4, 5


@dataclass(frozen=True)
class Tree:
    """width x height leaves; see neurocomp.fabric.topology.Topology for what it answers."""

    width: int
    height: int
    cores_per_router: int = 1

    torus = False
    links_per_router = LINKS
    port_of_direction = (0, 1, 2, 3, 4)
    axis_names = ("up", "down")

    @cached_property
    def _levels(self) -> tuple[tuple[int, int, int], ...]:
        """(first router, width, height) of each level, leaves first."""
        found = [(0, self.width, self.height)]
        while found[-1][1] * found[-1][2] > 1:
            first, width, height = found[-1]
            found.append((first + width * height, (width + 1) // 2, (height + 1) // 2))
        return tuple(found)

    @property
    def name(self) -> str:
        return "tree"

    @property
    def routers(self) -> int:
        return self._levels[-1][0] + 1

    @property
    def core_slots(self) -> int:
        return self.width * self.height * self.cores_per_router

    @property
    def link_slots(self) -> int:
        return self.routers * LINKS

    def router_of(self, core: np.ndarray) -> np.ndarray:
        return np.asarray(core) // self.cores_per_router

    def router_at(self, x: int, y: int) -> int:
        """The leaf at a place."""
        return y * self.width + x

    def core_order(self) -> np.ndarray:
        """int32: all cores along a space-filling curve over the leaves, which stays within subtrees of full size."""
        leaves = space_filling_order(self.width, self.height)
        slots = np.arange(self.cores_per_router, dtype=np.int32)
        return (leaves[:, None] * np.int32(self.cores_per_router) + slots).reshape(-1)

    def hops(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Links (up, down) that a packet crosses from leaf to leaf."""
        source, destination = np.asarray(source, np.int64), np.asarray(destination, np.int64)
        apart = source % self.width ^ destination % self.width
        apart |= source // self.width ^ destination // self.width
        levels = np.frexp(apart.astype(np.float64))[1].astype(np.int64)  # the place of the highest bit that differs
        return levels, levels

    def paths(self, source: np.ndarray, destination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(pointer int64 (n + 1), links int64): the links of each path, in the order in which they are crossed."""
        source, destination = np.asarray(source, np.int64), np.asarray(destination, np.int64)
        levels, _ = self.hops(source, destination)
        pointer = np.concatenate([[0], np.cumsum(2 * levels)])
        of = np.repeat(np.arange(levels.size), 2 * levels)
        step = np.arange(pointer[-1]) - pointer[of]
        is_up = step < levels[of]
        level = np.where(is_up, step, 2 * levels[of] - step)  # of the router that the link leaves
        leaf = np.where(is_up, source[of], destination[of])
        x, y = leaf % self.width, leaf // self.width
        below = np.maximum(level - 1, 0)
        port = np.where(is_up, UP, (x >> below & 1) + 2 * (y >> below & 1))
        first, width = (np.array([row[k] for row in self._levels]) for k in (0, 1))
        return pointer, (first[level] + (y >> level) * width[level] + (x >> level)) * LINKS + port

    def axis_of(self, link: np.ndarray) -> np.ndarray:
        """0 for links up, 1 for links down."""
        return np.where(np.asarray(link) % LINKS == UP, 0, 1)

    @cached_property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """(router that each link leads to, or -1; the link that leads back)."""
        head, back = np.full(self.link_slots, -1, np.int64), np.full(self.link_slots, -1, np.int64)
        for (first, width, height), (above, above_width, _) in zip(self._levels, self._levels[1:], strict=False):
            place = np.arange(width * height)
            x, y = place % width, place // width
            child, parent = first + place, above + y // 2 * above_width + x // 2
            up, down = child * LINKS + UP, parent * LINKS + x % 2 + 2 * (y % 2)
            head[up], back[up] = parent, down
            head[down], back[down] = child, up
        return head, back

    def head_of(self, link: np.ndarray) -> np.ndarray:
        """The router that a link leads to; -1 where there is no such link."""
        return self._ends[0][link]

    def back_of(self, link: np.ndarray) -> np.ndarray:
        """The link that leads back; -1 where there is no such link."""
        return self._ends[1][link]

    def describe_link(self, link: int) -> tuple[int, int, str]:
        """(x, y, direction) for people; x and y within the router's own level."""
        router, port = divmod(link, LINKS)
        level = max(k for k, (first, _, _) in enumerate(self._levels) if first <= router)
        first, width, _ = self._levels[level]
        y, x = divmod(router - first, width)
        return x, y, f"up from level {level}" if port == UP else f"down from level {level}"
