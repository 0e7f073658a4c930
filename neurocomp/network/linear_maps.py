"""Linear operators one after the other as a single one: the product of their matrices, which is never written out where
an operator of the same kind can hold it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Reduce, Shape, Sparse, Wiring, windowed_shape

MOST_WEIGHTS = 1 << 26  # of a composed operator, so that it cannot outgrow memory
_CHUNK = 1 << 22  # elements looked at at once


def is_linear(op: Op) -> bool:
    """Whether the operator is a matrix: weights, sums, averages, wires."""
    if isinstance(op, Pool | Reduce):
        return op.kind != "max"
    return isinstance(op, Linear | Conv | Sparse | OneToOne | Wiring)


def in_front_of_matrix(first: Op, matrix: Linear, source: Shape) -> Linear | None:
    """``matrix`` after ``first``. source: shape that ``first`` reads. None if it would be too large."""
    rows, middle = matrix.weight, first.target_shape(source)
    if rows.shape[0] * math.prod(source) > MOST_WEIGHTS:
        return None
    result = np.empty((rows.shape[0], math.prod(source)), np.float64)
    step = max(1, _CHUNK // max(rows.shape[1], result.shape[1]))
    for at in range(0, rows.shape[0], step):
        part = rows[at : at + step].astype(np.float64).reshape(-1, *middle)
        result[at : at + step] = pulled_back(first, source, part).reshape(len(part), -1)
    return Linear(result)


def pulled_back(op: Op, source: Shape, rows: np.ndarray) -> np.ndarray:
    """Rows of weights on the operator's targets, as weights on its sources. rows: float64 (n, *target shape); returns
    (n, *source)."""
    flat, n = rows.reshape(len(rows), -1), len(rows)
    match op:
        case Conv() | Pool():
            return _through_windows(as_convolution(op, source[0]), source, rows)
        case Linear(weight):
            return (flat @ weight.astype(np.float64)).reshape(n, *source)
        case OneToOne(scale):
            return (flat * np.asarray(scale, np.float64).reshape(1, -1)).reshape(n, *source)
        case Reduce():
            spread = np.repeat(rows.reshape(n, op.before, 1, op.after) * op.scale, op.axis, axis=2)
            return spread.reshape(n, *source)
        case Wiring():
            some = np.flatnonzero(op.index >= 0)
            pairs = op.index[some], some, np.ones(some.size)
        case Sparse():
            pairs = np.repeat(np.arange(op.indptr.size - 1), np.diff(op.indptr)), op.indices, op.weight
        case _:
            raise TypeError(f"{type(op).__name__} is no matrix")
    result = np.zeros((math.prod(source), n))
    to, at, weight = pairs
    np.add.at(result, to, flat[:, at].T * np.asarray(weight, np.float64)[:, None])
    return result.T.reshape(n, *source)


def as_convolution(op: Conv | Pool, channels: int) -> Conv:
    """Sums and averages over windows as convolutions of each channel for itself."""
    if isinstance(op, Conv):
        return op
    weight = np.full((channels, 1, *op.kernel), op.scale, np.float64)
    return Conv(weight, op.stride, op.padding, op.dilation, groups=channels)


def _through_windows(op: Conv, source: Shape, rows: np.ndarray) -> np.ndarray:
    groups = op.groups
    weight = op.weight.astype(np.float64).reshape(groups, -1, *op.weight.shape[1:])
    given = rows.reshape(len(rows), groups, weight.shape[1], *rows.shape[2:])
    result = np.zeros((len(rows), groups, weight.shape[2], *source[1:]))
    for tap in np.ndindex(*op.kernel):
        axes = zip(tap, rows.shape[2:], source[1:], op.stride, op.padding, op.dilation, strict=True)
        spans = [tap_span(*axis) for axis in axes]
        read = given[(..., *(s[0] for s in spans))]
        result[(..., *(s[1] for s in spans))] += np.einsum("ngo...,goi->ngi...", read, weight[(..., *tap)])
    return result.reshape(len(rows), *source)


def tap_span(tap: int, outputs: int, inputs: int, stride: int, padding: int, dilation: int) -> tuple[slice, slice]:
    """Outputs of which a tap does not fall on the padding, and the inputs that it reads for them."""
    shift = padding - tap * dilation
    low, high = max(0, -(-shift // stride)), min(outputs, (inputs - 1 + shift) // stride + 1)
    if low >= high:
        return slice(0, 0), slice(0, 0)
    start = low * stride - shift
    return slice(low, high), slice(start, start + (high - low - 1) * stride + 1, stride)


def of_windows(first: Conv | Pool, second: Conv | Pool, source: Shape) -> Conv | None:
    """One convolution for two operators with windows; None if there is none: the second one's padding would have to be
    kept from what the first one's windows would read there, or some taps of the larger kernel would be no synapses."""
    middle = first.target_shape(source)
    a, b = as_convolution(first, source[0]), as_convolution(second, middle[0])
    groups, axes = min(a.groups, b.groups), list(_joined_axes(a, b, source[1:], middle[1:]))
    if max(a.groups, b.groups) % groups or None in axes:
        return None
    kernel, stride, padding, dilation = (tuple(axis[k] for axis in axes if axis) for k in range(4))
    if b.weight.shape[0] * source[0] // groups * math.prod(kernel) > MOST_WEIGHTS:
        return None
    one, two = _within_groups(a, groups), _within_groups(b, groups)
    weight = np.zeros((groups, two.shape[1], one.shape[2], *kernel))
    for tap in np.ndindex(*a.kernel):
        for beyond in np.ndindex(*b.kernel):
            steps = zip(tap, a.dilation, beyond, b.dilation, a.stride, dilation, strict=True)
            at = tuple((i * da + j * db * sa) // d for i, da, j, db, sa, d in steps)
            weight[(..., *at)] += two[(..., *beyond)] @ one[(..., *tap)]
    return Conv(weight.reshape(-1, one.shape[2], *kernel), stride, padding, dilation, groups)


def _joined_axes(a: Conv, b: Conv, source: Shape, middle: Shape) -> Iterator[Shape | None]:
    """(kernel, stride, padding, dilation) along each axis; None where the product is no convolution."""
    target = windowed_shape(middle, b.kernel, b.stride, b.padding, b.dilation)
    for axis, (inputs, between, outputs) in enumerate(zip(source, middle, target, strict=True)):
        ka, sa, pa, da = a.kernel[axis], a.stride[axis], a.padding[axis], a.dilation[axis]
        kb, sb, pb, db = b.kernel[axis], b.stride[axis], b.padding[axis], b.dilation[axis]
        read = np.add.outer(np.arange(outputs) * sb - pb, np.arange(kb) * db).reshape(-1)
        outside = read[(read < 0) | (read >= between)]
        reached = np.add.outer(outside * sa - pa, np.arange(ka) * da)
        if ((reached >= 0) & (reached < inputs)).any():
            yield None
            continue
        steps = np.add.outer(np.arange(ka) * da, np.arange(kb) * db * sa).reshape(-1)
        dilation = int(np.gcd.reduce(steps)) or 1
        kernel = int(steps.max()) // dilation + 1
        whole = np.unique(steps).size == kernel
        yield (kernel, sa * sb, pa + pb * sa, dilation) if whole else None


def _within_groups(op: Conv, groups: int) -> np.ndarray:
    """float64 (groups, out, in, *kernel) of a convolution of as many groups or a multiple of them: zeros between."""
    inner = op.groups // groups
    weight = op.weight.astype(np.float64).reshape(groups, inner, -1, *op.weight.shape[1:])
    out_channels, in_channels = weight.shape[2:4]
    result = np.zeros((groups, inner, out_channels, inner, in_channels, *op.kernel))
    for k in range(inner):
        result[:, k, :, k] = weight[:, k]
    return result.reshape(groups, inner * out_channels, inner * in_channels, *op.kernel)


def pushed_on(op: Op, source: Shape, values: np.ndarray) -> np.ndarray:
    """What the operator makes of constant values on its sources. float64 (*source); returns (*target shape)."""
    flat, target = values.reshape(-1), op.target_shape(source)
    match op:
        case Conv() | Pool():
            return _window_sums(as_convolution(op, source[0]), values, target)
        case Linear(weight):
            return weight.astype(np.float64) @ flat
        case OneToOne(scale):
            return (flat * np.asarray(scale, np.float64).reshape(-1)).reshape(target)
        case Reduce():
            return (values.reshape(op.before, op.axis, op.after).sum(axis=1) * op.scale).reshape(target)
        case Wiring():
            return np.where(op.index >= 0, flat[np.maximum(op.index, 0)], 0.0).reshape(target)
        case Sparse():
            start = np.repeat(np.arange(flat.size), np.diff(op.indptr))
            return np.bincount(op.indices, flat[start] * op.weight, math.prod(target)).reshape(target)
        case _:
            raise TypeError(f"{type(op).__name__} is no matrix")


def _window_sums(op: Conv, values: np.ndarray, target: Shape) -> np.ndarray:
    weight = op.weight.astype(np.float64).reshape(op.groups, -1, *op.weight.shape[1:])
    given, result = values.reshape(op.groups, -1, *values.shape[1:]), np.zeros((*weight.shape[:2], *target[1:]))
    for tap in np.ndindex(*op.kernel):
        axes = zip(tap, target[1:], values.shape[1:], op.stride, op.padding, op.dilation, strict=True)
        spans = [tap_span(*axis) for axis in axes]
        read = given[(..., *(s[1] for s in spans))]
        result[(..., *(s[0] for s in spans))] += np.einsum("gi...,goi->go...", read, weight[(..., *tap)])
    return result.reshape(target)
