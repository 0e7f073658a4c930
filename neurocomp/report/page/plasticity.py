"""The page of learning by a local rule: what it adds to the inference that it rides on, by layer, epoch and core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from neurocomp.chip.provenance import KINDS
from neurocomp.report import units
from neurocomp.report.page.content import Card, Figure, Page, Section, Table, render
from neurocomp.report.page.figures import energy_scale, series, stacked_bars
from neurocomp.report.plasticity import NOT_MODELLED, RULES, PlasticityReport, learning_values
from neurocomp.version import VERSION

CORES_LISTED = 40
LINES = 6  # layers in the figure of epochs


def to_page(report: PlasticityReport) -> str:
    """The whole page as HTML text; equal reports give equal bytes."""
    run, chip = report.run, report.program.chip
    epoch = "1 step" if run.epoch_steps == 1 else f"{run.epoch_steps:,} steps"
    subtitle = (
        f"{units.clean(report.program.network.name)}, {run.samples:,} samples x {run.steps:,} steps; rule {run.rule}, "
        f"epochs of {epoch}; neurocomp {VERSION}"
    )
    sections = (_beside(report), _layers(report), *_epochs(report), *_cores(report), *_origins(report))
    title = f"Learning on {units.clean(chip.title, 120)}"
    return render(Page(title, subtitle, (), tuple(_cards(report)), sections))


def _cards(report: PlasticityReport) -> Iterator[Card]:
    run, samples, learning = report.run, report.run.samples, report.energy.total_aj
    together = report.inference_aj + learning
    least = "≥ " if report.lower_bound else ""
    bound = ("a lower bound: some costs are not known",) if report.lower_bound else ()
    share = (f"{units.share(learning / together)} of inference and learning",) if together else ()
    yield Card("Energy of learning, per sample", least + units.energy(learning / samples), (*share, *bound))
    longer = run.total_ps / report.inference_ps if report.inference_ps else 0.0
    more = f"{units.share(longer)} more than inference alone"
    yield Card("Time of learning, per sample", units.time(run.total_ps / samples), (more,))
    weights = sum(run.weights.values())
    yield Card("Updates, per sample", units.count(run.total_updates / samples), (f"{weights:,} plastic weights",))


def _beside(report: PlasticityReport) -> Section:
    run, energy, samples = report.run, report.energy, report.run.samples
    rows = []
    updates = None if energy.layers is None else sum(energy.layers.values())
    for name, ps, aj in (
        ("inference", report.inference_ps, report.inference_aj),
        ("weight updates", run.total_ps, updates),
        ("static power meanwhile", 0, energy.static_aj),
    ):
        spent = "not known" if aj is None else units.energy(aj / samples)
        rows.append([name, units.time(ps / samples) if ps else "", spent])
    both = report.inference_ps + run.total_ps, report.inference_aj + energy.total_aj
    rows.append(["together", units.time(both[0] / samples), units.energy(both[1] / samples)])
    table = Table(rows, ("per sample", "time", "energy"), summed=True)
    return Section("Learning beside inference", (f"Rule {run.rule}: {RULES[run.rule]}.",), tables=(table,))


def _layers(report: PlasticityReport) -> Section:
    run, energy, figures = report.run, report.energy, ()
    names = [units.label(name) for name in run.updates]
    if energy.layers is not None and any(energy.layers.values()):
        spent = [energy.layers[name] / run.samples for name in run.updates]
        scale, unit = energy_scale(max(spent))
        svg = stacked_bars(names, {"updates": [aj / scale for aj in spent]}, f"energy per sample ({unit})")
        figures = (Figure(svg, "Energy of the weight updates by layer, per sample."),)
    rows = []
    for name, counts in run.updates.items():
        share = int(counts.sum()) / (run.weights[name] * counts.size)
        known = "not known" if energy.layers is None else units.energy(energy.layers[name] / run.samples)
        each = units.count(int(counts.sum()) / run.samples)
        rows.append([units.label(name, 30), f"{run.weights[name]:,}", each, min(1.0, share), units.share(share), known])
    heads = ("layer", "weights", "updates per sample", "", "of the weights, per epoch", "energy per sample")
    return Section("By layer", figures=figures, tables=(Table(rows, heads),))


def _epochs(report: PlasticityReport) -> Iterator[Section]:
    """How many updates each epoch of a sample takes, mean over samples."""
    epochs = report.run.epoch_ps.shape[1]
    if epochs < 2:
        return
    order = sorted(report.run.updates.items(), key=lambda item: -int(item[1].sum()))[:LINES]
    at = np.arange(1, epochs + 1, dtype=float)
    lines = {units.label(name): (at, counts.mean(axis=0)) for name, counts in order}
    caption = "Updates at the end of each epoch, mean over samples" + (
        f"; the {LINES} layers with most of them." if len(report.run.updates) > LINES else "."
    )
    slowest = report.run.epoch_ps.mean(axis=0)
    line = (
        f"The slowest core takes {units.time(float(slowest.max()))} at most for an epoch's updates, mean over samples."
    )
    yield Section("Over a sample", (line,), (Figure(series(lines, "epoch", "updates"), caption),))


def _cores(report: PlasticityReport) -> Iterator[Section]:
    found: dict[int, list[tuple[str, int]]] = {}
    for (core, layer), count in sorted(report.run.core_updates.items()):
        found.setdefault(core, []).append((layer, count))
    if len(found) < 2:
        return
    total = report.run.total_updates
    rows = [
        [f"{core}", units.clean(", ".join(layer for layer, _ in parts), 60), sum(n for _, n in parts) / total,
         units.count(sum(n for _, n in parts) / report.run.samples)]
        for core, parts in found.items()
    ]  # fmt: skip
    folded = f"All {len(rows)} cores" if len(rows) > CORES_LISTED else ""
    yield Section("Cores", tables=(Table(rows, ("core", "layers", "", "updates per sample"), (0, 1), folded=folded),))


def _origins(report: PlasticityReport) -> Iterator[Section]:
    values = learning_values(report)
    counted = Counter(origin.kind for _, origin in values)
    kinds = ", ".join(f"{counted[kind]} {kind}" for kind in KINDS if counted[kind])
    rows = [
        [path, units.clean(str(origin.value), 40), origin.kind, units.clean(origin.source or "", 400)]
        for path, origin in values
    ]
    table = Table(rows, ("value of the profile", "", "kind", "source"), (0, 2, 3))
    line = f"Learning rests on {len(values)} values of the profile: {kinds}."
    yield Section("Where it comes from", (line,), tables=(table,))
    yield Section("Assumed", items=tuple(units.clean(sentence, 2000) for sentence in report.assumptions))
    yield Section("Not modelled", items=NOT_MODELLED)
    chip = report.program.chip
    record = [["chip", f"{units.clean(chip.name)}; sha256 {chip.digest()}"]]
    yield Section("Record", tables=(Table(record, text_columns=(0, 1)),))
