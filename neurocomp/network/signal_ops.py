"""Operators without weights that the spiking transformers need: products of two signals, wiring, reductions
and functions of the host.

Elements are numbered flat in channel-first order throughout; the target has the shape that the operator names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from neurocomp.network.shapes import Shape, ShapeMismatch, frozen_array, spelt

Side = Literal["left", "right"]
Reduction = Literal["sum", "avg", "max"]
SIDES: tuple[str, ...] = get_args(Side)
REDUCTIONS: tuple[str, ...] = get_args(Reduction)


@dataclass(frozen=True, eq=False)
class Factor:
    """One operand of a product of two signals (q k^T and (q k^T) v of attention, Hadamard masks).

    The target is a relay that receives exactly one left and one right factor of the same sizes. The left
    operand is read as (batch, rows, inner), the right one as (batch, inner, columns); the target is (batch,
    rows, columns) = scale * sum over inner of left * right, in ``shape``. An element by element product has
    batch N and rows = inner = columns = 1. Floating-point sums run over inner from 0 up.
    """

    side: Side
    batch: int
    rows: int
    inner: int
    columns: int
    shape: Shape
    scale: float = 1.0

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        return self.batch, self.rows, self.inner, self.columns

    @property
    def source_form(self) -> tuple[int, int, int]:
        """(batch, rows, columns) of this operand, read as a stack of matrices."""
        return (self.batch, *((self.rows, self.inner) if self.side == "left" else (self.inner, self.columns)))

    @property
    def is_elementwise(self) -> bool:
        return self.rows == self.inner == self.columns == 1

    def target_shape(self, source: Shape) -> Shape:
        _positive(self.sizes, "a product")
        if math.prod(source) != math.prod(self.source_form):
            raise ShapeMismatch(
                f"the {self.side} factor is {spelt(self.source_form)} elements but gets {math.prod(source)}"
            )
        if math.prod(self.shape) != self.batch * self.rows * self.columns:
            product = (self.batch, self.rows, self.columns)
            raise ShapeMismatch(f"a product of {spelt(product)} elements does not fill {spelt(self.shape)}")
        return self.shape


@dataclass(frozen=True, eq=False)
class Wiring:
    """Target element i is source element index[i]; -1: nothing arrives there. Permutation, slice, chunk,
    concatenation (several into one relay), nearest-neighbour upsampling.

    index: int32, one per target element.
    """

    index: np.ndarray
    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", frozen_array(np.asarray(self.index, np.int32).reshape(-1)))

    def target_shape(self, source: Shape) -> Shape:
        if self.index.size != math.prod(self.shape):
            raise ShapeMismatch(f"{self.index.size} wires for the {math.prod(self.shape)} elements of {self.shape}")
        if self.index.size and not -1 <= int(self.index.min()) <= int(self.index.max()) < math.prod(source):
            raise ShapeMismatch(f"a wire starts outside the {math.prod(source)} source elements")
        return self.shape


@dataclass(frozen=True, eq=False)
class Reduce:
    """Sum, average or maximum over the middle axis of a source that is read as (before, axis, after)."""

    kind: Reduction
    before: int
    axis: int
    after: int
    shape: Shape

    @property
    def scale(self) -> float:
        """What one input contributes (sum and average)."""
        return 1.0 / self.axis if self.kind == "avg" else 1.0

    def target_shape(self, source: Shape) -> Shape:
        form = (self.before, self.axis, self.after)
        _positive(form, "a reduction")
        if math.prod(source) != math.prod(form):
            raise ShapeMismatch(f"the reduction reads {spelt(form)} elements but gets {math.prod(source)}")
        if math.prod(self.shape) != self.before * self.after:
            raise ShapeMismatch(f"{self.before}x{self.after} results do not fill {spelt(self.shape)}")
        return self.shape


# Functions of the host: parameter names with defaults (None: must be given), and whether they work on one element.
HOST_ELEMENTWISE: dict[str, dict[str, float | None]] = {
    "abs": {},
    "clamp": {"low": -math.inf, "high": math.inf},
    "elu": {"alpha": 1.0},
    "erf": {},
    "exp": {},
    "gelu": {},
    "gelu_tanh": {},
    "hard_sigmoid": {},
    "hard_swish": {},
    "leaky_relu": {"negative_slope": 0.01},
    "log": {},
    "power": {"exponent": None},
    "reciprocal": {},
    "relu": {},
    "rsqrt": {},
    "sigmoid": {},
    "sign": {},
    "silu": {},
    "softplus": {"beta": 1.0, "threshold": 20.0},
    "sqrt": {},
    "tanh": {},
}
HOST_BLOCKWISE: dict[str, dict[str, float | None]] = {
    "layer_norm": {"weight": 1.0, "bias": 0.0, "epsilon": 1e-5},
    "log_softmax": {},
    "rms_norm": {"weight": 1.0, "epsilon": 1e-5},
    "softmax": {},
}
HOST_FUNCTIONS = {**HOST_ELEMENTWISE, **HOST_BLOCKWISE}


@dataclass(frozen=True, eq=False)
class Host:
    """A function without an event-driven form, computed by the host processor on blocks of ``block``
    consecutive elements (1: element by element).

    parameters: numbers, or arrays of ``block`` values, by name (HOST_FUNCTIONS lists them with their defaults).
    units: in integer arithmetic, real value of one integer that arrives and of one that leaves: the function is
    computed in real values, its results rounded to the nearest (half to even) and cut to 12 bits.
    """

    function: str
    block: int = 1
    parameters: dict[str, float | np.ndarray] = field(default_factory=dict)
    units: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        kept = {k: frozen_array(v) if isinstance(v, np.ndarray) else v for k, v in sorted(self.parameters.items())}
        object.__setattr__(self, "parameters", kept)

    def target_shape(self, source: Shape) -> Shape:
        _positive((self.block,), "a host function's block")
        if math.prod(source) % self.block:
            raise ShapeMismatch(f"blocks of {self.block} do not divide the {math.prod(source)} source elements")
        return source


def _positive(sizes: tuple[int, ...], what: str) -> None:
    if min(sizes) < 1:
        raise ShapeMismatch(f"{what} of sizes {sizes}; each must be at least 1")
