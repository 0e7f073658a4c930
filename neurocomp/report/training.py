"""What one training iteration costs, as values, text and JSON (schema ``neurocomp/training/1``).

Published figures stand beside computed ones, each with the rule by which it is counted; DRAM traffic is compared with
GPUs under every set of assumptions, never under one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from neurocomp.chip.gpu import GpuSpec
from neurocomp.energy.training import TrainingEnergy, paths_used, tera_operations_per_joule
from neurocomp.report.rounds import FederatedRounds, federated_rounds
from neurocomp.simulate.engines.fragment import PHASES, engine_of, fragment
from neurocomp.simulate.engines.layer import Layer
from neurocomp.simulate.federated import Link
from neurocomp.simulate.gpu import LayerTensors
from neurocomp.simulate.reductions import Reduction, reductions
from neurocomp.simulate.training_run import TrainingRun
from neurocomp.simulate.training_setup import STAGES
from neurocomp.version import VERSION

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
    """One layer in one iteration. cores: that hold parts of it; macs: executed ones, by phase; filled: share of the
    array's elements that have work while it runs, zeros counted as work; bound: what takes longest of its work."""

    name: str
    cores: tuple[int, ...]
    macs: dict[str, int]
    filled: dict[str, float]
    energy_pj: dict[str, float]
    dram_bytes: dict[str, float]
    bound: str


@dataclass(frozen=True)
class CoreCost:
    """One core in one iteration. busy: by phase, share of the iteration in which its engine works."""

    core: int
    layers: tuple[str, ...]
    busy: dict[str, float]
    energy_pj: float
    dram_bytes: float


@dataclass(frozen=True)
class TrainingReport:
    """One iteration, and an epoch if the data set's size is known. Energies in pJ, DRAM energy included;
    ``lower_bound`` where some cost is unknown. left_out: what the layers do not show, in sentences. federated: rounds
    over several chips, if that was asked for. network: its name, empty where only layers are known."""

    run: TrainingRun
    energy: TrainingEnergy
    layers: tuple[LayerCost, ...]
    baselines: tuple[Reduction, ...]
    dataset_size: int | None
    cores: tuple[CoreCost, ...]
    left_out: tuple[str, ...] = ()
    federated: FederatedRounds | None = None
    network: str = ""

    @property
    def energy_pj(self) -> float:
        return self.energy.total_aj / 1e6

    @property
    def lower_bound(self) -> bool:
        return bool(self.energy.unknown) or self.energy.static_aj is None

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Of the model, of the layers, and what is not known."""
        unknown = [{"noc": "bits on the network on chip"}.get(name, name) for name in self.energy.unknown]
        unknown += ["static power"] if self.energy.static_aj is None else []
        found = [*self.run.assumptions, *self.left_out]
        return (*found, f"not known, and not counted: the energy of {', '.join(unknown)}") if unknown else tuple(found)

    @property
    def iterations(self) -> int | None:
        """Of an epoch; the last one may be smaller and is counted in full."""
        return None if self.dataset_size is None else -(-self.dataset_size // self.run.setup.samples)

    def to_json(self) -> str:
        """Indented JSON text ending with a newline; equal reports give equal bytes."""
        return json.dumps(_tree(self), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def _repr_html_(self) -> str:
        from neurocomp.report.html import training_html

        return training_html(self)

    def to_page(self) -> str:
        """The report as one HTML file."""
        from neurocomp.report.page.training import to_page

        return to_page(self)

    def to_text(self) -> str:
        from neurocomp.report.training_text import lines

        return "\n".join(lines(self)) + "\n"


def training_report(
    run: TrainingRun,
    energy: TrainingEnergy,
    gpus: Sequence[GpuSpec] = (),
    dataset_size: int | None = None,
    left_out: Sequence[str] = (),
    network: str = "",
) -> TrainingReport:
    """Put an iteration and its energy together. gpus: baselines for the DRAM traffic. left_out: sentences for the
    report's assumptions. network: its name."""
    return TrainingReport(
        run, energy, _layers(run, energy), _baselines(run, gpus), dataset_size, _cores(run, energy), tuple(left_out),
        network=network,
    )  # fmt: skip


def with_rounds(
    report: TrainingReport, *, workers: int, rounds: int = 1, local_steps: int = 1, link: Link
) -> TrainingReport:
    """The same report with federated rounds of its iteration. Raises InputError for counts below 1."""
    found = federated_rounds(
        report.run, report.energy_pj, report.lower_bound, workers=workers, rounds=rounds, local_steps=local_steps,
        link=link,
    )  # fmt: skip
    return replace(report, federated=found)


