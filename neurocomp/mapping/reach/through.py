"""Carrying a reach across one more operator (reach.py has the forms).

Products of two signals and reductions work along one axis of a source that is read as three, wires and reshapings
bring elements to other places. Where the sets that targets listen to stay independent along three axes, the result
is as short as the reach was (regroup.py); elsewhere it becomes a table.
"""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.reach import (
    Explicit,
    Reach,
    Renamed,
    Separable,
    Table,
    Uniform,
    as_explicit,
    as_uniform,
    composed,
    identity,
    is_identity,
    table_of,
)
from neurocomp.mapping.reach.regroup import regrouped, renamed
from neurocomp.network.ops import Conv, Factor, Host, Linear, OneToOne, Op, Pool, Reduce, Shape, Sparse, Wiring
from neurocomp.network.structure import Corner, Taps, as_map, channel_groups, taps_of


def through(op: Op, source_shape: Shape, reach: Reach) -> Reach:
    """The reach of the operator's targets, given that of its sources."""
    if isinstance(reach, Uniform) or isinstance(op, Linear | Host):
        return as_uniform(reach)
    source, target = as_map(source_shape), as_map(op.target_shape(source_shape))
    match op:
        case Conv() | Pool():
            return _through_window(op, source_shape, reach)
        case OneToOne():
            return _moved(reach, source, target, None)
        case Wiring():
            return _moved(reach, source, target, op.index)
        case Factor():
            form = op.batch, op.rows, op.columns
            return _moved(_along_axis(reach, source, op.source_form, op.side, form), form, target, None)
        case Reduce():
            form = op.before, 1, op.after
            inner = _along_axis(reach, source, (op.before, op.axis, op.after), "right", form)
            return _moved(inner, form, target, None)
        case Sparse():
            if isinstance(reach, Separable) and is_identity(reach):
                return Explicit(op, reach.source)
            return _composed(table_of(op), reach, source)
        case _:
            raise TypeError(f"{type(op).__name__} has no place on a chip")


def _composed(outer: Table, reach: Reach, middle: Corner) -> Reach:
    inner = as_explicit(reach, middle)
    return inner if isinstance(inner, Uniform) else Explicit(composed(outer, inner.table), reach.source)


def _moved(reach: Reach, old: Corner, new: Corner, index: np.ndarray | None) -> Reach:
    """Targets at other places: element i of the map ``new`` is element index[i] of ``old``; None: the same order."""
    if isinstance(reach, Uniform) or (index is None and old == new):
        return reach
    if isinstance(reach, Separable | Renamed):
        if is_identity(reach.inner if isinstance(reach, Renamed) else reach):
            return renamed(identity(new), index, reach)
        result = regrouped(reach, old, new, index)
        if result is not None:
            return result
    if index is None:
        return as_explicit(reach, old)
    wires = np.flatnonzero(index >= 0)
    outer = Table(np.concatenate([[0], np.cumsum(index >= 0)]), index[wires].astype(np.int64), int(np.prod(old)))
    return _composed(outer, reach, old)


def _along_axis(reach: Reach, source: Corner, form: Corner, side: str, target: Corner) -> Reach:
    """Read as ``form``, each target hears all of one axis: of the columns (left) or of the rows (right).

    target: (batch, rows, columns) of the result.
    """
    placed = _moved(reach, source, form, None)
    if isinstance(placed, Uniform):
        return placed
    if isinstance(placed, Explicit):
        outer = as_explicit(_whole_axis(identity(form), side, target), form)
        return as_uniform(placed) if isinstance(outer, Uniform) else _composed(outer.table, placed, form)
    if isinstance(placed, Renamed):
        return Renamed(_whole_axis(placed.inner, side, target), placed.index, placed.source)
    return _whole_axis(placed, side, target)


def _whole_axis(reach: Separable, side: str, target: Corner) -> Separable:
    rows, columns = reach.rows, reach.columns
    if side == "left":
        columns = _spread(columns, target[2])
    else:
        rows = _spread(rows, target[1])
    return Separable(reach.low, reach.high, rows, columns, reach.source)


def _spread(table: Table, targets: int) -> Table:
    """So many targets, each of which listens to all that any did."""
    every = np.unique(table.indices)
    return Table(np.arange(targets + 1) * every.size, np.tile(every, targets), table.sources)


def _through_window(op: Conv | Pool, source_shape: Shape, reach: Separable | Renamed | Explicit) -> Reach:
    if isinstance(reach, Renamed):
        inner = _through_window(op, source_shape, reach.inner)
        return Renamed(inner, reach.index, reach.source) if isinstance(inner, Separable) else as_uniform(reach)
    _, height, width = as_map(op.target_shape(source_shape))
    groups, c_in, c_out = channel_groups(op, source_shape)
    first = np.arange(groups * c_out) // c_out * c_in
    rows, columns = taps_of(op, source_shape)
    window = Separable(
        first, first + c_in, _taps_table(rows, height), _taps_table(columns, width), as_map(source_shape)
    )
    if isinstance(reach, Explicit):
        outer = as_explicit(window, as_map(op.target_shape(source_shape)))
        return (
            as_uniform(reach)
            if isinstance(outer, Uniform)
            else Explicit(composed(outer.table, reach.table), reach.source)
        )
    if is_identity(reach):
        return window
    return Separable(
        reach.low[window.low], reach.high[window.high - 1],
        composed(window.rows, reach.rows), composed(window.columns, reach.columns), reach.source,
    )  # fmt: skip


def _taps_table(taps: Taps, outputs: int) -> Table:
    at = np.arange(outputs)[:, None] * taps.stride - taps.padding + np.arange(taps.kernel) * taps.dilation
    inside = (at >= 0) & (at < taps.size)
    return Table(np.concatenate([[0], np.cumsum(inside.sum(axis=1))]), at[inside], taps.size)
