"""The outcomes of a sweep as tables: CSV files for other programs, and a page of text for people."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from neurocomp.report import units
from neurocomp.report.csv import inert
from neurocomp.report.table import table
from neurocomp.report.wrap import wrapped
from neurocomp.sweep.outcome import ALL_NAMES, METRIC_NAMES, Outcome
from neurocomp.sweep.pareto import effects, pareto, values_of
from neurocomp.sweep.space import Direction, Limit

SHOWN = 12  # rows of a table for people
REASONS = 5
REASON_LENGTH = 600  # of one, in characters, broken into lines


def points_csv(outcomes: Sequence[Outcome]) -> str:
    """One row per point: network, chip, every axis, status, metrics (empty where unknown), reason, key."""
    axes = list(dict.fromkeys(name for outcome in outcomes for name, _ in outcome.point.settings))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = metric_names(outcomes)
    writer.writerow(["network", "chip", *axes, "status", *names, "reason", "key"])
    for outcome in outcomes:
        settings = dict(outcome.point.settings)
        metrics = ["" if (v := outcome.metrics.get(name)) is None else repr(v) for name in names]
        values = ["" if settings.get(axis) is None else settings[axis] for axis in axes]
        head = [inert(outcome.point.network), inert(outcome.point.chip), *map(inert, values)]
        writer.writerow([*head, outcome.status, *metrics, inert(outcome.reason), outcome.key])
    return text.getvalue()


def metric_names(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The metrics that these points have or could have; those of inference if there are no points."""
    return tuple(name for name in ALL_NAMES if any(name in outcome.metrics for outcome in outcomes)) or METRIC_NAMES


def within(outcomes: Sequence[Outcome], constraints: Mapping[str, Limit]) -> list[Outcome]:
    """The outcomes that keep to every constraint; one whose metric is unknown does not."""
    return [
        o for o in outcomes
        if o.status == "ok" and all(limit.holds(o.metrics.get(name)) for name, limit in constraints.items())
    ]  # fmt: skip


def summary(
    outcomes: Sequence[Outcome],
    objectives: Mapping[str, Direction],
    constraints: Mapping[str, Limit],
    followers: Sequence[str] = (),
) -> str:
    """What a sweep found, as text: counts, why points have no figures, the front, and what matters. followers: axes
    that go with others and are not told apart from them."""
    allowed = within(outcomes, constraints)
    sections = [
        _counts(outcomes, allowed, constraints),
        _reasons(outcomes),
        _front(pareto(allowed, objectives), objectives, followers),
        *(_effects(allowed, name, followers) for name in objectives),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, sections) if lines) + "\n"


def _counts(outcomes: Sequence[Outcome], allowed: Sequence[Outcome], constraints: Mapping[str, Limit]) -> Iterator[str]:
    counts = Counter(outcome.status for outcome in outcomes)
    parts = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    yield f"{len(outcomes):,} points: {parts}"
    if constraints:
        yield f"{len(allowed):,} keep to the constraints ({'; '.join(map(limit_text, constraints.items()))})"


def limit_text(constraint: tuple[str, Limit]) -> str:
    """A constraint in words."""
    name, limit = constraint
    ends = [f"at least {limit.least:g}"] if limit.least is not None else []
    return f"{name} {' and '.join([*ends, *([f'at most {limit.most:g}'] if limit.most is not None else [])])}"


def _reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    why = Counter((o.status, o.reason.partition("\n")[0]) for o in outcomes if o.status != "ok")
    if not why:
        return
    yield "Points without figures"
    for (status, reason), count in why.most_common(REASONS):
        yield from wrapped(units.clean(reason, REASON_LENGTH), f"  {count:,} x {status}: ", "    ")
    if len(why) > REASONS:
        yield f"  and {len(why) - REASONS} other reasons; points.csv has them all"


def _front(front: Sequence[Outcome], objectives: Mapping[str, Direction], followers: Sequence[str]) -> Iterator[str]:
    if not front:
        yield "No point has all objectives within the constraints."
        return
    goals = ", ".join(f"{name} ({way})" for name, way in objectives.items())
    yield f"Front of {len(front):,} points that no other beats: {goals}"
    told = settings_told(front, followers)
    rows = [[*objectives, *map(units.clean, told)]]
    for outcome in front[:SHOWN]:
        figures = [f"{outcome.metrics[name]:.6g}" for name in objectives]
        rows.append([*figures, *(_named(outcome, name) for name in told)])
    yield from table(rows, "r" * len(objectives) + "l" * len(told), header=True)
    if len(front) > SHOWN:
        yield f"  and {len(front) - SHOWN:,} more in pareto.csv"


def settings_told(front: Sequence[Outcome], without: Sequence[str] = ()) -> list[str]:
    """What sets the points of a front apart; everything if there is one point only. without: what is not told."""
    names = dict.fromkeys(name for outcome in front for name in values_of(outcome) if name not in without)
    return [n for n in names if len(front) == 1 or len({repr(values_of(o).get(n)) for o in front}) > 1]


def _named(outcome: Outcome, name: str) -> str:
    return units.clean(str(values_of(outcome).get(name, "")), 40)


def _effects(outcomes: Sequence[Outcome], metric: str, followers: Sequence[str]) -> Iterator[str]:
    found = effects(outcomes, metric, followers) if len(outcomes) > 2 else []
    if not found:
        return
    yield f"What {metric} depends on"
    rows = [["parameter", "explains", "10 % more changes it by"]]
    for effect in found[:SHOWN]:
        change = "" if effect.elasticity is None else f"{100 * (1.1**effect.elasticity - 1):+.2f} %"
        rows.append([units.clean(effect.parameter, 48), f"{100 * effect.share:.1f} %", change])
    yield from table(rows, "lrr", header=True)
