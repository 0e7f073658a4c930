"""Linear operators as lists of synapses, and the list of two operators one after the other: parallel synapses of a
pair become one, with the sum of their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurocomp.network.linear_maps import as_convolution, tap_span
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Reduce, Shape, Sparse, Wiring

MOST_LISTED = 1 << 24  # synapses of one operator or product
_CHUNK = 1 << 22  # paths looked at at once


@dataclass(frozen=True, eq=False)
class Synapses:
    """By target, as CSR: those of target t are indptr[t]:indptr[t + 1]. source: int64; weight: float64."""

    indptr: np.ndarray
    source: np.ndarray
    weight: np.ndarray

    @property
    def targets(self) -> int:
        return self.indptr.size - 1


def synapses_of(op: Op, source: Shape) -> Synapses | None:
    """All synapses of an operator; None if they are too many. Those that it lists twice stay two."""
    sizes = math.prod(op.target_shape(source)), math.prod(source)
    match op:
        case Linear(weight):
            if weight.size > MOST_LISTED:
                return None
            target, start = np.divmod(np.arange(weight.size), sizes[1])
            return _by_target(target, start, weight.reshape(-1), sizes[0])
        case Conv() | Pool():
            return _of_windows(as_convolution(op, source[0]), source)
        case OneToOne(scale):
            every = np.arange(sizes[0])
            return _by_target(every, every, np.broadcast_to(np.asarray(scale).reshape(-1), sizes[0]), sizes[0])
        case Wiring():
            some = np.flatnonzero(op.index >= 0)
            return _by_target(some, op.index[some], np.ones(some.size), sizes[0])
        case Reduce():
            every = np.arange(sizes[1])
            target = every // (op.axis * op.after) * op.after + every % op.after
            return _by_target(target, every, np.full(every.size, op.scale), sizes[0])
        case Sparse():
            start = np.repeat(np.arange(sizes[1]), np.diff(op.indptr))
            return _by_target(op.indices, start, op.weight, sizes[0])
        case _:
            raise TypeError(f"{type(op).__name__} is no matrix")


def _by_target(target: np.ndarray, source: np.ndarray, weight: np.ndarray, targets: int) -> Synapses:
    order = np.argsort(target, kind="stable")
    indptr = np.searchsorted(target[order], np.arange(targets + 1))
    return Synapses(indptr, source[order].astype(np.int64), np.asarray(weight, np.float64)[order])


def _of_windows(op: Conv, source: Shape) -> Synapses | None:
    target = op.target_shape(source)
    if math.prod(target[1:]) * op.weight.size > MOST_LISTED:
        return None
    starts = np.arange(math.prod(source)).reshape(op.groups, 1, -1, *source[1:])
    ends = np.arange(math.prod(target)).reshape(op.groups, -1, 1, *target[1:])
    weight = op.weight.reshape(op.groups, ends.shape[1], starts.shape[2], *op.kernel)
    found: list[tuple[np.ndarray, ...]] = []
    for tap in np.ndindex(*op.kernel):
        axes = zip(tap, target[1:], source[1:], op.stride, op.padding, op.dilation, strict=True)
        spans = [tap_span(*axis) for axis in axes]
        at = weight[(..., *tap)].reshape(*weight.shape[:3], *(1,) * len(spans))
        parts = ends[(..., *(s[0] for s in spans))], starts[(..., *(s[1] for s in spans))], at
        found.append(tuple(part.reshape(-1) for part in np.broadcast_arrays(*parts)))
    target_of, source_of, weights = (np.concatenate([part[k] for part in found]) for k in range(3))
    return _by_target(target_of, source_of, weights, math.prod(target))


def product_of(second: Synapses, first: Synapses) -> Synapses | None:
    """Synapses of ``second`` after ``first``, each pair once; None if they are too many."""
    lengths = np.diff(first.indptr)
    behind = np.concatenate([[0], np.cumsum(lengths[second.source])])  # paths up to each synapse of the second
    paths = behind[second.indptr]
    if int(paths[-1]) > 32 * MOST_LISTED:
        return None
    parts, low = [], 0
    while low < second.targets:
        high = max(int(np.searchsorted(paths, paths[low] + _CHUNK, side="right")) - 1, low + 1)
        parts.append(_part(second, first, lengths, low, high))
        low = high
    counts = np.concatenate([np.zeros(1, np.int64), *(part[0] for part in parts)])
    if int(counts.sum()) > MOST_LISTED:
        return None
    none = np.zeros(0, np.int64)
    source = np.concatenate([none, *(part[1] for part in parts)])
    return Synapses(np.cumsum(counts), source, np.concatenate([np.zeros(0), *(part[2] for part in parts)]))


def _part(
    second: Synapses, first: Synapses, lengths: np.ndarray, low: int, high: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(synapses of each target, their sources, their weights) for the targets low to high - 1 of ``second``."""
    begin, end = second.indptr[low], second.indptr[high]
    middle = second.source[begin:end]
    each = lengths[middle]
    offset = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    at = np.repeat(first.indptr[middle], each) + offset
    target = np.repeat(np.repeat(np.arange(high - low), np.diff(second.indptr[low : high + 1])), each)
    weight = np.repeat(second.weight[begin:end], each) * first.weight[at]
    sources = int(first.source.max(initial=0)) + 1
    key, place = np.unique(target * sources + first.source[at], return_inverse=True)
    target, source = np.divmod(key, sources)
    return np.bincount(target, minlength=high - low), source, np.bincount(place, weight, key.size)


def as_table(synapses: Synapses, sources: int, shape: Shape) -> Sparse:
    """The operator that lists these synapses. shape: of the target."""
    target = np.repeat(np.arange(synapses.targets), np.diff(synapses.indptr))
    order = np.argsort(synapses.source, kind="stable")
    indptr = np.searchsorted(synapses.source[order], np.arange(sources + 1))
    return Sparse(indptr, target[order], synapses.weight[order], shape)


def no_synapses(targets: int) -> Synapses:
    """None at all."""
    return Synapses(np.zeros(targets + 1, np.int64), np.zeros(0, np.int64), np.zeros(0))


def joined(a: Synapses, b: Synapses) -> Synapses:
    """Both, each pair once."""
    target = np.concatenate([np.repeat(np.arange(s.targets), np.diff(s.indptr)) for s in (a, b)])
    source, weight = np.concatenate([a.source, b.source]), np.concatenate([a.weight, b.weight])
    sources = int(source.max(initial=0)) + 1
    key, place = np.unique(target * sources + source, return_inverse=True)
    target, source = np.divmod(key, sources)
    return Synapses(np.searchsorted(target, np.arange(a.targets + 1)), source, np.bincount(place, weight, key.size))
