"""A result in a notebook: the answer and the layers as tables; all text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from neurocomp.report import units
from neurocomp.report.model import Result
from neurocomp.report.training import TrainingReport
from neurocomp.simulate.training_setup import STAGES


def to_html(result: Result) -> str:
    """Two tables; the full report is ``result.to_text()``."""
    samples, energy = result.run.samples, result.energy
    least = ">= " if energy.is_lower_bound else ""
    answer = [
        ("cores", f"{result.fit.cores_used:,} of {result.fit.cores_available:,}"),
        ("energy per inference", least + units.energy(energy.total_aj / samples)),
        *(
            (f"of which {unit}", "unknown" if unit in energy.unknown_units else units.energy(part / samples))
            for unit, part in energy.by_unit.items()
        ),
        ("latency", (">= " if energy.host_works else "") + units.time(result.timing.latency_total_ps / samples)),
        ("power", least + units.power(energy.total_aj / result.timing.total_ps)),
    ]
    layers = [
        (layer.name, units.shape(layer.shape), f"{layer.cores:,}", units.count(layer.spikes / samples),
         units.share(layer.sparsity), units.energy(layer.energy_aj / samples))
        for layer in result.layers
    ]  # fmt: skip
    title = f"<b>{escape(units.clean(result.network.name))} on {escape(units.clean(result.chip.title))}</b>"
    notes = "".join(f"<p>warning: {escape(warning)}</p>" for warning in result.warnings)
    heads = ("layer", "shape", "cores", "spikes per inference", "sparsity", "energy per inference")
    return title + notes + _table((), answer) + _table(heads, layers)


def training_html(report: TrainingReport) -> str:
    """The same for a training iteration."""
    run, energy = report.run, report.energy
    least = ">= " if report.lower_bound else ""
    answer = [
        ("time of an iteration", units.time(run.iteration_ps)),
        ("energy of an iteration", least + units.energy(energy.total_aj)),
        ("DRAM traffic", units.memory(run.dram_bits / 8)),
        ("samples x steps", f"{run.setup.samples:,} x {run.setup.steps:,}"),
    ]
    layers = [
        (layer.name, f"{len(layer.cores):,}", *(units.energy(layer.energy_pj.get(p, 0) * 1e6) for p in STAGES),
         units.memory(sum(layer.dram_bytes.values())), layer.bound)
        for layer in report.layers
    ]  # fmt: skip
    title = f"<b>Training on {escape(units.clean(run.chip.title, 120))}</b>"
    return title + _table((), answer) + _table(("layer", "cores", *STAGES, "DRAM", "bound by"), layers)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(units.clean(c))}</td>" for c in row) + "</tr>" for row in rows)
    return "<table>" + (f"<thead><tr>{head}</tr></thead>" if head else "") + f"<tbody>{body}</tbody></table>"