def _cores(run: TrainingRun, energy: TrainingEnergy) -> tuple[CoreCost, ...]:
    """Cores in use."""
    spent, moved = energy.by("core"), run.traffic_bits("core")
    cycles = run.iteration_ps / run.chip.cycle_ps
    names: dict[int, dict[str, None]] = {}
    for part in run.parts:
        names.setdefault(part.core, {})[part.whole.name] = None
    busy = _summed(((t.core, t.phase), t.cycles) for t in run.times)
    return tuple(
        CoreCost(
            core, tuple(mine), {phase: busy.get((core, phase), 0) / cycles for phase in PHASES},
            spent.get((core,), 0) / 1e6, moved.get((core,), 0) / 8,
        )
        for core, mine in sorted(names.items())
    )  # fmt: skip


def _summed(counts: Iterable[tuple[tuple[int | str, ...], int]]) -> dict[tuple[int | str, ...], int]:
    sums: dict[tuple[int | str, ...], int] = {}
    for key, count in counts:
        sums[key] = sums.get(key, 0) + count
    return sums


def _layers(run: TrainingRun, energy: TrainingEnergy) -> tuple[LayerCost, ...]:
    spent, moved = energy.by("layer", "phase"), run.traffic_bits("layer", "phase")
    macs, cores = _summed(((t.layer, t.phase), t.macs) for t in run.times), dict[str, set[int]]()
    for part in run.parts:
        cores.setdefault(part.whole.name, set()).add(part.core)
    return tuple(
        LayerCost(
            layer.name,
            tuple(sorted(cores[layer.name])),
            {phase: macs.get((layer.name, phase), 0) for phase in PHASES},
            _filled(run, layer),
            {phase: spent[layer.name, phase] / 1e6 for phase in STAGES if (layer.name, phase) in spent},
            {phase: moved[layer.name, phase] / 8 for phase in STAGES if (layer.name, phase) in moved},
            run.bounds[layer.name],
        )
        for layer in run.layers
    )


def _filled(run: TrainingRun, layer: Layer) -> dict[str, float]:
    """By phase: multiply-accumulates of the dense layer over what the array could have done meanwhile."""
    found = {}
    for phase in PHASES:
        if phase == "BP" and layer.first:
            continue
        engine, dense = engine_of(run.chip, phase), fragment(run.chip, phase, layer)
        found[phase] = dense.macs / (dense.steps * engine.rows * engine.columns)
    return found


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
        "neurocomp_version": VERSION,
        "network": report.network or None,
        "chip": {"name": run.chip.name, "title": run.chip.title, "cores": run.chip.cores, "digest": run.chip.digest()},
        "setup": {**_setup(run), "activity": run.setup.activity.origin},
        "iteration": {
            "time_ns": run.iteration_ps / 1e3, "energy_pj": report.energy_pj,
            "energy_is_lower_bound": report.lower_bound, "dram_bytes": run.dram_bits / 8,
            "dram_bytes_held": run.dram_bits_held / 8,
            "alone_ns": {"engines": run.engines_ps / 1e3, "dram": run.dram_ps / 1e3, "noc": run.noc_ps / 1e3,
                         "update": run.update_ps / 1e3},
        },
        "epoch": _epoch(report),
        "energy_pj": {"by_phase_and_unit": phases, "by_core": _by_core(energy)},
        "cores": [asdict(core) for core in report.cores],
        "dram_bytes_by_tensor": {str(k[0]): bits / 8 for k, bits in run.traffic_bits("tensor").items()},
        "utilisation": run.utilisation(),
        "layers": [asdict(layer) for layer in report.layers],
        "tera_operations_per_joule": tera_operations_per_joule(run, energy),
        "published": HEADLINE,
        "dram_reduction_against_gpus": [asdict(reduction) for reduction in report.baselines],
        "unknown_costs": list(energy.unknown),
        "federated": None if report.federated is None else report.federated.tree(),
        "assumptions": list(report.assumptions),
        "not_modelled": list(NOT_MODELLED),
        "profile_values": profile_values(report),
    }  # fmt: skip


def _setup(run: TrainingRun) -> dict[str, object]:
    names = ("samples", "steps", "optimizer", "order", "balance", "sparsity", "packed", "recompute", "on_chip",
             "momentum", "weight_decay", "halos", "double_buffered")  # fmt: skip
    return {name: getattr(run.setup, name) for name in names}


def _epoch(report: TrainingReport) -> dict[str, object] | None:
    if report.iterations is None:
        return None
    n = report.iterations
    return {"iterations": n, "time_ns": n * report.run.iteration_ps / 1e3, "energy_pj": n * report.energy_pj}


def _by_core(energy: TrainingEnergy) -> dict[str, float]:
    return {str(core): aj / 1e6 for (core,), aj in sorted(energy.by("core").items())}


def profile_values(report: TrainingReport) -> list[dict[str, object]]:
    """Profile values that the answer rests on."""
    chip, found = report.run.chip, []
    for path in paths_used(report.run):
        origin = chip.provenance.get(path)
        if origin is not None:
            found.append({"path": path, "value": origin.value, "kind": origin.kind, "source": origin.source})
    return found
