"""Placement: tiles in network order along a space-filling curve over the routers.

One tile per core while there are enough cores. Otherwise consecutive tiles share cores, filled as evenly as
possible: the smallest common fill level is sought at which the tiles get by with the cores that there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import INPUT_PORT, Tile
from neurocomp.mapping.tiling.cuts import Assigned
from neurocomp.mapping.tiling.limits import DEMANDS, Limits
from neurocomp.mapping.tiling.tile import Tiling

_HALVINGS = 12


@dataclass(frozen=True, eq=False)
class Placement:
    """Tiles with their cores, inputs first; none if the cores do not suffice.

    fits: whether they do. cores_needed: cores that the placement takes, or would take. What the user assigned is
    placed as it is; whether the cores hold it is known exactly once it is routed.
    """

    tiles: tuple[Tile, ...]
    fits: bool
    cores_needed: int


def place(problem: Problem, tiling: Tiling, seed: int = 0, dense: bool = False) -> Placement:
    """Give every tile a core. dense: share cores as far as they hold, even if there are enough.

    The result does not depend on ``seed``; placers that search do.
    """
    held, group = _groups(problem, tiling, dense)
    needed = _needed(held, group)
    if needed > problem.available_cores:
        return Placement((), False, needed)
    free = problem.core_order[~np.isin(problem.core_order, held)]
    return Placement(_tiles(problem, tiling, free[group].tolist()), True, needed)


def cores_needed(problem: Problem, tiling: Tiling, dense: bool = False) -> int:
    """Cores that ``place`` takes, or would take: found without listing the cores of the chip."""
    return _needed(*_groups(problem, tiling, dense))


def _needed(held: np.ndarray, group: np.ndarray) -> int:
    return held.size + (int(group[-1]) + 1 if group.size else 0)


def _groups(problem: Problem, tiling: Tiling, dense: bool) -> tuple[np.ndarray, np.ndarray]:
    """int64: cores that the user assigned, and for each other tile the number of its core among those left."""
    assigned = {core for cut in tiling.cuts.values() if isinstance(cut, Assigned) for core in cut.members}
    held = np.array(sorted(assigned), np.int64)
    loose = [name for name in problem.tiled if not isinstance(tiling.cuts[name], Assigned)]
    demands = np.concatenate([np.zeros((0, DEMANDS), np.int64), *(tiling.demands[name] for name in loose)])
    return held, _grouped(demands, tiling.limits, max(0, problem.available_cores - held.size), dense)


def _tiles(problem: Problem, tiling: Tiling, cores: list[int]) -> tuple[Tile, ...]:
    tiles = []
    for name in problem.emitting:
        if name in problem.network.inputs:
            c, y, x = problem.shape(name)
            tiles.append(Tile(name, INPUT_PORT, ((0, c), (0, y), (0, x))))
    following = iter(cores)
    for name, cut in tiling.cuts.items():
        for piece in cut.pieces():
            core = next(following) if piece.core is None else piece.core
            tiles.append(Tile(name, core, piece.box, piece.positions))
    return tuple(tiles)


def _grouped(demands: np.ndarray, limits: Limits, cores: int, dense: bool) -> np.ndarray:
    """int64 per tile: the number of its core, ascending. More than ``cores`` of them if the tiles do not fit."""
    count = len(demands)
    if count <= cores and not dense:
        return np.arange(count)
    tightest = _fill(demands, limits, 1.0)
    if dense or not count or tightest[-1] >= cores:
        return tightest
    low, high, best = 0.0, 1.0, tightest
    for _ in range(_HALVINGS):
        level = (low + high) / 2
        group = _fill(demands, limits, level)
        if group[-1] < cores:
            high, best = level, group
        else:
            low = level
    return best


def _fill(demands: np.ndarray, limits: Limits, level: float) -> np.ndarray:
    """Consecutive tiles share a core while none of its limits is used beyond ``level``."""
    sums = np.concatenate([np.zeros((1, len(limits.limits)), np.int64), np.cumsum(limits.used(demands), axis=0)])
    capacity = np.floor(limits.capacities * level).astype(np.int64)
    columns = [np.ascontiguousarray(column) for column in sums.T]
    group = np.empty(len(demands), np.int64)
    start, number = 0, 0
    while start < len(demands):
        ends = [
            int(np.searchsorted(column, column[start] + cap, side="right")) - 1
            for column, cap in zip(columns, capacity, strict=True)
        ]
        stop = max(start + 1, min(ends))
        group[start:stop] = number
        start, number = stop, number + 1
    return group
