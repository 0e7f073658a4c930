"""Pooling and resampling of maps. What is no plain window (windows cut off at the border, interpolation) is a
linear map that torch itself is asked for, axis by axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, per_axis, per_step
from neurocomp.frontend.freezing.operations.pooling_over_time import pooled_over_time
from neurocomp.frontend.freezing.operations.reductions import reduced
from neurocomp.frontend.freezing.operations.temporal import time_axis_in
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Pool, Shape, Sparse

PoolKind = Literal["sum", "avg", "max"]


@handles("aten.max_pool1d", "aten.max_pool2d")
def max_pool(
    c: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: bool = False
) -> Any:
    if any(d != 1 for d in per_axis(dilation, 1)):
        raise Unsupported("max pooling with dilation")
    op = _pool("max", kernel, stride, padding)
    along = _time_alone(x, op)
    if along is not None:
        return pooled_over_time(c, x, "max", op.kernel[along], op.stride[along], op.padding[along], ceil)
    x = per_step(x, "a maximum")
    axes = len(tuple(kernel))
    lead = len(x.layout.dims) - axes - 1
    behind = _missing(x.layout.shape[lead + 1 :], op) if ceil else (0,) * axes
    if any(behind):
        # a window that reaches over the border sees its last element once more: the maximum stays
        source, shape = c.arrange.in_order(x, lead, c.path)
        index = np.pad(np.arange(int(np.prod(shape))).reshape(shape), [(0, 0), *((0, b) for b in behind)], "edge")
        stream = c.arrange.streams.gathered(source, index, c.path)
        x = Signal(stream, x.time, x.layout.with_features(lead, index.shape))
        if any(op.padding):
            raise Unsupported("max pooling with padding and ceil_mode, where the last window is cut off")
    return _pooled(c, x, op)


@handles("aten.max_pool3d")
def max_pool_of_frames(
    c: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: bool = False
) -> Any:
    if any(d != 1 for d in per_axis(dilation, 1)):
        raise Unsupported("max pooling with dilation")
    return _of_frames(
        c, x, "max", (kernel, stride, padding, ceil), lambda y, k, s, p: max_pool(c, y, k, s, p, (1,), ceil)
    )


@handles("aten.avg_pool3d")
def avg_pool_of_frames(
    c: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), ceil: bool = False,
    count_padding: bool = True, divisor: int | None = None,
) -> Any:  # fmt: skip
    if divisor is not None:
        raise Unsupported("average pooling of frames with a divisor of its own")
    pool = lambda y, k, s, p: avg_pool(c, y, k, s, p, ceil, count_padding)  # noqa: E731
    return _of_frames(c, x, "avg", (kernel, stride, padding, ceil), pool)


def _of_frames(
    c: Context, x: Any, kind: Literal["avg", "max"], options: tuple[Any, Any, Any, bool], pool: Callable[..., Signal]
) -> Any:
    """Pooling over (time, height, width): over space at every step, and then over the steps of what is left.

    options: kernel, stride, padding, and whether windows may reach over the end.
    """
    x = need_signal(x, "the operand")
    kernel, padding = per_axis(options[0], 3), per_axis(options[2], 3)
    stride = per_axis(options[1], 3) if options[1] else kernel
    first = len(x.layout.dims) - 3
    if set(kernel[1:]) | set(stride[1:]) != {1} or any(padding[1:]):
        order = [first, *(axis for axis in range(len(x.layout.dims)) if axis != first)]
        moved = x.with_layout(x.layout.permute(tuple(order)))
        pooled = pool(moved, kernel[1:], stride[1:], padding[1:])
        x = pooled.with_layout(pooled.layout.permute(tuple(int(k) for k in np.argsort(order))))
    if (kernel[0], stride[0], padding[0]) == (1, 1, 0):
        return x
    if time_axis_in(x, 3) != 0:
        raise Unsupported("it pools over three axes, of which the first is not time")
    return pooled_over_time(c, x, kind, kernel[0], stride[0], padding[0], options[3])


def _time_alone(x: Any, op: Pool) -> int | None:
    """Which of the axes that are pooled over is time, where the others are left as they are."""
    along = time_axis_in(x, len(op.kernel)) if isinstance(x, Signal | Window) else None
    plain = [(k, s, p) == (1, 1, 0) for k, s, p in zip(op.kernel, op.stride, op.padding, strict=True)]
    return along if along is not None and all(plain[:along] + plain[along + 1 :]) else None


@handles("aten.max_pool2d_with_indices")
def max_pool_with_indices(
    c: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: bool = False
) -> list[Any]:
    return [max_pool(c, x, kernel, stride, padding, dilation, ceil), None]


@handles("aten.avg_pool1d", "aten.avg_pool2d")
def avg_pool(
    c: Context,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = (0,),
    ceil: bool = False,
    count_padding: bool = True,
    divisor: int | None = None,
) -> Any:
    import torch

    op = _pool("avg" if divisor is None else "sum", kernel, stride, padding)
    timed = None if divisor is not None else _time_alone(x, op)
    if timed is not None:
        return pooled_over_time(c, x, "avg", op.kernel[timed], op.stride[timed], op.padding[timed], ceil)
    x = need_signal(x, "the operand")
    axes = len(op.kernel)
    cut = ceil and any(_missing(x.layout.shape[-axes:], op))
    if not cut and (count_padding or not any(op.padding)):
        result = _pooled(c, x, op)
        return result if divisor is None else c.arrange.times(result, np.array([1 / divisor]), c.path)
    if divisor is not None:
        raise Unsupported("average pooling with a divisor of its own where windows are cut off")

    def along(axis: int, values: Any) -> Any:
        return torch.nn.functional.avg_pool1d(
            values, op.kernel[axis], op.stride[axis], op.padding[axis], ceil, count_padding
        )

    return resampled(c, x, axes, along)


@handles("aten.adaptive_avg_pool1d", "aten.adaptive_avg_pool2d", "aten.adaptive_avg_pool3d")
def adaptive_avg_pool(c: Context, x: Any, size: Any) -> Signal:
    import torch

    x = need_signal(x, "the operand")
    present, wanted = _wanted(x, size)
    if all(w == 1 for w in wanted):
        rank = len(x.layout.dims)
        return reduced(c, x, range(rank - len(wanted), rank), True, "avg")
    if len(wanted) > 2:
        raise Unsupported("adaptive pooling over three axes to more than one value")
    if all(w % p == 0 for p, w in zip(present, wanted, strict=True)):
        return enlarged(c, x, [w // p for p, w in zip(present, wanted, strict=True)])
    if any(p % w for p, w in zip(present, wanted, strict=True)):
        return resampled(c, x, len(wanted), lambda k, v: torch.nn.functional.adaptive_avg_pool1d(v, wanted[k]))
    kernel = tuple(p // w for p, w in zip(present, wanted, strict=True))
    return _pooled(c, x, _pool("avg", kernel, kernel, (0,)))


@handles("aten.adaptive_max_pool1d", "aten.adaptive_max_pool2d", "aten.adaptive_max_pool3d")
def adaptive_max_pool(c: Context, x: Any, size: Any) -> list[Any]:
    x = per_step(x, "a maximum")
    present, wanted = _wanted(x, size)
    if all(w == 1 for w in wanted):
        rank = len(x.layout.dims)
        return [reduced(c, x, range(rank - len(wanted), rank), True, "max"), None]
    if len(wanted) > 2 or any(p % w for p, w in zip(present, wanted, strict=True)):
        raise Unsupported(f"adaptive max pooling from {present} to {wanted}, which does not divide")
    kernel = tuple(p // w for p, w in zip(present, wanted, strict=True))
    return [_pooled(c, x, _pool("max", kernel, kernel, (0,))), None]


@handles("aten.upsample_nearest1d", "aten.upsample_nearest2d")
def nearest(c: Context, x: Any, size: Any, *_scales: Any) -> Signal:
    x = need_signal(x, "the operand")
    axes = _spatial(x, size, _scales)
    factors = [w / p for p, w in zip(x.layout.shape[-len(axes) :], axes, strict=True)]
    if any(f != int(f) for f in factors):
        return _nearest_index(c, x, axes)
    return enlarged(c, x, [int(f) for f in factors])


@handles("aten.upsample_linear1d", "aten.upsample_bilinear2d")
def interpolated(c: Context, x: Any, size: Any, corners: bool, *scales: Any) -> Signal:
    import torch

    x = need_signal(x, "the operand")
    wanted = _spatial(x, size, scales)
    given = _factors(scales, len(wanted))

    def along(axis: int, values: Any) -> Any:
        return torch.ops.aten.upsample_linear1d(values, [wanted[axis]], corners, given[axis])

    return resampled(c, x, len(wanted), along)


def _factors(scales: tuple[Any, ...], axes: int) -> list[float | None]:
    """Scale factors as torch passes them on, one per axis (as a list, or one after the other)."""
    flat = [v for s in scales for v in (s if isinstance(s, list | tuple) else [s])]
    return flat if len(flat) == axes else [None] * axes


def _spatial(x: Signal, size: Any, scales: tuple[Any, ...]) -> Shape:
    if size is not None:
        return tuple(size)
    factors = _factors(scales, len([v for s in scales if s is not None for v in s]))
    present = x.layout.shape[-len(factors) :]
    return tuple(int(n * (f or 1)) for n, f in zip(present, factors, strict=True))


def _wanted(x: Signal, size: Any) -> tuple[Shape, Shape]:
    size = (size,) if isinstance(size, int) else tuple(size)
    present = x.layout.shape[-len(size) :]
    return present, tuple(p if w is None else w for w, p in zip(size, present, strict=True))


def _nearest_index(c: Context, x: Signal, wanted: Shape) -> Signal:
    import torch

    lead = len(x.layout.dims) - len(wanted) - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    index = np.arange(int(np.prod(shape))).reshape(shape)
    for axis, size in enumerate(wanted, start=1):
        row = torch.arange(shape[axis], dtype=torch.float32).reshape(1, 1, -1)
        index = index.take(torch.nn.functional.interpolate(row, size).reshape(-1).long().numpy(), axis)
    stream = c.arrange.streams.gathered(source, index, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, index.shape))


def enlarged(c: Context, x: Signal, factors: list[int]) -> Signal:
    """Every pixel repeated along each axis."""
    lead = len(x.layout.dims) - len(factors) - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    index = np.arange(int(np.prod(shape))).reshape(shape)
    for axis, factor in enumerate(factors, start=1):
        index = index.repeat(factor, axis)
    stream = c.arrange.streams.gathered(source, index, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, index.shape))


def resampled(c: Context, x: Signal, axes: int, along: Callable[[int, Any], Any]) -> Signal:
    """A separable linear map of each channel. along(axis, values): what torch makes of rows (n, 1, length)."""
    import torch

    lead = len(x.layout.dims) - axes - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    matrices = []
    for axis, size in enumerate(shape[1:]):
        with torch.no_grad():
            matrices.append(along(axis, torch.eye(size).unsqueeze(1))[:, 0].double().numpy())  # (from, to)
    op = _separable(shape[0], matrices)
    stream = c.arrange.streams.mapped(op, source, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, stream.shape))


def _separable(channels: int, matrices: list[np.ndarray]) -> Sparse:
    """Synapses of a map that is a product of one small matrix (from, to) per axis, the same for every channel."""
    matrices = [np.eye(channels), *matrices]
    source, target, weight = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1)
    for matrix in matrices:
        begin, end = np.nonzero(matrix)
        source = (source[:, None] * matrix.shape[0] + begin).reshape(-1)
        target = (target[:, None] * matrix.shape[1] + end).reshape(-1)
        weight = (weight[:, None] * matrix[begin, end]).reshape(-1)
    order = np.lexsort((target, source))
    total = int(np.prod([m.shape[0] for m in matrices]))
    indptr = np.searchsorted(source[order], np.arange(total + 1))
    shape = tuple(m.shape[1] for m in matrices)
    return Sparse(indptr, target[order].astype(np.int32), weight[order].astype(np.float32), shape)


def _pool(kind: PoolKind, kernel: Any, stride: Any, padding: Any) -> Pool:
    kernel = tuple(kernel)
    axes = len(kernel)
    return Pool(kind, kernel, per_axis(stride, axes) if len(stride) else kernel, per_axis(padding, axes))


def _missing(sizes: Shape, op: Pool) -> Shape:
    """How many elements each axis lacks for its last window, where ceil_mode adds one."""
    lacking = []
    for n, k, s, p in zip(sizes, op.kernel, op.stride, op.padding, strict=True):
        windows = -(-(n + 2 * p - k) // s) + 1
        if (windows - 1) * s >= n + p:  # torch leaves out a window that would start in the padding behind
            windows -= 1
        lacking.append(max((windows - 1) * s + k - n - 2 * p, 0))
    return tuple(lacking)


def _pooled(c: Context, x: Signal, op: Pool) -> Signal:
    lead = len(x.layout.dims) - len(op.kernel) - 1
    source, _shape = c.arrange.in_order(x, lead, c.path)
    stream = c.arrange.streams.mapped(op, source, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, stream.shape))
