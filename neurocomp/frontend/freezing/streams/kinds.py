"""What streams there are: quantities that exist at every time step (streams.py builds them)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.network.ops import Op, Shape


@dataclass(frozen=True, eq=False)
class Stream:
    """shape: of one sample at one step; path: the module it comes from; static: whether it is the same at every
    step because it only depends on a static input."""

    shape: Shape
    path: str
    static: bool


@dataclass(frozen=True, eq=False)
class Input(Stream):
    """What is fed from outside."""


@dataclass(frozen=True, eq=False)
class Output(Stream):
    """What a neuron emits. key: number of the neuron module; port: spike, membrane or current."""

    key: int
    port: str


@dataclass(frozen=True, eq=False)
class Mapped(Stream):
    """A linear map (or maximum) of one other stream. weight_path: the module that owns the weights."""

    op: Op
    source: Stream


@dataclass(frozen=True, eq=False)
class Term:
    """A stream as it was ``delay`` steps ago (zero before the first step)."""

    stream: Stream
    delay: int = 0


@dataclass(frozen=True, eq=False)
class Sum(Stream):
    """Delayed streams plus a constant: flat float32 of one element (everywhere the same) or one per feature."""

    terms: tuple[Term, ...]
    constant: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Concatenated(Stream):
    """Terms side by side along feature axis ``axis``; becomes a sum of maps as soon as a linear map follows."""

    terms: tuple[Term, ...]
    axis: int


@dataclass(frozen=True)
class Form:
    """How a product reads its operands: (batch, rows, inner) times (batch, inner, columns), times scale."""

    batch: int
    rows: int = 1
    inner: int = 1
    columns: int = 1
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Product(Stream):
    """Two streams multiplied with each other: matrix by matrix or element by element (network.ops.Factor)."""

    left: Term
    right: Term
    form: Form


@dataclass(frozen=True, eq=False)
class Folded(Stream):
    """All steps of a sample side by side, slowest: (steps, *shape of the source) in any shape of as many elements."""

    source: Stream


@dataclass(frozen=True, eq=False)
class Unfolded(Stream):
    """Steps again of what was made of folded streams: (steps, *shape) elements of ``source``, one step at a time."""

    source: Stream


class Unsupported(ValueError):
    """The construction has no event-driven form; the text says why."""


class MixedSamples(Unsupported):
    """The samples of the batch are not independent of each other."""
