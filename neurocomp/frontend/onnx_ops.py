"""Operators of an ONNX graph as projections: what networks without state are made of.

Every tensor that depends on the input stands for a population; batch normalisation goes into the weights before it.
Rectifiers become functions of the host, which conversion then turns into neurons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from neurocomp.frontend.onnx_wire import OnnxGraph, OnnxNode
from neurocomp.network.graph import Population, Projection
from neurocomp.network.ops import Conv, Host, Linear, OneToOne, Op, Pool, Shape

MAX_VALUES = 2**28
"""Elements of one population."""


class OnnxProblem(ValueError):
    """A node cannot be read; the text says why, the hint what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True)
class Signal:
    """A tensor that depends on the input: a population, and the shape it has here without the batch axis."""

    population: str
    shape: Shape


@dataclass(eq=False)
class Builder:
    """Populations and projections as they grow; constants and signals by tensor name."""

    graph: OnnxGraph
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, node: OnnxNode, *sources: tuple[Signal, Op], bias: np.ndarray | None = None) -> Signal:
        """A relay that receives these, named after the node."""
        shapes = {op.target_shape(self.populations[s.population].shape) for s, op in sources}
        if len({math.prod(shape) for shape in shapes}) != 1:
            raise OnnxProblem(f"shapes {sorted(shapes)} meet")
        shape = min(shapes)
        if math.prod(shape) > MAX_VALUES:
            raise OnnxProblem(f"makes {math.prod(shape):,} values; at most {MAX_VALUES:,} are read")
        name = self._unique(node)
        self.populations[name] = Population(name, shape, bias=None if bias is None else np.asarray(bias, np.float32))
        for k, (signal, op) in enumerate(sources):
            self.projections.append(Projection(name if not k else f"{name}#{k + 1}", signal.population, name, op))
        return Signal(name, shape)

    def _unique(self, node: OnnxNode) -> str:
        base = (node.name or next(iter(node.outputs), "") or node.kind).strip("/").replace("/", ".")
        name, k = base, 2
        while name in self.populations:
            name, k = f"{base}_{k}", k + 1
        return name

    def constant(self, node: OnnxNode, place: int, what: str) -> np.ndarray:
        name = node.inputs[place] if place < len(node.inputs) else ""
        value = self.values.get(name)
        if not isinstance(value, np.ndarray):
            raise OnnxProblem(f"its {what} is computed from the input, or absent")
        return value

    def optional(self, node: OnnxNode, place: int) -> np.ndarray | None:
        absent = place >= len(node.inputs) or not node.inputs[place]
        return None if absent else self.constant(node, place, f"input {place}")

    def signal(self, node: OnnxNode, place: int = 0) -> Signal:
        value = self.values.get(node.inputs[place]) if place < len(node.inputs) else None
        if not isinstance(value, Signal):
            raise OnnxProblem("the input does not reach it")
        return value


def per_axis(node: OnnxNode, name: str, axes: int, default: int) -> Shape:
    """An attribute with one number per spatial axis."""
    found = node.attributes.get(name) or [default] * axes
    if (
        not isinstance(found, list)
        or len(found) != axes
        or not all(isinstance(n, int) and 0 <= n < 2**20 for n in found)
    ):
        raise OnnxProblem(f"{name} is {found!r}; {axes} numbers are needed")
    return tuple(found)


