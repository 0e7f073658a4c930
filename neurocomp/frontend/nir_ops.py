"""NIR's linear nodes as operators of the IR, with shapes inferred here rather than taken from the file."""

from __future__ import annotations

import math

import numpy as np

from neurocomp.frontend.joins import selected_copy
from neurocomp.frontend.nir_file import Node, NodeProblem
from neurocomp.network.neuron import expand
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape

MAX_ELEMENTS = 2**27
"""Largest population that is accepted; the largest feature maps in use are fifty times smaller."""
MAX_DELAY_STEPS = 2**20

LINEAR_TYPES = ("Affine", "Linear", "Scale", "Conv1d", "Conv2d", "AvgPool2d", "SumPool2d", "Flatten")


def operator(node: Node, source: Shape) -> Op:
    """The operator of a linear node that receives values of shape ``source``. Raises NodeProblem."""
    if node.type in ("Affine", "Linear"):
        return _matrix(node)
    if node.type == "Scale":
        return _scale(node, source)
    if node.type == "Flatten":
        return OneToOne(shape=_flattened(node, source))
    if node.type in ("AvgPool2d", "SumPool2d"):
        kernel, stride = numbers(node, "kernel_size", 2, 1), numbers(node, "stride", 2, 1)
        return Pool("avg" if node.type == "AvgPool2d" else "sum", kernel, stride, numbers(node, "padding", 2, 0))
    return _conv(node, source)


def bias(node: Node, target: Shape) -> np.ndarray | None:
    """The bias of a linear node for outputs of shape ``target``: a scalar, per channel or per element."""
    if "bias" not in node.values:
        return None
    value = fit(node.array("bias"), target, "bias")
    return np.asarray(value, np.float32) if np.any(value) else None


def fit(value: np.ndarray, shape: Shape, name: str) -> float | np.ndarray:
    """A parameter as the IR takes it: a number, one per channel ``(shape[0],)`` or one per element ``shape``.

    Files also have extra axes of length 1, and full arrays that hold one number. Raises NodeProblem.
    """
    full = fitted(value, shape, name)
    return compact(full, shape) if full.ndim else float(full)


def fitted(value: np.ndarray, shape: Shape, name: str) -> np.ndarray:
    """A parameter in float64, as the file has it: of no axes, or of ``shape``. Raises NodeProblem."""
    value = value.astype(np.float64)
    while value.ndim > len(shape) and value.shape[0] == 1:
        value = value[0]
    if value.size == 1:
        return value.reshape(())
    if value.shape == shape[:1] and len(shape) > 1:
        value = expand(value, shape)
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise NodeProblem(f"parameter {name} has shape {value.shape}, which does not suit {shape} elements") from None


def compact(full: np.ndarray | float, shape: Shape) -> float | np.ndarray:
    """The smallest form of a parameter that broadcasts to ``shape``: float, (channels,) or ``shape`` (float32)."""
    array = np.asarray(full)
    if array.size and (array == array.reshape(-1)[0]).all():
        return float(array.reshape(-1)[0])
    array = np.broadcast_to(array, shape)
    if len(shape) > 1 and (array == array[(slice(None), *(slice(0, 1),) * (len(shape) - 1))]).all():
        array = array[(slice(None), *(0,) * (len(shape) - 1))]
    # what does not fit into float32 becomes infinite, which verify reports
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, np.float32)


def delayed_copies(delay_s: np.ndarray, shape: Shape, dt_s: float) -> list[tuple[Op, int]]:
    """A Delay node as (operator, steps): one plain copy, or one table per delay that occurs."""
    delays = fit(delay_s, shape, "delay")
    steps = np.rint(np.asarray(delays) / dt_s)
    if not np.isfinite(steps).all() or steps.min() < 0 or steps.max() > MAX_DELAY_STEPS:
        raise NodeProblem(
            f"parameter delay runs from {np.min(delays):g} to {np.max(delays):g} s; at steps of "
            f"{dt_s:g} s it must lie within 0 and {MAX_DELAY_STEPS} steps"
        )
    if steps.ndim == 0:
        return [(OneToOne(), int(steps))]
    flat = np.broadcast_to(expand(steps.astype(np.int64), shape), shape).reshape(-1)
    return [(selected_copy(flat == d, shape), int(d)) for d in np.unique(flat)]


