"""Which elements an operator joins, counted without unrolling it into synapses.

Every operator is seen as a table of non-negative integers, M[target, source]: how many synapses lead from
the source element to the target element. ``fan_out`` applies the transpose of M to counts given per target,
``fan_in`` applies M to counts given per source. Fan-in axons, synaptic events, memory and effective synaptic
operations all follow from these two. Convolutions and pools are separable: a tap of the kernel is one
strided slice per axis, and the channels of a dense convolution are summed once and share the result.

Counts are int64 and channel-first; an axis along which they are all the same may have length 1.
``Window`` holds counts that are zero outside a box, so that a tile costs what it reaches, not the whole map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse
from neurocomp.network.structure_signals import SignalOp, signal_fan_in, signal_fan_out

Corner = tuple[int, int, int]
_CHUNK = 1 << 22  # weights or synapses looked at at once


def as_map(shape: Shape) -> Corner:
    """The shape as (channels, height, width): missing axes have size 1, axes beyond the third join the width."""
    channels, height, *_ = (*shape, 1, 1)
    return channels, height, math.prod(shape[2:])


@dataclass(frozen=True, eq=False)
class Window:
    """Counts on the box start..stop of a population seen as (channels, height, width); zero elsewhere.

    counts: int64, along each axis as long as the box, or 1 where they do not change along it.
    """

    start: Corner
    stop: Corner
    counts: np.ndarray

    @property
    def extent(self) -> Corner:
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))  # type: ignore[return-value]

    @property
    def total(self) -> int:
        return total(self.counts, self.extent)

    @property
    def is_empty(self) -> bool:
        return min(self.extent) < 1

    def expanded(self) -> np.ndarray:
        """Counts of the whole box, a read-only view."""
        return np.broadcast_to(self.counts, self.extent)

    def placed_in(self, shape: Corner) -> np.ndarray:
        """Counts of the whole population, int64 of ``shape``."""
        if self.start == (0, 0, 0) and self.stop == shape:
            return self.expanded()
        full = np.zeros(shape, np.int64)
        full[self.slices] = self.counts
        return full

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))  # type: ignore[return-value]


def whole(shape: Shape, counts: np.ndarray | int = 1) -> Window:
    """A window over a complete population. counts broadcasts against ``shape``."""
    size = as_map(shape)
    array = np.asarray(counts, np.int64)
    if array.ndim and array.shape != shape and len(shape) > 3:
        array = np.broadcast_to(array, shape)
    return Window((0, 0, 0), size, array.reshape(_map_counts(array.shape, shape)))


def _map_counts(counts: Shape, shape: Shape) -> Corner:
    """The (channels, height, width) form of broadcastable counts."""
    if len(counts) > len(shape):
        raise ValueError(f"counts of shape {counts} do not broadcast to {shape}")
    return as_map((1,) * (len(shape) - len(counts)) + counts)


def total(counts: np.ndarray, shape: Shape) -> int:
    """Sum of counts over a population of ``shape`` that they broadcast to."""
    return int(counts.sum()) * (math.prod(shape) // counts.size) if counts.size else 0


def fan_out(op: Op, source_shape: Shape, target_counts: np.ndarray, nonzero: bool = False) -> np.ndarray:
    """For each source element: the sum of ``target_counts`` over its synapses.

    target_counts: int64, broadcastable to the target's shape, channel-first. With counts of one the result is
    the number of synapses that leave each element. nonzero: count only synapses whose weight is not zero.
    Returns int64, broadcastable to ``source_shape``.
    """
    window = backward(op, source_shape, whole(op.target_shape(source_shape), target_counts), nonzero)
    return _public(window, source_shape)


def fan_in(op: Op, source_shape: Shape, source_counts: np.ndarray | int = 1) -> np.ndarray:
    """For each target element: the sum of ``source_counts`` over its synapses.

    source_counts: int64, broadcastable to ``source_shape``. Returns int64, broadcastable to the target's shape.
    """
    source, target_shape = whole(source_shape, source_counts), op.target_shape(source_shape)
    return _public(_forward(op, source_shape, source), target_shape)


def synapse_count(op: Op, source_shape: Shape) -> int:
    """Synapses of the operator if it were unrolled. Taps that fall on the padding are none."""
    return total(fan_in(op, source_shape), op.target_shape(source_shape))


def _public(window: Window, shape: Shape) -> np.ndarray:
    counts = window.placed_in(as_map(shape)) if window.extent != as_map(shape) else window.counts
    if counts.shape == as_map(shape) or len(shape) > 3:
        return np.broadcast_to(counts, as_map(shape)).reshape(shape)
    return counts.reshape(counts.shape[: len(shape)])


def backward(op: Op, source_shape: Shape, window: Window, nonzero: bool = False) -> Window:
    """``fan_out`` for counts on a box of the target; the result is a box of the source."""
    match op:
        case Linear():
            return _linear_backward(op, source_shape, window, nonzero)
        case Conv() if nonzero and not np.all(op.weight):
            return _exact_backward(op, source_shape, window)
        case Conv() | Pool():
            return _conv_backward(op, source_shape, window)
        case OneToOne():
            return _one_to_one_backward(op, source_shape, window, nonzero)
        case Sparse():
            return _sparse_backward(op, source_shape, window, nonzero)
        case _:
            return _signal_backward(op, source_shape, window)


def _forward(op: Op, source_shape: Shape, source: Window) -> Window:
    target_shape = op.target_shape(source_shape)
    match op:
        case Linear():
            return whole(target_shape, source.total)
        case Conv() | Pool():
            return _conv_forward(op, source_shape, source)
        case OneToOne():
            return _reshaped(source, as_map(source_shape), as_map(target_shape))
        case Sparse():
            counts = source.counts if source.counts.size == 1 else source.expanded()
            return whole(target_shape, arriving(op, counts).reshape(target_shape))
        case _:
            counts = source.counts if source.counts.size == 1 else source.expanded()
            return whole(target_shape, signal_fan_in(op, source_shape, counts.reshape(-1)).reshape(target_shape))


# --- linear, one to one, sparse -------------------------------------------------------------------------


def _linear_backward(op: Linear, source_shape: Shape, window: Window, nonzero: bool) -> Window:
    if not nonzero:
        return whole(source_shape, window.total)
    counts = np.zeros(math.prod(source_shape), np.int64)
    expanded = window.expanded().reshape(-1)
    rows = max(1, _CHUNK // max(1, op.weight.shape[1]))
    for at in range(0, expanded.size, rows):
        part = op.weight[window.start[0] + at : window.start[0] + min(at + rows, expanded.size)]
        # float64 products of counts are exact: they stay far below 2**53
        counts += (expanded[at : at + rows].astype(np.float64) @ (part != 0)).astype(np.int64)
    return whole(source_shape, counts.reshape(source_shape))


def _one_to_one_backward(op: OneToOne, source_shape: Shape, window: Window, nonzero: bool) -> Window:
    result = _reshaped(window, as_map(op.target_shape(source_shape)), as_map(source_shape))
    if not nonzero:
        return result
    scale = np.broadcast_to(np.asarray(op.scale).reshape(-1), math.prod(source_shape)).reshape(as_map(source_shape))
    return Window(result.start, result.stop, result.counts * (scale[result.slices] != 0))


def arriving(op: Sparse, source_counts: np.ndarray) -> np.ndarray:
    """int64 (targets), flat: sums of ``source_counts`` (one, or one per source) over the synapses of each target."""
    flat, start = np.asarray(source_counts).reshape(-1), 0
    if flat.size == 1:
        return op.fan_in * flat
    counts = np.zeros(math.prod(op.shape), np.int64)
    while start < op.indptr.size - 1:  # some sources at a time: bincount widens what it is given
        stop = int(np.searchsorted(op.indptr, op.indptr[start] + _CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), op.indptr.size - 1)
        target = op.indices[op.indptr[start] : op.indptr[stop]]
        each = np.repeat(flat[start:stop], np.diff(op.indptr[start : stop + 1]))
        counts += np.bincount(target, each, counts.size).astype(np.int64)  # exact: far below 2**53
        start = stop
    return counts


def _reshaped(window: Window, old: Corner, new: Corner) -> Window:
    """The same counts on a population of another shape, matched in channel-first order."""
    if old == new:
        return window
    if window.counts.size == 1 and window.extent == old:
        return Window((0, 0, 0), new, window.counts)
    full = np.ascontiguousarray(window.placed_in(old)).reshape(new)
    return Window((0, 0, 0), new, full)


def _sparse_backward(op: Sparse, source_shape: Shape, window: Window, nonzero: bool) -> Window:
    if math.prod(window.extent) == 1 and not nonzero:
        return whole(source_shape, _sources_of_one(op, window).reshape(source_shape))
    counts = window.placed_in(as_map(op.shape)).reshape(-1)[op.indices]
    if nonzero:
        counts = counts * (op.weight != 0)
    sums = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return whole(source_shape, (sums[op.indptr[1:]] - sums[op.indptr[:-1]]).reshape(source_shape))


def _sources_of_one(op: Sparse, window: Window) -> np.ndarray:
    """int64 (sources), flat: synapses from each into the one element of a window."""
    target = np.ravel_multi_index(window.start, as_map(op.shape))
    source = np.searchsorted(op.indptr, np.flatnonzero(op.indices == target), side="right") - 1
    return np.bincount(source, minlength=op.indptr.size - 1) * int(window.counts.reshape(-1)[0])


def _signal_backward(op: SignalOp, source_shape: Shape, window: Window) -> Window:
    target = as_map(op.target_shape(source_shape))
    counts = window.counts if window.counts.size == 1 and window.extent == target else window.placed_in(target)
    return whole(source_shape, signal_fan_out(op, source_shape, counts.reshape(-1)).reshape(source_shape))


# --- convolution and pooling ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Taps:
    """One spatial axis: tap k of output o reads input o * stride - padding + k * dilation, if that lies in 0..size."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The input range that the outputs first..last-1 lie over."""
        low = max(0, first * self.stride - self.padding)
        high = min(self.size, (last - 1) * self.stride - self.padding + (self.kernel - 1) * self.dilation + 1)
        return low, max(low, high)

    def outputs(self, tap: int, first: int, last: int) -> tuple[int, int]:
        """Those of the outputs first..last-1 whose tap does not fall on the padding."""
        shift = self.padding - tap * self.dilation
        low = max(first, -(-shift // self.stride))
        return low, max(low, min(last, (self.size - 1 + shift) // self.stride + 1))

    def inputs(self, tap: int, low: int, high: int, base: int) -> slice:
        """The inputs (counted from base) that the tap reads for the outputs low..high-1."""
        start = low * self.stride - self.padding + tap * self.dilation - base
        return slice(start, start + (high - low - 1) * self.stride + 1, self.stride)


def taps_of(op: Conv | Pool, source_shape: Shape) -> tuple[Taps, Taps]:
    """The geometry of both spatial axes; a 1-d operator has a second axis of size 1."""
    sizes = as_map(source_shape)[1:]
    axes = zip(op.kernel, op.stride, op.padding, op.dilation, strict=True)
    rows, columns, *_ = (*(Taps(size, *axis) for size, axis in zip(sizes, axes, strict=False)), Taps(1, 1, 1, 0, 1))
    return rows, columns


def channel_groups(op: Conv | Pool, source_shape: Shape) -> tuple[int, int, int]:
    """(groups, input channels per group, output channels per group); pooling keeps channels apart."""
    if isinstance(op, Pool):
        return source_shape[0], 1, 1
    return op.groups, op.weight.shape[1], op.weight.shape[0] // op.groups


def _conv_backward(op: Conv | Pool, source_shape: Shape, window: Window) -> Window:
    rows, columns = taps_of(op, source_shape)
    start, stop = _reached_box(op, source_shape, window)
    counts = group_sums(window, *channel_groups(op, source_shape)[1:])
    for axis, taps in ((1, rows), (2, columns)):
        outputs, inputs = (window.start[axis], window.stop[axis]), (start[axis], stop[axis])
        counts = scatter(counts, taps, axis, outputs, inputs)
    return Window(start, stop, counts)


def _exact_backward(op: Conv, source_shape: Shape, window: Window) -> Window:
    start, stop = _reached_box(op, source_shape, window)
    return Window(start, stop, _exact_taps(op, source_shape, window, start, stop))


def _reached_box(op: Conv | Pool, source_shape: Shape, window: Window) -> tuple[Corner, Corner]:
    """Corners of the source box that the taps of a target box lie over."""
    rows, columns = taps_of(op, source_shape)
    first_c, last_c = source_channels(op, source_shape, window.start[0], window.stop[0])
    first_y, last_y = rows.span(window.start[1], window.stop[1])
    first_x, last_x = columns.span(window.start[2], window.stop[2])
    return (first_c, first_y, first_x), (last_c, last_y, last_x)


def source_channels(op: Conv | Pool, source_shape: Shape, c0: int, c1: int) -> tuple[int, int]:
    """(first, behind the last) source channel of the groups that the target channels c0 to c1 - 1 lie in."""
    _, c_in, c_out = channel_groups(op, source_shape)
    return c0 // c_out * c_in, -(-c1 // c_out) * c_in


def group_sums(window: Window, c_in: int, c_out: int) -> np.ndarray:
    """Counts summed over the output channels of each group, then repeated for the group's input channels."""
    (c0, _, _), (c1, _, _) = window.start, window.stop
    groups = range(c0 // c_out, -(-c1 // c_out))
    sizes = np.array([min(c1, (g + 1) * c_out) - max(c0, g * c_out) for g in groups], np.int64)
    if window.counts.shape[0] == 1 or c1 == c0:
        per_group = window.counts * sizes.reshape(-1, 1, 1)
        if (sizes == sizes[:1]).all():
            return per_group[:1]
    else:
        per_group = np.add.reduceat(window.counts, np.cumsum(sizes) - sizes, axis=0)
    return per_group if c_in == 1 or len(per_group) == 1 else np.repeat(per_group, c_in, axis=0)


def scatter(counts: np.ndarray, taps: Taps, axis: int, outputs: tuple[int, int], inputs: tuple[int, int]) -> np.ndarray:
    """Adds the counts of ``outputs`` to the inputs that their taps read, along one axis."""
    counts = np.moveaxis(counts, axis, 0)
    if counts.shape[0] != outputs[1] - outputs[0]:
        counts = np.broadcast_to(counts, (outputs[1] - outputs[0], *counts.shape[1:]))
    result = np.zeros((inputs[1] - inputs[0], *counts.shape[1:]), np.int64)
    for tap in range(taps.kernel):
        low, high = taps.outputs(tap, *outputs)
        if low < high:
            result[taps.inputs(tap, low, high, inputs[0])] += counts[low - outputs[0] : high - outputs[0]]
    return np.moveaxis(result, 0, axis)


def _exact_taps(op: Conv, source_shape: Shape, window: Window, start: Corner, stop: Corner) -> np.ndarray:
    """Counts over synapses whose weight is not zero: one small matrix product per tap of the kernel."""
    rows, columns = taps_of(op, source_shape)
    mask = (op.weight != 0).reshape(*op.weight.shape[:2], rows.kernel, columns.kernel).astype(np.float64)
    counts = np.zeros(tuple(b - a for a, b in zip(start, stop, strict=True)), np.int64)
    expanded = window.expanded().astype(np.float64)
    (c0, y0, x0), (c1, y1, x1) = window.start, window.stop
    _, c_in, c_out = channel_groups(op, source_shape)
    for group in range(c0 // c_out, -(-c1 // c_out)):
        targets = slice(max(c0, group * c_out), min(c1, (group + 1) * c_out))
        sources = slice(group * c_in - start[0], (group + 1) * c_in - start[0])
        for ky in range(rows.kernel):
            ya, yb = rows.outputs(ky, y0, y1)
            for kx in range(columns.kernel):
                xa, xb = columns.outputs(kx, x0, x1)
                if ya >= yb or xa >= xb:
                    continue
                block = expanded[targets.start - c0 : targets.stop - c0, ya - y0 : yb - y0, xa - x0 : xb - x0]
                add = np.tensordot(mask[targets, :, ky, kx], block, axes=(0, 0))
                at = (sources, rows.inputs(ky, ya, yb, start[1]), columns.inputs(kx, xa, xb, start[2]))
                counts[at] += add.astype(np.int64)
    return counts


def _conv_forward(op: Conv | Pool, source_shape: Shape, source: Window) -> Window:
    target = as_map(op.target_shape(source_shape))
    groups, c_in, c_out = channel_groups(op, source_shape)
    counts = source.counts
    if counts.shape[0] == 1:
        counts = counts * c_in
    else:
        counts = counts.reshape(groups, c_in, *counts.shape[1:]).sum(axis=1)
        counts = np.repeat(counts, c_out, axis=0) if groups > 1 else counts
    for axis, taps in enumerate(taps_of(op, source_shape), start=1):
        counts = _gather(counts, taps, axis, target[axis])
    return Window((0, 0, 0), target, counts)


def _gather(counts: np.ndarray, taps: Taps, axis: int, outputs: int) -> np.ndarray:
    """Sums for each output the counts of the inputs that its taps read, along one axis."""
    counts = np.moveaxis(counts, axis, 0)
    if counts.shape[0] != taps.size:
        counts = np.broadcast_to(counts, (taps.size, *counts.shape[1:]))
    result = np.zeros((outputs, *counts.shape[1:]), np.int64)
    for tap in range(taps.kernel):
        low, high = taps.outputs(tap, 0, outputs)
        if low < high:
            result[low:high] += counts[taps.inputs(tap, low, high, 0)]
    return np.moveaxis(result, 0, axis)
