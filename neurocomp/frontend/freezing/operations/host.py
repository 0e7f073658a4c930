"""Functions of real values that have no event-driven form: they run on the host, and the network says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, per_step, to_numpy
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.layout import LayoutError
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Host

Parameters = dict[str, float | np.ndarray]

_PLAIN = {
    "abs": "abs",
    "erf": "erf",
    "exp": "exp",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "log": "log",
    "relu": "relu",
    "rsqrt": "rsqrt",
    "sigmoid": "sigmoid",
    "sign": "sign",
    "silu": "silu",
    "sqrt": "sqrt",
    "tanh": "tanh",
}


def hosted(c: Context, x: Signal, function: str, parameters: Parameters | None = None) -> Signal:
    """A function of every element by itself."""
    x = c.arrange.solid(x, c.path)
    op = Host(function, 1, parameters or {})
    return Signal(c.arrange.streams.mapped(op, x.stream, c.path), x.time, x.layout)


def hosted_blocks(c: Context, x: Signal, function: str, axes: list[int], parameters: Parameters) -> Signal:
    """A function of all elements along the given axes together; they are brought next to each other."""
    rank = len(x.layout.dims)
    for axis in axes:
        if any(atom.kind == "T" and atom.size > 1 for atom in x.layout.dims[axis]):
            raise Unsupported(f"{function} runs over the time steps, of which a chip only knows the past")
        if any(atom.kind == "N" and atom.size > 1 for atom in x.layout.dims[axis]):
            raise LayoutError(f"{function} runs over the samples")
    order = [*(axis for axis in range(rank) if axis not in axes), *axes]
    moved = c.arrange.natural(x.with_layout(x.layout.permute(tuple(order))), c.path)
    block = math.prod(moved.layout.shape[rank - len(axes) :])
    stream = c.arrange.streams.mapped(Host(function, block, parameters), moved.stream, c.path)
    layout = moved.layout.permute(tuple(int(k) for k in np.argsort(order)))
    return Signal(stream, x.time, layout)


def _register(name: str, function: str) -> Callable[..., Any]:
    @handles(f"aten.{name}")
    def handler(c: Context, x: Any) -> Signal:
        return hosted(c, per_step(x, function), function)

    return handler


for _name, _function in _PLAIN.items():
    _register(_name, _function)


@handles("aten.gelu")
def gelu(c: Context, x: Any, *, approximate: str = "none") -> Signal:
    return hosted(c, per_step(x, "gelu"), "gelu_tanh" if approximate == "tanh" else "gelu")


@handles("aten.leaky_relu")
def leaky_relu(c: Context, x: Any, slope: float = 0.01) -> Signal:
    return hosted(c, per_step(x, "leaky_relu"), "leaky_relu", {"negative_slope": float(slope)})


@handles("aten.elu")
def elu(c: Context, x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Signal:
    if (scale, input_scale) != (1, 1):
        raise Unsupported("a scaled elu")
    return hosted(c, per_step(x, "elu"), "elu", {"alpha": float(alpha)})


@handles("aten.softplus")
def softplus(c: Context, x: Any, beta: float = 1.0, threshold: float = 20.0) -> Signal:
    return hosted(c, per_step(x, "softplus"), "softplus", {"beta": float(beta), "threshold": float(threshold)})


@handles("aten.relu6")
def relu6(c: Context, x: Any) -> Signal:
    return clamp(c, x, 0.0, 6.0)


@handles("aten.clamp", "aten.hardtanh", "aten.clip")
def clamp(c: Context, x: Any, low: Any = None, high: Any = None) -> Signal:
    limits = {"low": low, "high": high}
    if any(isinstance(limit, Signal) or getattr(limit, "ndim", 0) for limit in limits.values()):
        raise Unsupported("limits that differ between elements")
    return hosted(
        c, per_step(x, "clamp"), "clamp", {name: float(limit) for name, limit in limits.items() if limit is not None}
    )


@handles("aten.clamp_min")
def clamp_min(c: Context, x: Any, low: float) -> Signal:
    return clamp(c, x, low)


@handles("aten.clamp_max")
def clamp_max(c: Context, x: Any, high: float) -> Signal:
    return clamp(c, x, None, high)


@handles("aten.softmax", "aten._softmax")
def softmax(c: Context, x: Any, axis: int, *_rest: Any) -> Signal:
    x = per_step(x, "softmax")
    return hosted_blocks(c, x, "softmax", [axis % len(x.layout.dims)], {})


@handles("aten.log_softmax", "aten._log_softmax")
def log_softmax(c: Context, x: Any, axis: int, *_rest: Any) -> Signal:
    x = per_step(x, "log_softmax")
    return hosted_blocks(c, x, "log_softmax", [axis % len(x.layout.dims)], {})


@handles("aten.layer_norm")
def layer_norm(
    c: Context, x: Any, shape: Any, weight: Any = None, bias: Any = None, epsilon: float = 1e-5, *_rest: Any
) -> Signal:
    return _normed(c, x, "layer_norm", shape, weight, {"bias": bias}, epsilon)


@handles("aten.rms_norm")
def rms_norm(c: Context, x: Any, shape: Any, weight: Any = None, epsilon: float | None = None) -> Signal:
    return _normed(c, x, "rms_norm", shape, weight, {}, float(np.finfo(np.float32).eps) if epsilon is None else epsilon)


def _normed(c: Context, x: Any, function: str, shape: Any, weight: Any, more: dict[str, Any], epsilon: float) -> Signal:
    x = per_step(x, function)
    rank = len(x.layout.dims)
    parameters: Parameters = {"epsilon": float(epsilon)}
    for name, value in {"weight": weight, **more}.items():
        if value is not None:
            parameters[name] = to_numpy(value).reshape(-1)
    return hosted_blocks(c, x, function, list(range(rank - len(shape), rank)), parameters)


@handles("aten.group_norm")
def group_norm(
    c: Context, x: Any, groups: int, weight: Any = None, bias: Any = None, epsilon: float = 1e-5, *_rest: Any
) -> Signal:
    """Layer normalisation of each group of channels; weight and bias are per channel."""
    x = per_step(x, "group_norm")
    shape = x.layout.shape
    split = x.with_layout(x.layout.reshape((shape[0], groups, shape[1] // groups, *shape[2:])))
    normed = hosted_blocks(c, split, "layer_norm", list(range(2, len(split.layout.dims))), {"epsilon": float(epsilon)})
    result = normed.with_layout(normed.layout.reshape(shape))
    along = (-1, *(1,) * (len(shape) - 2))
    if weight is not None:
        result = c.arrange.times(result, to_numpy(weight).reshape(along), c.path)
    return result if bias is None else c.arrange.plus(result, to_numpy(bias).reshape(along), c.path)
