"""The page of a compiled or simulated network: the answer, what bounds it, where energy goes, where it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from neurocomp.chip.provenance import KINDS
from neurocomp.report import units
from neurocomp.report.advice import advice
from neurocomp.report.model import LayerFacts, Result
from neurocomp.report.neurobench import neurobench_cells
from neurocomp.report.page.chip import chip_map, mapping, over_time
from neurocomp.report.page.content import Card, Figure, Page, Section, Table, render
from neurocomp.report.page.figures import energy_scale, kept_and_rest, stacked_bars
from neurocomp.report.signals import HOST_HEADS, host_row, product_row

LAYERS_LISTED = 80  # longer tables are folded


def to_page(result: Result) -> str:
    """The whole page as HTML text."""
    run = result.run
    coding = f", {run.encoding} coding" if run.encoding not in (None, "temporal") else ""
    size = f"{units.many(run.samples, 'sample')} of {units.many(run.steps, 'time step')}"
    subtitle = f"{size}{coding}; neurocomp {result.version}"
    title = f"{units.clean(result.network.name)} on {units.clean(result.chip.title, 120)}"
    mismatches = len(result.mismatches)
    warnings = [units.clean(warning, 2000) for warning in result.warnings]
    if mismatches:
        respects = "1 respect" if mismatches == 1 else f"{mismatches} respects"
        warnings.append(f"the chip differs from the network as trained in {respects}; see below")
    sections = (
        _bounds(result), _energy(result), _layers(result), *_signals(result), chip_map(result), over_time(result),
        _memory(result),
        *mapping(result), _neurobench(result), *_origins(result),
    )  # fmt: skip
    return render(Page(title, subtitle, tuple(warnings), tuple(_cards(result)), sections))


def _cards(result: Result) -> Iterator[Card]:
    timing, energy, samples, fit = result.timing, result.energy, result.run.samples, result.fit
    least = "≥ " if energy.is_lower_bound else ""
    dynamic = energy.total_aj - energy.by_unit["static"]
    yield Card("Energy per inference", least + units.energy(energy.total_aj / samples), (
        _dynamic(result, units.energy(dynamic / samples)), _kinds(result, "energy"),
        *(["a lower bound: some costs are not known"] if energy.is_lower_bound else []),
    ))  # fmt: skip
    slower, no_host = ("≥ ", ["without the host's time, which is not known"]) if energy.host_works else ("", [])
    yield Card("Latency", slower + units.time(timing.latency_total_ps / samples), (
        *_range(timing.latency_min_ps, timing.latency_max_ps),
        f"one inference every {units.time(timing.streaming_ps / samples)}", _kinds(result, "time"), *no_host,
    ))  # fmt: skip
    yield Card("Power", least + units.power(energy.total_aj / timing.total_ps), (
        _dynamic(result, units.power(dynamic / timing.total_ps)), "mean over the run",
    ))  # fmt: skip
    fullest = fit.fullest
    yield Card("Fit", "1 core" if fit.cores_used == 1 else f"{fit.cores_used:,} cores", (
        f"of {fit.cores_available:,}; {fit.neurons:,} neurons, weights of {fit.weight_bits} bits",
        f"core {fullest.fullest_core} is the fullest: {units.share(fullest.share)} of its {fullest.name}",
    ))  # fmt: skip
    accuracy = result.accuracy
    if accuracy is not None and accuracy.correct_on_chip is not None:
        beside = [f"{accuracy.correct_on_chip:,} of {accuracy.samples:,} samples"]
        if accuracy.correct_in_float is not None:
            beside.append(f"{units.share(accuracy.correct_in_float / accuracy.samples)} in float")
        if accuracy.tied:
            beside.append(units.ties(accuracy.tied, accuracy.samples))
        yield Card("Accuracy on the chip", units.share(accuracy.correct_on_chip / accuracy.samples), tuple(beside))


def _dynamic(result: Result, amount: str) -> str:
    """Beside the total; "0" would claim that what has no known cost takes nothing."""
    return "the dynamic part is not known" if amount == "0" and result.energy.is_lower_bound else f"{amount} dynamic"


def _range(least_ps: float, most_ps: float) -> list[str]:
    """From, to; nothing where both read the same."""
    least, most = units.time(least_ps), units.time(most_ps)
    return [] if least == most else [f"{least} to {most}"]


def _kinds(result: Result, use: str) -> str:
    used = Counter(value.kind for value in result.values if value.use == use)
    return (
        "rests on " + ", ".join(f"{used[kind]} {kind}" for kind in KINDS if used[kind]) if used else "rests on no value"
    )


def _bounds(result: Result) -> Section:
    timing = result.timing
    rows = [
        [bound.part, units.time(bound.time_ps / result.run.samples), bound.time_ps / timing.total_ps,
         units.share(bound.time_ps / timing.total_ps), units.share(bound.steps / timing.chip_steps)]
        for bound in timing.bounds
    ]  # fmt: skip
    step = timing.total_ps / timing.chip_steps
    spread = "".join(f" on average, {ends}" for ends in _range(timing.step_min_ps, timing.step_max_ps))
    steps, pipeline = result.run.samples * result.run.steps, ""
    if steps != timing.chip_steps:
        pipeline = (
            f" The run takes {units.time(timing.total_ps / steps)} per time step of the network: "
            f"{timing.chip_steps - steps:,} of its {timing.chip_steps:,} chip steps empty the pipeline."
        )
    lines = (
        f"A chip step takes {units.time(step)}{spread}.{pipeline} Core {timing.busiest_core} is the busiest: it works "
        f"{units.share(timing.busiest_core_ps / timing.total_ps)} of the time.",
        *(f"{point.what}: {point.gain}." for point in advice(result)[:1]),
    )
    heads = ("the chip waits for", "per inference", "", "share of time", "longest in steps")
    others = tuple(f"{point.what}: {point.gain}." for point in advice(result)[1:])
    return Section("What bounds it", lines, tables=(Table(rows, heads),), items=others)


def _energy(result: Result) -> Section:
    samples, energy = result.run.samples, result.energy
    names, parts = kept_and_rest(
        [units.label(layer.name) for layer in result.layers], [layer.energy for layer in result.layers]
    )
    total = energy.total_aj or 1
    rows = [
        [unit, units.energy(part / samples), part / total, units.share(part / total)]
        if unit not in energy.unknown_units
        else [unit, "unknown", "", ""]
        for unit, part in energy.by_unit.items()
    ]
    rows.append(["total", units.energy(energy.total_aj / samples), "", ""])
    figures = ()
    if any(any(values) for values in parts.values()):
        scale, unit = energy_scale(max(map(sum, zip(*parts.values(), strict=True))) / samples)
        scaled = {name: [v / samples / scale for v in values] for name, values in parts.items() if any(values)}
        svg = stacked_bars(names, scaled, f"dynamic energy per inference ({unit})")
        figures = (Figure(svg, "Dynamic energy by layer and unit. Barriers and static power belong to no layer."),)
    return Section(
        "Energy", figures=figures, tables=(Table(rows, ("unit", "per inference", "", "share"), summed=True),)
    )


def _layers(result: Result) -> Section:
    samples = result.run.samples
    most = max((layer.effective_acs + layer.effective_macs for layer in result.layers), default=0) or 1
    rows = [_layer_row(layer, samples, most) for layer in result.layers]
    heads = ("layer", "shape", "cores", "sparsity", "Effective_ACs", "Effective_MACs", "", "Dense", "events", "energy")
    note = (
        "Per inference. Effective_ACs, Effective_MACs and Dense: synaptic operations as NeuroBench defines them; "
        "events: weights that the chip added, zeros and pooling included."
    )
    folded = f"All {len(rows)} layers" if len(rows) > LAYERS_LISTED else ""
    return Section("Sparsity and synaptic operations", (note,), tables=(Table(rows, heads, (0, 1), folded=folded),))


def _signals(result: Result) -> Iterator[Section]:
    """Products of two signals and what the host computes, where there are any."""
    facts, samples = result.signals, result.run.samples
    if facts.products:
        heads = ("product", "formed in", "sizes", "operands", "operations", "", "of dense")
        rows: list[list[str | float]] = [[*product_row(each, samples)] for each in facts.products]
        note = (
            "Per inference. Sizes: batch x rows x inner x columns. Operations: terms of which neither operand is zero; "
            "NeuroBench does not count them."
        )
        yield Section("Products of two signals", (note,), tables=(Table(rows, heads, (0, 1, 2, 3, 5)),))
    if facts.host:
        rows = [[*host_row(each, samples)] for each in facts.host]
        note = (
            "Per inference. Functions without an event-driven form; values cross through the input port. Waits: steps "
            "until the host has all that the first result needs; all behind it is later by these."
        )
        yield Section("On the host", (note,), tables=(Table(rows, HOST_HEADS, (0, 1)),))


def _layer_row(layer: LayerFacts, samples: int, most: int) -> list[str | float]:
    spikes = layer.role != "readout"
    operations = layer.effective_acs + layer.effective_macs
    return [
        units.label(layer.name, 30), units.shape(layer.shape), f"{layer.cores:,}" if layer.cores else layer.role,
        units.share(layer.sparsity) if spikes else "-", units.large(layer.effective_acs / samples),
        units.large(layer.effective_macs / samples), operations / most, units.large(layer.dense_operations / samples),
        units.large(layer.synaptic_events / samples), units.energy(layer.energy_aj / samples),
    ]  # fmt: skip


def _memory(result: Result) -> Section:
    fit = result.fit
    rows = []
    for limit in fit.limits:
        show = units.memory if limit.unit == "bytes" else units.count
        rows.append([limit.name, show(limit.capacity_per_core), show(limit.most), limit.share, units.share(limit.share),
                     show(limit.total)])  # fmt: skip
    contents = [
        [c.name.replace("_", " "), units.memory(c.most_bytes), units.memory(c.total_bytes)] for c in fit.contents
    ]
    return Section("Cores and memory", tables=(
        Table(rows, ("limit of a core", "capacity", "fullest core", "", "in use", "all cores")),
        Table(contents, ("memory by content", "largest in a core", "all cores")),
    ))  # fmt: skip


def _neurobench(result: Result) -> Section:
    columns = {"as mapped": result.neurobench}
    if result.neurobench_trained is not None:
        columns = {"as trained": result.neurobench_trained, **columns}
    cells = [neurobench_cells(facts, result.run.samples) for facts in columns.values()]
    rows = [[name, *(column[name] for column in cells)] for name in cells[0]]
    note = "Definitions of NeuroBench 2.3 (Yik et al., Nature Communications 16:1545, 2025); operations per sample."
    return Section("NeuroBench", (note,), tables=(Table(rows, ("", *columns)),))


def _origins(result: Result) -> Iterator[Section]:
    rows = [
        [v.use, v.path, f"{v.value:g}" if isinstance(v.value, float) else units.clean(str(v.value), 40), v.kind,
         units.clean(v.source, 400), units.clean(v.note, 400)]
        for v in result.values
    ]  # fmt: skip
    heads = ("use", "value of the profile", "", "kind", "source", "note")
    table = Table(
        rows, heads, (0, 1, 3, 4, 5), folded=f"All {len(rows)} values of the profile that this answer rests on"
    )
    yield Section("Where it comes from", tables=(table,))
    for title, sentences in (
        ("Assumed", result.assumptions), ("The chip differs from the network as trained", result.mismatches),
        ("Not modelled", result.not_modelled),
    ):  # fmt: skip
        if sentences:
            yield Section(title, items=tuple(units.clean(sentence, 2000) for sentence in sentences))
    network, run = result.network, result.run
    record = [
        ["network", f"{units.clean(network.origin)}; {network.neurons:,} neurons, {network.weights:,} weights, "
                    f"{network.synapses:,} synapses; sha256 {network.sha256}"],
        ["chip", f"{units.clean(result.chip.name)}; sha256 {result.chip.sha256}"],
        ["activity", f"sha256 {run.trace_sha256}" + ("" if run.seed is None else f"; seed {run.seed}")],
        ["network on chip", f"modelled at {run.fidelity} fidelity"],
    ]  # fmt: skip
    yield Section("Record", tables=(Table(record, text_columns=(0, 1)),))
