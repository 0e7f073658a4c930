"""What is worked out on weights while freezing: factors, constants and permutations that go into a linear map."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np

from neurocomp.network.ops import Conv, Host, Linear, OneToOne, Op, Shape, Wiring

_ZERO_AT_ZERO = frozenset(
    {"abs", "elu", "erf", "gelu", "gelu_tanh", "hard_swish", "leaky_relu", "relu", "rms_norm", "sign", "silu", "sqrt"}
    | {"tanh"}
)


def keeps_zero(op: Host) -> bool:
    """Whether a host function makes zeros of zeros."""
    low, high = (op.parameters.get(name, 0.0) for name in ("low", "high"))
    return op.function in _ZERO_AT_ZERO or (op.function == "clamp" and float(low) <= 0 <= float(high))


def unscalar(array: np.ndarray) -> np.ndarray:
    """At least one axis, float32."""
    return np.atleast_1d(array).astype(np.float32, copy=False)


def mapped_constant(op: Op, constant: np.ndarray, source: Shape) -> np.ndarray | None:
    """What a linear map makes of a constant (flat, one value or one per element), or None if that is no simpler.

    A convolution's border makes another constant of each place, unless it has no padding.
    """
    if isinstance(op, Linear):
        full = np.broadcast_to(constant, (op.weight.shape[1],)).astype(np.float64)
        return unscalar(op.weight @ full)
    if isinstance(op, OneToOne):
        return unscalar(constant * np.asarray(op.scale, np.float64).reshape(-1))
    if isinstance(op, Wiring):
        full = np.broadcast_to(constant, (math.prod(source),))
        return np.where(op.index < 0, np.float32(0), full[op.index])
    if not isinstance(op, Conv) or any(op.padding):
        return None
    maps = np.broadcast_to(constant, (math.prod(source),)).reshape(source[0], -1).astype(np.float64)
    if not np.allclose(maps, maps[:, :1], rtol=1e-6, atol=1e-7):  # equal but for the rounding of how it was computed
        return None
    inputs = maps[:, 0].reshape(op.groups, 1, -1)
    sums = op.weight.astype(np.float64).sum(tuple(range(2, op.weight.ndim)))
    channels = (sums.reshape(op.groups, -1, sums.shape[1]) * inputs).sum(-1).reshape(-1)
    return unscalar(np.repeat(channels, math.prod(op.target_shape(source)[1:])))


def hosted_constant(op: Host, constant: np.ndarray | None, shape: Shape) -> np.ndarray:
    """What a function of the host makes of a constant, or of nothing at all."""
    from neurocomp.activity.host import apply_host

    full = np.broadcast_to(np.float32(0) if constant is None else constant, (math.prod(shape),))
    return apply_host(op, np.ascontiguousarray(full, np.float32))


def close_operators(one: Op, other: Op) -> bool:
    """Whether two operators are the same up to rounding of their weights."""
    if type(one) is not type(other):
        return False
    return all(_close(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def _close(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-5, atol=1e-7))
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-5, atol=1e-7))
    return type(one) is type(other) and one == other


def scaled_rows(op: Linear | Conv, scale: np.ndarray, shape: Shape) -> Linear | Conv | None:
    """The map with each output scaled, or None if a convolution's outputs of one channel differ in scale."""
    flat = scale.reshape(-1)
    if flat.size > 1 and isinstance(op, Conv):
        maps = flat.reshape(shape[0], -1)
        if (maps != maps[:, :1]).any():
            return None
        flat = maps[:, 0]
    rows = flat.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return replace(op, weight=(op.weight * rows).astype(np.float32))


def scaled_columns(op: Op, scale: np.ndarray) -> Op | None:
    """The map of inputs that are each worth scale (flat, one number or one per source); None if it has no such form."""
    if isinstance(op, OneToOne):
        factors = np.asarray(op.scale, np.float64).reshape(-1) * scale
        return replace(op, scale=float(factors[0]) if factors.size == 1 else factors.astype(np.float32))
    if isinstance(op, Linear):
        return Linear((op.weight * scale.reshape(1, -1)).astype(np.float32))
    if isinstance(op, Conv) and scale.size == 1:
        return replace(op, weight=(op.weight * scale[0]).astype(np.float32))
    return None


def absorbed_wiring(op: Linear, wiring: Wiring, sources: int) -> Linear | None:
    """A linear map of permuted elements as one of the elements themselves; None if it is no permutation."""
    if wiring.index.size != sources or not np.array_equal(np.sort(wiring.index), np.arange(sources)):
        return None
    weight = np.empty_like(op.weight)
    weight[:, wiring.index] = op.weight
    return Linear(weight)


def absorbed_padding(op: Conv, wiring: Wiring, source: Shape) -> Conv | None:
    """A convolution of a map with a border of nothing as one that pads by itself; None if the wires do more."""
    if len(source) != len(wiring.shape) or source[0] != wiring.shape[0]:
        return None
    border = tuple((wide - n) // 2 for n, wide in zip(source[1:], wiring.shape[1:], strict=True))
    if any(b < 0 or n + 2 * b != w for n, b, w in zip(source[1:], border, wiring.shape[1:], strict=True)):
        return None
    inside = np.arange(math.prod(source)).reshape(source)
    expected = np.pad(inside, [(0, 0), *((b, b) for b in border)], constant_values=-1)
    if not np.array_equal(wiring.index, expected.reshape(-1)):
        return None
    return replace(op, padding=tuple(p + b for p, b in zip(op.padding, border, strict=True)))


def is_separable(op: Linear | Conv, axis: int) -> bool:
    """Whether a map of parts side by side along ``axis`` is the sum of maps of the parts."""
    return isinstance(op, Linear) or (op.groups == 1 and axis == 0)


def columns(op: Linear | Conv, source: Shape, axis: int, start: int, size: int) -> Linear | Conv:
    """The part of a linear map that reads elements start .. start + size of the joined axis of the source."""
    if isinstance(op, Linear):
        grid = op.weight.reshape(-1, *source)
        part = grid.take(range(start, start + size), axis=axis + 1)
        return Linear(np.ascontiguousarray(part).reshape(op.weight.shape[0], -1))
    return replace(op, weight=np.ascontiguousarray(op.weight[:, start : start + size]))
