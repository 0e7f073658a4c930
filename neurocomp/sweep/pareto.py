"""Which points no other beats, and which parameters matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError
from neurocomp.sweep.outcome import ALL_METRICS, ALL_NAMES, Outcome
from neurocomp.sweep.space import Direction, Scalar

BETTER: dict[str, Direction] = {metric.name: metric.better for metric in ALL_METRICS}
GROUPS, SMALLEST = 8, 4  # of values that were sampled from a range; values in a group


def pareto(outcomes: Sequence[Outcome], objectives: Mapping[str, Direction] | Sequence[str]) -> list[Outcome]:
    """The outcomes that no other one beats: none is at least as good everywhere and better somewhere.

    objectives: metric -> ``min`` or ``max``, or names alone: each then improves as it is said to (``accuracy`` the
    larger, ``energy_pj`` the smaller). Outcomes without one of the metrics are left out; equal ones all stay. Sorted by
    the first objective. Raises InputError for metrics that do not exist.
    """
    goals = directions(objectives)
    known = [o for o in outcomes if o.status == "ok" and all(o.metrics.get(name) is not None for name in goals)]
    if not known:
        return []
    costs = np.array([[_cost(o, name, goals[name]) for name in goals] for o in known])
    left = np.lexsort(costs.T[::-1])  # in this order nothing that comes later can beat what comes first
    front: list[int] = []
    while left.size:
        first = costs[left[0]]
        equal = (costs[left] == first).all(axis=1)
        front += left[equal].tolist()
        left = left[~equal & (costs[left] < first).any(axis=1)]
    return [known[k] for k in front]


def directions(objectives: Mapping[str, Direction] | Sequence[str]) -> dict[str, Direction]:
    """Objectives with the way in which each improves. Raises InputError for metrics that do not exist."""
    if not isinstance(objectives, Mapping):
        objectives = {name: BETTER.get(name, "min") for name in objectives}
    wrong = [name for name in objectives if name not in ALL_NAMES]
    if wrong:
        raise InputError([
            Diagnostic(f"objectives.{name}", "is no metric", hint=did_you_mean(name, ALL_NAMES)) for name in wrong
        ])  # fmt: skip
    if not objectives:
        raise InputError(Diagnostic("objectives", "there are none", hint=f"metrics: {', '.join(ALL_NAMES)}"))
    return dict(objectives)


@dataclass(frozen=True)
class Effect:
    """What one parameter does to one metric. best, worst: its values with the best and worst mean; share: how much of
    the metric's variance its means explain (first-order, 0 to 1). elasticity: percent by which the metric changes when
    the value grows by one percent, from a line through the logarithms; None if values are no positive numbers."""

    parameter: str
    metric: str
    share: float
    elasticity: float | None


def effects(outcomes: Sequence[Outcome], metric: str, without: Sequence[str] = ()) -> list[Effect]:
    """The effect of every parameter that varies, the strongest first; none on a metric that is the same everywhere.
    Points without the metric are left out. without: parameters of no interest, as those that go with another."""
    directions([metric])
    known = [o for o in outcomes if o.status == "ok" and o.metrics.get(metric) is not None]
    columns = _columns(known)
    target = np.array([float(o.metrics[metric] or 0.0) for o in known])
    if not known or target.min() == target.max():
        return []
    found = [
        Effect(name, metric, _share(values, target), _elasticity(values, target))
        for name, values in columns.items() if name not in without and len(set(map(repr, values))) > 1
    ]  # fmt: skip
    return sorted(found, key=lambda effect: (-effect.share, effect.parameter))


def values_of(outcome: Outcome) -> dict[str, Scalar]:
    """All that a point sets, by name: network and chip first, then its settings."""
    point = outcome.point
    return {"network": point.network, "chip": point.chip, **dict(point.settings)}


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for outcome in outcomes:
        for name, value in values_of(outcome).items():
            columns.setdefault(name, []).append(value)
    return {name: column for name, column in columns.items() if len(column) == len(outcomes)}


def groups_of(values: Sequence[object], target: np.ndarray) -> list[np.ndarray]:
    """The target by value: numbers ascending, others as they come. Numbers that hardly ever occur twice (samples of a
    range) become up to GROUPS groups of equal size."""
    groups: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        groups.setdefault(repr(value), []).append(index)
    kept = list(groups.values())
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = np.array(values, np.float64)
        kept.sort(key=lambda group: numbers[group[0]])
        if len(kept) * 2 > len(values) and len(values) >= 2 * SMALLEST:
            order = np.argsort(numbers, kind="stable")
            return [target[part] for part in np.array_split(order, min(GROUPS, len(values) // SMALLEST))]
    return [target[group] for group in kept]


def _share(values: Sequence[object], target: np.ndarray) -> float:
    """Variance of the groups' means over that of all. Where groups hold several values, what chance alone would give is
    taken off (epsilon squared; Kelley, PNAS 21(9):554-559, 1935)."""
    variance = float(target.var())
    if variance == 0.0:
        return 0.0
    groups, mean, count = groups_of(values, target), float(target.mean()), len(target)
    share = sum(group.size * (float(group.mean()) - mean) ** 2 for group in groups) / count / variance
    if len(groups) < len(set(map(repr, values))):
        share = 1 - (1 - share) * (count - 1) / (count - len(groups))
    return min(1.0, max(0.0, share))


def _elasticity(values: Sequence[object], target: np.ndarray) -> float | None:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]
    if len(numbers) < len(values) or not (target > 0).all():
        return None
    slope, _ = np.polyfit(np.log(np.array(numbers, np.float64)), np.log(target), 1)
    return float(slope)


def _cost(outcome: Outcome, name: str, direction: Direction) -> float:
    value = float(outcome.metrics[name] or 0.0)
    return value if direction == "min" else -value
