"""Operations with weights: dense maps, convolutions and batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, per_axis, to_numpy
from neurocomp.frontend.freezing.operations.temporal import conv_over_time, time_axis_in
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.layout import Atom, Dim, Layout, LayoutError
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Conv, Linear, OverTime, Shape


@handles("aten.linear")
def linear(c: Context, x: Any, weight: Any, bias: Any = None) -> Signal:
    x = need_signal(x, "the operand")
    if isinstance(weight, Signal):
        raise Unsupported("the weight of a linear map depends on the input")
    return channel_map(c, x, to_numpy(weight), -1, bias)


@handles("aten.addmm")
def addmm(c: Context, bias: Any, x: Any, weight: Any, *, beta: float = 1, alpha: float = 1) -> Signal:
    if beta != 1 or alpha != 1:
        raise Unsupported("a scaled matrix product")
    return linear(c, x, weight.T, bias)


@handles("aten.conv1d", "aten.conv2d", "aten.conv3d")
def conv(
    c: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = (1,),
    padding: Any = (0,),
    dilation: Any = (1,),
    groups: int = 1,
) -> Any:
    if isinstance(weight, Signal):
        raise Unsupported("the kernel of a convolution depends on the input")
    kernel = to_numpy(weight)
    axes = kernel.ndim - 2
    stride, dilation = per_axis(stride, axes), per_axis(dilation, axes)
    if isinstance(padding, str):
        kernel, padding = _named_padding(padding, kernel, dilation)
    op = Conv(kernel, stride, per_axis(padding, axes), dilation, groups)
    along = time_axis_in(x, axes) if isinstance(x, Signal | Window) else None
    if along is not None and (op.kernel[along], op.padding[along]) != (1, 0):
        return conv_over_time(c, x, op, along, bias)
    x = need_signal(x, "the operand")
    if groups == 1 and set(op.kernel) | set(op.stride) == {1} and not any(op.padding):
        return channel_map(c, x, kernel.reshape(kernel.shape[:2]), -1 - axes, bias)
    if axes == 3:
        return _per_frame(c, x, op, bias)
    return _mapped(c, x, op, len(x.layout.dims) - axes - 1, bias)


def _per_frame(c: Context, x: Signal, op: Conv, bias: Any) -> Signal:
    """A convolution over (time, height, width) that looks at one step only: the same map at every step."""
    time = len(x.layout.dims) - 3
    alone = (op.kernel[0], op.stride[0], op.padding[0]) == (1, 1, 0)
    if any(atom.kind == "F" for atom in x.layout.dims[time]):
        raise Unsupported("a convolution over three axes of one step's features")
    if not alone:
        raise Unsupported(
            f"its kernel covers {op.kernel[0]} steps along the time axis, so a step would depend on later ones"
        )
    order = [time, *(axis for axis in range(len(x.layout.dims)) if axis != time)]
    moved = x.with_layout(x.layout.permute(tuple(order)))
    flat = Conv(op.weight[:, :, 0], op.stride[1:], op.padding[1:], op.dilation[1:], op.groups)
    result = _mapped(c, moved, flat, len(order) - 3, bias)
    return result.with_layout(result.layout.permute(tuple(int(k) for k in np.argsort(order))))


@handles("aten.convolution")
def convolution(
    c: Context,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Signal:
    if transposed:
        return transposed_conv(c, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return conv(c, x, weight, bias, stride, padding, dilation, groups)


@handles("aten.conv_transpose1d", "aten.conv_transpose2d")
def transposed_conv(
    c: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = (1,),
    padding: Any = (0,),
    output_padding: Any = (0,),
    groups: int = 1,
    dilation: Any = (1,),
) -> Signal:
    """A convolution with the turned kernel over the map with zeros between its elements."""
    x = need_signal(x, "the operand")
    kernel = to_numpy(weight)
    axes = kernel.ndim - 2
    stride, dilation, padding, more = (per_axis(v, axes) for v in (stride, dilation, padding, output_padding))
    source, shape = c.arrange.in_order(x, len(x.layout.dims) - axes - 1, c.path)
    spread = np.full((shape[0], *((n - 1) * s + 1 for n, s in zip(shape[1:], stride, strict=True))), -1)
    spread[(slice(None), *(slice(None, None, s) for s in stride))] = np.arange(int(np.prod(shape))).reshape(shape)
    reach = [d * (k - 1) - p for d, k, p in zip(dilation, kernel.shape[2:], padding, strict=True)]
    # what the padding takes away is cut off; what it leaves is padded, behind by the output padding more
    spread = np.pad(
        spread, [(0, 0), *((max(r, 0), max(r + m, 0)) for r, m in zip(reach, more, strict=True))], constant_values=-1
    )
    cuts = [(max(-r, 0), max(-r - m, 0)) for r, m in zip(reach, more, strict=True)]
    spread = spread[(slice(None), *(slice(a, n - b) for (a, b), n in zip(cuts, spread.shape[1:], strict=True)))]
    turned = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
    turned = np.flip(turned.reshape(-1, *turned.shape[2:]), tuple(range(2, kernel.ndim)))
    wide = Signal(
        c.arrange.streams.gathered(source, spread, c.path),
        x.time,
        x.layout.with_features(len(x.layout.dims) - axes - 1, spread.shape),
    )
    op = Conv(np.ascontiguousarray(turned), (1,) * axes, (0,) * axes, dilation, groups)
    return _mapped(c, wide, op, len(wide.layout.dims) - axes - 1, bias)


def _mapped(c: Context, x: Signal, op: Conv, lead: int, bias: Any) -> Signal:
    """A convolution of the dimensions after ``lead``."""
    x = c.arrange.summed_over_time(x)
    source, _shape = c.arrange.in_order(x, lead, c.path)
    stream = c.arrange.streams.mapped(op, source, c.weight_path)
    result = Signal(stream, x.time, x.layout.with_features(lead, stream.shape))
    if bias is None:
        return result
    return c.arrange.plus(result, _along(to_numpy(bias), lead, len(result.layout.dims)), c.weight_path)


def _along(values: np.ndarray, axis: int, rank: int) -> np.ndarray:
    return values.reshape(-1, *(1,) * (rank - 1 - axis))


def channel_map(c: Context, x: Signal, weight: np.ndarray, axis: int, bias: Any) -> Signal:
    """A dense map along one axis, the same for every place of the others (tokens, pixels): a convolution of
    kernel 1, or, if there is only that axis, a dense map. The places keep the order of the stream."""
    x = c.arrange.solid(c.arrange.summed_over_time(x), c.path)
    axis %= len(x.layout.dims)
    if x.time == "all" and x.layout.axis_of("T") == axis and weight.shape == (c.arrange.steps,) * 2:
        offset = np.zeros(len(weight), np.float32) if bias is None else to_numpy(bias)
        mixture = OverTime(weight, offset)  # each element by itself, over all steps
        return Signal(c.arrange.streams.moved(mixture, x.stream, c.weight_path), "all", x.layout)
    channel, rest = _split(x.layout, axis)
    places = 1
    strides: dict[Atom, int] = {}
    for atom in sorted(rest, key=lambda a: a.stride):
        strides[atom] = places
        places *= atom.size
    ordered = sorted(rest, key=lambda a: -a.stride)
    index = np.zeros(1, np.int64)
    for atom in (*channel, *ordered):
        index = (index[:, None] + np.arange(atom.size) * atom.stride).reshape(-1)
    if index.size // places != weight.shape[1]:
        raise Unsupported(f"the weight reads {weight.shape[1]} values where there are {index.size // places}")
    stream = _channel_stream(c, x, weight, index, places)
    dims = [tuple(replace(a, stride=strides[a]) if a in strides else a for a in dim) for dim in x.layout.dims]
    mine: Dim = (Atom("F", weight.shape[0], places),) if weight.shape[0] > 1 else ()
    dims[axis] = (*(a for a in x.layout.dims[axis] if a.kind != "F"), *mine)
    result = Signal(stream, x.time, Layout(tuple(dims)).normal())
    if bias is None:
        return result
    return c.arrange.plus(result, _along(to_numpy(bias), axis, len(dims)), c.weight_path)


@handles("aten.cumsum")
def running_sum(c: Context, x: Any, axis: int, **_options: Any) -> Signal:
    """The sum of all elements up to each along an axis."""
    x = need_signal(x, "the operand")
    size = x.layout.shape[axis]
    return channel_map(c, x, np.tril(np.ones((size, size), np.float32)), axis, None)


def _channel_stream(c: Context, x: Signal, weight: np.ndarray, index: np.ndarray, places: int) -> Any:
    streams, shape = c.arrange.streams, x.stream.shape
    if places == 1:
        return streams.mapped(Linear(weight), streams.gathered(x.stream, index, c.path), c.weight_path)
    if len(shape) not in (2, 3) or shape[0] != weight.shape[1] or not np.array_equal(index, np.arange(index.size)):
        shape = (weight.shape[1], places)
    axes = len(shape) - 1
    ones: Shape = (1,) * axes
    source = streams.gathered(x.stream, index.reshape(shape), c.path)
    op = Conv(weight.reshape(*weight.shape, *ones), ones, (0,) * axes, ones)
    return streams.mapped(op, source, c.weight_path)


def _split(layout: Layout, axis: int) -> tuple[Sequence[Atom], Sequence[Atom]]:
    """Feature atoms of one axis, and of all others."""
    if any(atom.kind != "F" and atom.size > 1 for atom in layout.dims[axis]):
        kinds = {"T": "time", "N": "batch", "F": "features"}
        mixed = " and ".join(dict.fromkeys(kinds[atom.kind] for atom in layout.dims[axis]))
        raise LayoutError(f"it maps along axis {axis} of a tensor of shape {layout.shape}, which is {mixed}")
    mine = [atom for atom in layout.dims[axis] if atom.kind == "F"]
    others = [a for k, dim in enumerate(layout.dims) if k != axis for a in dim if a.kind == "F"]
    return mine, others


def _named_padding(name: str, kernel: np.ndarray, dilation: Shape) -> tuple[np.ndarray, Shape]:
    """Padding ``valid`` and ``same``. torch pads one more behind than in front where the total is odd; the kernel
    then gets a row of zeros in front, which makes the padding even."""
    if name == "valid":
        return kernel, (0,) * len(dilation)
    total = [d * (k - 1) for d, k in zip(dilation, kernel.shape[2:], strict=True)]
    if any(amount % 2 and d > 1 for amount, d in zip(total, dilation, strict=True)):
        raise Unsupported("padding 'same' of an even kernel with dilation")
    odd = [amount % 2 for amount in total]
    kernel = np.pad(kernel, [(0, 0), (0, 0), *((more, 0) for more in odd)])
    return kernel, tuple((amount + more) // 2 for amount, more in zip(total, odd, strict=True))


@handles("aten.batch_norm", "aten._native_batch_norm_legit_no_training")
def batch_norm(c: Context, x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *rest: Any) -> Any:
    x = need_signal(x, "the operand")
    training, epsilon = (rest[0], rest[2]) if isinstance(rest[0], bool) else (False, rest[1])
    if training or mean is None or variance is None:
        raise Unsupported(
            "batch normalisation over the current batch mixes the samples; it needs running statistics "
            "and module.eval()"
        )
    scale = 1 / np.sqrt(to_numpy(variance).astype(np.float64) + epsilon)
    if weight is not None:
        scale = scale * to_numpy(weight)
    shift = -to_numpy(mean).astype(np.float64) * scale
    if bias is not None:
        shift = shift + to_numpy(bias)
    rank = len(x.layout.dims)
    result = c.arrange.times(x, _along(scale, 1, rank), c.path)
    result = c.arrange.plus(result, _along(shift, 1, rank), c.path)
    return result if len(rest) > 2 else [result]
