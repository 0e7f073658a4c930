"""The report for people: the answer first, then where it comes from. Plain ASCII, aligned, 110 columns.

Names of layers, networks and chips come from files and are cleaned before they are printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import fill

from neurocomp.chip.provenance import KINDS
from neurocomp.report import units
from neurocomp.report.mapping import mapping_lines
from neurocomp.report.model import LayerFacts, Result, ValueUse
from neurocomp.report.neurobench import neurobench_cells
from neurocomp.report.routing import routing_text
from neurocomp.report.signals import signal_lines
from neurocomp.report.table import table
from neurocomp.report.traffic import traffic_sentence

WIDTH = 110


def to_text(result: Result) -> str:
    """The whole report; ends with a newline."""
    sections = [
        [*_head(result), *_warnings(result)],
        _answer(result),
        _energy(result),
        _time(result),
        _routing(result),
        _cores(result),
        mapping_lines(result),
        _layers(result),
        [*signal_lines(result.signals, result.run.samples)],
        _neurobench(result),
        _origins(result),
        _sentences("Assumed", result.assumptions),
        _sentences("The chip differs from the network as trained", result.mismatches),
        _sentences("Not modelled", result.not_modelled),
        _record(result),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, sections) if lines) + "\n"


def _head(result: Result) -> Iterator[str]:
    run, fit = result.run, result.fit
    yield f"{units.clean(result.network.name)} on {units.clean(result.chip.title)}"
    coding = f", {run.encoding} coding" if run.encoding not in (None, "temporal") else ""
    yield f"{units.many(run.samples, 'sample')} of {units.many(run.steps, 'time step')}{coding}"
    limit = fit.fullest
    chips = "" if fit.chips == (1, 1) else f" on {fit.chips[0]} x {fit.chips[1]} chips"
    yield (
        f"fits: {fit.cores_used:,} of {units.many(fit.cores_available, 'core')}{chips}, {fit.neurons:,} neurons; "
        f"core {limit.fullest_core} is the fullest, with {units.share(limit.share)} of its {limit.name}"
    )


def _warnings(result: Result) -> Iterator[str]:
    for warning in result.warnings:
        yield _wrapped(warning, "warning: ")
    if result.mismatches:
        respects = units.many(len(result.mismatches), "respect")
        yield _wrapped(f"the chip differs from the network as trained in {respects}; see below", "warning: ")


def _answer(result: Result) -> Iterator[str]:
    timing, samples = result.timing, result.run.samples
    least = ">= " if result.energy.is_lower_bound else ""
    slower, faster = (">= ", "<= ") if result.energy.host_works else ("", "")
    dynamic = result.energy.total_aj - result.energy.by_unit["static"]
    yield "Per inference"
    events = result.traffic.synaptic_events
    rows = [
        ["energy", least + units.energy(result.energy.total_aj / samples),
         f"of which {units.energy(dynamic / samples)} dynamic"],
        ["power", least + units.power(result.energy.total_aj / timing.total_ps),
         f"of which {units.power(dynamic / timing.total_ps)} dynamic"],
        ["latency", slower + units.time(timing.latency_total_ps / samples), _latency(result)],
        ["throughput", f"{faster}{units.rate(samples * 1e12 / timing.streaming_ps)} /s",
         f"one inference every {units.time(timing.streaming_ps / samples)}, samples back to back"],
        *_accuracy(result),
    ]  # fmt: skip
    if events:
        rows.append(
            [
                "per event",
                least + units.energy(result.energy.total_aj / events),
                f"energy / synaptic event, of which {units.energy(dynamic / events)} dynamic",
            ]
        )
    yield from table(rows, "lrl")


def _latency(result: Result) -> str:
    timing, run = result.timing, result.run
    fill_steps = timing.steps_per_inference - run.steps
    text = f"{units.many(timing.steps_per_inference, 'chip step')}"
    text += f" ({run.steps} + {fill_steps} to pass through the layers)" if fill_steps else ""
    if timing.latency_min_ps != timing.latency_max_ps:
        text += f"; {units.time(timing.latency_min_ps)} to {units.time(timing.latency_max_ps)}"
    return text


def _accuracy(result: Result) -> Iterator[list[str]]:
    accuracy = result.accuracy
    if accuracy is None:
        return
    samples = accuracy.samples
    if accuracy.correct_on_chip is not None:
        beside = f"{accuracy.correct_on_chip:,} of {samples:,} samples on the chip"
        if accuracy.correct_in_float is not None:
            beside += f"; {units.share(accuracy.correct_in_float / samples)} in float ({accuracy.correct_in_float:,})"
        yield ["accuracy", units.share(accuracy.correct_on_chip / samples), beside]
    if accuracy.agreeing is not None:
        yield ["agreement", units.share(accuracy.agreeing / samples), "of predictions are the float network's"]
    if accuracy.tied:
        yield ["ties", units.share(accuracy.tied / samples), units.ties(accuracy.tied, samples)]
    if accuracy.spike_sites and accuracy.differing is not None:
        beside = f"of {accuracy.spike_sites:,} sites (neuron x step x sample) are unlike the float network's"
        yield ["spikes", units.share(accuracy.differing / accuracy.spike_sites), beside]


def _energy(result: Result) -> Iterator[str]:
    energy, samples = result.energy, result.run.samples
    yield "Energy per inference by unit"
    rows = [
        [unit, units.energy(part / samples), units.share(part / energy.total_aj) if energy.total_aj else "",
         _remark(result, unit)] if unit not in energy.unknown_units else [unit, "unknown", "", "and not in the total"]
        for unit, part in energy.by_unit.items()
    ]  # fmt: skip
    yield from table([*rows, ["total", units.energy(energy.total_aj / samples), "", ""]], "lrrl")
    if energy.total_aj:
        yield ""
        yield _wrapped(_rests_on(result), "  ")


def _remark(result: Result, unit: str) -> str:
    energy, samples = result.energy, result.run.samples
    if unit == "routing" and energy.chip_wide_aj:
        return f"of which {units.energy(energy.chip_wide_aj / samples)} for barriers"
    if unit == "memory" and not energy.memory_apart:
        return "this profile counts it in synapse and neuron"
    if unit == "static":
        parts = [f"{part} {units.energy(value / samples)}" for part, value in energy.static.items() if value]
        split = f" ({', '.join(parts)})" if len(parts) > 1 else ""
        used = f"{result.fit.cores_used:,} of {result.fit.cores_available:,}"
        whole = "of the whole chip" if result.fit.chips == (1, 1) else "of all chips"
        return f"{whole}, with {used} cores in use{split}"
    return ""


def _rests_on(result: Result) -> str:
    """How good the energy figure is: how many values of each kind, and how much of the energy is theirs."""
    energy = result.energy
    used = Counter(value.kind for value in result.values if value.use == "energy")
    parts = [
        f"{units.share(energy.by_kind.get(kind, 0) / energy.total_aj)} from {units.many(used[kind], f'{kind} value')}"
        for kind in KINDS if used[kind]
    ]  # fmt: skip
    text = f"This energy rests on the profile: {', '.join(parts)}."
    dynamic = sum(energy.dynamic_by_kind.values())
    if dynamic and len(parts) > 1:
        shares = [f"{units.share(part / dynamic)} {kind}" for kind, part in energy.dynamic_by_kind.items()]
        text += f" Of its dynamic part: {', '.join(shares)}."
    return text


def _time(result: Result) -> Iterator[str]:
    timing = result.timing
    yield "Time"
    step = timing.total_ps / timing.chip_steps
    yield (
        f"  a chip step takes {units.time(step)} on average, {units.time(timing.step_min_ps)} to "
        f"{units.time(timing.step_max_ps)}; {units.many(timing.chip_steps, 'chip step')} in all"
    )
    steps = result.run.samples * result.run.steps
    if steps != timing.chip_steps:
        more = f"{timing.chip_steps - steps:,} of the chip steps empty the pipeline"
        yield f"  the run takes {units.time(timing.total_ps / steps)} per time step of the network; {more}"
    rows = [["what the chip waits for", "share of time", "longest in"]]
    rows += [
        [b.part, units.share(b.time_ps / timing.total_ps), f"{units.share(b.steps / timing.chip_steps)} of steps"]
        for b in timing.bounds
    ]
    yield from table(rows, "lrr", header=True)
    most = timing.busiest_core_ps / timing.total_ps
    mean = timing.all_cores_ps / result.fit.cores_used / timing.total_ps
    yield (
        f"  core {timing.busiest_core} is the busiest: it works {units.share(most)} of the time "
        f"(mean of the cores in use: {units.share(mean)})"
    )
    used = Counter(value.kind for value in result.values if value.use == "time")
    kinds = ", ".join(units.many(used[kind], f"{kind} value") for kind in KINDS if used[kind])
    yield _wrapped(f"This time rests on {kinds}; routing is modelled at {result.run.fidelity} fidelity.", "  ")


def _routing(result: Result) -> Iterator[str]:
    yield f"Network on chip, {result.routing.fidelity} fidelity"
    yield from routing_text(result.routing, result.run.samples)


def _cores(result: Result) -> Iterator[str]:
    yield "Cores"
    rows = [["limit of a core", "capacity", "fullest core", "", "all cores"]]
    for limit in result.fit.limits:
        show = units.memory if limit.unit == "bytes" else units.count
        rows.append([limit.name, show(limit.capacity_per_core), show(limit.most), units.share(limit.share),
                     show(limit.total)])  # fmt: skip
    yield from table(rows, "lrrrr", header=True)
    yield ""
    rows = [["memory by content", "largest in a core", "all cores"]]
    rows += [
        [content.name.replace("_", " "), units.memory(content.most_bytes), units.memory(content.total_bytes)]
        for content in result.fit.contents
    ]
    yield from table(rows, "lrr", header=True)
    yield f"  weights are stored with {result.fit.weight_bits} bits"


def _layers(result: Result) -> Iterator[str]:
    samples = result.run.samples
    yield "Layers, per inference"
    header = ["layer", "shape", "cores", "spikes", "sparsity", "synops", "", "of dense", "events", "updates", "energy"]
    rows = [header, *(_layer_row(layer, samples) for layer in result.layers)]
    energy = result.energy
    if energy.chip_wide_aj:
        rows.append(["(barrier)", *[""] * 9, units.energy(energy.chip_wide_aj / samples)])
    rows.append(["(static)", *[""] * 9, units.energy(energy.by_unit["static"] / samples)])
    traffic = result.traffic
    rows.append(["total", "", f"{result.fit.cores_used:,}", units.count(traffic.spikes / samples), "",
                 units.count(_operations(result.layers) / samples), "", "",
                 units.count(traffic.synaptic_events / samples), units.count(traffic.neuron_updates / samples),
                 units.energy(energy.total_aj / samples)])  # fmt: skip
    yield from table(rows, "llrrrrlrrrr", header=True)
    yield _wrapped(
        "spikes: outputs that are not zero (the total is of neurons on the cores). synops: effective synaptic "
        "operations, nonzero inputs x nonzero weights (NeuroBench); of dense: their share of all inputs x all "
        "weights. events: weights that the chip added, zeros and pooling included. updates: neurons whose state was "
        "not at rest.",
        "  ",
    )
    yield _wrapped(traffic_sentence(traffic, samples, result.fit.chips), "  ")
    if result.signals.integer_operations:
        whole = units.count(result.signals.integer_operations / samples)
        yield f"  {whole} of the synops that count as MACs have a whole number as input"


def _layer_row(layer: LayerFacts, samples: int) -> list[str]:
    operations = layer.effective_acs + layer.effective_macs
    dense = layer.dense_operations
    return [
        units.clean(layer.name, 24),
        units.shape(layer.shape),
        f"{layer.cores:,}" if layer.cores else layer.role,
        units.count(layer.spikes / samples) if layer.role != "readout" else "-",
        units.share(layer.sparsity) if layer.role != "readout" else "-",
        units.count(operations / samples) if dense else "-",
        _operation_kind(layer) if dense else "",
        units.share(operations / dense) if dense else "",
        units.count(layer.synaptic_events / samples) if layer.cores else "-",
        units.count(layer.neuron_updates / samples) if layer.cores else "-",
        units.energy(layer.energy_aj / samples),
    ]


def _operation_kind(layer: LayerFacts) -> str:
    if layer.effective_acs and layer.effective_macs:
        return "AC+MAC"
    return "MAC" if layer.effective_macs else "AC" if layer.effective_acs else ""


def _operations(layers: Sequence[LayerFacts]) -> int:
    return sum(layer.effective_acs + layer.effective_macs for layer in layers)


def _neurobench(result: Result) -> Iterator[str]:
    samples = result.run.samples
    columns = {"as mapped": result.neurobench}
    if result.neurobench_trained is not None:
        columns = {"as trained": result.neurobench_trained, **columns}
    yield "NeuroBench figures (v2.3 definitions; per sample where they count operations)"
    rows = [["", *columns]]
    cells = [neurobench_cells(facts, samples) for facts in columns.values()]
    rows += [[name, *(column[name] for column in cells)] for name in cells[0]]
    yield from table(rows, "l" + "r" * len(columns), header=True)


def _origins(result: Result) -> Iterator[str]:
    yield "Where the figures come from (result.json also lists the capacities and number formats in use)"
    labels = _labels(result)
    for use in ("energy", "time"):
        rows = [[f"values for {use}", "", "kind", "source"]]
        rows += [_origin_row(value, labels) for value in result.values if value.use == use]
        yield from table(rows, "lrll", header=True)
        yield ""
    for source, label in labels.items():
        yield _wrapped(units.clean(source, 400), f"  [{label}] ")


def _labels(result: Result) -> dict[str, str]:
    """A short label for every source: its name in the profile, on which the profile's notes rely, or a number."""
    sources = {v.source: v.source_key for v in result.values if v.source and v.use in ("energy", "time")}
    return {source: units.clean(key, 20) or str(k) for k, (source, key) in enumerate(sources.items(), 1)}


