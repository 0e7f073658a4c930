"""Several tensors made one: stacked or stored step by step along time, or side by side along a feature axis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, to_numpy
from neurocomp.frontend.freezing.streams.kinds import Stream, Term, Unsupported
from neurocomp.frontend.freezing.streams.layout import Layout, feature_map
from neurocomp.frontend.freezing.streams.shifts import FirstSteps, shifted
from neurocomp.frontend.freezing.streams.signals import Signal, Slots, common_time, feature_axes


@handles("aten.stack")
def stack(c: Context, parts: Any, axis: int = 0) -> Signal:
    first = next(part for part in parts if isinstance(part, Signal))
    axis %= len(first.layout.dims) + 1
    if len(parts) == c.arrange.steps and all(isinstance(part, Signal) for part in parts):
        in_turn = all(part.time in (t, "any") for t, part in enumerate(parts))
        if in_turn and (any(isinstance(part.time, int) for part in parts) or _same(parts)):
            return c.arrange.stacked(list(parts), axis)
    if len({part.time for part in parts if isinstance(part, Signal)} - {"any"}) > 1:
        return c.arrange.stacked([need_signal(part, "a stacked tensor") for part in parts], axis)
    opened = [
        part.with_layout(part.layout.inserted(axis)) if isinstance(part, Signal) else part.unsqueeze(axis)
        for part in parts
    ]
    return _side_by_side(c, opened, axis)


def _same(parts: list[Signal]) -> bool:
    return all(part.stream is parts[0].stream for part in parts)


@handles("aten.cat", "aten.concat")
def concatenate(c: Context, parts: Any, axis: int = 0) -> Signal:
    if isinstance(parts[-1], FirstSteps):
        return shifted(c.arrange, list(parts), axis)
    parts = [part for part in parts if isinstance(part, Signal) or part.numel()]
    first = next(part for part in parts if isinstance(part, Signal))
    axis %= len(first.layout.dims)
    if (
        all(isinstance(part, Signal) and isinstance(part.time, int) for part in parts)
        and not first.layout.dims[axis]
        and len(parts) == c.arrange.steps
        and len({part.time for part in parts}) == len(parts)
    ):
        return stack(c, [part.with_layout(part.layout.without(axis)) for part in parts], axis)
    return _side_by_side(c, parts, axis)


def _side_by_side(c: Context, parts: list[Any], axis: int) -> Signal:
    signals = [part for part in parts if isinstance(part, Signal)]
    time: Any = "any"
    for part in signals:
        time = common_time(time, part.time)[0]
    first = signals[0]
    axes = feature_axes(first.layout, axis)
    if axis not in axes or any(feature_axes(part.layout, axis) != axes for part in signals):
        raise Unsupported("tensors are joined along time or batch, or have these in different places")
    fixed = [k for k in range(len(first.layout.dims)) if k not in axes]
    if any(part.layout.dims[k] != first.layout.dims[k] for part in signals for k in fixed):
        raise Unsupported("tensors with time and batch in different places are joined")
    terms = []
    for part in parts:
        if isinstance(part, Signal):
            index, _ = c.arrange.indices(part, axis)
            stream = c.arrange.streams.gathered(part.stream, index, c.path)
            back = time - part.time if isinstance(time, int) and isinstance(part.time, int) else 0
            terms.append(Term(stream, back))
        else:
            terms.append(Term(_constant_stream(c, to_numpy(part), axes)))
    if len(terms) == 1:
        return first
    joined = c.arrange.streams.concatenated(tuple(terms), axes.index(axis), c.path)
    dims = list(first.layout.dims)
    for k, dim in zip(axes, feature_map(joined.shape), strict=True):
        dims[k] = (*(atom for atom in dims[k] if atom.kind != "F"), *dim)
    return Signal(joined, time, Layout(tuple(dims)))


def _constant_stream(c: Context, array: np.ndarray, axes: list[int]) -> Stream:
    """A constant part: the same at every step and for every sample."""
    one = _without(array, axes)
    empty = c.arrange.streams.zeros(one.shape)
    return c.arrange.streams.sum((Term(empty),), one.reshape(-1).astype(np.float32), one.shape, c.path)


# a tensor that the loop fills -----------------------------------------------------------------------------------
@handles("aten.select_scatter")
def fill(c: Context, base: Any, part: Any, axis: int, index: int) -> Any:
    """``out[t] = part`` on a tensor of zeros; complete once every step has been written."""
    if isinstance(base, Signal):
        axis %= len(base.layout.dims)
        opened = part.with_layout(part.layout.inserted(axis)) if isinstance(part, Signal) else part.unsqueeze(axis)
        index %= base.layout.shape[axis]
        return overwrite(c, base, opened, axis, index, index + 1)
    part = need_signal(part, "what is stored")
    if not isinstance(base, Slots):
        if base.shape[axis] != c.arrange.steps:
            raise Unsupported("a part of a tensor is overwritten")
        base = Slots(axis, c.arrange.steps, {})
    filled = replace(base, filled={**base.filled, index % base.size: part})
    if len(filled.filled) < filled.size:
        return filled
    return c.arrange.stacked([filled.filled[t] for t in range(filled.size)], filled.axis)


@handles("aten.slice_scatter")
def overwrite(
    c: Context, base: Any, part: Any, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """``x[:, 0:2] = part``: the places are cut out, and the part is added there."""
    if not isinstance(base, Signal):
        return _into_constant(c, base, need_signal(part, "what is stored"), axis, slice(start, end, step))
    axis %= len(base.layout.dims)
    index, axes = c.arrange.indices(base, axis)
    if axis not in axes:
        raise Unsupported("a part of the time steps or samples is overwritten")
    places = np.moveaxis(np.zeros(index.shape, bool), axes.index(axis), 0)
    places[slice(start, end, step)] = True
    places = np.moveaxis(places, 0, axes.index(axis))
    kept = c.arrange.rewired(base, axes, np.where(places, -1, index), c.path)
    if isinstance(part, Signal):
        return c.arrange.combined(kept, _placed(c, part, axis, places, axes), 1.0, c.path)
    shape = list(base.layout.shape)
    shape[axis] = len(range(shape[axis])[slice(start, end, step)])
    values = _without(np.broadcast_to(to_numpy(part), shape), axes)
    full = np.zeros(index.shape)
    full[places] = values.reshape(-1)
    return c.arrange.plus_flat(kept, full.reshape(-1), c.path)


def _into_constant(c: Context, base: Any, part: Signal, axis: int, chosen: slice) -> Signal:
    """A signal stored into a constant tensor."""
    axis %= base.ndim
    _, axes = c.arrange.indices(part, axis)
    shape = [base.shape[k] for k in axes]
    places = np.moveaxis(np.zeros(shape, bool), axes.index(axis), 0)
    places[chosen] = True
    placed = _placed(c, part, axis, np.moveaxis(places, 0, axes.index(axis)), axes)
    values = _without(to_numpy(base), axes).astype(np.float64)
    values[np.moveaxis(places, 0, axes.index(axis))] = 0
    return c.arrange.plus_flat(placed, values.reshape(-1), c.path)


def _placed(c: Context, part: Signal, axis: int, places: np.ndarray, axes: list[int]) -> Signal:
    """A signal at some places of a larger map, nothing elsewhere."""
    index, own = c.arrange.indices(part, axis)
    if own != axes:
        raise Unsupported("a part with time and batch in different places is stored")
    spread = np.full(places.shape, -1, np.int64)
    spread[places] = index.reshape(-1)
    return c.arrange.rewired(part, axes, spread, c.path)


def _without(array: np.ndarray, axes: list[int]) -> np.ndarray:
    """A constant over the feature axes alone. Raises Unsupported if it differs between steps or samples."""
    others = tuple(k for k in range(array.ndim) if k not in axes)
    one = array.min(others, keepdims=True) if others else array
    if (array != one).any():
        raise Unsupported("a constant that differs between steps or samples is joined to a signal")
    return one.squeeze(others).copy() if others else one.copy()
