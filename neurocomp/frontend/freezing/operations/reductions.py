"""Sums, means and maxima over axes: over time a read-out, over features a reduction within a step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, per_step
from neurocomp.frontend.freezing.streams.kinds import MixedSamples, Stream, Unsupported
from neurocomp.frontend.freezing.streams.layout import Atom, Layout
from neurocomp.frontend.freezing.streams.shorter import length, silent_before
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Pool, Reduce, Shape

Kind = Literal["sum", "avg", "max"]
_NAMES = {"sum": "a sum", "avg": "a mean", "max": "a maximum"}


@handles("aten.mean.dim", "aten.mean.default", "aten.mean")
def mean(c: Context, x: Any, dims: Any = None, keep: bool = False, **_options: Any) -> Signal:
    return reduced(c, need_signal(x, "the operand"), dims, keep, "avg")


@handles("aten.sum.dim_IntList", "aten.sum.default", "aten.sum")
def total(c: Context, x: Any, dims: Any = None, keep: bool = False, **_options: Any) -> Signal:
    return reduced(c, need_signal(x, "the operand"), dims, keep, "sum")


@handles("aten.amax")
def maximum(c: Context, x: Any, dims: Any = None, keep: bool = False) -> Signal:
    return reduced(c, per_step(x, "a maximum"), dims, keep, "max")


@handles("aten.amin")
def minimum(c: Context, x: Any, dims: Any = None, keep: bool = False) -> Signal:
    minus = np.array([-1.0])
    turned = c.arrange.times(per_step(x, "a minimum"), minus, c.path)
    return c.arrange.times(reduced(c, turned, dims, keep, "max"), minus, c.path)


@handles("aten.max.default", "aten.max.dim")
def maximum_along(c: Context, x: Any, axis: int | None = None, keep: bool = False) -> Any:
    if axis is None:
        return maximum(c, x)
    return [maximum(c, x, [axis], keep), None]


def reduced(c: Context, x: Signal, dims: Iterable[int] | None, keep: bool, kind: Kind) -> Signal:
    """Reduce a signal over axes (all, if None)."""
    rank = len(x.layout.dims)
    axes = sorted({d % rank for d in dims or ()}) or list(range(rank))
    time = x.layout.axis_of("T")
    label = x.time
    if x.time == "all" and time in axes and c.arrange.steps > 1:
        if kind == "max":
            raise Unsupported("it takes a maximum over the time steps, which needs steps that are yet to come")
        label = "mean" if kind == "avg" else "sum"
        count = length(c.arrange, x)
        c.arrange.reduced.add(count)
        x = silent_before(c.arrange, x, c.path)
        if label == "mean" and count != c.arrange.steps:
            x = c.arrange.times(x, np.array([c.arrange.steps / count]), c.path)
    elif x.time in ("mean", "sum") and kind == "max":
        per_step(x, "a maximum")
    gone = {a for axis in axes for a in _reducible(x.layout, axis, label != x.time)}
    layout = Layout(tuple(_kept(dim, axis in axes) for axis, dim in enumerate(x.layout.dims)))
    x = c.arrange.solid(Signal(x.stream, label, x.layout), c.path)
    if gone:
        gone = {a for axis in axes for a in x.layout.dims[axis] if a.kind == "F"}
        stream, layout = _reduced_stream(c, x, gone, axes, kind)
    else:
        stream = x.stream
    if not keep:
        layout = Layout(tuple(dim for axis, dim in enumerate(layout.dims) if axis not in axes))
    return Signal(stream, label, layout)


def _reducible(layout: Layout, axis: int, over_time: bool) -> list[Atom]:
    """The features of an axis. Raises Unsupported if it also runs over samples, or over steps that are needed."""
    for atom in layout.dims[axis]:
        if atom.kind == "N" and atom.size > 1:
            raise MixedSamples(f"it reduces axis {axis} of a tensor of shape {layout.shape}, which is the batch")
        if atom.kind == "T" and atom.size > 1 and not over_time:
            raise Unsupported(f"it reduces axis {axis} of a tensor of shape {layout.shape}, which mixes time steps")
    return [atom for atom in layout.dims[axis] if atom.kind == "F"]


def _kept(dim: tuple[Atom, ...], reduced_here: bool) -> tuple[Atom, ...]:
    return () if reduced_here else dim


def _reduced_stream(c: Context, x: Signal, gone: set[Atom], axes: list[int], kind: Kind) -> tuple[Stream, Layout]:
    """The reduction of some feature atoms, and the layout of what is left, with the axes still there."""
    ordered = sorted((a for a in x.layout.atoms if a.kind == "F"), key=lambda a: -a.stride)
    places = [k for k, atom in enumerate(ordered) if atom in gone]
    source = x.stream
    if places != list(range(places[0], places[-1] + 1)):
        ordered = [a for a in ordered if a not in gone] + [a for a in ordered if a in gone]
        places = [k for k, atom in enumerate(ordered) if atom in gone]
        index = np.zeros(1, np.int64)
        for atom in ordered:
            index = (index[:, None] + np.arange(atom.size) * atom.stride).reshape(-1)
        source = c.arrange.streams.gathered(source, index.reshape([a.size for a in ordered]), c.path)
    before = math.prod(a.size for a in ordered[: places[0]])
    middle = math.prod(a.size for a in ordered[places[0] : places[-1] + 1])
    after = math.prod(a.size for a in ordered[places[-1] + 1 :])
    shape = _shape_left(source.shape, before, middle, after)
    if after == 1 and len(source.shape) in (2, 3) and source.shape[0] == before:
        window = source.shape[1:]
        pooled = c.arrange.streams.mapped(Pool(kind, window, window, (0,) * len(window)), source, c.path)
        stream = c.arrange.streams.reshaped(pooled, shape)
    else:
        stream = c.arrange.streams.mapped(Reduce(kind, before, middle, after, shape), source, c.path)
    left = [a for a in ordered if a not in gone]
    strides: dict[Atom, int] = {}
    size = 1
    for atom in reversed(left):
        strides[atom] = size
        size *= atom.size
    dims = [
        tuple(replace(a, stride=strides[a]) if a.kind == "F" else a for a in dim if a not in gone and axis not in axes)
        for axis, dim in enumerate(x.layout.dims)
    ]
    return stream, Layout(tuple(dims)).normal()


def _shape_left(shape: Shape, before: int, middle: int, after: int) -> Shape:
    """The shape of what is left: the source's without the axis that goes, if it is one; the channels stay as 1."""
    for axis, size in enumerate(shape):
        if size == middle and math.prod(shape[:axis]) == before:
            if axis == 0:
                return (1, *shape[1:]) if len(shape) > 1 else (1,)
            return (*shape[:axis], *shape[axis + 1 :])
    if before == 1:
        return (1, after) if after > 1 else (1,)
    return (before, after) if after > 1 else (before,)