def _origin_row(value: ValueUse, labels: dict[str, str]) -> list[str]:
    shown = f"{value.value:g}" if isinstance(value.value, float) else units.clean(str(value.value), 20)
    origin = f"[{labels[value.source]}] " if value.source else ""
    origin += units.clean(value.note, 44 - len(origin))
    return [units.clean(value.path, 48), shown, value.kind, origin.strip()]


def _sentences(title: str, sentences: Sequence[str]) -> list[str]:
    return [title, *(_wrapped(units.clean(text, 2000), "  - ") for text in sentences)] if sentences else []


def _record(result: Result) -> Iterator[str]:
    network = result.network
    seed = "" if result.run.seed is None else f"; seed {result.run.seed}"
    yield "Record"
    rows = [
        ["neurocomp", result.version],
        [
            "network",
            f"{units.clean(network.origin)}; {network.neurons:,} neurons, {network.weights:,} weights, "
            f"{network.synapses:,} synapses; sha256 {network.sha256[:16]}",
        ],
        ["chip", f"{units.clean(result.chip.name)}; sha256 {result.chip.sha256[:16]}"],
        ["activity", f"sha256 {result.run.trace_sha256[:16]}{seed}"],
    ]
    yield from table(rows, "ll")


def _wrapped(text: str, lead: str) -> str:
    return fill(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
