"""What operations do that only move data: reshapes, transpositions, slices, and everything along time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.layout import Atom, Layout
from neurocomp.frontend.freezing.ops import Context, handles, need_signal, to_numpy
from neurocomp.frontend.freezing.signals import Signal, Slots, common_time
from neurocomp.frontend.freezing.streams import Term, Unsupported


# reshapes ---------------------------------------------------------------------------------------------------
@handles("aten.view", "aten.reshape", "aten._unsafe_view", "aten.view_copy", "aten._reshape_copy")
def reshape(c: Context, x: Any, shape: Any) -> Signal:
    x = need_signal(x, "the operand")
    sizes = list(shape)
    if -1 in sizes:
        known = int(np.prod([s for s in sizes if s != -1]))
        sizes[sizes.index(-1)] = int(np.prod(x.layout.shape)) // max(known, 1)
    return x.with_layout(x.layout.reshape(tuple(sizes)))


@handles("aten.flatten")
def flatten(c: Context, x: Any, start: int = 0, end: int = -1) -> Signal:
    x = need_signal(x, "the operand")
    shape = x.layout.shape
    start, end = start % len(shape), end % len(shape)
    return reshape(c, x, (*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :]))


@handles("aten.unflatten")
def unflatten(c: Context, x: Any, axis: int, sizes: Any) -> Signal:
    x = need_signal(x, "the operand")
    shape = x.layout.shape
    axis %= len(shape)
    sizes = list(sizes)
    if -1 in sizes:
        sizes[sizes.index(-1)] = shape[axis] // -int(np.prod(sizes))
    return reshape(c, x, (*shape[:axis], *sizes, *shape[axis + 1 :]))


@handles("aten.squeeze")
def squeeze(_c: Context, x: Any, axes: Any = None) -> Signal:
    x = need_signal(x, "the operand")
    rank = len(x.layout.dims)
    wanted = range(rank) if axes is None else [a % rank for a in ([axes] if isinstance(axes, int) else axes)]
    layout = x.layout
    for axis in sorted(wanted, reverse=True):
        if layout.shape[axis] == 1:
            layout = layout.without(axis)
    return x.with_layout(layout)


@handles("aten.unsqueeze")
def unsqueeze(_c: Context, x: Any, axis: int) -> Signal:
    x = need_signal(x, "the operand")
    return x.with_layout(x.layout.inserted(axis % (len(x.layout.dims) + 1)))


@handles("aten.permute")
def permute(_c: Context, x: Any, order: Any) -> Signal:
    x = need_signal(x, "the operand")
    return x.with_layout(x.layout.permute(tuple(a % len(x.layout.dims) for a in order)))


@handles("aten.transpose", "aten.swapaxes")
def transpose(c: Context, x: Any, one: int, other: int) -> Signal:
    x = need_signal(x, "the operand")
    order = list(range(len(x.layout.dims)))
    order[one], order[other] = order[other], order[one]
    return permute(c, x, order)


@handles("aten.t", "aten.numpy_T")
def turn(c: Context, x: Any) -> Signal:
    x = need_signal(x, "the operand")
    return permute(c, x, list(range(len(x.layout.dims)))[::-1])


# repetition over time ---------------------------------------------------------------------------------------
@handles("aten.expand", "aten.repeat", "aten.tile")
def repeat(c: Context, x: Any, sizes: Any, **_options: Any) -> Signal:
    """Both ``expand(T, -1, ...)`` and ``repeat(T, 1, ...)`` of a static tensor: the same value at every step."""
    x = need_signal(x, "the operand")
    sizes = list(sizes)
    layout = Layout(((),) * (len(sizes) - len(x.layout.dims)) + x.layout.dims)
    dims = list(layout.dims)
    repeated = [axis for axis, size in enumerate(sizes) if size not in (-1, 1) and layout.shape[axis] == 1]
    for axis, (size, present) in enumerate(zip(sizes, layout.shape, strict=True)):
        if axis not in repeated and size not in (-1, 1, present):
            raise Unsupported(f"a tensor of shape {layout.shape} is repeated by {tuple(sizes)}")
    if not repeated:
        return x.with_layout(layout)
    if len(repeated) > 1 or sizes[repeated[0]] != c.arrange.steps or x.time != "any":
        raise Unsupported(
            f"a tensor of shape {layout.shape} is repeated to {tuple(sizes)}, not over {c.arrange.steps} time steps"
        )
    dims[repeated[0]] = (Atom("T", c.arrange.steps),)
    return Signal(x.stream, "all", Layout(tuple(dims)))


# picking steps and features -----------------------------------------------------------------------------------
@handles("aten.select")
def select(c: Context, x: Any, axis: int, index: int) -> Any:
    if isinstance(x, Slots):
        return x.filled.get(index % x.size)
    x = need_signal(x, "the operand")
    axis %= len(x.layout.dims)
    if x.time == "all" and x.layout.axis_of("T") == axis:
        return c.arrange.at_step(x, axis, index)
    kept = _picked(c, x, axis, np.array([index % x.layout.shape[axis]]))
    return kept.with_layout(kept.layout.without(axis))


@handles("aten.slice")
def cut(c: Context, x: Any, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    x = need_signal(x, "the operand")
    axis %= len(x.layout.dims)
    chosen = np.arange(x.layout.shape[axis])[slice(start, end, step)]
    if chosen.size == x.layout.shape[axis]:
        return x
    if x.time == "all" and x.layout.axis_of("T") == axis:
        if chosen.size != 1:
            raise Unsupported(f"only {chosen.size} of {c.arrange.steps} time steps are used")
        picked = c.arrange.at_step(x, axis, int(chosen[0]))
        return picked.with_layout(picked.layout.inserted(axis))
    return _picked(c, x, axis, chosen)


@handles("aten.unbind")
def unbind(c: Context, x: Any, axis: int = 0) -> list[Any]:
    x = need_signal(x, "the operand")
    return [select(c, x, axis, k) for k in range(x.layout.shape[axis % len(x.layout.dims)])]


@handles("aten.split", "aten.split_with_sizes", "aten.chunk")
def split(c: Context, x: Any, sizes: Any, axis: int = 0) -> list[Any]:
    x = need_signal(x, "the operand")
    length = x.layout.shape[axis % len(x.layout.dims)]
    if isinstance(sizes, int):
        sizes = [min(sizes, length - start) for start in range(0, length, sizes)]
    ends = np.cumsum(sizes)
    return [cut(c, x, axis, int(end - size), int(end)) for size, end in zip(sizes, ends, strict=True)]


def _picked(c: Context, x: Signal, axis: int, chosen: np.ndarray) -> Signal:
    """Some elements along a feature axis."""
    if any(atom.kind != "F" for atom in x.layout.dims[axis]):
        raise Unsupported(f"only part of axis {axis} of a tensor of shape {x.layout.shape} is used: time or batch")
    lead = x.layout.lead()
    source, shape = c.arrange.in_order(x, lead, c.path)
    index = np.arange(int(np.prod(shape))).reshape(shape).take(chosen, axis - lead)
    stream = c.arrange.streams.gathered(source, index, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, index.shape))


@handles("aten.flip")
def flip(c: Context, x: Any, axes: Any) -> Signal:
    x = need_signal(x, "the operand")
    for axis in axes:
        axis %= len(x.layout.dims)
        x = _picked(c, x, axis, np.arange(x.layout.shape[axis])[::-1])
    return x


@handles("aten.pad", "aten.constant_pad_nd")
def pad(c: Context, x: Any, amounts: Any, *options: Any, value: Any = None) -> Signal:
    """Zeros around a map: elements without synapses. amounts: (front, back) from the last axis on."""
    x = need_signal(x, "the operand")
    if any(option not in ("constant", None, 0, 0.0) for option in (*options, value)):
        raise Unsupported("padding with anything but zeros")
    pairs = [(int(a), int(b)) for a, b in zip(amounts[::2], amounts[1::2], strict=True)][::-1]
    lead = x.layout.lead()
    source, shape = c.arrange.in_order(x, lead, c.path)
    if len(pairs) > len(shape) or min(min(pair) for pair in pairs) < 0:
        raise Unsupported("padding of time or batch, or a negative one")
    index = np.arange(int(np.prod(shape))).reshape(shape)
    index = np.pad(index, [(0, 0)] * (len(shape) - len(pairs)) + pairs, constant_values=-1)
    stream = c.arrange.streams.gathered(source, index, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, index.shape))


# joining ----------------------------------------------------------------------------------------------------
@handles("aten.stack")
def stack(c: Context, parts: Any, axis: int = 0) -> Signal:
    signals = [need_signal(part, "a stacked tensor") for part in parts]
    return c.arrange.stacked(signals, axis % (len(signals[0].layout.dims) + 1))


@handles("aten.cat")
def concatenate(c: Context, parts: Any, axis: int = 0) -> Signal:
    first = next(part for part in parts if isinstance(part, Signal))
    axis %= len(first.layout.dims)
    if (
        all(isinstance(part, Signal) and isinstance(part.time, int) for part in parts)
        and not first.layout.dims[axis]
        and len(parts) == c.arrange.steps
        and len({part.time for part in parts}) == len(parts)
    ):
        return stack(c, [part.with_layout(part.layout.without(axis)) for part in parts], axis)
    return _side_by_side(c, list(parts), first, axis)


def _side_by_side(c: Context, parts: list[Any], first: Signal, axis: int) -> Signal:
    lead = first.layout.lead()
    if axis < lead:
        raise Unsupported("tensors are joined along time or batch")
    time: Any = "any"
    for part in parts:
        if isinstance(part, Signal):
            time = common_time(time, part.time)[0]
    terms = []
    for part in parts:
        if isinstance(part, Signal):
            if part.layout.dims[:lead] != first.layout.dims[:lead]:
                raise Unsupported("tensors with time and batch in different places are joined")
            stream, _ = c.arrange.in_order(part, lead, c.path)
            back = time - part.time if isinstance(time, int) and isinstance(part.time, int) else 0
            terms.append(Term(stream, back))
        else:
            terms.append(Term(_constant_stream(c, to_numpy(part), lead)))
    joined = c.arrange.streams.concatenated(tuple(terms), axis - lead, c.path)
    return Signal(joined, time, first.layout.with_features(lead, joined.shape))


def _constant_stream(c: Context, array: np.ndarray, lead: int) -> Any:
    shape = array.shape[lead:]
    flat = array.reshape(int(np.prod(array.shape[:lead])), *shape)
    if (flat != flat[:1]).any():
        raise Unsupported("a constant that differs between steps or samples is joined to a signal")
    empty = c.arrange.streams.zeros(shape)
    return c.arrange.streams.sum((Term(empty),), flat[0].reshape(-1).astype(np.float32), shape, c.path)


# a tensor that the loop fills -----------------------------------------------------------------------------------
@handles("aten.select_scatter")
def fill(c: Context, base: Any, part: Any, axis: int, index: int) -> Any:
    """``out[t] = part`` on a tensor of zeros; complete once every step has been written."""
    part = need_signal(part, "what is stored")
    if not isinstance(base, Slots):
        if isinstance(base, Signal) or base.shape[axis] != c.arrange.steps:
            raise Unsupported("a part of a tensor is overwritten")
        base = Slots(axis, c.arrange.steps, {})
    filled = replace(base, filled={**base.filled, index % base.size: part})
    if len(filled.filled) < filled.size:
        return filled
    return c.arrange.stacked([filled.filled[t] for t in range(filled.size)], filled.axis)
