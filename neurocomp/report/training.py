"""What one training iteration costs, as values, text and JSON (schema ``neurocomp/training/1``).

Published figures stand beside computed ones, each with the rule by which it is counted; DRAM traffic is compared with
GPUs under every set of assumptions, never under one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from neurocomp import __version__
from neurocomp.chip.gpu import GpuSpec
from neurocomp.chip.spec import KINDS
from neurocomp.energy.training import TrainingEnergy, paths_used, tera_operations_per_joule
from neurocomp.report import units
from neurocomp.report.table import table
from neurocomp.simulate.gpu import LayerTensors
from neurocomp.simulate.streaming import Reduction, reductions
from neurocomp.simulate.training_run import TrainingRun
from neurocomp.simulate.training_setup import STAGES

SCHEMA = "neurocomp/training/1"
NOT_MODELLED = (
    "control, clock tree and instruction memory",
    "loss, data loading and the host",
    "DRAM row conflicts and refresh beyond the sustained bandwidth",
    "queues on the network on chip",
)
HEADLINE = {
    "tflops_per_watt": 1.05,
    "dram_reduction_percent": [55, 85],
    "source": "Li et al., Nature Communications 2026, doi 10.1038/s41467-026-70586-x",
    "note": "the paper's abstract does not state by which rule these are counted; they are not claimed as reproduced",
}


@dataclass(frozen=True)
class LayerCost:
    """One layer in one iteration. cores: that hold parts of it; bound: what takes longest of its work."""

    name: str
    cores: tuple[int, ...]
    macs: dict[str, int]
    energy_pj: dict[str, float]
    dram_bytes: dict[str, float]
    bound: str


@dataclass(frozen=True)
class TrainingReport:
    """One iteration, and an epoch if the data set's size is known. Energies in pJ, DRAM energy included;
    ``lower_bound`` where some cost is unknown."""

    run: TrainingRun
    energy: TrainingEnergy
    layers: tuple[LayerCost, ...]
    baselines: tuple[Reduction, ...]
    dataset_size: int | None

    @property
    def energy_pj(self) -> float:
        return self.energy.total_aj / 1e6

    @property
    def lower_bound(self) -> bool:
        return bool(self.energy.unknown) or self.energy.static_aj is None

    @property
    def iterations(self) -> int | None:
        """Of an epoch; the last one may be smaller and is counted in full."""
        return None if self.dataset_size is None else -(-self.dataset_size // self.run.setup.samples)

    def to_json(self) -> str:
        """Indented JSON text ending with a newline; equal reports give equal bytes."""
        return json.dumps(_tree(self), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def to_text(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def training_report(
    run: TrainingRun, energy: TrainingEnergy, gpus: Sequence[GpuSpec] = (), dataset_size: int | None = None
) -> TrainingReport:
    """Put an iteration and its energy together. gpus: baselines for the DRAM traffic."""
    layers = tuple(_layer(run, energy, layer.name) for layer in run.layers)
    return TrainingReport(run, energy, layers, _baselines(run, gpus), dataset_size)


def _layer(run: TrainingRun, energy: TrainingEnergy, name: str) -> LayerCost:
    spent, moved = energy.by("layer", "phase"), run.traffic_bits("layer", "phase")
    macs = {
        phase: sum(t.macs for t in run.times if (t.layer, t.phase) == (name, phase)) for phase in ("FP", "BP", "WG")
    }
    return LayerCost(
        name,
        tuple(sorted({part.core for part in run.parts if part.whole.name == name})),
        macs,
        {phase: spent[name, phase] / 1e6 for phase in STAGES if (name, phase) in spent},
        {phase: moved[name, phase] / 8 for phase in STAGES if (name, phase) in moved},
        run.bound_of(name),
    )


def _baselines(run: TrainingRun, gpus: Sequence[GpuSpec]) -> tuple[Reduction, ...]:
    """The same network on GPUs, without the optimizer on either side."""
    if not gpus:
        return ()
    runs = run.setup.samples * run.setup.steps
    tensors = [
        LayerTensors(layer.name, layer.inputs * runs, layer.outputs * runs, layer.weights, layer.macs * runs)
        for layer in run.layers
    ]
    bits = sum(bits for (phase,), bits in run.traffic_bits("phase").items() if phase != "UPDATE")
    normalised = any(layer.normalised for layer in run.layers)
    return tuple(reductions(bits // 8, tensors, gpus, normalised=normalised))


def _tree(report: TrainingReport) -> dict[str, object]:
    run, energy = report.run, report.energy
    by_phase_unit = energy.by("phase", "unit")
    phases = {phase: {str(unit): aj / 1e6 for (p, unit), aj in by_phase_unit.items() if p == phase} for phase in STAGES}
    return {
        "schema": SCHEMA,
        "neurocomp_version": __version__,
        "chip": {"name": run.chip.name, "title": run.chip.title, "cores": run.chip.cores, "digest": run.chip.digest()},
        "setup": {**_setup(run), "activity": run.setup.activity.origin},
        "iteration": {
            "time_ns": run.iteration_ps / 1e3, "energy_pj": report.energy_pj,
            "energy_is_lower_bound": report.lower_bound, "dram_bytes": run.dram_bits / 8,
            "alone_ns": {"engines": run.engines_ps / 1e3, "dram": run.dram_ps / 1e3, "noc": run.noc_ps / 1e3,
                         "update": run.update_ps / 1e3},
        },
        "epoch": _epoch(report),
        "energy_pj": {"by_phase_and_unit": phases, "by_core": _by_core(energy)},
        "dram_bytes_by_tensor": {str(k[0]): bits / 8 for k, bits in run.traffic_bits("tensor").items()},
        "utilisation": run.utilisation(),
        "layers": [asdict(layer) for layer in report.layers],
        "tera_operations_per_joule": tera_operations_per_joule(run, energy),
        "published": HEADLINE,
        "dram_reduction_against_gpus": [asdict(reduction) for reduction in report.baselines],
        "unknown_costs": list(energy.unknown),
        "assumptions": list(run.assumptions),
        "not_modelled": list(NOT_MODELLED),
        "profile_values": _values(report),
    }  # fmt: skip


def _setup(run: TrainingRun) -> dict[str, object]:
    names = ("samples", "steps", "optimizer", "order", "balance", "sparsity", "packed", "recompute", "halos",
             "double_buffered")  # fmt: skip
    return {name: getattr(run.setup, name) for name in names}


def _epoch(report: TrainingReport) -> dict[str, object] | None:
    if report.iterations is None:
        return None
    n = report.iterations
    return {"iterations": n, "time_ns": n * report.run.iteration_ps / 1e3, "energy_pj": n * report.energy_pj}


def _by_core(energy: TrainingEnergy) -> dict[str, float]:
    return {str(core): aj / 1e6 for (core,), aj in sorted(energy.by("core").items())}


def _values(report: TrainingReport) -> list[dict[str, object]]:
    """Profile values that the answer rests on."""
    chip, found = report.run.chip, []
    for path in paths_used(report.run):
        origin = chip.provenance.get(path)
        if origin is not None:
            found.append({"path": path, "value": origin.value, "kind": origin.kind, "source": origin.source})
    return found


def _lines(report: TrainingReport) -> Iterator[str]:
    run, energy, setup = report.run, report.energy, report.run.setup
    least = "at least " if report.lower_bound else ""
    yield f"one training iteration on {run.chip.title}"
    yield f"  {setup.samples} samples x {setup.steps} steps, {setup.optimizer}, {len(run.layers)} layers"
    yield ""
    yield f"  time    {units.time(run.iteration_ps)}"
    yield f"  energy  {least}{units.energy(energy.total_aj)}, {units.energy(energy.without('dram'))} of it in the cores"
    yield f"  DRAM    {units.memory(run.dram_bits / 8)} read and written"
    if report.iterations is not None:
        n = report.iterations
        yield f"  epoch   {n:,} iterations: {units.time(n * run.iteration_ps)}, {units.energy(n * energy.total_aj)}"
    yield ""
    yield from _phase_table(report)
    yield ""
    yield from _layer_table(report)
    yield from _efficiency(report)
    yield from _grid(report)
    yield ""
    yield "assumed"
    yield from (f"  - {sentence}" for sentence in run.assumptions)
    if energy.unknown:
        yield f"  - not known, and not counted: the energy of {', '.join(energy.unknown)}"
    yield f"not modelled: {'; '.join(NOT_MODELLED)}"
    kinds = [str(value["kind"]) for value in _values(report)]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    yield f"rests on {len(kinds)} values of the profile: {counted}"


def _phase_table(report: TrainingReport) -> Iterator[str]:
    spent, moved, used = report.energy.by("phase", "unit"), report.run.traffic_bits("phase"), report.run.utilisation()
    names = ("mac", "pointwise", "register", "sram", "norm", "optimizer", "dram")
    rows = [["phase", *names, "DRAM bytes", "engines used"]]
    for phase in STAGES:
        cells = [units.energy(spent.get((phase, name), 0)) for name in names]
        share = units.share(used[phase]) if phase in used else "-"  # type: ignore[index]
        rows.append([phase, *cells, units.memory(moved.get((phase,), 0) / 8), share])
    yield from table(rows, "l" + "r" * (len(names) + 2), header=True)


def _layer_table(report: TrainingReport) -> Iterator[str]:
    rows = [["layer", "cores", "FP", "BP", "WG", "UPDATE", "DRAM", "bound by"]]
    for layer in report.layers:
        cores = f"{layer.cores[0]}" if len(layer.cores) == 1 else f"{layer.cores[0]}-{layer.cores[-1]}"
        cells = [units.energy(layer.energy_pj.get(phase, 0) * 1e6) for phase in STAGES]
        moved = units.memory(sum(layer.dram_bytes.values()))
        rows.append([units.clean(layer.name, 32), cores, *cells, moved, layer.bound])
    yield from table(rows, "lrrrrrrl", header=True)


def _efficiency(report: TrainingReport) -> Iterator[str]:
    yield ""
    yield "tera operations per joule, two for each multiply-accumulate"
    for rule, value in tera_operations_per_joule(report.run, report.energy).items():
        yield f"  {value:6.3f}  {rule}"
    yield f"  {HEADLINE['tflops_per_watt']:6.3f}  published for this architecture; {HEADLINE['note']}"


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
