"""The operators that a projection can carry: weights and pooling; signal_ops.py has what joins and rearranges signals.

Operators are frozen and share their arrays: a convolution keeps its kernel, it is never unrolled
into synapses. Feature maps are channel-first, ``(channels, height, width)`` or ``(channels, length)``,
as PyTorch and NIR write them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from neurocomp.network.shapes import Shape, ShapeMismatch, frozen_array, spelt, window_count, windowed_shape
from neurocomp.network.signal_ops import Factor, Host, Reduce, Wiring
from neurocomp.network.time_ops import AllSteps, OverTime

__all__ = [
    "AllSteps",
    "Conv",
    "Factor",
    "Host",
    "Linear",
    "Mixture",
    "OneToOne",
    "Op",
    "OverTime",
    "Pool",
    "Reduce",
    "Shape",
    "ShapeMismatch",
    "Sparse",
    "Wiring",
    "frozen_array",
    "hosted_function",
    "is_hosted_op",
    "needs_relay",
    "stands_alone",
    "weight_of",
    "window_count",
    "windowed_shape",
]

_CHUNK = 1 << 20  # synapses looked at at once


@dataclass(frozen=True, eq=False)
class Linear:
    """Fully connected. weight: (targets, sources); the source is flattened channel-first."""

    weight: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen_array(self.weight))

    def target_shape(self, source: Shape) -> Shape:
        if self.weight.ndim != 2:
            raise ShapeMismatch(f"the weight has {self.weight.ndim} axes, not 2 (targets, sources)")
        n_target, n_source = self.weight.shape
        if math.prod(source) != n_source:
            transposed = math.prod(source) == n_target
            extra = "; the weight looks transposed" if transposed else ""
            raise ShapeMismatch(f"the weight expects {n_source} sources but gets {math.prod(source)}{extra}")
        return (n_target,)


@dataclass(frozen=True, eq=False)
class Conv:
    """1-d or 2-d convolution (cross-correlation, as in PyTorch).

    weight: (out channels, in channels / groups, *kernel); stride, padding, dilation: one number per
    spatial axis, padding on both sides with zeros.
    """

    weight: np.ndarray
    stride: Shape
    padding: Shape
    dilation: Shape
    groups: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen_array(self.weight))

    @property
    def kernel(self) -> Shape:
        return tuple(self.weight.shape[2:])

    def target_shape(self, source: Shape) -> Shape:
        axes = self.weight.ndim - 2
        if axes not in (1, 2):
            raise ShapeMismatch(f"a convolution over {axes} axes; only 1 and 2 are supported")
        if len(source) != axes + 1:
            raise ShapeMismatch(f"a {axes}-d convolution needs a source of {axes + 1} axes, not {spelt(source)}")
        c_out, c_in = self.weight.shape[0], self.weight.shape[1] * self.groups
        if source[0] != c_in:
            raise ShapeMismatch(f"the weight expects {c_in} input channels but gets {source[0]}")
        if self.groups < 1 or c_out % self.groups:
            raise ShapeMismatch(f"{c_out} output channels cannot be cut into {self.groups} groups")
        return (c_out, *windowed_shape(source[1:], self.kernel, self.stride, self.padding, self.dilation))


@dataclass(frozen=True, eq=False)
class Pool:
    """Sum, average or maximum over windows of one channel. Average divides by the whole window, as PyTorch
    does by default; maximum ignores the padding."""

    kind: Literal["sum", "avg", "max"]
    kernel: Shape
    stride: Shape
    padding: Shape

    @property
    def dilation(self) -> Shape:
        return (1,) * len(self.kernel)

    @property
    def scale(self) -> float:
        """What one input contributes to the window (sum and average)."""
        return 1.0 / math.prod(self.kernel) if self.kind == "avg" else 1.0

    def target_shape(self, source: Shape) -> Shape:
        if len(source) != len(self.kernel) + 1:
            raise ShapeMismatch(
                f"pooling over {spelt(self.kernel)} needs {len(self.kernel) + 1} axes, not {spelt(source)}"
            )
        return (source[0], *windowed_shape(source[1:], self.kernel, self.stride, self.padding, self.dilation))


@dataclass(frozen=True, eq=False)
class OneToOne:
    """Element i to element i (residual add, reshape, scaling). scale: a number or one per source element.

    The target may have another shape with as many elements: they are matched in channel-first order.
    ``shape`` is that shape, or None for the source's own.
    """

    scale: float | np.ndarray = 1.0
    shape: Shape | None = None

    def __post_init__(self) -> None:
        if isinstance(self.scale, np.ndarray):
            object.__setattr__(self, "scale", frozen_array(self.scale))

    def target_shape(self, source: Shape) -> Shape:
        target = self.shape or source
        if math.prod(target) != math.prod(source):
            raise ShapeMismatch(f"{spelt(source)} elements cannot be matched one to one with {spelt(target)}")
        if isinstance(self.scale, np.ndarray) and self.scale.size != math.prod(source):
            raise ShapeMismatch(f"{self.scale.size} scale factors for {math.prod(source)} elements")
        return target


@dataclass(frozen=True, eq=False)
class Sparse:
    """Explicit synapses, stored by source (CSR), flat channel-first indices.

    indptr: int64 (sources + 1); indices: int32 targets, weight: one per synapse; shape: the target's shape.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weight: np.ndarray
    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "indptr", frozen_array(np.asarray(self.indptr, np.int64)))
        object.__setattr__(self, "indices", frozen_array(np.asarray(self.indices, np.int32)))
        object.__setattr__(self, "weight", frozen_array(self.weight))

    def target_shape(self, source: Shape) -> Shape:
        n_source = self.indptr.size - 1
        if n_source != math.prod(source):
            raise ShapeMismatch(f"the synapse table has {n_source} sources but gets {math.prod(source)}")
        if self._fault is not None:
            raise ShapeMismatch(self._fault)
        return self.shape

    @cached_property
    def fan_in(self) -> np.ndarray:
        """int64 (targets), flat: synapses of each target."""
        counts = np.zeros(math.prod(self.shape), np.int64)
        step = max(counts.size, _CHUNK)
        for start in range(0, self.indices.size, step):  # some at a time: bincount widens what it is given
            counts += np.bincount(self.indices[start : start + step], minlength=counts.size)
        return frozen_array(counts)

    @cached_property
    def _fault(self) -> str | None:
        """What is wrong with the table: looked for once, since its arrays do not change."""
        n_synapse, n_target = self.indices.size, math.prod(self.shape)
        if self.weight.shape != (n_synapse,):
            return f"{n_synapse} synapses but weights of shape {self.weight.shape}"
        ends = (int(self.indptr[0]), int(self.indptr[-1]))
        if ends != (0, n_synapse) or np.any(np.diff(self.indptr) < 0):
            return "the synapse table's row pointer does not run from 0 to the number of synapses"
        if n_synapse and not 0 <= int(self.indices.min()) <= int(self.indices.max()) < n_target:
            return f"a synapse points outside the {n_target} targets"
        return None


