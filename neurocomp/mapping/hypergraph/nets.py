"""Nets: for every sending micro-tile, how many of its elements reach which micro-tiles, and how often they spike.

Where all that leaves a population is separable (channels, rows and columns are reached independently), the
elements of an axis fall into few classes, and each combination of a channel, a row and a column class is one
net, written down in closed form. Elsewhere elements are looked at one by one, some at a time (elements.py).
Either way a net's elements lie in one micro-tile and reach exactly the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.reach import Renamed, Separable, Table, Uniform
from neurocomp.mapping.rows import Rows, equal_rows, joint_labels, pointer, rows_of_pairs
from neurocomp.mapping.tiling.cuts import Cut, Grid
from neurocomp.network.structure import Corner


@dataclass(frozen=True, eq=False)
class Nets:
    """source: int64 vertices; amount, traffic: int64; rows: the listening vertices of each net."""

    source: np.ndarray
    amount: np.ndarray
    traffic: np.ndarray
    rows: Rows


@dataclass(frozen=True, eq=False)
class AxisSets:
    """For each source index along one axis the parts of the target that hear it: rows[label[index]]."""

    label: np.ndarray
    rows: Rows


@dataclass(frozen=True, eq=False)
class BoxWay:
    """Paths to one population that reach a set of parts along each axis, independently of the others.

    first: its first vertex; parts: along (channels, rows, columns); the vertex of a part is first +
    (row * columns + column) * channels + channel. sets: one per axis.
    """

    first: int
    parts: Corner
    sets: tuple[AxisSets, AxisSets, AxisSets]


def box_way(reach: Separable | Renamed | Uniform, cut: Cut, first: int) -> BoxWay | None:
    """The paths of a reach into a population whose pieces are numbered from ``first`` on; of one with other names for
    its sources, seen from their places.

    None if the sets along the axes are not independent, or if boxes lead into a population that is no grid.
    """
    grid = cut if isinstance(cut, Grid) else None
    if isinstance(reach, Uniform):
        masks = _factors(reach)
        if masks is None:
            return None
        parts = (cut.count, 1, 1) if grid is None else grid.parts
        sets = tuple(_everything(m, n) for m, n in zip(masks, parts, strict=True))
        return BoxWay(first, parts, sets)  # type: ignore[arg-type]
    if grid is None:
        return None
    if isinstance(reach, Renamed):
        reach = reach.inner
    channels, rows, columns = grid.edges
    sets = (_channel_sets(reach, channels), _table_sets(reach.rows, rows), _table_sets(reach.columns, columns))
    return BoxWay(first, grid.parts, sets)


def _factors(reach: Uniform) -> tuple[np.ndarray, ...] | None:
    """The mask as a product of one mask per axis, each as long as the axis; None if it is no such product."""
    mask = reach.mask
    masks = [np.asarray(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    if not np.array_equal(masks[0][:, None, None] & masks[1][:, None] & masks[2], mask):
        return None
    return tuple(np.broadcast_to(m, (n,)) for m, n in zip(masks, reach.source, strict=True))


def _everything(heard: np.ndarray, parts: int) -> AxisSets:
    """All parts hear the marked indices."""
    return AxisSets(heard.astype(np.int64), Rows(np.array([0, 0, parts], np.int64), np.arange(parts)))


def _channel_sets(reach: Separable, edges: np.ndarray) -> AxisSets:
    channel = np.arange(reach.source[0])
    start = np.searchsorted(reach.high[edges[1:] - 1], channel, side="right")
    stop = np.maximum(start, np.searchsorted(reach.low[edges[:-1]], channel, side="right"))
    label, at = joint_labels([start, stop])
    length = (stop - start)[at]
    ptr = pointer(length)
    return AxisSets(label, Rows(ptr, np.arange(ptr[-1]) + np.repeat(start[at] - ptr[:-1], length)))


def _table_sets(table: Table, edges: np.ndarray) -> AxisSets:
    part = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    rows = rows_of_pairs(table.indices, part[table.target_of], table.sources, edges.size - 1)
    label, at = equal_rows(rows)
    return AxisSets(label, rows.taken(at))


def box_nets(cut: Grid, first: int, ways: list[BoxWay], rate: np.ndarray, vertices: int) -> Nets:
    """The nets of a population that is cut into a grid and sends by ``ways`` alone. rate: see rates.py."""
    own = [np.repeat(np.arange(e.size - 1), np.diff(e)) for e in cut.edges]
    joint = [joint_labels([own[a], *(way.sets[a].label for way in ways)]) for a in range(3)]
    counts = tuple(at.size for _, at in joint)
    at = _combinations(counts)
    keys = [_pins(way, joint, at, vertices) for way in ways]
    key = keys[0] if len(keys) == 1 else np.unique(np.concatenate(keys))
    net, pin = np.divmod(key, vertices)
    ptr = np.searchsorted(net, np.arange(at[0].size + 1))
    c, y, x = (own[a][joint[a][1]][at[a]] for a in range(3))
    source = first + (y * cut.parts[2] + x) * cut.parts[0] + c
    sizes = [np.bincount(label, minlength=n) for (label, _), n in zip(joint, counts, strict=True)]
    amount = sizes[0][at[0]] * sizes[1][at[1]] * sizes[2][at[2]]
    traffic = amount * int(rate.flat[0]) if rate.size == 1 else _summed(rate, [label for label, _ in joint], counts)
    return heard(Nets(source, amount, traffic, Rows(ptr, pin.astype(np.int32))))


def _combinations(counts: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """(channel, row, column) class of every net, channels innermost."""
    y, x, c = np.unravel_index(np.arange(counts[0] * counts[1] * counts[2]), (counts[1], counts[2], counts[0]))
    return c, y, x


def _pins(
    way: BoxWay, joint: list[tuple[np.ndarray, np.ndarray]], at: tuple[np.ndarray, ...], vertices: int
) -> np.ndarray:
    """int64: net * vertices + vertex for every pin of every net, ascending."""
    label = [sets.label[first][classes] for sets, (_, first), classes in zip(way.sets, joint, at, strict=True)]
    start = [sets.rows.ptr[k] for sets, k in zip(way.sets, label, strict=True)]
    length = [sets.rows.lengths[k] for sets, k in zip(way.sets, label, strict=True)]
    ptr = pointer(length[0] * length[1] * length[2])
    net = np.repeat(np.arange(ptr.size - 1), np.diff(ptr))
    step = np.arange(ptr[-1]) - ptr[net]
    step, c = np.divmod(step, length[0][net])
    y, x = np.divmod(step, length[2][net])
    c, y, x = (sets.rows.items[s[net] + k] for sets, s, k in zip(way.sets, start, (c, y, x), strict=True))
    return net * vertices + way.first + (y * way.parts[2] + x) * way.parts[0] + c


def _summed(rate: np.ndarray, labels: list[np.ndarray], counts: tuple[int, ...]) -> np.ndarray:
    """int64 per net: the rates of its elements, added up (exact: far below 2**53)."""
    c, y, x = labels
    net = (y[:, None] * counts[2] + x)[..., None] * counts[0] + c
    values = np.broadcast_to(np.moveaxis(rate, 0, -1), net.shape)
    total = np.bincount(net.reshape(-1), values.reshape(-1), counts[0] * counts[1] * counts[2])
    return np.rint(total).astype(np.int64)


def heard(nets: Nets, distinct: bool = False) -> Nets:
    """Without those that nobody hears; equal nets as one. distinct: their sources differ, so none are equal."""
    some = np.flatnonzero(nets.rows.lengths)
    rows = Rows(np.append(nets.rows.ptr[some], nets.rows.ptr[-1]), nets.rows.items)  # the others hold nothing
    source, amount, traffic = nets.source[some], nets.amount[some], nets.traffic[some]
    if distinct:
        return Nets(source, amount, traffic, rows)
    label, first = equal_rows(rows, source)
    if first.size == rows.count:
        return Nets(source, amount, traffic, rows)
    sums = np.zeros((2, first.size), np.int64)
    np.add.at(sums[0], label, amount)
    np.add.at(sums[1], label, traffic)
    return Nets(source[first], sums[0], sums[1], rows.taken(first))
