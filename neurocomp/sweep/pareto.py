"""Which points no other beats, and which parameters matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError
from neurocomp.sweep.outcome import METRIC_NAMES, Outcome
from neurocomp.sweep.space import Direction


def pareto(outcomes: Sequence[Outcome], objectives: Mapping[str, Direction] | Sequence[str]) -> list[Outcome]:
    """The outcomes that no other one beats: none is at least as good everywhere and better somewhere.

    objectives: metric -> ``min`` or ``max``, or names alone, which are then taken as the smaller the better but for
    accuracy. Outcomes without one of the metrics are left out; equal ones all stay. Sorted by the first objective.
    Raises InputError for metrics that do not exist.
    """
    goals = directions(objectives)
    known = [o for o in outcomes if o.status == "ok" and all(o.metrics.get(name) is not None for name in goals)]
    if not known:
        return []
    costs = np.array([[_cost(o, name, goals[name]) for name in goals] for o in known])
    order = np.lexsort(costs.T[::-1])
    front: list[int] = []
    for index in order:  # in this order nothing that comes later can beat what is in the front
        beaten = [
            k for k in front if (costs[k] <= costs[index]).all() and (costs[k] < costs[index]).any()
        ]  # fmt: skip
        if not beaten:
            front.append(int(index))
    return [known[k] for k in front]


def directions(objectives: Mapping[str, Direction] | Sequence[str]) -> dict[str, Direction]:
    """Objectives with the way in which each improves. Raises InputError for metrics that do not exist."""
    if not isinstance(objectives, Mapping):
        objectives = {name: "max" if name == "accuracy" else "min" for name in objectives}
    wrong = [name for name in objectives if name not in METRIC_NAMES]
    if wrong:
        raise InputError([
            Diagnostic(f"objectives.{name}", "is no metric", hint=did_you_mean(name, METRIC_NAMES)) for name in wrong
        ])  # fmt: skip
    if not objectives:
        raise InputError(Diagnostic("objectives", "there are none", hint=f"metrics: {', '.join(METRIC_NAMES)}"))
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


def effects(outcomes: Sequence[Outcome], metric: str) -> list[Effect]:
    """The effect of every parameter that varies, the strongest first. Points without the metric are left out."""
    directions([metric])
    known = [o for o in outcomes if o.status == "ok" and o.metrics.get(metric) is not None]
    columns = _columns(known)
    target = np.array([float(o.metrics[metric] or 0.0) for o in known])
    found = [
        Effect(name, metric, _share(values, target), _elasticity(values, target))
        for name, values in columns.items() if len(set(map(repr, values))) > 1
    ]  # fmt: skip
    return sorted(found, key=lambda effect: (-effect.share, effect.parameter))


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for outcome in outcomes:
        point = outcome.point
        for name, value in (("network", point.network), ("chip", point.chip), *point.settings):
            columns.setdefault(name, []).append(value)
    return {name: column for name, column in columns.items() if len(column) == len(outcomes)}


def _share(values: Sequence[object], target: np.ndarray) -> float:
    variance = float(target.var())
    if variance == 0.0:
        return 0.0
    groups: dict[str, list[float]] = {}
    for value, y in zip(values, target, strict=True):
        groups.setdefault(repr(value), []).append(float(y))
    if len(groups) == len(target) and len(target) > 8 and all(isinstance(v, int | float) for v in values):
        return _line_share(np.array(values, np.float64), target)  # sampled: every value occurs once
    mean = float(target.mean())
    between = sum(len(group) * (float(np.mean(group)) - mean) ** 2 for group in groups.values()) / len(target)
    return min(1.0, between / variance)


def _line_share(values: np.ndarray, target: np.ndarray) -> float:
    return float(np.corrcoef(values, target)[0, 1] ** 2)


def _elasticity(values: Sequence[object], target: np.ndarray) -> float | None:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]
    if len(numbers) < len(values) or not (target > 0).all():
        return None
    slope, _ = np.polyfit(np.log(np.array(numbers, np.float64)), np.log(target), 1)
    return float(slope)


def _cost(outcome: Outcome, name: str, direction: Direction) -> float:
    value = float(outcome.metrics[name] or 0.0)
    return value if direction == "min" else -value
