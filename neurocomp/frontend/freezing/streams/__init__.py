"""The network while it is being recovered: what every tensor is, as a function of time, independent of the step.

A stream is a quantity that exists at every time step: the input, a neuron's spikes, a linear map of another
stream, a sum of streams each delayed by some steps. Streams are built through :class:`Streams`, which returns
the same object for the same construction. That is how an unrolled time loop rolls back up by itself: the
convolution of step 3 is the same stream as that of step 2, looked at one step later.

Linear maps carry no bias; a bias is the constant of a sum. Batch normalisation and factors are folded into the
linear map before them where there is one.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import numpy as np

from neurocomp.frontend.freezing.streams.folding import (
    absorbed_padding,
    absorbed_wiring,
    columns,
    hosted_constant,
    is_separable,
    keeps_zero,
    mapped_constant,
    scaled_rows,
    unscalar,
)
from neurocomp.frontend.freezing.streams.kinds import (
    Concatenated,
    Folded,
    Form,
    Input,
    Mapped,
    Output,
    Product,
    Stream,
    Sum,
    Term,
    Unfolded,
    Unsupported,
)
from neurocomp.network.ops import Conv, Host, Linear, OneToOne, Op, OverTime, Pool, Reduce, Shape, Sparse, Wiring


class Streams:
    """Builds streams, each only once."""

    def __init__(self) -> None:
        self._known: dict[tuple, Stream] = {}
        self._numbers: dict[bytes, int] = {}
        self._arrays: dict[int, tuple[int, np.ndarray]] = {}

    def intern(self, stream: Stream, *key: object) -> Stream:
        return self._known.setdefault((type(stream).__name__, stream.shape, *key), stream)

    def input(self, shape: Shape, static: bool) -> Stream:
        return self.intern(Input(shape, "input", static))

    def output(self, key: int, port: str, shape: Shape, path: str) -> Stream:
        return self.intern(Output(shape, path, False, key, port), key, port)

    def mapped(self, op: Op, source: Stream, path: str) -> Stream:
        """``op`` applied to ``source``; a constant or several terms in front are moved behind it where exact."""
        if isinstance(source, Concatenated) and isinstance(op, Linear | Conv) and is_separable(op, source.axis):
            return self._mapped_parts(op, source, path)
        if isinstance(source, Sum) and len(source.terms) <= 1:
            moved = self._mapped_sum(op, source, path)
            if moved is not None:
                return moved
        if isinstance(op, Wiring) and isinstance(source, Mapped) and _only_moves(source):
            return self.gathered(source, op.index.reshape(op.shape), path)
        simpler = _simplified(op, source)
        if simpler is not None:
            return self.mapped(*simpler, path)
        shape = op.target_shape(source.shape)
        return self.intern(Mapped(shape, path, source.static, op, source), id(source), *self.op_key(op))

    def _mapped_sum(self, op: Op, source: Sum, path: str) -> Stream | None:
        """A map of one delayed stream plus a constant as the delayed map plus its constant, where that is the same."""
        if isinstance(op, Host):
            if not source.terms:
                return self.sum((), hosted_constant(op, source.constant, source.shape), source.shape, path)
            if not keeps_zero(op):
                return None
        constant = None
        if source.constant is not None:
            constant = mapped_constant(op, source.constant, source.shape)
            if constant is None:
                return None
        terms = tuple(Term(self.mapped(op, term.stream, path), term.delay) for term in source.terms)
        return self.sum(terms, constant, op.target_shape(source.shape), path)

    def reshaped(self, source: Stream, shape: Shape) -> Stream:
        """The same elements in channel-first order under another shape."""
        if source.shape == shape:
            return source
        if isinstance(source, Mapped) and _is_reshape(source):
            return self.reshaped(source.source, shape)
        if isinstance(source, Sum) and len(source.terms) <= 1:
            terms = tuple(Term(self.reshaped(t.stream, shape), t.delay) for t in source.terms)
            return self.sum(terms, source.constant, shape, source.path)
        if isinstance(source, Mapped) and isinstance(source.op, Wiring | Reduce):
            return self.mapped(replace(source.op, shape=shape), source.source, source.path)
        return self.mapped(OneToOne(1.0, shape), source, source.path)

    def scaled(self, source: Stream, scale: np.ndarray, path: str) -> Stream:
        """Times a number (one element) or times one number per feature (flat, channel-first)."""
        if scale.size == 1 and scale.reshape(-1)[0] == 1.0:
            return source
        if not scale.any():
            return self.zeros(source.shape)
        if isinstance(source, Sum) and len(source.terms) <= 1:
            constant = None if source.constant is None else unscalar(scale.reshape(-1) * source.constant)
            terms = tuple(Term(self.scaled(term.stream, scale, path), term.delay) for term in source.terms)
            return self.sum(terms, constant, source.shape, path)
        if isinstance(source, Product) and scale.size == 1:
            form = replace(source.form, scale=source.form.scale * float(scale.reshape(-1)[0]))
            return self.product(source.left, source.right, form, source.shape, source.path)
        if isinstance(source, Mapped) and isinstance(source.op, Linear | Conv):
            op = scaled_rows(source.op, scale, source.shape)
            if op is not None:
                return self.mapped(op, source.source, source.path)
        if isinstance(source, Mapped) and isinstance(source.op, OneToOne) and source.op.shape is None:
            return self.scaled(source.source, unscalar(scale * np.asarray(source.op.scale, np.float32)), path)
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
        if flat.size == math.prod(source.shape) and np.array_equal(flat, np.arange(flat.size)):
            return self.reshaped(source, index.shape)
        if isinstance(source, Mapped) and _is_reshape(source):
            return self.gathered(source.source, index, path)
        if isinstance(source, Mapped) and isinstance(source.op, Wiring):
            inner = np.where(flat < 0, -1, source.op.index[flat])
            return self.gathered(source.source, inner.reshape(index.shape), path)
        return self.mapped(Wiring(flat.astype(np.int32), index.shape), source, path)

    def folded(self, source: Stream, steps: int) -> Stream:
        """All steps of a stream as features of one that exists once per sample."""
        if isinstance(source, Unfolded):
            return source.source
        first, *rest = source.shape
        shape = (steps, *source.shape) if len(source.shape) < 3 else (steps * first, *rest)
        return self.intern(Folded(shape, source.path, False, source), id(source))

    def unfolded(self, source: Stream, shape: Shape, steps: int, path: str) -> Stream:
        """A folded stream step by step; the same at every step if ``source`` is one step."""
        same = math.prod(source.shape) == math.prod(shape)
        if same:
            index = np.tile(np.arange(math.prod(shape)), steps).reshape(steps, -1)
            source = self.gathered(source, index, path)
        plain = source
        while isinstance(plain, Mapped) and _is_reshape(plain):
            plain = plain.source
        if isinstance(plain, Folded):
            return self.reshaped(plain.source, shape)
        return self.intern(Unfolded(shape, path, same, source), id(source), same)

    def moved(self, op: OverTime, source: Stream, path: str) -> Stream:
        """A stream at other steps; stays as it is, whatever is made of it."""
        return self.intern(
            Mapped(source.shape, path, False, op, source), id(source), self._number(op.weight), self._number(op.offset)
        )

    def product(self, left: Term, right: Term, form: Form, shape: Shape, path: str) -> Stream:
        """Two streams multiplied with each other; zero if one is nothing at all. A delay of both is taken out."""
        operands = []
        for term in (left, right):
            term, factor = _plain(term)
            form = replace(form, scale=form.scale * factor)
            operands.append(term)
        if any(_is_nothing(term.stream) for term in operands):
            return self.zeros(shape)
        for one, other in (operands, operands[::-1]):
            if (
                isinstance(one.stream, Sum)
                and not one.stream.terms
                and (form.rows, form.inner, form.columns) == (1, 1, 1)
            ):
                constant = np.asarray(one.stream.constant, np.float64) * form.scale
                return self.sum((Term(self.scaled(other.stream, constant, path), other.delay),), None, shape, path)
        together = min((term.delay for term in operands if not term.stream.static), default=0)
        left, right = (Term(t.stream, 0 if t.stream.static else t.delay - together) for t in operands)
        static = left.stream.static and right.stream.static
        key = (id(left.stream), left.delay, id(right.stream), right.delay, form)
        made = self.intern(Product(shape, path, static, left, right, form), *key)
        return self.sum((Term(made, together),), None, shape, path)

    def _mapped_parts(self, op: Linear | Conv, source: Concatenated, path: str) -> Stream:
        """A linear map of parts side by side is the sum of the maps of the parts."""
        start = 0
        terms: list[Term] = []
        for term in source.terms:
            size = term.stream.shape[source.axis]
            part = columns(op, source.shape, source.axis, start, size)
            start += size
            mapped = self.mapped(part, term.stream, path)
            if isinstance(term.stream, Sum) and not term.stream.terms and isinstance(mapped, Mapped):
                raise Unsupported("a constant that is not zero is joined to a signal")
            terms.append(Term(mapped, term.delay))
        return self.sum(tuple(terms), None, op.target_shape(source.shape), path)

    def op_key(self, op: Op) -> tuple[object, ...]:
        """What tells an operator apart from others: the same for the same parameters."""
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
            case Wiring():
                return ("wiring", self._number(op.index), op.shape)
            case Reduce():
                return ("reduce", op.kind, op.before, op.axis, op.after, op.shape)
            case Host():
                numbers = [(k, self._number(np.asarray(v))) for k, v in op.parameters.items()]
                return ("host", op.function, op.block, *numbers)
        raise TypeError(type(op).__name__)

    def _number(self, array: np.ndarray) -> int:
        """The same number for arrays of the same content."""
        known = self._arrays.get(id(array))
        if known is None:
            digest = hashlib.blake2b(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
            number = self._numbers.setdefault(digest.digest(), len(self._numbers))
            known = self._arrays[id(array)] = (number, array)  # the array is kept, so its id stays its own
        return known[0]


def _plain(term: Term) -> tuple[Term, float]:
    """A term as (undelayed stream, its delay) and the number it is multiplied by."""
    stream = term.stream
    if isinstance(stream, Sum) and len(stream.terms) == 1 and stream.constant is None:
        inner, factor = _plain(stream.terms[0])
        return Term(inner.stream, term.delay + inner.delay), factor
    if isinstance(stream, Mapped) and isinstance(stream.op, OneToOne) and stream.op.shape is None:
        scale = stream.op.scale
        if isinstance(scale, float):
            inner, factor = _plain(Term(stream.source, term.delay))
            return inner, factor * scale
    return term, 1.0


def _simplified(op: Op, source: Stream) -> tuple[Op, Stream] | None:
    """The same map of what is in front of a reshape, a permutation, a border or a factor: these go into the weights."""
    if not isinstance(op, Linear | Conv) or not isinstance(source, Mapped):
        return None
    if isinstance(source.op, Wiring):
        shape = source.source.shape
        wired = (
            absorbed_wiring(op, source.op, math.prod(shape))
            if isinstance(op, Linear)
            else absorbed_padding(op, source.op, shape)
        )
        return None if wired is None else (wired, source.source)
    if not isinstance(source.op, OneToOne):
        return None
    scale = source.op.scale
    if isinstance(op, Linear) and isinstance(scale, float) and scale == 1.0:
        return op, source.source
    if isinstance(op, Linear) and isinstance(scale, np.ndarray):
        return Linear((op.weight * scale.reshape(-1)).astype(np.float32)), source.source
    if isinstance(scale, float) and (isinstance(op, Linear) or source.op.shape is None):
        return replace(op, weight=(op.weight * np.float64(scale)).astype(np.float32)), source.source
    return None


def _is_nothing(stream: Stream) -> bool:
    return isinstance(stream, Sum) and not stream.terms and stream.constant is None


def _only_moves(stream: Mapped) -> bool:
    return isinstance(stream.op, Wiring) or _is_reshape(stream)


def _is_reshape(stream: Mapped) -> bool:
    return isinstance(stream.op, OneToOne) and stream.op.shape is not None and stream.op.scale == 1.0


def _added(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    if one is None or other is None:
        return other if one is None else one
    return unscalar(one + other)
