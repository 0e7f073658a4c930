"""From a space to its points: all combinations, or a sample of them. Equal arguments give equal points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.sweep.space import POINTS_MAX, Axis, Range, Scalar, Space


@dataclass(frozen=True)
class Point:
    """One design. settings: value by axis, in the order of the space."""

    network: str
    chip: str
    settings: tuple[tuple[str, Scalar], ...]


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
    axes = _all_axes(space)
    return [_point(space, [_value(axis, u) for axis, u in zip(axes, row, strict=True)]) for row in rows]


def grid_size(space: Space) -> int:
    """Points of the whole grid; ranges without a count are taken as one."""
    sizes = [axis.count or 1 if isinstance(axis, Range) else len(axis) for axis in space.axes.values()]
    return math.prod([len(space.networks), len(space.chips), *sizes])


def at_share(axis: Axis, share: float) -> Scalar:
    """The value of an axis at a share 0..1 of its way; the first of a list at 0."""
    return _value(axis, share)


def _problems(space: Space) -> list[Diagnostic]:
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
    values = [_grid_values(axis) for axis in space.axes.values()]
    for network, chip, *settings in itertools.product(space.networks, space.chips, *values):
        yield Point(str(network), str(chip), tuple(zip(space.axes, settings, strict=True)))


def _grid_values(axis: Axis) -> list[Scalar]:
    if not isinstance(axis, Range):
        return list(axis)
    count = axis.count or 1
    values = [_value(axis, k / max(1, count - 1)) for k in range(count)]
    return list(dict.fromkeys(values))  # whole numbers may coincide


def _all_axes(space: Space) -> list[Axis]:
    return [space.networks, space.chips, *space.axes.values()]


def _point(space: Space, values: list[Scalar]) -> Point:
    network, chip, *settings = values
    return Point(str(network), str(chip), tuple(zip(space.axes, settings, strict=True)))


def _value(axis: Axis, share: float) -> Scalar:
    if not isinstance(axis, Range):
        return axis[min(int(share * len(axis)), len(axis) - 1)]
    if axis.scale == "log":
        value = math.exp(math.log(axis.low) + share * (math.log(axis.high) - math.log(axis.low)))
    else:
        value = axis.low + share * (axis.high - axis.low)
    value = min(max(value, axis.low), axis.high)
    return round(value) if axis.integer else float(f"{value:.12g}")  # digits beyond are noise of the scale


def _random(space: Space, count: int) -> np.ndarray:
    stream = np.random.Generator(np.random.Philox(key=space.sampler.seed))
    return stream.random((count, len(_all_axes(space))))


def _latin(space: Space, count: int) -> np.ndarray:
    """A Latin hypercube: along every axis each of ``count`` equal strips holds one point."""
    stream = np.random.Generator(np.random.Philox(key=space.sampler.seed))
    axes = len(_all_axes(space))
    strips = np.stack([stream.permutation(count) for _ in range(axes)], axis=1)
    return (strips + stream.random((count, axes))) / count
