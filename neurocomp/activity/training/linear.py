"""The three products of every layer: forward (FP), back to the inputs (BP) and with the inputs (WG).

Feature maps are (batch, *shape), channel-first. A convolution is a sum over the taps of its kernel, each of them a
matrix product between a shifted view of the inputs and one slice of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse


def forward(op: Op, x: np.ndarray, target: Shape) -> np.ndarray:
    """(batch, *source) -> (batch, *target): what arrives."""
    batch = x.shape[0]
    match op:
        case Linear(weight):
            return (x.reshape(batch, -1) @ weight.T.astype(x.dtype)).reshape(batch, *target)
        case OneToOne(scale):
            return (x * _scale(scale, x)).reshape(batch, *target)
        case Sparse():
            return _sparse_forward(op, x, target)
        case Conv():
            weight, padded = op.weight.astype(x.dtype), _padded(x, op)
            result = np.zeros((batch, op.groups, op.weight.shape[0] // op.groups, math.prod(target[1:])), x.dtype)
            for tap, window in _taps(op, target):
                result += _grouped_tap(weight, tap, op.groups) @ _grouped(padded[window], op.groups)
            return result.reshape(batch, *target)
        case Pool():
            return sum((_padded(x, op)[window] for _, window in _taps(op, target)), np.zeros(())) * x.dtype.type(
                op.scale
            )
        case _:
            raise TypeError(f"{type(op).__name__} has no gradient")


def to_source(op: Op, gradient: np.ndarray, source: Shape) -> np.ndarray:
    """(batch, *target) -> (batch, *source): the gradient of what was sent."""
    batch = gradient.shape[0]
    match op:
        case Linear(weight):
            return (gradient.reshape(batch, -1) @ weight.astype(gradient.dtype)).reshape(batch, *source)
        case OneToOne(scale):
            flat = gradient.reshape(batch, *source)
            return flat * _scale(scale, flat)
        case Sparse():
            return _sparse_to_source(op, gradient, source)
        case Conv():
            return _conv_to_source(op, gradient, source)
        case Pool():
            back = _empty(op, gradient, source)
            for _, window in _taps(op, gradient.shape[1:]):
                back[window] += gradient * gradient.dtype.type(op.scale)
            return _cropped(back, op, source)
        case _:
            raise TypeError(f"{type(op).__name__} has no gradient")


def to_weights(op: Op, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The gradient of the weights, summed over the batch, in the weights' shape. x: what was sent."""
    batch = x.shape[0]
    match op:
        case Linear():
            return gradient.reshape(batch, -1).T @ x.reshape(batch, -1)
        case OneToOne(scale):
            return (gradient.reshape(x.shape) * x).sum(axis=0).reshape(np.shape(scale))
        case Sparse():
            source = np.repeat(np.arange(op.indptr.size - 1), np.diff(op.indptr))
            return (x.reshape(batch, -1)[:, source] * gradient.reshape(batch, -1)[:, op.indices]).sum(axis=0)
        case Conv():
            padded, result = _padded(x, op), np.zeros(op.weight.shape, x.dtype)
            each = _side_by_side(gradient, op.groups)
            for tap, window in _taps(op, gradient.shape[1:]):
                product = each @ np.swapaxes(_side_by_side(padded[window], op.groups), 1, 2)
                result[(slice(None), slice(None), *tap)] = product.reshape(result.shape[:2])
            return result
        case _:
            raise TypeError(f"{type(op).__name__} has no weights")


def _conv_to_source(op: Conv, gradient: np.ndarray, source: Shape) -> np.ndarray:
    weight, back = op.weight.astype(gradient.dtype), _empty(op, gradient, source)
    each = _grouped(gradient, op.groups)
    for tap, window in _taps(op, gradient.shape[1:]):
        part = np.swapaxes(_grouped_tap(weight, tap, op.groups), 1, 2) @ each
        back[window] += part.reshape(back[window].shape)
    return _cropped(back, op, source)


def _sparse_forward(op: Sparse, x: np.ndarray, target: Shape) -> np.ndarray:
    source = np.repeat(np.arange(op.indptr.size - 1), np.diff(op.indptr))
    result = np.zeros((x.shape[0], math.prod(target)), x.dtype)
    for row, values in zip(result, x.reshape(x.shape[0], -1), strict=True):
        np.add.at(row, op.indices, values[source] * op.weight.astype(x.dtype))
    return result.reshape(x.shape[0], *target)


def _sparse_to_source(op: Sparse, gradient: np.ndarray, source: Shape) -> np.ndarray:
    sender = np.repeat(np.arange(op.indptr.size - 1), np.diff(op.indptr))
    result = np.zeros((gradient.shape[0], math.prod(source)), gradient.dtype)
    for row, values in zip(result, gradient.reshape(gradient.shape[0], -1), strict=True):
        np.add.at(row, sender, values[op.indices] * op.weight.astype(gradient.dtype))
    return result.reshape(gradient.shape[0], *source)


def _scale(scale: float | np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.asarray(scale, like.dtype).reshape(like.shape[1:] if np.ndim(scale) else ())


def _taps(op: Conv | Pool, target: Shape) -> Iterator[tuple[Shape, tuple[slice, ...]]]:
    """Every kernel tap, and the part of the padded inputs that lies under it."""
    for tap in np.ndindex(*op.kernel):
        starts = [k * d for k, d in zip(tap, op.dilation, strict=True)]
        sizes = zip(starts, op.stride, target[1:], strict=True)
        yield tap, (slice(None), slice(None), *(slice(a, a + (n - 1) * s + 1, s) for a, s, n in sizes))


def _padded(x: np.ndarray, op: Conv | Pool) -> np.ndarray:
    return np.pad(x, ((0, 0), (0, 0), *((p, p) for p in op.padding)))


def _empty(op: Conv | Pool, gradient: np.ndarray, source: Shape) -> np.ndarray:
    sizes = (n + 2 * p for n, p in zip(source[1:], op.padding, strict=True))
    return np.zeros((gradient.shape[0], source[0], *sizes), gradient.dtype)


def _cropped(padded: np.ndarray, op: Conv | Pool, source: Shape) -> np.ndarray:
    return padded[(slice(None), slice(None), *(slice(p, p + n) for n, p in zip(source[1:], op.padding, strict=True)))]


def _grouped(maps: np.ndarray, groups: int) -> np.ndarray:
    """(batch, groups, channels of a group, pixels)."""
    return maps.reshape(maps.shape[0], groups, maps.shape[1] // groups, math.prod(maps.shape[2:]))


def _side_by_side(maps: np.ndarray, groups: int) -> np.ndarray:
    """(groups, channels of a group, batch x pixels): the sum over both is then one matrix product."""
    apart = _grouped(maps, groups)
    return apart.transpose(1, 2, 0, 3).reshape(*apart.shape[1:3], -1)


def _grouped_tap(weight: np.ndarray, tap: Shape, groups: int) -> np.ndarray:
    """(groups, outputs, inputs) of one kernel tap."""
    one = weight[(slice(None), slice(None), *tap)]
    return one.reshape(groups, one.shape[0] // groups, one.shape[1])
