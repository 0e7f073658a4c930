"""Synapse counts of boxes along one path of operators: a product of one factor per axis.

Seen from a box of the target, a chain of convolutions and pools counts the synapses of a source element as a
number for its channel times one for its row times one for its column; a fully connected operator only passes
on the sum. So many boxes at once need no more than the factors of the ranges that occur among them.
``Problem.arrivals`` says the same box by box, for every kind of operator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape
from neurocomp.network.structure import Window, as_map, channel_groups, group_sums, scatter, source_channels, taps_of

_MOST = 16  # paths that end in one projection and are followed one by one


@dataclass(frozen=True, eq=False)
class Factor:
    """Counts along one axis, from ``start`` on."""

    start: int
    counts: np.ndarray


Factors = tuple[Factor, Factor, Factor]  # along channels, rows and columns
Step = tuple[Op, Shape]  # an operator and the shape of its source


@dataclass(eq=False)
class Path:
    """Operators from the target back to a source that emits, split at the first fully connected one.

    before: those up to it; beyond: whether there is one; after: factors of a whole source, seen from behind it.
    """

    source: str
    before: tuple[Step, ...]
    beyond: bool
    after: Factors | None
    _known: dict[tuple[int, int, int], Factor] = field(default_factory=dict)

    def factor(self, axis: int, first: int, last: int) -> Factor:
        """The factor of the range first..last-1 of the target along an axis, before any fully connected operator."""
        key = (axis, first, last)
        if key not in self._known:
            self._known[key] = _chained(self.before, axis, Factor(first, np.ones(last - first, np.int64)))
        return self._known[key]


def paths_into(problem: Problem, projection: int) -> list[Path] | None:
    """All paths that end in a projection; None if some operator is not separable, or if they are too many."""
    network, found = problem.network, []
    waiting: list[tuple[int, tuple[Step, ...]]] = [(projection, ())]
    while waiting:
        index, behind = waiting.pop()
        step = network.projections[index]
        chain = (*behind, (step.op, network.by_name[step.source].shape))
        if len(found) + len(waiting) >= _MOST:
            return None
        if problem.emits(step.source):
            path = _path(step.source, chain)
            if path is None:
                return None
            found.append(path)
        else:
            waiting += [(i, chain) for i in problem.indexed[step.source]]
    return found


def _path(source: str, chain: tuple[Step, ...]) -> Path | None:
    at = next((k for k, (op, _) in enumerate(chain) if isinstance(op, Linear)), len(chain))
    if not all(isinstance(op, Conv | Pool) or _keeps_shape(op, shape) for op, shape in chain[:at]):
        return None
    if at == len(chain):
        return Path(source, chain, False, None)
    factors: Factors | None = _ones(chain[at][1])
    for op, shape in chain[at + 1 :]:
        factors = None if factors is None else _whole_back(op, shape, factors)
    return None if factors is None else Path(source, chain[:at], True, factors)


def _keeps_shape(op: Op, shape: Shape) -> bool:
    return isinstance(op, OneToOne) and as_map(op.target_shape(shape)) == as_map(shape)


def _ones(shape: Shape, times: int = 1) -> Factors:
    """Factors of a whole map; channels carry ``times``."""
    channels, height, width = (np.ones(length, np.int64) for length in as_map(shape))
    return Factor(0, channels * times), Factor(0, height), Factor(0, width)


def _whole_back(op: Op, shape: Shape, factors: Factors) -> Factors | None:
    """One operator further back from a whole map."""
    if isinstance(op, Conv | Pool) or _keeps_shape(op, shape):
        channels, rows, columns = (_chained(((op, shape),), axis, factor) for axis, factor in enumerate(factors))
        return channels, rows, columns
    if isinstance(op, Linear):
        return _ones(shape, math.prod(int(factor.counts.sum()) for factor in factors))
    if isinstance(op, OneToOne) and all((factor.counts == factor.counts[0]).all() for factor in factors):
        return _ones(shape, math.prod(int(factor.counts[0]) for factor in factors))
    return None


def _chained(steps: tuple[Step, ...], axis: int, factor: Factor) -> Factor:
    for op, shape in steps:
        if isinstance(op, Conv | Pool):
            factor = _channels_back(op, shape, factor) if axis == 0 else _places_back(op, shape, axis, factor)
    return factor


def _channels_back(op: Conv | Pool, shape: Shape, factor: Factor) -> Factor:
    first, last = factor.start, factor.start + factor.counts.size
    low, high = source_channels(op, shape, first, last)
    window = Window((first, 0, 0), (last, 1, 1), factor.counts.reshape(-1, 1, 1))
    sums = group_sums(window, *channel_groups(op, shape)[1:]).reshape(-1)
    return Factor(low, np.broadcast_to(sums, (high - low,)))


def _places_back(op: Conv | Pool, shape: Shape, axis: int, factor: Factor) -> Factor:
    taps = taps_of(op, shape)[axis - 1]
    first, last = factor.start, factor.start + factor.counts.size
    low, high = taps.span(first, last) if last > first else (0, 0)
    return Factor(low, scatter(factor.counts, taps, 0, (first, last), (low, high)))