def numbers(node: Node, name: str, axes: int, least: int) -> Shape:
    """A parameter with one whole number per spatial axis, or one for all."""
    value = node.array(name)
    if value.size == 1:
        value = np.repeat(value.reshape(-1), axes)
    whole = value.dtype.kind != "f" or (np.isfinite(value).all() and np.array_equal(value, np.trunc(value)))
    if value.shape != (axes,) or not whole:
        raise NodeProblem(f"parameter {name} is not {axes} whole numbers: {_shown(value)}")
    found = tuple(int(n) for n in value)
    if min(found) < least or max(found) > np.iinfo(np.int32).max:
        raise NodeProblem(f"parameter {name} is {found}; at least {least} is needed")
    return found


def _shown(value: np.ndarray) -> str:
    return np.array2string(value, threshold=8, max_line_width=80).replace("\n", "")


def _weight(node: Node, axes: int) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        weight = np.asarray(node.array("weight"), np.float32)
    if weight.ndim != axes or 0 in weight.shape:
        raise NodeProblem(f"parameter weight has shape {weight.shape}; {axes} axes, none of them empty, are expected")
    return weight


def _matrix(node: Node) -> Linear:
    return Linear(_weight(node, 2))


def _scale(node: Node, source: Shape) -> OneToOne:
    scale = fit(node.array("scale"), source, "scale")
    if isinstance(scale, np.ndarray):
        scale = np.ascontiguousarray(np.broadcast_to(expand(scale, source), source))
    return OneToOne(scale)


def _flattened(node: Node, source: Shape) -> Shape:
    """Exporters count a batch axis or not; start 0 or 1 with an open end means all axes in both cases."""
    axes = len(source)
    start = _axis(node, "start_dim", 1)
    end = _axis(node, "end_dim", -1)
    if start in (0, 1) and end in (-1, axes - 1, axes):
        return (math.prod(source),)
    start, end = (a + axes if a < 0 else a for a in (start, end))
    if not 0 <= start <= end < axes:
        raise NodeProblem(f"cannot flatten axes {start} to {end} of {source}")
    return (*source[:start], math.prod(source[start : end + 1]), *source[end + 1 :])


def _axis(node: Node, name: str, default: int) -> int:
    if name not in node.values:
        return default
    value = node.array(name)
    if value.size != 1 or value.dtype.kind not in "iu":
        raise NodeProblem(f"parameter {name} is not one whole number: {_shown(value)}")
    return int(value.reshape(-1)[0])


def _conv(node: Node, source: Shape) -> Conv:
    axes = 1 if node.type == "Conv1d" else 2
    weight = _weight(node, axes + 2)
    stride, dilation = numbers(node, "stride", axes, 1), numbers(node, "dilation", axes, 1)
    groups = numbers(node, "groups", 1, 1)[0]
    padding = node.values["padding"]
    if not isinstance(padding, str):
        return Conv(weight, stride, numbers(node, "padding", axes, 0), dilation, groups)
    if padding == "valid":
        return Conv(weight, stride, (0,) * axes, dilation, groups)
    if padding != "same":
        raise NodeProblem(f"parameter padding is {padding!r}; numbers, 'same' or 'valid' are known")
    if max(stride) > 1:
        raise NodeProblem(f"padding 'same' does not go with stride {stride}")
    return _same(weight, dilation, groups, source)


def _same(weight: np.ndarray, dilation: Shape, groups: int, source: Shape) -> Conv:
    """Stride-1 convolution that keeps the size. What cannot be padded evenly is padded once more on the right
    (as PyTorch does); here both sides get that much and the kernel a first row of zeros."""
    padding, new_dilation = [], []
    for axis, given in enumerate(dilation, start=2):
        d = given
        total = d * (weight.shape[axis] - 1)
        if len(source) == weight.ndim - 1 and total > 2 * source[axis - 1]:
            raise NodeProblem(f"the kernel reaches over {total + 1} elements of an axis that has {source[axis - 1]}")
        if total % 2:
            weight = _with_zero_tap(_spread(weight, axis, d), axis)
            d, total = 1, total + 1
        padding.append(total // 2)
        new_dilation.append(d)
    return Conv(weight, (1,) * len(dilation), tuple(padding), tuple(new_dilation), groups)


def _spread(weight: np.ndarray, axis: int, dilation: int) -> np.ndarray:
    """A dilated kernel written out, with zeros between its taps."""
    shape = list(weight.shape)
    shape[axis] = dilation * (shape[axis] - 1) + 1
    spread = np.zeros(shape, weight.dtype)
    spread[(slice(None),) * axis + (slice(None, None, dilation),)] = weight
    return spread


def _with_zero_tap(weight: np.ndarray, axis: int) -> np.ndarray:
    return np.pad(weight, [(int(a == axis), 0) for a in range(weight.ndim)])
