"""What one training iteration costs, as text of at most 110 columns."""

from __future__ import annotations

from collections.abc import Iterator

from neurocomp.chip.provenance import KINDS
from neurocomp.energy.training import tera_operations_per_joule
from neurocomp.report import units
from neurocomp.report.table import table
from neurocomp.report.training import HEADLINE, NOT_MODELLED, TrainingReport, profile_values
from neurocomp.report.wrap import bullets, wrapped
from neurocomp.simulate.engines.fragment import PHASES
from neurocomp.simulate.training_capacity import dram_of
from neurocomp.simulate.training_setup import STAGES

MOST_CORES = 32  # listed one by one
POOR_FILL = 0.25  # an array with less than this share of its elements at work is worth a remark


def lines(report: TrainingReport) -> Iterator[str]:
    """The report for people, line by line."""
    yield from _head(report)
    yield from _phase_table(report)
    yield ""
    yield from _engine_table(report)
    yield ""
    yield from _layer_table(report)
    yield from _remarks(report)
    yield from _core_table(report)
    yield from _efficiency(report)
    yield from _grid(report)
    if report.federated is not None:
        yield ""
        yield from report.federated.lines()
    yield ""
    yield "assumed"
    yield from bullets(report.assumptions)
    yield "not modelled"
    yield from bullets(NOT_MODELLED)
    kinds = [str(value["kind"]) for value in profile_values(report)]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    yield f"rests on {len(kinds)} values of the profile: {counted}"


def _head(report: TrainingReport) -> Iterator[str]:
    run, energy, setup = report.run, report.energy, report.run.setup
    least = "at least " if report.lower_bound else ""
    added = [word for word, on in (("momentum", setup.momentum), ("weight decay", setup.weight_decay)) if on]
    optimizer = " + ".join([setup.optimizer, *added])
    cores = f"{len(report.cores)} of {run.chip.cores} cores"
    of = f" of {units.clean(report.network)}" if report.network else ""
    yield from wrapped(f"one training iteration{of} on {units.clean(run.chip.title, 100)}")
    yield f"  {setup.samples} samples x {setup.steps} steps, {optimizer}, {len(run.layers)} layers on {cores}"
    yield ""
    yield f"  time    {units.time(run.iteration_ps)}; {_alone(report)}"
    yield f"  energy  {least}{units.energy(energy.total_aj)}, {units.energy(energy.without('dram'))} of it in the cores"
    room = units.memory(dram_of(run.chip).organisation.capacity_bytes)
    held = f"{units.memory(run.dram_bits_held / 8)} of {room} in use"
    yield f"  DRAM    {units.memory(run.dram_bits / 8)} read and written, {held}"
    if report.iterations is not None:
        n = report.iterations
        spent = units.energy(n * energy.total_aj)
        yield f"  epoch   {n:,} iterations: {units.time(n * run.iteration_ps)}, {least}{spent}"
    yield ""


def _alone(report: TrainingReport) -> str:
    """What the iteration would take if only one thing did."""
    run = report.run
    parts = {"engines": run.engines_ps, "DRAM": run.dram_ps, "network on chip": run.noc_ps, "update": run.update_ps}
    return ", ".join(f"{name} alone {units.time(ps)}" for name, ps in parts.items() if ps)


def _phase_table(report: TrainingReport) -> Iterator[str]:
    spent, moved = report.energy.by("phase", "unit"), report.run.traffic_bits("phase")
    names = ["mac", "pointwise", "register", "sram", "norm", "optimizer", "dram"]
    names += ["noc"] if any(unit == "noc" and aj for (_, unit), aj in spent.items()) else []
    rows = [["energy", *names, "DRAM bytes"]]
    for phase in STAGES:
        cells = [units.energy(spent.get((phase, name), 0)) for name in names]
        rows.append([phase, *cells, units.memory(moved.get((phase,), 0) / 8)])
    yield from table(rows, "l" + "r" * (len(names) + 1), header=True)