Op = Linear | Conv | Pool | OneToOne | Sparse | Factor | Wiring | Reduce | Host | OverTime | AllSteps
Mixture = OverTime | AllSteps


def weight_of(op: Op) -> np.ndarray | None:
    """The trainable weights of an operator, or None (pooling, plain identity)."""
    if isinstance(op, Linear | Conv | Sparse):
        return op.weight
    if isinstance(op, OneToOne) and isinstance(op.scale, np.ndarray):
        return op.scale
    return None


def stands_alone(op: Op) -> bool:
    """Whether nothing can be added to what the operator brings: a maximum, a host function or a mixture of steps."""
    return isinstance(op, Host | Mixture) or (isinstance(op, Pool | Reduce) and op.kind == "max")


def hosted_function(op: Op) -> str | None:
    """What the host computes, as messages and reports name it, if its results are not the values that it is given."""
    if isinstance(op, Host):
        return op.function
    if isinstance(op, AllSteps):
        return f"a function of all {op.steps} time steps"
    return None if not isinstance(op, OverTime) or op.moves else f"a mixture of {op.steps} time steps"


def is_hosted_op(op: Op) -> bool:
    """Whether no core can do it: a function of the host, or values of other time steps than the present one."""
    return isinstance(op, Host | Mixture)


def needs_relay(op: Op) -> bool:
    """Whether only a relay without bias can receive it: products, host functions and mixtures of steps."""
    return isinstance(op, Host | Factor | Mixture)
