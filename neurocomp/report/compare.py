"""Results side by side: the same network on several chips, several networks on one chip, before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from neurocomp.report import units
from neurocomp.report.saved import SavedLayer, SavedResult
from neurocomp.report.table import table

SCHEMA = "neurocomp/comparison/1"
COLUMNS = 4  # results in one table of text
WIDTH = 110
LABEL = 26

Kind = Literal["energy_pj", "time_ns", "power_mw", "per_second", "count", "share"]
_SHOW: dict[Kind, Callable[[float], str]] = {
    "energy_pj": lambda v: units.energy(v * 1e6), "time_ns": lambda v: units.time(v * 1e3),
    "power_mw": lambda v: units.power(v * 1e3), "per_second": lambda v: f"{units.rate(v)} /s",
    "count": units.count, "share": units.share,
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One figure of every result; None where it is not known. kind: quantity and unit of the values. lower_bound: by
    result, whether the true value may be larger."""

    name: str
    kind: Kind
    values: tuple[float | None, ...]
    lower_bound: tuple[bool, ...]

    def ratio(self, k: int) -> float | None:
        """Of a result to the first one; None where there is none."""
        value, first = self.values[k], self.values[0]
        return None if value is None or not first else value / first

    def shown(self, k: int) -> str:
        value = self.values[k]
        return "-" if value is None else (">= " if self.lower_bound[k] else "") + _SHOW[self.kind](value)


@dataclass(frozen=True)
class LayerRow:
    """A layer of the same name and shape in all results; energy is dynamic, per inference."""

    name: str
    shape: tuple[int, ...]
    energy: Measure
    events: Measure
    cores: Measure


