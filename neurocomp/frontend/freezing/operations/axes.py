"""What operations do that only move data: reshapes, transpositions, repetition, slices, padding."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, to_numpy
from neurocomp.frontend.freezing.operations.temporal import padded, time_axis_in, window_on
from neurocomp.frontend.freezing.streams.kinds import MixedSamples, Unsupported
from neurocomp.frontend.freezing.streams.layout import Atom, Layout, LayoutError, feature_size
from neurocomp.frontend.freezing.streams.shifts import FEEDS, FirstSteps, Window
from neurocomp.frontend.freezing.streams.shorter import every
from neurocomp.frontend.freezing.streams.signals import Signal, Slots


# reshapes ---------------------------------------------------------------------------------------------------
@handles("aten.view", "aten.reshape", "aten._unsafe_view", "aten.view_copy", "aten._reshape_copy")
def reshape(c: Context, x: Any, shape: Any) -> Signal:
    x = need_signal(x, "the operand")
    sizes = list(shape)
    if -1 in sizes:
        known = int(np.prod([s for s in sizes if s != -1]))
        sizes[sizes.index(-1)] = int(np.prod(x.layout.shape)) // max(known, 1)
    try:
        return x.with_layout(x.layout.reshape(tuple(sizes)))
    except LayoutError:  # features of two axes meet across the cut: their order must be made that of the tensor
        x = c.arrange.natural(x, c.path)
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


@handles("aten.movedim")
def move(c: Context, x: Any, source: Any, target: Any) -> Signal:
    x = need_signal(x, "the operand")
    rank = len(x.layout.dims)
    pairs = zip(*([v] if isinstance(v, int) else list(v) for v in (target, source)), strict=True)
    placed = sorted((t % rank, s % rank) for t, s in pairs)
    order = [axis for axis in range(rank) if axis not in {s for _, s in placed}]
    for to, axis in placed:
        order.insert(to, axis)
    return permute(c, x, order)


@handles("aten.mT", "aten.mH", "aten.adjoint", "aten.matrix_H")
def turn_matrices(c: Context, x: Any) -> Signal:
    rank = len(need_signal(x, "the operand").layout.dims)
    return permute(c, x, [*range(rank - 2), rank - 1, rank - 2])


@handles("aten.t", "aten.numpy_T")
def turn(c: Context, x: Any) -> Signal:
    x = need_signal(x, "the operand")
    return permute(c, x, list(range(len(x.layout.dims)))[::-1])


@handles("aten.pixel_shuffle")
def pixel_shuffle(c: Context, x: Any, factor: int) -> Signal:
    """Channels to pixels: (..., C r r, H, W) becomes (..., C, H r, W r)."""
    x = need_signal(x, "the operand")
    *lead, channels, height, width = x.layout.shape
    cut_up = reshape(c, x, (*lead, channels // factor**2, factor, factor, height, width))
    n = len(lead)
    moved = permute(c, cut_up, [*range(n + 1), n + 3, n + 1, n + 4, n + 2])
    return reshape(c, moved, (*lead, channels // factor**2, height * factor, width * factor))


@handles("aten.pixel_unshuffle")
def pixel_unshuffle(c: Context, x: Any, factor: int) -> Signal:
    """Pixels to channels, the inverse."""
    x = need_signal(x, "the operand")
    *lead, channels, height, width = x.layout.shape
    cut_up = reshape(c, x, (*lead, channels, height // factor, factor, width // factor, factor))
    n = len(lead)
    moved = permute(c, cut_up, [*range(n + 1), n + 2, n + 4, n + 1, n + 3])
    return reshape(c, moved, (*lead, channels * factor**2, height // factor, width // factor))


# repetition -------------------------------------------------------------------------------------------------
@handles("aten.repeat", "aten.tile")
def repeat(c: Context, x: Any, sizes: Any, **_options: Any) -> Signal:
    """``expand(T, -1, ...)`` or ``repeat(T, 1, ...)`` of a static tensor: the same value at every step; of an axis of
    features: the same elements again."""
    x = need_signal(x, "the operand")
    sizes = list(sizes)
    layout = Layout(((),) * (len(sizes) - len(x.layout.dims)) + x.layout.dims)
    dims = list(layout.dims)
    time = x.time
    for axis, (size, present) in enumerate(zip(sizes, layout.shape, strict=True)):
        if size in (-1, 1):
            continue
        if present == 1 and size == c.arrange.steps and time == "any" and not any(map(feature_size, dims[:axis])):
            dims[axis], time = (Atom("T", size),), "all"
        elif present == 1 or not any(atom.kind != "F" for atom in dims[axis]):
            dims[axis] = (Atom("F", size, 0), *dims[axis])
        else:
            raise Unsupported(f"a tensor of shape {layout.shape} is repeated by {tuple(sizes)}: along time or batch")
    return Signal(x.stream, time, Layout(tuple(dims)).normal())


@handles("aten.expand")
def expand(c: Context, x: Any, sizes: Any, **options: Any) -> Signal:
    x = need_signal(x, "the operand")
    missing = len(sizes) - len(x.layout.dims)
    kept = [-1 if k >= missing and s == x.layout.shape[k - missing] else s for k, s in enumerate(sizes)]
    return repeat(c, x, kept, **options)


@handles("aten.expand_as")
def expand_as(c: Context, x: Any, other: Any) -> Signal:
    return expand(c, x, other.layout.shape if isinstance(other, Signal) else tuple(other.shape))


@handles("aten.repeat_interleave.self_int")
def repeat_interleave(c: Context, x: Any, times: int, axis: int | None = None, **_options: Any) -> Signal:
    x = need_signal(x, "the operand")
    if axis is None:
        raise Unsupported("repeat_interleave without an axis")
    axis %= len(x.layout.dims)
    return _picked(c, x, axis, np.arange(x.layout.shape[axis]).repeat(times))


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
    if isinstance(x, Window) and axis % len(x.layout.dims) == x.axis:
        return _steps_cut(c, x, range(x.count)[slice(start, end, step)])
    x = need_signal(x, "the operand")
    axis %= len(x.layout.dims)
    chosen = np.arange(x.layout.shape[axis])[slice(start, end, step)]
    if chosen.size == x.layout.shape[axis]:
        return x
    if x.time == "all" and x.layout.axis_of("T") == axis:
        first = chosen.size > 1 and np.array_equal(chosen, np.arange(chosen.size))
        if first and c.feeds and c.feeds <= FEEDS:
            return FirstSteps(x, chosen.size, axis)
        if chosen.size != 1:
            return _steps_cut(c, window_on(c, x), range(x.layout.shape[axis])[slice(start, end, step)])
        picked = c.arrange.at_step(x, axis, int(chosen[0]))
        return picked.with_layout(picked.layout.inserted(axis))
    return _picked(c, x, axis, chosen)


def _steps_cut(c: Context, x: Window, chosen: range) -> Any:
    """Some of the time steps of a sequence."""
    if not chosen:
        raise Unsupported(f"none of {x.count} time steps are used")
    if chosen.step == 1:
        return padded(c, x, -chosen.start, chosen.stop - x.count)
    return every(c.arrange, x.moved(chosen.start, x.count - chosen.start), chosen.step, c.path)


@handles("aten.narrow")
def narrow(c: Context, x: Any, axis: int, start: int, length: int) -> Any:
    return cut(c, x, axis, start, start + length)


@handles("aten.index_select")
def index_select(c: Context, x: Any, axis: int, index: Any) -> Signal:
    x = need_signal(x, "the operand")
    return _picked(c, x, axis % len(x.layout.dims), to_numpy(index).astype(np.int64).reshape(-1))


@handles("aten.index")
def index_with(c: Context, x: Any, indices: Any) -> Signal:
    """``x[:, index]`` with a constant index along one axis."""
    x = need_signal(x, "the operand")
    given = [axis for axis, index in enumerate(indices) if index is not None]
    if len(given) != 1 or isinstance(indices[given[0]], Signal) or indices[given[0]].ndim != 1:
        raise Unsupported("an index other than a constant list along one axis")
    index = to_numpy(indices[given[0]])
    chosen = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
    return _picked(c, x, given[0], chosen)


@handles("aten.unbind")
def unbind(c: Context, x: Any, axis: int = 0) -> list[Any]:
    x = need_signal(x, "the operand")
    return [select(c, x, axis, k) for k in range(x.layout.shape[axis % len(x.layout.dims)])]


@handles("aten.split", "aten.split_with_sizes")
def split(c: Context, x: Any, sizes: Any, axis: int = 0) -> list[Any]:
    x = need_signal(x, "the operand")
    length = x.layout.shape[axis % len(x.layout.dims)]
    if isinstance(sizes, int):
        sizes = [min(sizes, length - start) for start in range(0, length, sizes)]
    ends = np.cumsum(sizes)
    return [cut(c, x, axis, int(end - size), int(end)) for size, end in zip(sizes, ends, strict=True)]


@handles("aten.chunk")
def chunk(c: Context, x: Any, parts: int, axis: int = 0) -> list[Any]:
    length = need_signal(x, "the operand").layout.shape[axis]
    return split(c, x, -(-length // parts), axis)


@handles("aten.flip")
def flip(c: Context, x: Any, axes: Any) -> Signal:
    x = need_signal(x, "the operand")
    for axis in axes:
        axis %= len(x.layout.dims)
        x = _picked(c, x, axis, np.arange(x.layout.shape[axis])[::-1])
    return x


@handles("aten.roll")
def roll(c: Context, x: Any, shifts: Any, axes: Any = ()) -> Signal:
    x = need_signal(x, "the operand")
    if not axes:
        raise Unsupported("roll without an axis")
    for shift, axis in zip(shifts, axes, strict=True):
        axis %= len(x.layout.dims)
        x = _picked(c, x, axis, np.roll(np.arange(x.layout.shape[axis]), shift))
    return x


def _picked(c: Context, x: Signal, axis: int, chosen: np.ndarray) -> Signal:
    """Some elements along a feature axis."""
    for atom in x.layout.dims[axis]:
        if atom.kind != "F" and atom.size > 1:
            kind, error = ("time steps", Unsupported) if atom.kind == "T" else ("samples", MixedSamples)
            raise error(f"only some of the {kind} are used, or in another order (axis {axis})")
    index, axes = c.arrange.indices(x, axis)
    return c.arrange.rewired(x, axes, index.take(chosen, axes.index(axis)), c.path)


_PADDING: dict[str, Literal["reflect", "edge", "wrap"]] = {
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


@handles("aten.pad", "aten.constant_pad_nd")
def pad(c: Context, x: Any, amounts: Any, *options: Any, value: Any = None) -> Any:
    """A border around a map: elements without wires, and a bias where it is not zero. amounts: (front, back) from
    the last axis on; a negative amount cuts off."""
    mode = next((option for option in options if isinstance(option, str)), "constant")
    numbers = [v for v in (*options, value) if isinstance(v, int | float)]
    fill = float(numbers[0]) if numbers else 0.0
    pairs = [(int(a), int(b)) for a, b in zip(amounts[::2], amounts[1::2], strict=True)][::-1]
    along = time_axis_in(x, len(pairs)) if isinstance(x, Signal | Window) else None
    if along is not None and any(pairs[along]) and mode == "constant" and fill == 0:
        around, pairs[along] = pairs[along], (0, 0)
        x = padded(c, x, *around)
        if not any(any(pair) for pair in pairs):
            return x
    x = need_signal(x, "the operand")
    first = len(x.layout.dims) - len(pairs)
    index, axes = c.arrange.indices(x, None)
    around = dict.fromkeys(axes, (0, 0)) | {first + k: pair for k, pair in enumerate(pairs) if any(pair)}
    if set(around) - set(axes):
        raise Unsupported("padding of time or batch")
    for position, axis in enumerate(axes):
        front, back = (max(-n, 0) for n in around[axis])
        index = index.take(range(front, index.shape[position] - back), position)
    widths = [(max(around[axis][0], 0), max(around[axis][1], 0)) for axis in axes]
    if mode != "constant":
        return c.arrange.rewired(x, axes, np.pad(index, widths, _PADDING[mode]), c.path)
    index = np.pad(index, widths, constant_values=-1)
    result = c.arrange.rewired(x, axes, index, c.path)
    return result if fill == 0 else c.arrange.plus_flat(result, np.where(index < 0, fill, 0.0).reshape(-1), c.path)


@handles("aten.reflection_pad1d", "aten.reflection_pad2d")
def reflection_pad(c: Context, x: Any, amounts: Any) -> Signal:
    return pad(c, x, amounts, "reflect")


@handles("aten.replication_pad1d", "aten.replication_pad2d")
def replication_pad(c: Context, x: Any, amounts: Any) -> Signal:
    return pad(c, x, amounts, "replicate")
