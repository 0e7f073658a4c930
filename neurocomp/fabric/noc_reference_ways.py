"""The ways that packets take in the readable network model (noc_reference.py), one hop after the other."""

from __future__ import annotations

import numpy as np

from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.tree import UP, Tree

EAST, WEST, SOUTH, NORTH = range(4)
OPPOSITE = (WEST, EAST, NORTH, SOUTH)
Steps = dict[tuple[int, int], tuple[int, int]]  # (router, input port) -> (output port, class as of Branch)


class Ways:
    """paths: packets with several destinations visit them one after the other (noc_paths.py)."""

    def __init__(self, noc: Noc, burst: Burst, paths: bool) -> None:
        self.mesh, self.burst, self.paths = noc.mesh, burst, paths
        self.forward = noc.forward_ties(burst.packets)

    def link(self, router: int, port: int) -> int:
        """The number that the topology gives to the link that leaves by a port."""
        return router * self.mesh.links_per_router + self.mesh.port_of_direction[port]

    def end(self, router: int, port: int) -> tuple[int, int]:
        """(router, input port) that a link leads to; seen from there, it is the one that leads back."""
        if isinstance(self.mesh, Tree):
            return divmod(int(self.mesh.back_of(np.array(self.link(router, port)))), self.mesh.links_per_router)
        x, y = self.place(router)
        x, y = x + (port == EAST) - (port == WEST), y + (port == SOUTH) - (port == NORTH)
        return y % self.mesh.height * self.mesh.width + x % self.mesh.width, OPPOSITE[port]

    def place(self, router: int) -> tuple[int, int]:
        return router % self.mesh.width, router // self.mesh.width

    def path(self, packet: int, core: int) -> Steps:
        """The way of a packet to one of its cores."""
        source, per_router = int(self.burst.source[packet]), self.mesh.cores_per_router
        at = source // per_router, self.mesh.links_per_router + source % per_router
        steps: Steps = {}
        if isinstance(self.mesh, Tree):
            at = self._up_and_down(steps, at, core // per_router)
        elif self.paths and self.burst.pointer[packet + 1] - self.burst.pointer[packet] > 1:
            at = self._along_snake(steps, at, packet, core // per_router)
        else:
            at = self._along_axes(steps, at, packet, core // per_router)
        steps[at] = (self.mesh.links_per_router + core % per_router, 2)
        return steps

    def _go(self, steps: Steps, at: tuple[int, int], port: int, classes: int) -> tuple[int, int]:
        steps[at] = (port, classes)
        return self.end(at[0], port)

    def _along_axes(self, steps: Steps, at: tuple[int, int], packet: int, target: int) -> tuple[int, int]:
        for axis, size in ((0, self.mesh.width), (1, self.mesh.height)):
            here, there = self.place(at[0])[axis], self.place(target)[axis]
            if here == there:
                continue
            port = 2 * axis + (0 if self._goes_forward(packet, axis, here, there, size) else 1)
            wraps = here > there if port % 2 == 0 else here < there
            while self.place(at[0])[axis] != there:
                at = self._go(steps, at, port, int(wraps))
        return at

    def _goes_forward(self, packet: int, axis: int, here: int, there: int, size: int) -> bool:
        if not self.mesh.torus:
            return there > here
        forward = (there - here) % size
        return 2 * forward < size or (2 * forward == size and bool(self.forward[packet, axis]))

    def _up_and_down(self, steps: Steps, at: tuple[int, int], target: int) -> tuple[int, int]:
        line = [target]  # the target and the routers above it
        while line[-1] != self.mesh.routers - 1:
            line.append(self.end(line[-1], UP)[0])
        while at[0] not in line:
            at = self._go(steps, at, UP, 0)
        while at[0] != target:
            below = line[line.index(at[0]) - 1]
            at = self._go(steps, at, self.end(below, UP)[1], 0)
        return at

    def _along_snake(self, steps: Steps, at: tuple[int, int], packet: int, target: int) -> tuple[int, int]:
        """To each destination that comes before the target, always to the neighbour furthest on that is not past it."""
        start, goal = self._on_snake(at[0]), self._on_snake(target)
        cores = self.burst.destination[self.burst.pointer[packet] : self.burst.pointer[packet + 1]].tolist()
        stops = {self._on_snake(core // self.mesh.cores_per_router) for core in cores}
        sign = 1 if goal >= start else -1
        for stop in sorted((s for s in stops if sign * start < sign * s <= sign * goal), key=lambda s: sign * s):
            while self._on_snake(at[0]) != stop:
                ahead = {port: self._on_snake(self.end(at[0], port)[0]) for port in self._ports(at[0])}
                usable = {p: s for p, s in ahead.items() if sign * self._on_snake(at[0]) < sign * s <= sign * stop}
                at = self._go(steps, at, max(usable, key=lambda port: sign * usable[port]), 1)
        return at

    def _ports(self, router: int) -> list[int]:
        x, y = self.place(router)
        inside = {EAST: x < self.mesh.width - 1, WEST: x > 0, SOUTH: y < self.mesh.height - 1, NORTH: y > 0}
        return [port for port, exists in inside.items() if exists]

    def _on_snake(self, router: int) -> int:
        x, y = self.place(router)
        return y * self.mesh.width + (x if y % 2 == 0 else self.mesh.width - 1 - x)
