"""What the operators without weights join (structure.py has the convention: M[target, source] of integers).

Each is a reshaping, a sum over one axis and a repetition along another.
"""

from __future__ import annotations

import math

import numpy as np

from neurocomp.network.shapes import Shape
from neurocomp.network.signal_ops import Factor, Host, Reduce, Wiring
from neurocomp.network.time_ops import AllSteps, OverTime

SignalOp = Factor | Wiring | Reduce | Host | OverTime | AllSteps


def signal_fan_out(op: SignalOp, source_shape: Shape, target_counts: np.ndarray) -> np.ndarray:
    """int64 (sources), flat: for each source the sum of ``target_counts`` (flat, one or one per target)."""
    n_source, n_target = math.prod(source_shape), math.prod(op.target_shape(source_shape))
    if isinstance(op, Wiring):
        counts = np.broadcast_to(target_counts, n_target)
        some = np.flatnonzero(counts) if target_counts.size > 1 else np.arange(n_target)
        some = some[op.index[some] >= 0]
        return _tally(op.index[some], counts[some], n_source)
    if isinstance(op, AllSteps):  # joins all with all, outside any chip
        return np.full(n_source, int(np.broadcast_to(target_counts, n_target).sum()))
    form, axis, repeats = _backward_form(op, source_shape)
    return _summed_and_spread(np.broadcast_to(target_counts, n_target), form, axis, repeats)


def signal_fan_in(op: SignalOp, source_shape: Shape, source_counts: np.ndarray) -> np.ndarray:
    """int64 (targets), flat: for each target the sum of ``source_counts`` (flat, one or one per source)."""
    counts = np.broadcast_to(source_counts, math.prod(source_shape))
    if isinstance(op, Wiring):
        return np.where(op.index >= 0, counts[np.maximum(op.index, 0)], 0)
    if isinstance(op, AllSteps):
        return np.full(math.prod(op.target_shape(source_shape)), int(counts.sum()))
    form, axis, repeats = _forward_form(op, source_shape)
    return _summed_and_spread(counts, form, axis, repeats)


def _summed_and_spread(counts: np.ndarray, form: Shape, axis: int, repeats: int) -> np.ndarray:
    """Counts seen as ``form``, summed over ``axis``, the sum repeated ``repeats`` times in its place."""
    sums = counts.reshape(form).sum(axis=axis, keepdims=True)
    return np.repeat(sums, repeats, axis=axis).reshape(-1)


def _backward_form(op: Factor | Reduce | Host | OverTime, source: Shape) -> tuple[Shape, int, int]:
    """(form of the target, axis to sum over, elements of the source in its place)."""
    if isinstance(op, Factor):
        return (op.batch, op.rows, op.columns), 2 if op.side == "left" else 1, op.inner
    if isinstance(op, Reduce):
        return (op.before, 1, op.after), 1, op.axis
    return (math.prod(source) // op.block, op.block), 1, op.block


def _forward_form(op: Factor | Reduce | Host | OverTime, source: Shape) -> tuple[Shape, int, int]:
    """(form of the source, axis to sum over, elements of the target in its place)."""
    if isinstance(op, Factor):
        axis, repeats = (2, op.columns) if op.side == "left" else (1, op.rows)
        return op.source_form, axis, repeats
    if isinstance(op, Reduce):
        return (op.before, op.axis, op.after), 1, 1
    return (math.prod(source) // op.block, op.block), 1, op.block


def _tally(index: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    if counts.size and (counts == counts[0]).all():
        return np.bincount(index, minlength=size) * int(counts[0])
    return np.bincount(index, counts, size).astype(np.int64)  # exact: counts stay far below 2**53
