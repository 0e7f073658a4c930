"""Reaches whose targets are read with other axes: (512, 196) as (8, 64, 196), heads and tokens exchanged, and so on.

Along each axis of its map a target listens to a set of its own, and together to the product of the three. If every
old axis depends on a single new one, the sets can be given for the new axes too: those of old axes that come to lie
on one new axis are multiplied, and so are the places along them.
"""

from __future__ import annotations

import math

import numpy as np

from neurocomp.mapping.reach import Renamed, Separable, Table, in_places
from neurocomp.network.structure import Corner


def renamed(places: Separable, index: np.ndarray | None, source: Separable | Renamed) -> Separable | Renamed:
    """A reach over places of which place i is element index[i] of what an identity reach stands for."""
    before = source.index if isinstance(source, Renamed) else None
    if before is not None and index is not None:
        index = np.where(index >= 0, before[np.maximum(index, 0)], -1).astype(np.int32)
    index = before if index is None else index
    if index is None and places.source == source.source:
        return places
    return Renamed(places, index, source.source)


def regrouped(
    reach: Separable | Renamed, old: Corner, new: Corner, index: np.ndarray | None
) -> Separable | Renamed | None:
    """The reach of targets ``new``, of which element i is element index[i] (None: i) of the targets ``old``; None if
    some old axis depends on several new ones, or a new target is no old one."""
    axes = _axes_of(old, new, index)
    if axes is None:
        return None
    inner, parts, order = in_places(reach), [], []
    for axis in range(3):
        group = [(a, at) for a, (depends, at) in enumerate(axes) if depends == axis]
        table = Table(np.arange(new[axis] + 1), np.zeros(new[axis], np.int64), 1)
        for a, at in group:
            table = _joined(table, _table(inner, a).selected(at))
            order.append(a)
        parts.append(table)
    low, high = _ranges(parts[0])
    if low is None or high is None:
        return None
    places: Corner = tuple(table.sources for table in parts)  # type: ignore[assignment]
    joint = Separable(low, high, parts[1], parts[2], places)
    index = reach.index if isinstance(reach, Renamed) else None
    if order != sorted(order):  # places were numbered along the old axes
        by_place = np.arange(math.prod(inner.source), dtype=np.int32).reshape(inner.source).transpose(order).reshape(-1)
        index = by_place if index is None else index[by_place]
    if index is None and places == reach.source:
        return joint
    return Renamed(joint, index, reach.source)


def _axes_of(old: Corner, new: Corner, index: np.ndarray | None) -> list[tuple[int, np.ndarray]] | None:
    """For each old axis the new one that it depends on, and its coordinate by place along that one."""
    if index is not None and (index < 0).any():
        return None
    flat = np.arange(math.prod(new)) if index is None else index
    found = []
    for coordinate in np.unravel_index(flat, old):
        at = coordinate.reshape(new)
        depends = [axis for axis in range(3) if new[axis] > 1 and (np.take(at, [0], axis) != at).any()]
        if len(depends) > 1:
            return None
        axis = depends[0] if depends else 2
        corner: list[int | slice] = [0, 0, 0]
        corner[axis] = slice(None)
        found.append((axis, at[tuple(corner)]))
    return found


def _table(reach: Separable, axis: int) -> Table:
    if axis:
        return (reach.rows, reach.columns)[axis - 1]
    size = reach.high - reach.low
    ptr = np.concatenate([[0], np.cumsum(size)])
    return Table(ptr, np.arange(ptr[-1]) + np.repeat(reach.low - ptr[:-1], size), reach.source[0])


def _joined(outer: Table, inner: Table) -> Table:
    """Target by target all pairs of a source of each, numbered outer source first."""
    count_a, count_b = np.diff(outer.indptr), np.diff(inner.indptr)
    ptr = np.concatenate([[0], np.cumsum(count_a * count_b)])
    of = np.repeat(np.arange(outer.targets), count_a * count_b)
    a, b = np.divmod(np.arange(ptr[-1]) - ptr[of], np.maximum(1, count_b)[of])
    pairs = outer.indices[outer.indptr[of] + a].astype(np.int64) * inner.sources + inner.indices[inner.indptr[of] + b]
    return Table(ptr, pairs, outer.sources * inner.sources)


def _ranges(table: Table) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(first, end) of the sources of each target if they are runs that never step back; (None, None) if not."""
    size = np.diff(table.indptr)
    if (size < 1).any():
        return None, None
    low, high = table.indices[table.indptr[:-1]], table.indices[table.indptr[1:] - 1] + 1
    run = (high - low == size).all() and (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()
    return (low, high) if run else (None, None)