def padding(node: OnnxNode, source: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    """Zeros at both sides of each axis. Raises OnnxProblem if the two sides differ."""
    axes = len(kernel)
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        return (0,) * axes
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        both = [max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
                for n, k, s, d in zip(source, kernel, stride, dilation, strict=True)]  # fmt: skip
        if any(total % 2 for total in both):
            raise OnnxProblem(f"pads one side more than the other (auto_pad {automatic})")
        return tuple(total // 2 for total in both)
    pads = node.attributes.get("pads") or [0] * (2 * axes)
    if (
        len(pads) != 2 * axes
        or pads[:axes] != pads[axes:]
        or not all(isinstance(n, int) and 0 <= n < 2**20 for n in pads)
    ):
        raise OnnxProblem(f"pads one side more than the other ({pads})")
    return tuple(pads[:axes])


def _conv(b: Builder, node: OnnxNode) -> Signal:
    source, weight = b.signal(node), b.constant(node, 1, "weight").astype(np.float32)
    axes = weight.ndim - 2
    if axes not in (1, 2) or len(source.shape) != axes + 1:
        raise OnnxProblem(f"is a convolution over {axes} axes of a source of shape {source.shape}")
    stride, dilation = per_axis(node, "strides", axes, 1), per_axis(node, "dilations", axes, 1)
    pads = padding(node, source.shape[1:], tuple(weight.shape[2:]), stride, dilation)
    groups = int(node.attributes.get("group", 1))
    return b.add(node, (source, Conv(weight, stride, pads, dilation, groups)), bias=b.optional(node, 2))


def _gemm(b: Builder, node: OnnxNode) -> Signal:
    if node.attributes.get("transA"):
        raise OnnxProblem("transposes the signal")
    weight = b.constant(node, 1, "weight").astype(np.float32) * np.float32(node.attributes.get("alpha", 1.0))
    bias = b.optional(node, 2)
    bias = None if bias is None else bias.reshape(-1) * np.float32(node.attributes.get("beta", 1.0))
    return _linear(b, node, weight if node.attributes.get("transB") else weight.T, bias)


def _matmul(b: Builder, node: OnnxNode) -> Signal:
    return _linear(b, node, b.constant(node, 1, "second factor").astype(np.float32).T, None)


def _linear(b: Builder, node: OnnxNode, weight: np.ndarray, bias: np.ndarray | None) -> Signal:
    source = b.signal(node)
    if weight.ndim != 2 or len(source.shape) != 1:
        raise OnnxProblem(f"multiplies a signal of shape {source.shape} with weights of shape {weight.T.shape}")
    return b.add(node, (source, Linear(np.ascontiguousarray(weight))), bias=bias)


def _batch_norm(b: Builder, node: OnnxNode) -> Signal:
    """Into the weights before it where nothing else sees them, else as a scale and a bias of its own."""
    source = b.signal(node)
    gamma, beta, mean, variance = (b.constant(node, k, "statistics").astype(np.float64) for k in (1, 2, 3, 4))
    scale = gamma / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    shift = beta - mean * scale
    if {scale.shape, shift.shape} != {source.shape[:1]}:
        raise OnnxProblem(f"has {scale.size} statistics for {source.shape[0]} channels")
    before = next((p for p in b.projections if p.target == source.population), None)
    alone = b.uses.get(node.inputs[0], 0) == 1
    if before is not None and alone and isinstance(before.op, Conv | Linear):
        return _folded(b, before, source, scale, shift)
    each = np.repeat(scale, math.prod(source.shape[1:])).astype(np.float32)
    return b.add(node, (source, OneToOne(each)), bias=shift)


def _folded(b: Builder, before: Projection, source: Signal, scale: np.ndarray, shift: np.ndarray) -> Signal:
    op = before.op
    if not isinstance(op, Conv | Linear):
        raise TypeError("no weights")
    weight = op.weight * scale.reshape(-1, *(1,) * (op.weight.ndim - 1))
    b.projections[b.projections.index(before)] = replace(before, op=replace(op, weight=weight.astype(np.float32)))
    population = b.populations[source.population]
    bias = shift if population.bias is None else shift + population.bias * scale
    b.populations[source.population] = replace(population, bias=bias.astype(np.float32))
    return source


def _pool(kind: str) -> Callable[[Builder, OnnxNode], Signal]:
    def handler(b: Builder, node: OnnxNode) -> Signal:
        source = b.signal(node)
        axes = len(source.shape) - 1
        kernel, stride = per_axis(node, "kernel_shape", axes, 0), per_axis(node, "strides", axes, 1)
        dilation = per_axis(node, "dilations", axes, 1)
        pads = padding(node, source.shape[1:], kernel, stride, dilation)
        if max(dilation, default=1) > 1 or node.attributes.get("ceil_mode") or min(kernel, default=0) < 1:
            raise OnnxProblem("pools with dilation, ceil_mode or no kernel")
        if kind == "avg" and any(pads) and not node.attributes.get("count_include_pad"):
            raise OnnxProblem("averages windows at the border over fewer values", "use count_include_pad=True")
        return b.add(node, (source, Pool("avg" if kind == "avg" else "max", kernel, stride, pads)))

    return handler


def _global(kind: Literal["avg", "max"]) -> Callable[[Builder, OnnxNode], Signal]:
    def handler(b: Builder, node: OnnxNode) -> Signal:
        source = b.signal(node)
        size = source.shape[1:]
        if not size:
            return source
        return b.add(node, (source, Pool(kind, size, (1,) * len(size), (0,) * len(size))))

    return handler


def _mean(b: Builder, node: OnnxNode) -> Signal:
    """An average over all spatial axes; other axes are refused."""
    source = b.signal(node)
    given = node.attributes.get("axes") or [int(n) for n in b.constant(node, 1, "axes").reshape(-1)]
    rank = len(source.shape) + 1
    if sorted(n % rank for n in given) != list(range(2, rank)):
        raise OnnxProblem(f"averages over axes {given}; only all spatial axes are read")
    found = _global("avg")(b, node)
    return found if node.attributes.get("keepdims", 1) else _reshaped(b, found, (found.shape[0],))


def _rectifier(b: Builder, node: OnnxNode) -> Signal:
    return b.add(node, (b.signal(node), Host("relu")))


def _clip(b: Builder, node: OnnxNode) -> Signal:
    low = node.attributes.get("min", b.optional(node, 1))
    high = node.attributes.get("max", b.optional(node, 2))
    least = float(np.reshape(low, -1)[0]) if low is not None else -math.inf
    most = float(np.reshape(high, -1)[0]) if high is not None else math.inf
    if least != 0 or not most > 0:
        raise OnnxProblem(f"clips to {least:g} ... {most:g}; from 0 to a positive number is needed")
    if math.isinf(most):
        return _rectifier(b, node)
    return b.add(node, (b.signal(node), Host("clamp", 1, {"low": 0.0, "high": most})))


def _reshaped(b: Builder, source: Signal, shape: Shape) -> Signal:
    """The same values under another shape: a relay only where the shape matters to what follows."""
    if shape == source.shape:
        return source
    if math.prod(shape) != math.prod(source.shape):
        raise OnnxProblem(f"reshapes {source.shape} to {shape}, the batch axis included")
    if len(shape) == 1 or math.prod(source.shape) == 1:
        return Signal(source.population, shape)
    name = f"{source.population}.reshaped"
    while name in b.populations:
        name += "_"
    b.populations[name] = Population(name, shape)
    b.projections.append(Projection(name, source.population, name, OneToOne(1.0, shape)))
    return Signal(name, shape)


def _flatten(b: Builder, node: OnnxNode) -> Signal:
    if node.attributes.get("axis", 1) != 1:
        raise OnnxProblem("flattens other axes than all but the batch")
    source = b.signal(node)
    return _reshaped(b, source, (math.prod(source.shape),))


def _reshape(b: Builder, node: OnnxNode) -> Signal:
    source = b.signal(node)
    asked = [int(n) for n in b.constant(node, 1, "shape").reshape(-1)]
    rest = [source.shape[k] if n == 0 and k < len(source.shape) else n for k, n in enumerate(asked[1:])]
    if not asked or len(rest) > 8 or sum(n == -1 for n in rest) > 1 or any(n < -1 for n in rest):
        raise OnnxProblem(f"reshapes to {asked[:8]}")
    known = math.prod(n for n in rest if n != -1)
    whole = math.prod(source.shape)
    return _reshaped(b, source, tuple(whole // max(known, 1) if n == -1 else n for n in rest))


def _squeeze(b: Builder, node: OnnxNode) -> Signal:
    source = b.signal(node)
    rank = len(source.shape) + 1
    axes = node.attributes.get("axes") or [int(n) for n in b.constant(node, 1, "axes").reshape(-1)]
    gone = {n % rank for n in axes}
    return _reshaped(b, source, tuple(n for k, n in enumerate(source.shape) if k + 1 not in gone))


def _add(b: Builder, node: OnnxNode) -> Signal:
    both = [b.values.get(name) for name in node.inputs]
    signals = [value for value in both if isinstance(value, Signal)]
    constants = [value for value in both if isinstance(value, np.ndarray)]
    if len(signals) == 2 and signals[0].shape == signals[1].shape:
        target = signals[0].shape
        return b.add(node, *((signal, OneToOne(1.0, target)) for signal in signals))
    if len(signals) != 1 or len(constants) != 1:
        raise OnnxProblem("adds tensors of different shapes")
    return b.add(node, (signals[0], OneToOne(1.0, signals[0].shape)), bias=_per_element(constants[0], signals[0].shape))


def _mul(b: Builder, node: OnnxNode) -> Signal:
    both = [b.values.get(name) for name in node.inputs]
    signals = [value for value in both if isinstance(value, Signal)]
    constants = [value for value in both if isinstance(value, np.ndarray)]
    if len(signals) != 1 or len(constants) != 1:
        raise OnnxProblem("multiplies two signals")
    each = _per_element(constants[0], signals[0].shape)
    if node.kind == "Div":
        if node.inputs[0] not in b.values or not isinstance(both[0], Signal) or not each.all():
            raise OnnxProblem("divides by the signal, or by zero")
        each = 1 / each
    return b.add(node, (signals[0], OneToOne(np.broadcast_to(each, signals[0].shape).reshape(-1).astype(np.float32))))


def _per_element(constant: np.ndarray, shape: Shape) -> np.ndarray:
    """A constant operand as one value per element of a signal of this shape."""
    trimmed = constant[0] if constant.ndim == len(shape) + 1 and constant.shape[0] == 1 else constant
    try:
        return np.broadcast_to(trimmed.astype(np.float64), shape)
    except ValueError as error:
        raise OnnxProblem(f"combines a signal of shape {shape} with a constant of shape {constant.shape}") from error


def _passed(b: Builder, node: OnnxNode) -> Signal | np.ndarray:
    value = b.values.get(node.inputs[0]) if node.inputs else None
    if not isinstance(value, Signal | np.ndarray):
        raise OnnxProblem("the input does not reach it")
    return value


def _constant(_: Builder, node: OnnxNode) -> np.ndarray:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if node.attributes.get(name) is not None:
            return np.asarray(node.attributes[name])
    raise OnnxProblem("is a constant of a kind that is not read")


def _shape(b: Builder, node: OnnxNode) -> np.ndarray:
    """The sizes of a signal; 0 for the batch, which a reshape then keeps."""
    return np.array([0, *b.signal(node).shape], np.int64)


def _gather(b: Builder, node: OnnxNode) -> np.ndarray:
    values, index = b.constant(node, 0, "source"), b.constant(node, 1, "index")
    return np.take(values, index, axis=int(node.attributes.get("axis", 0)))


def _unsqueeze(b: Builder, node: OnnxNode) -> np.ndarray:
    values = b.constant(node, 0, "source")
    axes = node.attributes.get("axes") or [int(n) for n in b.constant(node, 1, "axes").reshape(-1)]
    if len(axes) + values.ndim > 8:
        raise OnnxProblem("adds too many axes")
    return np.expand_dims(values, tuple(axes))


def _concat(b: Builder, node: OnnxNode) -> np.ndarray:
    parts = [b.constant(node, k, f"input {k}") for k in range(len(node.inputs))]
    return np.concatenate(parts, axis=int(node.attributes.get("axis", 0)))


def _softmax(b: Builder, node: OnnxNode) -> Signal:
    if any(name in b.graph.outputs for name in node.outputs):
        b.notes.append(f"{node.kind} at the end is left out: it does not change which output is the largest")
        return b.signal(node)
    raise OnnxProblem("has no spiking form within a network")


HANDLERS: dict[str, Callable[[Builder, OnnxNode], Signal | np.ndarray]] = {
    "Add": _add,
    "AveragePool": _pool("avg"),
    "BatchNormalization": _batch_norm,
    "Cast": _passed,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "Conv": _conv,
    "Div": _mul,
    "Dropout": _passed,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global("avg"),
    "Identity": _passed,
    "LogSoftmax": _softmax,
    "MatMul": _matmul,
    "GlobalMaxPool": _global("max"),
    "MaxPool": _pool("max"),
    "Mul": _mul,
    "ReduceMean": _mean,
    "Relu": _rectifier,
    "Reshape": _reshape,
    "Shape": _shape,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
}
