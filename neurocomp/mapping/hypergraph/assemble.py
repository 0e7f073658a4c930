"""Tiles of a program from micro-tiles that have been put together and placed."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.hypergraph.atoms import Atoms
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import INPUT_PORT, Tile
from neurocomp.mapping.tiling.cuts import Box, Grid
from neurocomp.network.structure import Corner


def tiles_of(problem: Problem, atoms: Atoms, part: np.ndarray, core: np.ndarray) -> tuple[Tile, ...]:
    """One tile for each population on each core: a box where it is one, else the positions of its elements.

    part: int32 (vertices), -1 for inputs; core: int64 (parts). Inputs come first, then populations in network
    order, each by the place of its first element.
    """
    tiles = []
    for name in problem.emitting:
        if name in problem.network.inputs:
            c, y, x = problem.shape(name)
            tiles.append(Tile(name, INPUT_PORT, ((0, c), (0, y), (0, x))))
    for name in problem.tiled:
        cut, first = atoms.cuts[name], atoms.first[name]
        on_core = np.asarray(core, np.int64)[part[first : first + cut.count]]
        if isinstance(cut, Grid):
            tiles += _from_grid(name, cut, on_core, atoms.shapes[name])
        else:
            tiles += _from_labels(name, on_core[atoms.labels(name) - first])
    return tuple(tiles)


def _from_labels(name: str, on_core: np.ndarray) -> list[Tile]:
    """on_core: int64 (elements), channel-last."""
    cores, first, label = np.unique(on_core, return_index=True, return_inverse=True)
    order = np.argsort(label, kind="stable").astype(np.int32)
    members = np.split(order, np.cumsum(np.bincount(label))[:-1])
    return [Tile(name, int(cores[k]), None, members[k]) for k in np.argsort(first)]


def _from_grid(name: str, cut: Grid, on_core: np.ndarray, shape: Corner) -> list[Tile]:
    """on_core: int64 (pieces of the grid)."""
    parts_c, _, parts_x = cut.parts
    cores, first, label = np.unique(on_core, return_index=True, return_inverse=True)
    at = np.arange(on_core.size)
    at, c = np.divmod(at, parts_c)
    y, x = np.divmod(at, parts_x)
    low = np.full((3, cores.size), np.iinfo(np.int64).max)
    high = np.zeros((3, cores.size), np.int64)
    for axis, value in enumerate((c, y, x)):
        np.minimum.at(low[axis], label, value)
        np.maximum.at(high[axis], label, value + 1)
    full = np.prod(high - low, axis=0) == np.bincount(label)
    members = _members(cut, label, ~full)
    tiles = []
    for k in np.argsort(first):
        if full[k]:
            box: Box = tuple(  # type: ignore[assignment]
                (int(edges[a]), int(edges[b])) for edges, a, b in zip(cut.edges, low[:, k], high[:, k], strict=True)
            )
            tiles.append(Tile(name, int(cores[k]), box))
        else:
            tiles.append(Tile(name, int(cores[k]), None, members[k]))
    return tiles


def _members(cut: Grid, label: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
    """For each label below those of the pieces int32: the channel-last positions of its elements, ascending; empty
    where ``wanted`` (bool, labels) is not set."""
    c, y, x = (np.repeat(np.arange(edges.size - 1), np.diff(edges)) for edges in cut.edges)
    parts_c, _, parts_x = cut.parts
    label = label.astype(np.min_scalar_type(label.max(initial=0)))  # short numbers are sorted by counting
    of_element = label[(y[:, None, None] * parts_x + x[:, None]) * parts_c + c].reshape(-1)
    kept = np.flatnonzero(wanted[of_element])
    of_element = of_element[kept]
    order = kept[np.argsort(of_element, kind="stable")].astype(np.int32)
    return np.split(order, np.cumsum(np.bincount(of_element, minlength=wanted.size))[:-1])
