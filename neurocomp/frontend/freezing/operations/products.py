"""Products of two signals: matrix products of attention, einsum, masks.

Whatever the order of the axes, there are four kinds: those that both operands have and that stay (batch), those
of only one (rows and columns), and those that are summed (inner). network.ops.Factor reads its operands in that
order; an operand whose stream is in another is brought there by wires, and of the orders that would do the one
with the fewest wires is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.linear import channel_map
from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, per_step, to_numpy
from neurocomp.frontend.freezing.streams.broadcast import Joint, Joints, Side, features, layout_of, places
from neurocomp.frontend.freezing.streams.kinds import Form, MixedSamples, Term, Unsupported
from neurocomp.frontend.freezing.streams.layout import Layout
from neurocomp.frontend.freezing.streams.signals import Signal, common_time
from neurocomp.network.ops import Shape


def multiplied(c: Context, x: Any, y: Any) -> Signal:
    """Element by element, one of them repeated where torch broadcasts it."""
    one, other = per_step(x, "a product"), per_step(y, "a product")
    one, other, dims = c.arrange.joined(one, other, c.path)
    return _contracted(c, one, other, dims, ())


@handles("aten.matmul", "aten.mm", "aten.bmm", "aten.mv", "aten.dot")
def matmul(c: Context, x: Any, y: Any) -> Signal:
    if isinstance(x, Signal) and isinstance(y, Signal):
        return _matrix_product(c, x, y)
    if isinstance(x, Signal):
        matrix = to_numpy(y)
        if matrix.ndim > 2:
            raise Unsupported("a product with a constant stack of matrices")
        result = channel_map(c, x, np.ascontiguousarray(matrix.T if matrix.ndim == 2 else matrix[None]), -1, None)
        return result if matrix.ndim == 2 else result.with_layout(result.layout.without(len(result.layout.dims) - 1))
    matrix = to_numpy(x)
    if matrix.ndim != 2 or len(need_signal(y, "the operand").layout.dims) < 2:
        raise Unsupported("a product with a constant stack of matrices")
    return channel_map(c, y, matrix, -2, None)


def _matrix_product(c: Context, x: Any, y: Any) -> Signal:
    """(..., rows, inner) @ (..., inner, columns) as a product of (..., rows, inner, 1) and (..., 1, inner, columns)."""
    one, other = per_step(x, "a product"), per_step(y, "a product")
    if len(one.layout.dims) < 2 or len(other.layout.dims) < 2:
        raise Unsupported("a matrix product with a vector that depends on the input")
    one = one.with_layout(one.layout.inserted(len(one.layout.dims)))
    other = other.with_layout(other.layout.inserted(len(other.layout.dims) - 2))
    one, other, dims = c.arrange.joined(one, other, c.path)
    return _contracted(c, one, other, dims, (len(dims) - 2,))


@handles("aten.einsum")
def einsum(c: Context, equation: str, operands: Any, **_options: Any) -> Signal:
    inputs, _, result = equation.replace(" ", "").partition("->")
    names = inputs.split(",")
    if len(operands) != 2 or "." in equation or any(len(set(n)) < len(n) for n in (*names, result)):
        raise Unsupported(f"einsum {equation!r}; two tensors without repeated axes are supported")
    if not all(isinstance(operand, Signal) for operand in operands):
        raise Unsupported(f"einsum {equation!r} with a constant; write it as a linear map")
    wanted = result or "".join(sorted(a for a in set(names[0] + names[1]) if (names[0] + names[1]).count(a) == 1))
    order = [*wanted, *(a for a in dict.fromkeys(names[0] + names[1]) if a not in wanted)]
    spread = [_spread(per_step(o, "a product"), n, order) for o, n in zip(operands, names, strict=True)]
    one, other, dims = c.arrange.joined(spread[0], spread[1], c.path)
    return _contracted(c, one, other, dims, tuple(range(len(wanted), len(order))))


def _spread(x: Signal, names: str, order: list[str]) -> Signal:
    """The signal with its axes in the given order, and one of size 1 for each that it lacks."""
    layout = x.layout.permute(tuple(names.index(a) for a in order if a in names))
    for position, name in enumerate(order):
        if name not in names:
            layout = layout.inserted(position)
    return x.with_layout(layout)


@dataclass(frozen=True)
class _Kinds:
    """The feature joints of a product by what becomes of them."""

    batch: list[Joint]
    rows: list[Joint]
    inner: list[Joint]
    columns: list[Joint]

    def sorted(self, side: Side | None) -> _Kinds:
        """In the order in which they lie in one operand; rows and columns always in that of their own."""
        if side is None:
            return self

        def by(joints: list[Joint], own: Side) -> list[Joint]:
            return sorted(joints, key=lambda j: -j.stride(own))

        return _Kinds(by(self.batch, side), by(self.rows, "one"), by(self.inner, side), by(self.columns, "other"))

    def turned(self) -> _Kinds:
        """The transposed product: the other operand comes first."""
        return _Kinds(self.batch, self.columns, self.inner, self.rows)


def _contracted(c: Context, one: Signal, other: Signal, dims: tuple[Joints, ...], summed: tuple[int, ...]) -> Signal:
    form, left_is, indices = _cheapest(_kinds(dims, summed))
    left, right = (one, other) if left_is == "one" else (other, one)
    time, back_left, back_right = common_time(left.time, right.time)
    streams = c.arrange.streams
    terms = [
        Term(streams.gathered(x.stream, index if _moves(index, x) else index.reshape(x.stream.shape), c.path), back)
        for x, index, back in zip((left, right), indices, (back_left, back_right), strict=True)
    ]
    order = [*form.batch, *form.rows, *form.columns]
    sizes = [math.prod(j.size for j in part) for part in (form.batch, form.rows, form.inner, form.columns)]
    shape = _shape(order, left, right, left_is)
    stream = streams.product(terms[0], terms[1], Form(*sizes), shape, c.path)
    kept = tuple(dim for axis, dim in enumerate(dims) if axis not in summed)
    return Signal(stream, time, layout_of(kept, order))


def _cheapest(kinds: _Kinds) -> tuple[_Kinds, Side, tuple[np.ndarray, np.ndarray]]:
    """The order of axes and of the operands in which the fewest operands must be rearranged."""
    orders: tuple[Side | None, ...] = ("one", "other", None)
    found = []
    for side in orders:
        ordered = kinds.sorted(side)
        choices: tuple[tuple[Side, _Kinds], ...] = (("one", ordered), ("other", ordered.turned()))
        for left_is, form in choices:
            indices = _operands(form, left_is)
            moves = sum(not np.array_equal(index, np.arange(index.size)) for index in indices)
            if moves == 0:
                return form, left_is, indices
            found.append((moves, form, left_is, indices))
    return min(found, key=lambda choice: choice[0])[1:]


def _moves(index: np.ndarray, x: Signal) -> bool:
    return index.size != math.prod(x.stream.shape)


def _kinds(dims: tuple[Joints, ...], summed: Iterable[int]) -> _Kinds:
    for axis in summed:
        for joint in dims[axis]:
            if joint.kind != "F" and joint.size > 1:
                what, error = ("time steps", Unsupported) if joint.kind == "T" else ("samples", MixedSamples)
                raise error(f"a product that sums over the {what}")
    inner = features(dims[axis] for axis in summed)
    if any(j.one == 0 or j.other == 0 for j in inner):
        raise Unsupported("a product that sums over an axis that only one operand has")
    kept = features(dim for axis, dim in enumerate(dims) if axis not in summed)
    return _Kinds(
        [j for j in kept if j.one and j.other],
        [j for j in kept if j.one and not j.other],
        inner,
        [j for j in kept if not j.one],
    )


def _operands(form: _Kinds, left_is: Side) -> tuple[np.ndarray, np.ndarray]:
    """Where the elements of the left (batch, rows, inner) and the right (batch, inner, columns) come from."""
    right_is: Side = "other" if left_is == "one" else "one"
    left = places([*form.batch, *form.rows, *form.inner], left_is)
    right = places([*form.batch, *form.inner, *form.columns], right_is)
    return left, right


def _shape(order: list[Joint], left: Signal, right: Signal, left_is: Side) -> Shape:
    """The shape of an operand if the product has all its elements in its order; otherwise one axis per joint."""
    right_is: Side = "other" if left_is == "one" else "one"
    size = math.prod(joint.size for joint in order)
    sides: tuple[tuple[Signal, Side], ...] = ((left, left_is), (right, right_is))
    for x, side in sides:
        index = places(order, side)
        if size == math.prod(x.stream.shape) and np.array_equal(index, np.arange(index.size)):
            return x.stream.shape
    layout = layout_of((tuple(order),), order)
    return Layout(layout.dims).shape if len(order) < 2 else _grouped(order)


def _grouped(order: list[Joint]) -> Shape:
    """One axis per joint of more than one element, at most three: (batch, rows, columns) of heads."""
    sizes = [joint.size for joint in order if joint.size > 1] or [1]
    return tuple(sizes) if len(sizes) <= 3 else (math.prod(sizes[:-2]), *sizes[-2:])
