"""What each operation of an exported torch graph does to signals: weights, pooling and arithmetic.

Every handler takes the context and the operation's arguments, in which signals stand for tensors that depend on
the input and torch tensors for constants. Reshapes and the handling of time are in axes.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurocomp.frontend.freezing.signals import Arrangement, Signal, Slots
from neurocomp.frontend.freezing.streams import Unsupported
from neurocomp.network.ops import Conv, Linear, Pool, Shape


@dataclass(frozen=True)
class Context:
    """Where an operation stands. arrange: builds signals; path: module that the operation belongs to;
    weight_path: module that owns its weight (path, if it has none)."""

    arrange: Arrangement
    path: str
    weight_path: str


Handler = Callable[..., Any]
PoolKind = Literal["sum", "avg", "max"]
HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for operations, by name without overload (``aten.add``) or with it."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


def to_numpy(value: Any) -> np.ndarray:
    """A torch tensor or number as an array; floating point becomes float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return (value.float() if value.is_floating_point() else value).numpy()
    return np.asarray(value, np.float32)


def need_signal(value: Any, what: str) -> Signal:
    """The value as a signal; raises Unsupported if it is a constant or a half-filled tensor."""
    if not isinstance(value, Signal):
        raise Unsupported(f"{what} does not depend on the input")
    return value


# linear maps ------------------------------------------------------------------------------------------------
@handles("aten.linear")
def linear(c: Context, x: Any, weight: Any, bias: Any = None) -> Signal:
    x = need_signal(x, "the operand")
    if isinstance(weight, Signal):
        raise Unsupported("both factors of a matrix product depend on the input")
    lead = len(x.layout.dims) - 1
    return _mapped(c, x, Linear(to_numpy(weight)), lead, bias)


@handles("aten.matmul", "aten.mm")
def matmul(c: Context, x: Any, y: Any) -> Signal:
    if isinstance(x, Signal) and isinstance(y, Signal):
        raise Unsupported("both factors of a matrix product depend on the input")
    if isinstance(y, Signal) or y.ndim != 2:
        raise Unsupported("a matrix product other than signal times matrix")
    return linear(c, x, y.T)


@handles("aten.addmm")
def addmm(c: Context, bias: Any, x: Any, weight: Any, *, beta: float = 1, alpha: float = 1) -> Signal:
    if beta != 1 or alpha != 1:
        raise Unsupported("a scaled matrix product")
    return linear(c, x, weight.T, bias)


@handles("aten.conv1d", "aten.conv2d")
def conv(
    c: Context,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = (1,),
    padding: Any = (0,),
    dilation: Any = (1,),
    groups: int = 1,
) -> Signal:
    x = need_signal(x, "the operand")
    kernel = to_numpy(weight)
    axes = kernel.ndim - 2
    stride, dilation = _per_axis(stride, axes), _per_axis(dilation, axes)
    if isinstance(padding, str):
        kernel, padding = _named_padding(padding, kernel, dilation)
    op = Conv(kernel, stride, _per_axis(padding, axes), dilation, groups)
    return _mapped(c, x, op, len(x.layout.dims) - axes - 1, bias)


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
    _output_padding: Any,
    groups: int,
) -> Signal:
    if transposed:
        raise Unsupported("a transposed convolution")
    return conv(c, x, weight, bias, stride, padding, dilation, groups)


def _mapped(c: Context, x: Signal, op: Linear | Conv, lead: int, bias: Any) -> Signal:
    x = c.arrange.summed_over_time(x)
    if isinstance(op, Linear) and x.layout.feature_dims(lead) is None and x.layout.features != op.weight.shape[1]:
        raise Unsupported(
            f"the weight reads {op.weight.shape[1]} of the {x.layout.features} values of a step; "
            "it is applied to each row of a map"
        )
    source, _shape = c.arrange.in_order(x, lead, c.path)
    stream = c.arrange.streams.mapped(op, source, c.weight_path)
    result = Signal(stream, x.time, x.layout.with_features(lead, stream.shape))
    if bias is None:
        return result
    flat = to_numpy(bias).reshape(-1, *(1,) * (len(stream.shape) - 1))
    return c.arrange.plus(result, flat, c.weight_path)


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


