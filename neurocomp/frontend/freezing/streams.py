"""The network while it is being recovered: what every tensor is, as a function of time, independent of the step.

A stream is a quantity that exists at every time step: the input, a neuron's spikes, a linear map of another
stream, a sum of streams each delayed by some steps. Streams are built through :class:`Streams`, which returns
the same object for the same construction. That is how an unrolled time loop rolls back up by itself: the
convolution of step 3 is the same stream as that of step 2, looked at one step later.

Linear maps carry no bias; a bias is the constant of a sum. Batch normalisation and factors are folded into the
linear map before them where there is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse


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


class Unsupported(ValueError):
    """The construction has no event-driven form; the text says why."""


class Streams:
    """Builds streams, each only once."""

    def __init__(self) -> None:
        self._known: dict[tuple, Stream] = {}
        self._weights: list[np.ndarray] = []

    def intern(self, stream: Stream, *key: object) -> Stream:
        return self._known.setdefault((type(stream).__name__, stream.shape, *key), stream)

    def input(self, shape: Shape, static: bool) -> Stream:
        return self.intern(Input(shape, "input", static))

    def output(self, key: int, port: str, shape: Shape, path: str) -> Stream:
        return self.intern(Output(shape, path, False, key, port), key, port)

    def mapped(self, op: Op, source: Stream, path: str) -> Stream:
        """``op`` applied to ``source``; a constant or several terms in front are moved behind it where exact."""
        if isinstance(source, Concatenated) and isinstance(op, Linear | Conv) and _is_separable(op, source):
            return self._mapped_parts(op, source, path)
        if isinstance(source, Sum) and len(source.terms) == 1 and source.constant is None:
            term = source.terms[0]
            return self.sum(
                (Term(self.mapped(op, term.stream, path), term.delay),), None, op.target_shape(source.shape), path
            )
        if isinstance(op, Linear):
            source = self._without_reshape(source)
        if isinstance(op, Linear | Conv):
            op, source = self._absorb_scale(op, source)
        shape = op.target_shape(source.shape)
        return self.intern(Mapped(shape, path, source.static, op, source), id(source), *self._op_key(op))

    def reshaped(self, source: Stream, shape: Shape) -> Stream:
        """The same elements in channel-first order under another shape."""
        if source.shape == shape:
            return source
        if isinstance(source, Mapped) and _is_reshape(source):
            return self.reshaped(source.source, shape)
        if isinstance(source, Sum):
            terms = tuple(Term(self.reshaped(t.stream, shape), t.delay) for t in source.terms)
            if len(terms) == 1:
                return self.sum(terms, source.constant, shape, source.path)
        return self.mapped(OneToOne(1.0, shape), source, source.path)

    def scaled(self, source: Stream, scale: np.ndarray, path: str) -> Stream:
        """Times a number (one element) or times one number per feature (flat, channel-first)."""
        if scale.size == 1 and scale.reshape(-1)[0] == 1.0:
            return source
        if isinstance(source, Sum) and len(source.terms) == 1:
            term = source.terms[0]
            constant = None if source.constant is None else _unscalar(scale * source.constant)
            return self.sum((Term(self.scaled(term.stream, scale, path), term.delay),), constant, source.shape, path)
        if isinstance(source, Mapped) and isinstance(source.op, Linear | Conv):
            op = _scaled_rows(source.op, scale, source.shape)
            if op is not None:
                return self.mapped(op, source.source, source.path)
        if isinstance(source, Mapped) and isinstance(source.op, OneToOne) and source.op.shape is None:
            return self.scaled(source.source, _unscalar(scale * np.asarray(source.op.scale, np.float32)), path)
        factor = float(scale.reshape(-1)[0]) if scale.size == 1 else scale.reshape(-1)
        return self.mapped(OneToOne(factor), source, path)

    def sum(self, terms: tuple[Term, ...], constant: np.ndarray | None, shape: Shape, path: str) -> Stream:
        """Sum of delayed streams and a constant. Constants of the parts are gathered (a constant is the same at
        every step, so its delay does not matter); zeros vanish."""
        kept: list[Term] = []
        for term in terms:
            part = term.stream
            if isinstance(part, Sum) and len(part.terms) <= 1:
                constant = _added(constant, part.constant)
                kept += [Term(inner.stream, inner.delay + term.delay) for inner in part.terms]
            else:
                kept.append(term)
        if constant is not None and not constant.any():
            constant = None
        if constant is None and len(kept) == 1 and kept[0].delay == 0:
            return kept[0].stream
        static = all(term.stream.static for term in kept)
        key = [(id(term.stream), term.delay) for term in kept]
        number = None if constant is None else self._number(constant)
        return self.intern(Sum(shape, path, static, tuple(kept), constant), *key, number)

    def concatenated(self, terms: tuple[Term, ...], axis: int, path: str) -> Stream:
        """Feature maps side by side; every other axis must agree."""
        shapes = [term.stream.shape for term in terms]
        first = shapes[0]
        shape = (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])
        static = all(term.stream.static for term in terms)
        key = [(id(term.stream), term.delay) for term in terms]
        return self.intern(Concatenated(shape, path, static, terms, axis), axis, *key)

    def zeros(self, shape: Shape) -> Stream:
        """Nothing at all: an empty sum."""
        return self.intern(Sum(shape, "", True, (), None), None)

    def gathered(self, source: Stream, index: np.ndarray, path: str) -> Stream:
        """Elements of ``source`` picked by flat index, in an array of the target's shape (permutation, slice,
        padding); -1 picks nothing."""
        flat = index.reshape(-1)
        if source.shape == index.shape and np.array_equal(flat, np.arange(flat.size)):
            return source
        order = np.argsort(flat, kind="stable")
        order = order[flat[order] >= 0]
        indptr = np.searchsorted(flat[order], np.arange(math.prod(source.shape) + 1))
        op = Sparse(indptr, order.astype(np.int32), np.ones(order.size, np.float32), index.shape)
        return self.mapped(op, source, path)

    def _mapped_parts(self, op: Linear | Conv, source: Concatenated, path: str) -> Stream:
        """A linear map of parts side by side is the sum of the maps of the parts."""
        start = 0
        terms: list[Term] = []
        constant = None
        for term in source.terms:
            size = term.stream.shape[source.axis]
            columns = _columns(op, source, start, size)
            start += size
            if isinstance(term.stream, Sum) and not term.stream.terms:
                constant = _added(constant, _mapped_constant(columns, term.stream))
            else:
                terms.append(Term(self.mapped(columns, term.stream, path), term.delay))
        return self.sum(tuple(terms), constant, op.target_shape(source.shape), path)

    def _without_reshape(self, source: Stream) -> Stream:
        return source.source if isinstance(source, Mapped) and _is_reshape(source) else source

    def _absorb_scale(self, op: Linear | Conv, source: Stream) -> tuple[Linear | Conv, Stream]:
        """A factor in front of a linear map goes into its weights."""
        if isinstance(source, Mapped) and isinstance(source.op, OneToOne) and source.op.shape is None:
            scale = source.op.scale
            if isinstance(scale, float):
                return replace(op, weight=(op.weight * np.float64(scale)).astype(np.float32)), source.source
            if isinstance(op, Linear):
                return Linear((op.weight * scale).astype(np.float32)), source.source
        return op, source

    def _op_key(self, op: Op) -> tuple[object, ...]:
        match op:
            case Linear(weight):
                return ("linear", self._number(weight))
            case Conv():
                return ("conv", self._number(op.weight), op.stride, op.padding, op.dilation, op.groups)
            case Pool():
                return ("pool", op.kind, op.kernel, op.stride, op.padding)
            case OneToOne(scale, shape):
                return ("one", self._number(scale) if isinstance(scale, np.ndarray) else scale, shape)
            case Sparse():
                return ("sparse", *(self._number(a) for a in (op.indptr, op.indices, op.weight)), op.shape)

    def _number(self, array: np.ndarray) -> int:
        """The same number for arrays of the same content."""
        for number, known in enumerate(self._weights):
            if known is array:
                return number
        for number, known in enumerate(self._weights):
            if known.shape == array.shape and known.dtype == array.dtype and np.array_equal(known, array):
                return number
        self._weights.append(array)
        return len(self._weights) - 1


def _is_reshape(stream: Mapped) -> bool:
    return isinstance(stream.op, OneToOne) and stream.op.shape is not None and stream.op.scale == 1.0


def _mapped_constant(op: Op, stream: Sum) -> np.ndarray | None:
    """What a linear map makes of a constant."""
    if stream.constant is None:
        return None
    if not isinstance(op, Linear):
        raise Unsupported("a constant that is not zero is joined to a signal")
    full = np.broadcast_to(stream.constant, (op.weight.shape[1],)).astype(np.float64)
    return _unscalar(op.weight @ full)


def _added(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    if one is None or other is None:
        return other if one is None else one
    return _unscalar(one + other)


def _unscalar(array: np.ndarray) -> np.ndarray:
    return np.atleast_1d(array).astype(np.float32, copy=False)


def _scaled_rows(op: Linear | Conv, scale: np.ndarray, shape: Shape) -> Linear | Conv | None:
    """The map with each output scaled, or None if a convolution's outputs of one channel differ in scale."""
    flat = scale.reshape(-1)
    if flat.size > 1 and isinstance(op, Conv):
        maps = flat.reshape(shape[0], -1)
        if (maps != maps[:, :1]).any():
            return None
        flat = maps[:, 0]
    rows = flat.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return replace(op, weight=(op.weight * rows).astype(np.float32))


def _is_separable(op: Linear | Conv, source: Concatenated) -> bool:
    """Whether a map of parts side by side is the sum of maps of the parts."""
    return isinstance(op, Linear) or (op.groups == 1 and source.axis == 0)


def _columns(op: Linear | Conv, source: Concatenated, start: int, size: int) -> Linear | Conv:
    """The part of a linear map that reads elements start .. start + size of the joined axis."""
    if isinstance(op, Linear):
        grid = op.weight.reshape(-1, *source.shape)
        part = grid.take(range(start, start + size), axis=source.axis + 1)
        return Linear(np.ascontiguousarray(part).reshape(op.weight.shape[0], -1))
    return replace(op, weight=np.ascontiguousarray(op.weight[:, start : start + size]))
