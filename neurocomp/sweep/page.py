"""What a sweep found, as one HTML page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from neurocomp.report import units
from neurocomp.report.page.clouds import Column, Front, cloud, means, parallel, scaled
from neurocomp.report.page.content import Card, Figure, Page, Section, Table, render
from neurocomp.sweep.outcome import ALL_METRICS, Outcome
from neurocomp.sweep.pareto import Effect, effects, groups_of, pareto, values_of
from neurocomp.sweep.space import Space
from neurocomp.sweep.tables import limit_text, settings_told, within
from neurocomp.version import VERSION

DRAWN = 3000  # dots of a cloud, lines of parallel coordinates: more cannot be told apart
NAMED = 12  # points of a front that have names beside them
LINES, COLUMNS, PARAMETERS, ROWS = 80, 8, 5, 15
ROOM = 90  # letters under the axis of a figure
WHAT = {metric.name: metric.what for metric in ALL_METRICS}


def to_page(space: Space, outcomes: Sequence[Outcome]) -> str:
    """The whole page as HTML text; equal outcomes give equal bytes."""
    allowed = within(outcomes, space.constraints)
    front = pareto(allowed, space.objectives)
    goals = ", ".join(f"{name} ({way})" for name, way in space.objectives.items())
    subtitle = f"{space.sampler.method} sampling; objectives: {goals}; neurocomp {VERSION}"
    names = " and ".join(units.clean(name.rpartition("/")[2], 40) for name in space.network_names[:3])
    more = f" and {len(space.networks) - 3} more" if len(space.networks) > 3 else ""
    chips = "1 chip" if len(space.chips) == 1 else f"{len(space.chips)} chips"
    sections = [_front(space, allowed, front), *(_matters(allowed, name, space.followers) for name in space.objectives)]
    shown = [section for section in (*sections, _reasons(outcomes)) if section is not None]
    return render(
        Page(f"Sweep of {names}{more} on {chips}", subtitle, (), _cards(space, outcomes, allowed, front), tuple(shown))
    )


def _cards(
    space: Space, outcomes: Sequence[Outcome], allowed: Sequence[Outcome], front: Sequence[Outcome]
) -> tuple[Card, ...]:
    counts = Counter(outcome.status for outcome in outcomes)
    kept = tuple(f"{count:,} {status}" for status, count in counts.items())
    cards = [Card("Points", f"{len(outcomes):,}", kept)]
    if space.constraints:
        limits = tuple(map(limit_text, space.constraints.items()))
        cards.append(Card("Within the constraints", f"{len(allowed):,}", limits))
    cards.append(Card("Front", f"{len(front):,}", ("points that no other beats",)))
    for name, way in space.objectives.items():
        known = [value for outcome in allowed if (value := outcome.metrics.get(name)) is not None]
        if known:
            best, worst = (min(known), max(known)) if way == "min" else (max(known), min(known))
            cards.append(Card(f"Best {name}", _amount(name, best), (WHAT[name], f"worst {_amount(name, worst)}")))
    return tuple(cards)


def _amount(metric: str, value: float) -> str:
    """A value as people read it: 24.9 us."""
    divisor, label = scaled(metric, np.array([value]))
    unit = label.rpartition("(")[2].rstrip(")") if label != metric else ""
    return f"{value / divisor:.4g} {unit}" if unit else (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}")


def _front(space: Space, allowed: Sequence[Outcome], front: Sequence[Outcome]) -> Section:
    if not front:
        return Section("Front", ("No point has all objectives within the constraints.",))
    names, told = list(space.objectives), settings_told(front, space.followers)
    figures = []
    if len(names) > 1:
        named = f" Beside its points: {', '.join(map(_short, told))}." if len(front) <= NAMED and len(told) <= 2 else ""
        caption = (
            f"{names[0]} and {names[1]} of all points within the constraints, and the front.{named if told else ''}"
        )
        figures.append(Figure(_cloud(allowed, front, names, told), caption))
    if len(front) > 1 and len(told) + len(names) > 2:
        caption = "The front: one line per point, through its settings and objectives."
        figures.append(Figure(parallel(_columns(front, told, names)), caption))
    rows = [
        [
            *(_amount(name, float(outcome.metrics[name] or 0.0)) for name in names),
            *(_shown(outcome, name) for name in told),
        ]
        for outcome in front
    ]
    heads, text = [*names, *(units.clean(name, 60) for name in told)], tuple(range(len(names), len(names) + len(told)))
    tables = [Table(rows[:ROWS], heads, text)]
    if len(rows) > ROWS:
        tables.append(Table(rows, heads, text, folded=f"All {len(rows):,} points of the front"))
    return Section("Front", figures=tuple(figures), tables=tuple(tables))


def _cloud(allowed: Sequence[Outcome], front: Sequence[Outcome], names: Sequence[str], told: Sequence[str]) -> str:
    across, up = names[:2]
    known = [o for o in allowed if o.metrics.get(across) is not None and o.metrics.get(up) is not None]
    thinned = known[:: -(-len(known) // DRAWN)]

    def places(outcomes: Sequence[Outcome]) -> np.ndarray:
        return np.array([[o.metrics[across], o.metrics[up]] for o in outcomes], float)

    named = _names(front, told) if len(front) <= NAMED and 1 <= len(told) <= 2 else ()
    return cloud(places(thinned), Front(places(front), named, len(names) == 2), across, up)


def _names(front: Sequence[Outcome], told: Sequence[str]) -> tuple[str, ...]:
    """What sets the points of a small front apart."""
    values = ([str(values_of(outcome).get(name, "")).rpartition("/")[2] for name in told] for outcome in front)
    return tuple(units.clean(", ".join(each), 24) for each in values)


def _short(name: str) -> str:
    return units.clean(name.removeprefix("chip."), 40)


def _columns(front: Sequence[Outcome], told: Sequence[str], names: Sequence[str]) -> list[Column]:
    chosen = front[:: -(-len(front) // LINES)]
    columns = [
        _column(name, [values_of(outcome).get(name) for outcome in chosen]) for name in told[: COLUMNS - len(names)]
    ]
    return [*columns, *(_column(name, [outcome.metrics[name] for outcome in chosen], name) for name in names)]


def _column(name: str, values: Sequence[object], metric: str = "") -> Column:
    """metric: by which the marks get their unit; empty for a setting."""
    label = units.clean(name.removeprefix("chip."), 60)
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values) and max(numbers) > min(numbers):
        low, high = min(numbers), max(numbers)
        shares = [(number - low) / (high - low) for number in numbers]
        return Column(label, shares, ((0.0, _amount(metric, low)), (1.0, _amount(metric, high))))
    texts = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in values]
    found = list(dict.fromkeys(texts))
    place = {value: (k + 0.5) / len(found) for k, value in enumerate(found)}
    marks = [(place[value], units.clean(value.rpartition("/")[2], 18)) for value in found[:12]]
    return Column(label, [place[text] for text in texts], marks)


def _matters(allowed: Sequence[Outcome], metric: str, followers: Sequence[str]) -> Section | None:
    found = effects(allowed, metric, followers) if len(allowed) > 2 else []
    if not found:
        return None
    known = [outcome for outcome in allowed if outcome.metrics.get(metric) is not None]
    rows = [
        [units.clean(e.parameter, 60), _ends(_along(known, e.parameter)), e.share, f"{100 * e.share:.1f} %", _change(e)]
        for e in found
    ]
    table = Table(rows, ("parameter", "values", "explains", "", "10 % more changes it by"), (0, 1))
    lines = {units.clean(e.parameter, 60): _means(known, e.parameter, metric) for e in found[:PARAMETERS]}
    ticks = _ticks(_along(known, found[0].parameter), lines) if len(found) == 1 else []
    caption = f"Mean {metric} along {'the' if ticks else 'each'} parameter, over all points within the constraints."
    note = "Explains: the share of the variance that the means over a parameter's values make up."
    return Section(f"What {metric} depends on", (note,), (Figure(means(lines, metric, ticks), caption),), (table,))


def _change(effect: Effect) -> str:
    return "" if effect.elasticity is None else f"{100 * (1.1**effect.elasticity - 1):+.2f} %"


def _along(known: Sequence[Outcome], parameter: str) -> list[str]:
    """A parameter's values in the order of its means: numbers ascending, others as they come."""
    found = {repr(value): value for value in (values_of(outcome).get(parameter) for outcome in known)}
    values = list(found.values())
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        values.sort(key=lambda value: float(value or 0))
    texts = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
    return [units.clean(text.rpartition("/")[2], 24) for text in texts]