def _engine_table(report: TrainingReport) -> Iterator[str]:
    """How busy the engines are: of the cores in use, and counted in multiply-accumulates of the whole chip."""
    used = report.run.utilisation()
    rows = [["engines", "busy, mean", "busy, most", "elements used, whole chip"]]
    for phase in PHASES:
        busy = [core.busy[phase] for core in report.cores]
        mean = units.share(sum(busy) / len(busy))
        rows.append([phase, mean, units.share(max(busy)), units.share(used[phase])])
    yield from table(rows, "lrrr", header=True)


def _layer_table(report: TrainingReport) -> Iterator[str]:
    rows = [["layer", "cores", "FP", "BP", "WG", "UPDATE", "DRAM", "array filled", "bound by"]]
    for layer in report.layers:
        cores = f"{layer.cores[0]}" if len(layer.cores) == 1 else f"{layer.cores[0]}-{layer.cores[-1]}"
        cells = [units.energy(layer.energy_pj.get(phase, 0) * 1e6) for phase in STAGES]
        moved = units.memory(sum(layer.dram_bytes.values()))
        filled = "/".join(f"{100 * layer.filled[phase]:.0f}" if phase in layer.filled else "-" for phase in PHASES)
        rows.append([units.clean(layer.name, 24), cores, *cells, moved, f"{filled} %", layer.bound])
    yield from table(rows, "lrrrrrrrl", header=True)


def _remarks(report: TrainingReport) -> Iterator[str]:
    """Why a small layer can cost as much as a large one."""
    real = [units.clean(layer.name, 24) for layer in report.run.layers if layer.real_input]
    if real:
        text = f"inputs that are numbers, not spikes: {', '.join(real)}; FP and WG multiply there, and read 16 bits"
        yield from wrapped(text.replace("16 bits", f"{report.run.chip.value_bits} bits for each"), "  ")
    rows = report.run.chip.engines.fp.rows
    thin = [
        f"{units.clean(layer.name, 24)} ({whole.in_channels // whole.groups})"
        for layer, whole in zip(report.layers, report.run.layers, strict=True)
        if layer.filled["FP"] < POOR_FILL and whole.in_channels // whole.groups < rows
    ]
    if thin:
        yield from wrapped(
            f"few input channels for the {rows} rows of the array: {', '.join(thin)}. The other rows idle, and a "
            "partial sum goes to memory and back after every kernel weight, which is where the energy goes.", "  "
        )  # fmt: skip


def _core_table(report: TrainingReport) -> Iterator[str]:
    if not 1 < len(report.cores) <= MOST_CORES:
        return
    yield ""
    rows = [["core", "layers", *(f"{phase} busy" for phase in PHASES), "energy", "DRAM"]]
    for core in report.cores:
        names = units.clean(", ".join(core.layers), 48)
        busy = [units.share(core.busy[phase]) for phase in PHASES]
        rows.append([f"{core.core}", names, *busy, units.energy(core.energy_pj * 1e6), units.memory(core.dram_bytes)])
    yield from table(rows, "rl" + "r" * 5, header=True)


def _efficiency(report: TrainingReport) -> Iterator[str]:
    yield ""
    yield "tera operations per joule, two for each multiply-accumulate"
    for rule, value in tera_operations_per_joule(report.run, report.energy).items():
        yield f"  {value:6.3f}  {rule}"
    published = f"  {HEADLINE['tflops_per_watt']:6.3f}  "
    yield from wrapped(f"published for NeuroMC; {HEADLINE['note']}", published, " " * len(published))


def _grid(report: TrainingReport) -> Iterator[str]:
    if not report.baselines:
        return
    yield ""
    yield "DRAM bytes less than on a GPU, by what the GPU is assumed to do (published: 55-85 % for an A100)"
    rows = [["GPU", "precision", "neurons", "L2 cache", "GPU moves", "less"]]
    for each in report.baselines:
        s = each.setting
        rows.append([
            each.gpu, s.precision, "fused" if s.fused else "not fused", "keeps tensors" if s.cached else "no hits",
            units.memory(each.gpu_bytes), f"{each.percent:.1f} %",
        ])  # fmt: skip
    yield from table(rows, "llllrr", header=True)
