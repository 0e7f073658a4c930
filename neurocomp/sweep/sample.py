"""From a space to its points: all combinations, or a sample of them. Equal arguments give equal points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.sweep.space import POINTS_MAX, Range, Scalar, Space, Tied


@dataclass(frozen=True)
class Point:
    """One design. settings: value by axis, in the order of the space."""

    network: str
    chip: str
    settings: tuple[tuple[str, Scalar], ...]


Free = tuple[Scalar, ...] | tuple[str, ...] | Range
Chosen = tuple[Scalar, int]  # a value, and its place if it is one of a list


def points_of(space: Space) -> list[Point]:
    """The points of every method but ``guided``, whose points depend on results. Raises InputError."""
    problems = _problems(space)
    if problems:
        raise InputError(problems)
    if space.sampler.method == "grid":
        return list(_grid(space))
    if space.sampler.method == "guided":
        raise bad_input("sampler", "guided points are asked for one after the other")
    count = int(space.sampler.points or 0)
    rows = _random(space, count) if space.sampler.method == "random" else _latin(space, count)
    axes = _free_axes(space)
    return [_point(space, [_chosen(axis, u) for axis, u in zip(axes, row, strict=True)]) for row in rows]


def grid_size(space: Space) -> int:
    """Points of the whole grid; ranges without a count are taken as one."""
    return math.prod(axis.count or 1 if isinstance(axis, Range) else len(axis) for axis in _free_axes(space))


def settings_of(space: Space, chosen: Mapping[str, Chosen]) -> tuple[tuple[str, Scalar], ...]:
    """Every axis with its value, in the order of the space. chosen: of the axes that are free, each with its place in
    its list, which tied axes follow."""
    return tuple(
        (name, axis.values[chosen[axis.with_][1]] if isinstance(axis, Tied) else chosen[name][0])
        for name, axis in space.axes.items()
    )


def wrong_ties(space: Space) -> list[Diagnostic]:
    """What is wrong with axes that go with others."""
    return [d for name, axis in space.axes.items() if isinstance(axis, Tied) for d in _wrong_tie(space, name, axis)]


def _wrong_tie(space: Space, name: str, axis: Tied) -> list[Diagnostic]:
    where, leader = f"axes.{name}", space.axes.get(axis.with_)
    if leader is None or isinstance(leader, Tied):
        lists = [other for other, values in space.axes.items() if isinstance(values, tuple)]
        what = f"goes with {axis.with_}, which is no axis that has a list of values"
        return [Diagnostic(where, what, hint=did_you_mean(axis.with_, lists))]
    if isinstance(leader, Range):
        return [Diagnostic(where, f"goes with {axis.with_}, which is a range", hint="give its values as a list")]
    if len(leader) != len(axis.values):
        return [Diagnostic(where, f"has {len(axis.values)} values; {axis.with_} has {len(leader)}")]
    return []


def _problems(space: Space) -> list[Diagnostic]:
    if wrong_ties(space):
        return wrong_ties(space)
    if space.sampler.method != "grid":
        if space.sampler.points is None:
            return [Diagnostic("sampler", f"{space.sampler.method} needs a number of points", hint="points: 100")]
        return []
    found = [
        Diagnostic(f"axes.{name}", "a grid needs the number of values in a range", hint="add count: 5")
        for name, axis in space.axes.items() if isinstance(axis, Range) and axis.count is None
    ]  # fmt: skip
    if not found and grid_size(space) > POINTS_MAX:
        what = f"the grid has {grid_size(space):,} points; at most {POINTS_MAX:,} are possible"
        found.append(Diagnostic("axes", what, hint="use fewer values, or sampler: {method: latin, points: 1000}"))
    return found


def _grid(space: Space) -> Iterator[Point]:
    for chosen in itertools.product(*(_grid_values(axis) for axis in _free_axes(space))):
        yield _point(space, list(chosen))


def _grid_values(axis: Free) -> list[Chosen]:
    if not isinstance(axis, Range):
        return [(value, k) for k, value in enumerate(axis)]
    count = axis.count or 1
    values = [_chosen(axis, k / max(1, count - 1))[0] for k in range(count)]
    return [(value, 0) for value in dict.fromkeys(values)]  # whole numbers may coincide


def _free_axes(space: Space) -> list[Free]:
    """Networks, chips, and the axes that go with no other."""
    return [space.network_names, space.chips, *(axis for axis in space.axes.values() if not isinstance(axis, Tied))]


def _point(space: Space, chosen: list[Chosen]) -> Point:
    (network, _), (chip, _), *others = chosen
    free = [name for name, axis in space.axes.items() if not isinstance(axis, Tied)]
    return Point(str(network), str(chip), settings_of(space, dict(zip(free, others, strict=True))))


def _chosen(axis: Free, share: float) -> Chosen:
    """The value of an axis at a share 0..1 of its way; the first of a list at 0."""
    if not isinstance(axis, Range):
        place = min(int(share * len(axis)), len(axis) - 1)
        return axis[place], place
    if axis.scale == "log":
        value = math.exp(math.log(axis.low) + share * (math.log(axis.high) - math.log(axis.low)))
    else:
        value = axis.low + share * (axis.high - axis.low)
    value = min(max(value, axis.low), axis.high)
    return round(value) if axis.integer else float(f"{value:.12g}"), 0  # digits beyond are noise of the scale


def _random(space: Space, count: int) -> np.ndarray:
    stream = np.random.Generator(np.random.Philox(key=space.sampler.seed))
    return stream.random((count, len(_free_axes(space))))


def _latin(space: Space, count: int) -> np.ndarray:
    """A Latin hypercube: along every axis each of ``count`` equal strips holds one point."""
    stream = np.random.Generator(np.random.Philox(key=space.sampler.seed))
    axes = len(_free_axes(space))
    strips = np.stack([stream.permutation(count) for _ in range(axes)], axis=1)
    return (strips + stream.random((count, axes))) / count