# normalisation ----------------------------------------------------------------------------------------------
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
    per_channel = (-1, *(1,) * (len(x.layout.dims) - 2))
    result = c.arrange.times(x, scale.reshape(per_channel), c.path)
    result = c.arrange.plus(result, shift.reshape(per_channel), c.path)
    return result if len(rest) > 2 else [result]


# pooling ----------------------------------------------------------------------------------------------------
@handles("aten.max_pool1d", "aten.max_pool2d")
def max_pool(
    c: Context, x: Any, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: bool = False
) -> Signal:
    if any(d != 1 for d in _per_axis(dilation, 1)):
        raise Unsupported("max pooling with dilation")
    return _pooled(c, x, "max", kernel, stride, padding, ceil)


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
) -> Signal:
    if not count_padding and any(_per_axis(padding, 1)):
        raise Unsupported("average pooling that leaves the padding out of the count")
    if divisor is None:
        return _pooled(c, x, "avg", kernel, stride, padding, ceil)
    result = _pooled(c, x, "sum", kernel, stride, padding, ceil)
    return c.arrange.times(result, np.array([1 / divisor]), c.path)


@handles("aten.adaptive_avg_pool1d", "aten.adaptive_avg_pool2d")
def adaptive_avg_pool(c: Context, x: Any, size: Any) -> Signal:
    x = need_signal(x, "the operand")
    wanted = tuple(size)
    present = x.layout.shape[-len(wanted) :]
    wanted = tuple(p if w is None else w for w, p in zip(wanted, present, strict=True))
    if all(w % p == 0 for p, w in zip(present, wanted, strict=True)):
        return _enlarged(c, x, [w // p for p, w in zip(present, wanted, strict=True)])
    if any(p % w for p, w in zip(present, wanted, strict=True)):
        raise Unsupported(f"adaptive pooling from {present} to {wanted}, which does not divide")
    kernel = tuple(p // w for p, w in zip(present, wanted, strict=True))
    return _pooled(c, x, "avg", kernel, kernel, (0,), False)


def _enlarged(c: Context, x: Signal, factors: list[int]) -> Signal:
    """Every pixel repeated along each axis."""
    lead = len(x.layout.dims) - len(factors) - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    index = np.arange(int(np.prod(shape))).reshape(shape)
    for axis, factor in enumerate(factors, start=1):
        index = index.repeat(factor, axis)
    stream = c.arrange.streams.gathered(source, index, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, index.shape))


def _pooled(c: Context, x: Any, kind: PoolKind, kernel: Any, stride: Any, padding: Any, ceil: bool) -> Signal:
    x = need_signal(x, "the operand")
    kernel = tuple(kernel)
    axes = len(kernel)
    op = Pool(kind, kernel, _per_axis(stride, axes) if len(stride) else kernel, _per_axis(padding, axes))
    lead = len(x.layout.dims) - axes - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    windows = zip(shape[1:], op.kernel, op.stride, op.padding, strict=True)
    if ceil and any((n + 2 * p - k) % s for n, k, s, p in windows):
        raise Unsupported("pooling with ceil_mode, where the last window is cut off")
    stream = c.arrange.streams.mapped(op, source, c.path)
    return Signal(stream, x.time, x.layout.with_features(lead, stream.shape))


# arithmetic -------------------------------------------------------------------------------------------------
@handles("aten.add")
def add(c: Context, x: Any, y: Any, *, alpha: float = 1) -> Any:
    if isinstance(x, Signal) and isinstance(y, Signal):
        return c.arrange.combined(x, y, float(alpha), c.path)
    if isinstance(x, Signal):
        return c.arrange.plus(x, float(alpha) * to_numpy(y), c.path)
    scaled = y if alpha == 1 else multiply(c, y, alpha)
    return c.arrange.plus(need_signal(scaled, "the sum"), to_numpy(x), c.path)


@handles("aten.sub")
def subtract(c: Context, x: Any, y: Any, *, alpha: float = 1) -> Any:
    return add(c, x, y, alpha=-alpha)


@handles("aten.rsub")
def subtract_from(c: Context, x: Any, y: Any, alpha: float = 1) -> Any:
    return add(c, y, x, alpha=-alpha)


@handles("aten.neg")
def negate(c: Context, x: Any) -> Any:
    return multiply(c, x, -1.0)


@handles("aten.mul")
def multiply(c: Context, x: Any, y: Any) -> Any:
    if isinstance(x, Signal) and isinstance(y, Signal):
        raise Unsupported("two signals are multiplied with each other")
    if isinstance(y, Signal):
        x, y = y, x
    x = c.arrange.summed_over_time(need_signal(x, "the product"))
    return c.arrange.times(x, to_numpy(y), c.path)


@handles("aten.div")
def divide(c: Context, x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    if isinstance(y, Signal) or rounding_mode is not None:
        raise Unsupported("a division by a signal, or one that rounds")
    return multiply(c, x, 1 / to_numpy(y).astype(np.float64))


@handles("aten.mean.dim", "aten.mean.default", "aten.mean")
def mean(c: Context, x: Any, dims: Any = None, keep: bool = False, **_options: Any) -> Signal:
    return _reduced(c, x, dims, keep, "mean")


@handles("aten.sum.dim_IntList", "aten.sum.default", "aten.sum")
def total(c: Context, x: Any, dims: Any = None, keep: bool = False, **_options: Any) -> Signal:
    return _reduced(c, x, dims, keep, "sum")


def _reduced(c: Context, x: Any, dims: Any, keep: bool, kind: Literal["mean", "sum"]) -> Signal:
    """Mean or sum over the time axis (a read-out), or over all pixels of a map (global pooling)."""
    x = need_signal(x, "the operand")
    rank = len(x.layout.dims)
    axes = sorted(d % rank for d in dims) if dims else list(range(rank))
    if x.layout.axis_of("T") in axes and x.time == "all":
        gone = x.layout.axis_of("T")
        axes = [a - (a > gone and not keep) for a in axes if a != gone]
        layout = x.layout.inserted(gone + 1) if keep else x.layout
        x = Signal(x.stream, kind, layout.without(gone))
        if not axes:
            return x
        rank -= not keep
    if axes != list(range(rank - len(axes), rank)) or len(axes) not in (1, 2):
        raise Unsupported(f"{kind} over axes {tuple(axes)} of a tensor of shape {x.layout.shape}")
    lead = rank - len(axes) - 1
    source, shape = c.arrange.in_order(x, lead, c.path)
    window = shape[1:]
    op = Pool("avg" if kind == "mean" else "sum", window, window, (0,) * len(window))
    stream = c.arrange.streams.mapped(op, source, c.path)
    layout = x.layout.with_features(lead, stream.shape if keep else stream.shape[:1])
    return Signal(stream if keep else c.arrange.streams.reshaped(stream, stream.shape[:1]), x.time, layout)


@handles(
    "aten.clone",
    "aten.contiguous",
    "aten.detach",
    "aten.alias",
    "aten.lift_fresh_copy",
    "aten._to_copy",
    "aten.to",
    "aten.detach_copy",
    "aten.type_as",
    "aten.positive",
)
def same(_c: Context, x: Any, *_arguments: Any, **_options: Any) -> Any:
    return x


@handles("aten._assert_tensor_metadata")
def nothing(_c: Context, *_arguments: Any, **_options: Any) -> None:
    return None


@handles("aten.dropout", "aten.feature_dropout", "aten.native_dropout", "aten.alpha_dropout")
def dropout(_c: Context, x: Any, _probability: float, training: bool = False) -> Any:
    if training:
        raise Unsupported("dropout in training mode is random; call module.eval() first")
    return x


@handles("aten.copy")
def copy(_c: Context, _target: Any, x: Any, *_rest: Any) -> Any:
    return x


def _per_axis(value: Any, axes: int) -> Shape:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def is_open(value: Any) -> bool:
    """Whether a value depends on the input (directly or in a list)."""
    if isinstance(value, list | tuple):
        return any(is_open(part) for part in value)
    return isinstance(value, Signal | Slots)