def _ends(values: Sequence[str]) -> str:
    return f"{values[0]} to {values[-1]}"


def _ticks(values: Sequence[str], lines: Mapping[str, tuple[list[float], list[float]]]) -> Sequence[str]:
    """What stands under the means of the only parameter; nothing where a mean is of several values, or no room."""
    ((shares, _),) = lines.values()
    return values if len(values) == len(shares) and sum(map(len, values)) <= ROOM else ()


def _means(known: Sequence[Outcome], parameter: str, metric: str) -> tuple[list[float], list[float]]:
    """(places 0..1, means)."""
    target = np.array([float(outcome.metrics[metric] or 0.0) for outcome in known])
    groups = groups_of([values_of(outcome).get(parameter) for outcome in known], target)
    return [(k + 0.5) / len(groups) for k in range(len(groups))], [float(group.mean()) for group in groups]


def _shown(outcome: Outcome, name: str) -> str:
    return units.clean(str(values_of(outcome).get(name, "")), 40)


def _reasons(outcomes: Sequence[Outcome]) -> Section | None:
    why = Counter((o.status, o.reason.partition("\n")[0]) for o in outcomes if o.status != "ok")
    if not why:
        return None
    rows = [[status, f"{count:,}", units.clean(reason, 600)] for (status, reason), count in why.most_common(ROWS)]
    rest = len(why) - ROWS
    lines = (f"And {rest} other reasons; points.csv has them all.",) if rest > 0 else ()
    return Section("Points without figures", lines, tables=(Table(rows, ("status", "points", "reason"), (0, 2)),))
