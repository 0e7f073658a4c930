"""What a placer sees of a chip, or of a grid of chips: routers, usable cores, what each link costs.

Several chips are one mesh: the XY routes run on across their borders, and a link between two chips costs as much
as ``boundary_cost`` links inside one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.fabric.topology import EAST, WEST, Mesh
from neurocomp.mapping.problem import Problem
from neurocomp.network.ops import frozen_array


@dataclass(frozen=True, eq=False)
class Fabric:
    """mesh: of all routers. usable: int64, the cores that may be used, ascending; at most ``places`` of them at once.
    input_router: where inputs enter. tree: a spike takes each link of its routes once, and not once per core.
    chip_width, chip_height: routers of one chip, dividing the mesh; boundary_cost: of a link between chips.
    """

    mesh: Mesh
    usable: np.ndarray
    places: int
    input_router: int = 0
    tree: bool = True
    chip_width: int = 0
    chip_height: int = 0
    boundary_cost: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "usable", frozen_array(np.asarray(self.usable, np.int64)))
        object.__setattr__(self, "chip_width", self.chip_width or self.mesh.width)
        object.__setattr__(self, "chip_height", self.chip_height or self.mesh.height)

    @cached_property
    def column_cost(self) -> np.ndarray:
        """int64 (width): of the links, both ways, between a column and the next, the last and the first."""
        return _steps(self.mesh.width, self.chip_width, self.boundary_cost)

    @cached_property
    def row_cost(self) -> np.ndarray:
        """int64 (height): the same for rows."""
        return _steps(self.mesh.height, self.chip_height, self.boundary_cost)

    @cached_property
    def link_cost(self) -> np.ndarray:
        """int64 (link_slots): what one packet over each link costs."""
        mesh = self.mesh
        y, x = np.divmod(np.arange(mesh.routers), mesh.width)
        cost = np.empty((mesh.routers, 4), np.int64)
        cost[:, EAST], cost[:, WEST] = self.column_cost[x], self.column_cost[x - 1]
        cost[:, 2], cost[:, 3] = self.row_cost[y - 1], self.row_cost[y]
        return frozen_array(cost.reshape(-1))

    def entry_cost(self, core: np.ndarray) -> np.ndarray:
        """int64: what a packet from where inputs enter to each core costs."""
        mesh = self.mesh
        port = np.full(np.shape(core), self.input_router, np.int64)
        sums = np.zeros(np.shape(core), np.int64)
        at, costs = divmod(self.input_router, mesh.width)[::-1], (self.column_cost, self.row_cost)
        for start, step, cost in zip(at, mesh.displacement(port, mesh.router_of(core)), costs, strict=True):
            along = np.concatenate([[0], np.cumsum(np.tile(cost, 3))])  # a torus may be crossed at either border
            sums += np.abs(along[start + cost.size + step] - along[start + cost.size])
        return sums

    @cached_property
    def core_order(self) -> np.ndarray:
        """int64: the usable cores along the space-filling curve, chip after chip."""
        mesh, width, height = self.mesh, self.chip_width, self.chip_height
        chip = Mesh(width, height, mesh.cores_per_router)
        grid = Mesh(mesh.width // width, mesh.height // height)
        inside = chip.core_order().astype(np.int64)
        router, slot = np.divmod(inside, mesh.cores_per_router)
        y, x = np.divmod(router, width)
        cores = []
        for number in grid.core_order():
            top, left = divmod(int(number), grid.width)
            at = (top * height + y) * mesh.width + left * width + x
            cores.append(at * mesh.cores_per_router + slot)
        order = np.concatenate(cores)
        return frozen_array(order[np.isin(order, self.usable)])


def _steps(size: int, chip: int, boundary: int) -> np.ndarray:
    """A link that leads round a torus of one chip stays within it."""
    cost = np.ones(size, np.int64)
    if size > chip:
        cost[chip - 1 :: chip] = boundary
    return frozen_array(cost)


def fabric_of(problem: Problem, grid: tuple[int, int] = (1, 1), boundary_cost: int = 1) -> Fabric:
    """The fabric of a problem on ``grid`` = (across, down) chips, all like the problem's; inputs enter at the first.

    Forbidden cores are numbered in the whole mesh. On a chip with fewer cores than places for them any may be used
    as long as they are not too many; on each of several chips, those that come first along its curve.
    """
    noc, count = problem.chip.noc, problem.chip.core.count
    across, down = grid
    mesh = Mesh(noc.width * across, noc.height * down, noc.cores_per_router, noc.wraps)
    free = np.setdiff1d(np.arange(mesh.core_slots), np.array(sorted(problem.forbidden), np.int64))
    entry = mesh.router_at(*noc.input_port)
    tree = noc.multicast == "tree"
    fabric = Fabric(mesh, free, free.size, entry, tree, noc.width, noc.height, boundary_cost)
    if across * down == 1:
        return Fabric(mesh, free, min(free.size, count), entry, tree)
    usable = _first_of_each_chip(fabric, count)
    return Fabric(mesh, usable, usable.size, entry, tree, noc.width, noc.height, boundary_cost)


def _first_of_each_chip(fabric: Fabric, count: int) -> np.ndarray:
    order, mesh = fabric.core_order, fabric.mesh
    y, x = np.divmod(mesh.router_of(order), mesh.width)
    chip = y // fabric.chip_height * mesh.width + x // fabric.chip_width
    start = np.flatnonzero(np.diff(chip, prepend=-1))
    rank = np.arange(order.size) - np.repeat(start, np.diff(start, append=order.size))
    return np.sort(order[rank < count])
