"""The page of a comparison: each result's answer, bars beside each other, the tables with ratios."""

from __future__ import annotations

from neurocomp.report import units
from neurocomp.report.compare import Comparison, Measure, by_layer, groups, multiple, side_by_side
from neurocomp.report.page.content import Card, Figure, Page, Section, Table, render
from neurocomp.report.page.figures import grouped_bars, stacked_bars

CARDS = 6
SERIES_DRAWN = 6  # results beside each other in one figure
LAYERS_DRAWN = 30
_SCALES = {"energy_pj": ((1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ")),
           "time_ns": ((1e6, "ms"), (1e3, "us"), (1.0, "ns"))}  # fmt: skip


def to_page(comparison: Comparison) -> str:
    """The whole page as HTML text."""
    count = len(comparison.labels)
    cards = tuple(_card(comparison, k) for k in range(min(count, CARDS)))
    sections = (_bars(comparison), _figures(comparison), _layers(comparison), _record(comparison))
    title = "Side by side: " + ", ".join(comparison.labels[:4]) + (f" and {count - 4} more" if count > 4 else "")
    versions = ", ".join(sorted({units.clean(r.neurocomp_version) for r in comparison.results}))
    apart = tuple(sentence.replace("marked >=", "marked ≥") for sentence in comparison.apart)
    return render(Page(title, f"{count} results; neurocomp {versions}", apart, cards, sections))


def _measure(comparison: Comparison, name: str) -> Measure:
    return next(measure for measure in comparison.measures if measure.name == name)


def _card(comparison: Comparison, k: int) -> Card:
    energy, latency = _measure(comparison, "energy"), _measure(comparison, "latency")
    power, cores = _measure(comparison, "power"), _measure(comparison, "cores in use")
    ratios = [multiple(measure.ratio(k)) if k else "" for measure in (energy, latency)]
    lines = [
        f"energy per inference {ratios[0]}".strip(), f"{latency.shown(k)} latency {ratios[1]}".strip(),
        f"{power.shown(k)}, {cores.shown(k)} cores",
    ]  # fmt: skip
    return Card(comparison.labels[k], _sign(energy.shown(k)), tuple(map(_sign, lines)))


def _sign(text: str) -> str:
    """A lower bound's ">=", which any terminal can show, as the sign that the other pages have."""
    return f"≥ {text[3:]}" if text.startswith(">= ") else text


def _bars(comparison: Comparison) -> Section:
    names = list(comparison.labels)
    parts = {m.name.removeprefix("of which "): m for m in comparison.measures if m.name.startswith("of which ")}
    energy, latency = _measure(comparison, "energy"), _measure(comparison, "latency")
    figures = []
    if any(energy.values):
        scale, unit = _scale(energy)
        values = {name: [(v or 0.0) / scale for v in m.values] for name, m in parts.items() if any(m.values)}
        svg = stacked_bars(names, values, f"energy per inference ({unit})")
        figures.append(Figure(svg, "Energy per inference by unit."))
    scale, unit = _scale(latency)
    times = {"latency": [(v or 0.0) / scale for v in latency.values]}
    figures.append(Figure(stacked_bars(names, times, f"latency ({unit})"), "Latency of one inference."))
    return Section("Energy and latency", figures=tuple(figures))


def _scale(*measures: Measure) -> tuple[float, str]:
    most = max((v for m in measures for v in m.values if v is not None), default=0.0)
    scales = _SCALES[measures[0].kind]
    return next(((scale, unit) for scale, unit in scales if most >= scale), scales[-1])


def _figures(comparison: Comparison) -> Section:
    tables = []
    for shown in groups(len(comparison.labels)):
        head, *rows = side_by_side(comparison, shown, comparison.measures)
        tables.append(Table([[name, *map(_sign, cells)] for name, *cells in rows], head))
    line = "Per inference; a multiple is of the first result." if len(comparison.labels) > 1 else "Per inference."
    return Section("Figures", (line,), tables=tuple(tables))


def _layers(comparison: Comparison) -> Section:
    rows = comparison.layers
    others = comparison.other_layers
    lines = (f"{others:,} other layers have no counterpart of their name and shape in all results.",) if others else ()
    if not rows:
        return Section("By layer", lines)
    drawn = sorted(sorted(rows, key=lambda row: -max(v or 0 for v in row.energy.values))[:LAYERS_DRAWN], key=rows.index)
    scale, unit = _scale(*(row.energy for row in drawn))
    values = {
        label: [(row.energy.values[k] or 0.0) / scale for row in drawn]
        for k, label in enumerate(comparison.labels[:SERIES_DRAWN])
    }
    names = [units.label(row.name) for row in drawn]
    figure = Figure(
        grouped_bars(names, values, f"dynamic energy per inference ({unit})"),
        "Dynamic energy by layer" + ("." if len(drawn) == len(rows) else f", the {len(drawn)} largest."),
    )
    tables = []
    for shown in groups(len(comparison.labels)):
        head, *cells = by_layer(comparison, shown)
        tables.append(Table(cells, head, folded=f"All {len(rows)} layers" if len(rows) > LAYERS_DRAWN else ""))
    return Section("By layer", lines, (figure,), tuple(tables))


def _record(comparison: Comparison) -> Section:
    rows = [
        [label, units.clean(r.network.name, 60), units.clean(r.chip.title, 60), f"{r.run.samples:,} x {r.run.steps:,}",
         r.run.fidelity, units.clean(path, 200)]
        for label, path, r in zip(comparison.labels, comparison.paths, comparison.results, strict=True)
    ]  # fmt: skip
    heads = ("", "network", "chip", "samples x steps", "network on chip", "from")
    return Section("Record", tables=(Table(rows, heads, (0, 1, 2, 4, 5)),))
