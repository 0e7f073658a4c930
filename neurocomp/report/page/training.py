"""The page of a training iteration: its cost by phase, unit, layer and tensor, what bounds it, and GPUs beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from neurocomp.chip.provenance import KINDS
from neurocomp.energy.training import tera_operations_per_joule
from neurocomp.report import units
from neurocomp.report.page.content import Card, Figure, Page, Section, Table, render
from neurocomp.report.page.figures import energy_scale, kept_and_rest, stacked_bars
from neurocomp.report.training import HEADLINE, NOT_MODELLED, TrainingReport, profile_values
from neurocomp.simulate.engines.fragment import PHASES
from neurocomp.simulate.training_setup import STAGES
from neurocomp.version import VERSION

CORES_LISTED = 40


def to_page(report: TrainingReport) -> str:
    """The whole page as HTML text."""
    run, setup = report.run, report.run.setup
    title = f"Training on {units.clean(run.chip.title, 120)}"
    subject = f"{units.clean(report.network)}, one" if report.network else "One"
    subtitle = (
        f"{subject} iteration: {setup.samples:,} samples x {setup.steps:,} steps, {setup.optimizer}, {len(run.layers)} "
        f"layers; neurocomp {VERSION}"
    )
    sections = (
        _bounds(report), _energy(report), _layers(report), _dram(report), *_cores(report), _efficiency(report),
        *_gpus(report), *_federated(report), *_origins(report),
    )  # fmt: skip
    return render(Page(title, subtitle, (), tuple(_cards(report)), sections))


def _cards(report: TrainingReport) -> Iterator[Card]:
    run, energy = report.run, report.energy
    n = report.iterations
    epochs = ("", "", "")
    if n is not None:
        epochs = (
            f"{units.time(n * run.iteration_ps)} for an epoch of {n:,} iterations", units.energy(n * energy.total_aj),
            units.memory(n * run.dram_bits / 8),
        )  # fmt: skip
    least = "≥ " if report.lower_bound else ""
    yield _card("Time of an iteration", units.time(run.iteration_ps), epochs[0])
    yield _card(
        "Energy of an iteration", least + units.energy(energy.total_aj),
        f"{units.energy(energy.without('dram'))} in the cores", epochs[1] and f"{least}{epochs[1]} for an epoch",
        "a lower bound: some costs are not known" if report.lower_bound else "",
    )  # fmt: skip
    yield _card(
        "DRAM traffic", units.memory(run.dram_bits / 8), "read and written",
        f"{units.memory(run.dram_bits_held / 8)} held at most", epochs[2] and f"{epochs[2]} in an epoch",
    )  # fmt: skip
    used = run.utilisation()
    yield _card(
        "Engines in use", units.share(max(used.values())),
        *(f"{phase} {units.share(share)}" for phase, share in used.items()), "multiply-accumulates over the iteration",
    )  # fmt: skip


def _card(name: str, value: str, *lines: str) -> Card:
    return Card(name, value, tuple(filter(None, lines)))


def _bounds(report: TrainingReport) -> Section:
    run = report.run
    alone = {"engines": run.engines_ps, "DRAM": run.dram_ps, "network on chip": run.noc_ps, "optimizer": run.update_ps}
    total = run.iteration_ps
    rows = [[name, units.time(ps), min(1.0, ps / total), units.share(ps / total)] for name, ps in alone.items()]
    counted = Counter(layer.bound for layer in report.layers)
    named = ", ".join(f"{bound} ({count:,})" for bound, count in counted.most_common())
    line = f"The iteration takes {units.time(total)}. What takes longest of a layer's work, by layers: {named}."
    return Section(
        "What bounds it", (line,), tables=(Table(rows, ("alone it would take", "", "", "of the iteration")),)
    )


def _energy(report: TrainingReport) -> Section:
    energy, total = report.energy, report.energy.total_aj or 1
    spent = energy.by("phase", "unit")
    found = list(dict.fromkeys(str(unit) for _, unit in spent))
    by_unit = {unit: [float(spent.get((phase, unit), 0)) for phase in STAGES] for unit in found}
    rows = []
    for k, phase in enumerate(STAGES):
        cells = [values[k] for values in by_unit.values()]
        rows.append([phase, *map(units.energy, cells), units.energy(sum(cells)), sum(cells) / total])
    if energy.static_aj is not None:
        blanks = [""] * len(found)
        rows.append(["static", *blanks, units.energy(energy.static_aj), energy.static_aj / total])
    sums = [units.energy(sum(values)) for values in by_unit.values()]
    rows.append(["total", *sums, units.energy(energy.total_aj), ""])
    scale, unit = energy_scale(max(map(sum, zip(*by_unit.values(), strict=True)), default=0.0))
    scaled = {name: [v / scale for v in values] for name, values in by_unit.items() if any(values)}
    svg = stacked_bars(list(STAGES), scaled, f"energy of an iteration ({unit})")
    caption = "Energy by phase and unit. FP: forward, BP: backward, WG: weight gradients, UPDATE: the optimizer."
    table = Table(rows, ("phase", *found, "in all", ""), summed=True)
    return Section("Energy by phase and unit", figures=(Figure(svg, caption),), tables=(table,))


def _layers(report: TrainingReport) -> Section:
    names, parts = kept_and_rest(
        [units.label(layer.name) for layer in report.layers],
        [{phase: layer.energy_pj.get(phase, 0.0) * 1e6 for phase in STAGES} for layer in report.layers],
    )
    scale, unit = energy_scale(max(map(sum, zip(*parts.values(), strict=True)), default=0.0))
    scaled = {phase: [v / scale for v in values] for phase, values in parts.items() if any(values)}
    figure = Figure(stacked_bars(names, scaled, f"energy of an iteration ({unit})"), "Energy by layer and phase.")
    rows = []
    for layer in report.layers:
        cores = f"{layer.cores[0]}" if len(layer.cores) == 1 else f"{layer.cores[0]}-{layer.cores[-1]}"
        rows.append([
            units.label(layer.name, 30), cores, *(units.large(layer.macs.get(phase, 0)) for phase in PHASES),
            *(units.energy(layer.energy_pj.get(phase, 0) * 1e6) for phase in STAGES),
            units.memory(sum(layer.dram_bytes.values())), layer.bound,
        ])  # fmt: skip
    heads = ("layer", "cores", *(f"{phase} MACs" for phase in PHASES), *STAGES, "DRAM", "bound by")
    folded = f"All {len(rows)} layers" if len(rows) > 80 else ""
    return Section("By layer", figures=(figure,), tables=(Table(rows, heads, (0, len(heads) - 1), folded=folded),))


def _dram(report: TrainingReport) -> Section:
    run = report.run
    moved = sorted(((str(k[0]), bits) for k, bits in run.traffic_bits("tensor").items()), key=lambda item: -item[1])
    total = run.dram_bits or 1
    rows = [[name.replace("_", " "), units.memory(bits / 8), bits / total, units.share(bits / total)]
            for name, bits in moved]  # fmt: skip
    rows.append(["total", units.memory(run.dram_bits / 8), "", ""])
    return Section("DRAM traffic by tensor", tables=(Table(rows, ("tensor", "bytes", "", "share"), summed=True),))


def _cores(report: TrainingReport) -> Iterator[Section]:
    if len(report.cores) < 2:
        return
    rows = [
        [f"{core.core}", units.clean(", ".join(core.layers), 60), *(units.share(core.busy[phase]) for phase in PHASES),
         units.energy(core.energy_pj * 1e6), units.memory(core.dram_bytes)]
        for core in report.cores
    ]  # fmt: skip
    heads = ("core", "layers", *(f"{phase} busy" for phase in PHASES), "energy", "DRAM")
    folded = f"All {len(rows)} cores" if len(rows) > CORES_LISTED else ""
    yield Section("Cores", tables=(Table(rows, heads, (1,), folded=folded),))


def _efficiency(report: TrainingReport) -> Section:
    rows = [[rule, f"{value:.3f}"] for rule, value in tera_operations_per_joule(report.run, report.energy).items()]
    rows.append(["published for NeuroMC", f"{HEADLINE['tflops_per_watt']:.2f}"])
    line = f"Two operations for each multiply-accumulate. {HEADLINE['source']}: {HEADLINE['note']}."
    return Section("Tera operations per joule", (line,), tables=(Table(rows, ("counted are", "")),))


def _gpus(report: TrainingReport) -> Iterator[Section]:
    if not report.baselines:
        return
    rows = []
    for each in report.baselines:
        s = each.setting
        rows.append([
            each.gpu, s.precision, "fused" if s.fused else "not fused", "keeps tensors" if s.cached else "no hits",
            units.memory(each.gpu_bytes), max(0.0, each.percent / 100), f"{each.percent:.1f} %",
        ])  # fmt: skip
    line = "DRAM bytes less than on a GPU, by what the GPU is assumed to do. Published: 55 to 85 % for an A100."
    heads = ("GPU", "precision", "neurons", "L2 cache", "GPU moves", "", "less")
    yield Section("GPUs", (line,), tables=(Table(rows, heads, (0, 1, 2, 3)),))


def _federated(report: TrainingReport) -> Iterator[Section]:
    if report.federated is not None:
        title, *lines = report.federated.lines()
        yield Section("Federated training", (title[:1].upper() + title[1:] + ".",), items=tuple(map(str.strip, lines)))


def _origins(report: TrainingReport) -> Iterator[Section]:
    values = profile_values(report)
    counted = Counter(str(value["kind"]) for value in values)
    kinds = ", ".join(f"{counted[kind]} {kind}" for kind in KINDS if counted[kind])
    rows = [
        [str(v["path"]), units.clean(str(v["value"]), 40), str(v["kind"]), units.clean(str(v["source"] or ""), 400)]
        for v in values
    ]
    table = Table(rows, ("value of the profile", "", "kind", "source"), (0, 2, 3), folded=f"All {len(rows)} values")
    yield Section("Where it comes from", (f"Rests on {len(values)} values of the profile: {kinds}.",), tables=(table,))
    assumed = tuple(units.clean(sentence, 2000) for sentence in report.assumptions)
    yield Section("Assumed", items=assumed)
    yield Section("Not modelled", items=NOT_MODELLED)
    chip = report.run.chip
    record = [["chip", f"{units.clean(chip.name)}; sha256 {chip.digest()}"]]
    yield Section("Record", tables=(Table(record, text_columns=(0, 1)),))