@dataclass(frozen=True)
class Comparison:
    """labels: short and unique, one per result, as the first of which all others are judged. apart: sentences on what
    else is not the same. other_layers: how many layers have no counterpart in all results."""

    labels: tuple[str, ...]
    paths: tuple[str, ...]
    results: tuple[SavedResult, ...]
    measures: tuple[Measure, ...]
    layers: tuple[LayerRow, ...]
    other_layers: int
    apart: tuple[str, ...]

    def to_json(self) -> str:
        """Indented JSON text of schema ``neurocomp/comparison/1``; equal comparisons give equal bytes."""
        return json.dumps(_tree(self), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def to_text(self) -> str:
        """For people, 110 columns."""
        return "\n".join(_lines(self)) + "\n"

    def to_page(self) -> str:
        """One HTML file."""
        from neurocomp.report.page.compare import to_page

        return to_page(self)


def compare(results: Sequence[SavedResult], paths: Sequence[Path]) -> Comparison:
    """Put results side by side. paths: where each comes from."""
    layers, others = _layers(results)
    return Comparison(
        tuple(_labels(results, paths)), tuple(map(str, paths)), tuple(results), tuple(_measures(results)), layers,
        others, tuple(_apart(results)),
    )  # fmt: skip


def _labels(results: Sequence[SavedResult], paths: Sequence[Path]) -> list[str]:
    """By what differs: the chip, the network or both, else the folder."""
    networks, chips = {r.network.name for r in results}, {r.chip.name for r in results}
    folders = [(path if path.suffix != ".json" else path.absolute().parent).name or str(path) for path in paths]
    named = [f"{r.network.name} on {r.chip.name}" for r in results]
    if len(networks) == 1 and len(chips) > 1:
        named = [r.chip.name for r in results]
    elif len(chips) == 1 and len(networks) > 1:
        named = [r.network.name for r in results]
    for candidate in (named, folders, list(map(str, paths))):
        labels = [units.clean(label, LABEL) for label in candidate]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{units.clean(name, LABEL - 5)} #{k}" for k, name in enumerate(folders, 1)]


def _measures(results: Sequence[SavedResult]) -> Iterator[Measure]:
    least = tuple(r.per_inference.energy_is_lower_bound for r in results)

    def measure(name: str, kind: Kind, of: Callable[[SavedResult], float | None], bound: bool = False) -> Measure:
        return Measure(name, kind, tuple(map(of, results)), least if bound else (False,) * len(results))

    yield measure("energy", "energy_pj", lambda r: r.per_inference.energy_pj, True)
    for unit in dict.fromkeys(unit for r in results for unit in r.energy.per_inference_pj):
        yield measure(f"of which {unit}", "energy_pj", lambda r, unit=unit: r.energy.per_inference_pj.get(unit))
    yield measure("latency", "time_ns", lambda r: r.per_inference.latency_ns)
    yield measure("interval", "time_ns", lambda r: r.per_inference.interval_ns)
    yield measure("power", "power_mw", lambda r: r.per_inference.power_mw, True)
    yield measure("cores in use", "count", lambda r: r.cores.cores_used)
    yield measure("accuracy", "share", lambda r: None if r.accuracy is None else r.accuracy.on_chip)
    yield measure("synaptic events", "count", lambda r: r.traffic.run_total.synaptic_events / r.run.samples)
    yield measure("spikes", "count", lambda r: r.traffic.run_total.spikes / r.run.samples)
    yield measure("packets", "count", lambda r: r.traffic.run_total.packets_sent / r.run.samples)
    yield measure("links crossed", "count", lambda r: r.traffic.run_total.links_crossed / r.run.samples)


def _layers(results: Sequence[SavedResult]) -> tuple[tuple[LayerRow, ...], int]:
    """Layers that all results have, in the first one's order, and how many others there are."""
    by_key: list[dict[tuple[str, tuple[int, ...]], SavedLayer]] = [
        {(layer.name, layer.shape): layer for layer in r.layers} for r in results
    ]
    common = [key for key in by_key[0] if all(key in layers for layers in by_key)]
    everywhere = {key for layers in by_key for key in layers}
    exact = (False,) * len(results)
    rows = []
    for name, shape in common:
        mine = [layers[name, shape] for layers in by_key]
        rows.append(LayerRow(
            name, shape, Measure("energy", "energy_pj", tuple(m.per_inference.dynamic_energy_pj for m in mine), exact),
            Measure("events", "count", tuple(m.per_inference.synaptic_events for m in mine), exact),
            Measure("cores", "count", tuple(float(m.cores) for m in mine), exact),
        ))  # fmt: skip
    return tuple(rows), len(everywhere) - len(common)


def _apart(results: Sequence[SavedResult]) -> Iterator[str]:
    """What a reader of ratios has to know."""
    first = results[0]
    if len({r.network.sha256 for r in results}) > 1 and len({r.network.name for r in results}) == 1:
        yield "The networks have one name, but are not the same network."
    runs = {(r.run.samples, r.run.steps, r.run.encoding) for r in results}
    if len(runs) > 1:
        texts = sorted({f"{s:,} samples x {t:,} steps{f' ({units.clean(e)})' if e else ''}" for s, t, e in runs})
        yield f"The inputs are not the same: {'; '.join(texts)}."
    if len({r.run.fidelity for r in results}) > 1:
        used = sorted({units.clean(r.run.fidelity) for r in results})
        yield f"The network on chip is modelled at different fidelities: {', '.join(used)}."
    if len({r.neurocomp_version for r in results}) > 1:
        used = sorted({units.clean(r.neurocomp_version) for r in results})
        yield f"Written by different versions of neurocomp: {', '.join(used)}."
    if any(r.chip.name == first.chip.name and r.chip.sha256 != first.chip.sha256 for r in results):
        yield f"The profile of {units.clean(first.chip.name)} is not the same in all of them."
    if any(r.per_inference.energy_is_lower_bound for r in results):
        yield "Energies marked >= are lower bounds, as some costs are not known; ratios are of what is known."


def _tree(comparison: Comparison) -> dict[str, Any]:
    def values(measure: Measure) -> dict[str, Any]:
        ratios = [measure.ratio(k) for k in range(len(measure.values))]
        return {"unit": measure.kind, "values": list(measure.values), "ratios": ratios}

    rows = zip(comparison.labels, comparison.paths, comparison.results, strict=True)
    return {
        "schema": SCHEMA,
        "results": [
            {"label": label, "path": path, "neurocomp_version": r.neurocomp_version, "network": r.network.model_dump(),
             "chip": r.chip.model_dump(), "run": r.run.model_dump()}
            for label, path, r in rows
        ],
        "per_inference": {measure.name: values(measure) for measure in comparison.measures},
        "energy_is_lower_bound": [r.per_inference.energy_is_lower_bound for r in comparison.results],
        "layers": [
            {"name": row.name, "shape": list(row.shape), "dynamic_energy": values(row.energy),
             "synaptic_events": values(row.events), "cores": values(row.cores)}
            for row in comparison.layers
        ],
        "layers_without_counterpart": comparison.other_layers,
        "apart": list(comparison.apart),
    }  # fmt: skip


def _lines(comparison: Comparison) -> Iterator[str]:
    rows = [["", "network", "chip", "samples x steps", "from"]]
    rows += [
        [label, units.clean(r.network.name, 24), units.clean(r.chip.name, 20), f"{r.run.samples:,} x {r.run.steps:,}",
         units.clean(path, 40)]
        for label, path, r in zip(comparison.labels, comparison.paths, comparison.results, strict=True)
    ]  # fmt: skip
    yield from table(rows, "lllll", header=True)
    for sentence in comparison.apart:
        yield fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
    for shown in groups(len(comparison.labels)):
        yield ""
        yield "Per inference, and as a multiple of the first" if len(shown) > 1 else "Per inference"
        yield from table(side_by_side(comparison, shown, comparison.measures), _align(shown), header=True)
        if comparison.layers and len(comparison.labels) > 1:
            yield ""
            yield "Dynamic energy by layer"
            yield from table(by_layer(comparison, shown), _align(shown), header=True)
    if comparison.other_layers:
        yield f"  {comparison.other_layers:,} other layers have no counterpart of their name and shape in all results"


def groups(results: int) -> list[list[int]]:
    """Results in one table each: the first stands in all of them."""
    others = list(range(1, results))
    parts = [others[at : at + COLUMNS - 1] for at in range(0, len(others), COLUMNS - 1)]
    return [[0, *part] for part in parts] or [[0]]


def _align(shown: Sequence[int]) -> str:
    return "lr" + "rr" * (len(shown) - 1)


def side_by_side(comparison: Comparison, shown: Sequence[int], measures: Sequence[Measure]) -> list[list[str]]:
    """Head and one row per measure: the first result's value, then value and ratio of each other."""
    return [_head(comparison, shown), *(_row(measure.name, measure, shown) for measure in measures)]


def by_layer(comparison: Comparison, shown: Sequence[int]) -> list[list[str]]:
    """The same for the dynamic energy of each layer that all results have."""
    return [_head(comparison, shown), *(_row(row.name, row.energy, shown) for row in comparison.layers)]


def _head(comparison: Comparison, shown: Sequence[int]) -> list[str]:
    head = ["", comparison.labels[shown[0]]]
    for k in shown[1:]:
        head += [comparison.labels[k], ""]
    return head


def _row(name: str, measure: Measure, shown: Sequence[int]) -> list[str]:
    cells = [units.clean(name, 28), measure.shown(shown[0])]
    for k in shown[1:]:
        cells += [measure.shown(k), multiple(measure.ratio(k))]
    return cells


def multiple(ratio: float | None) -> str:
    """``x 0.53``; empty for None."""
    if ratio is None:
        return ""
    return f"x {ratio:,.0f}" if ratio >= 100 else f"x {ratio:.3g}"
