"""What learning on an event-driven chip costs beside the inference that it rides on, as values, text and JSON (schema
``neurocomp/plasticity/1``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from neurocomp.chip.provenance import Provenance
from neurocomp.energy.plasticity import PlasticityEnergy, price_plasticity
from neurocomp.energy.table import tabulate
from neurocomp.mapping.program import Program
from neurocomp.report import units
from neurocomp.report.table import table
from neurocomp.report.wrap import bullets
from neurocomp.simulate.plasticity import PlasticityRun
from neurocomp.simulate.simulation import Simulation
from neurocomp.version import VERSION

SCHEMA = "neurocomp/plasticity/1"
RULES = {
    "stdp": "weights are updated whose presynaptic or postsynaptic neuron spiked in the epoch",
    "reward": "a reward arrives at the end of every epoch; weights are updated whose presynaptic and postsynaptic "
    "neuron both spiked in it; keeping their eligibility up to date is not counted",
}
NOT_MODELLED = (
    "what the weights become: spikes are those of the network as it is",
    "memory for traces and eligibility",
    "the reward's way onto the chip",
)


@dataclass(frozen=True)
class PlasticityReport:
    """inference_ps, inference_aj: of the run without learning; learning comes on top."""

    program: Program
    run: PlasticityRun
    energy: PlasticityEnergy
    inference_ps: int
    inference_aj: int
    lower_bound: bool

    @property
    def assumptions(self) -> tuple[str, ...]:
        pooled = [name for name in self.run.updates if self._is_pooled(name)]
        said = [
            f"rule {self.run.rule}: {RULES[self.run.rule]}",
            "updates of a core follow each other after the last step of an epoch; cores work side by side",
            f"the weights behind the pooling in front of {', '.join(pooled)} count as having one presynaptic neuron, "
            "which spikes where any of its window does" if pooled else "",
            *self.program.network.assumptions, *self.program.assumptions,
        ]  # fmt: skip
        return tuple(dict.fromkeys(sentence for sentence in said if sentence))

    def _is_pooled(self, name: str) -> bool:
        network = self.program.network
        source = next(p.source for p in network.projections if p.name == name)
        return source not in network.inputs and network.by_name[source].neuron is None

    def to_json(self) -> str:
        """Indented JSON text ending with a newline; equal reports give equal bytes."""
        return json.dumps(_tree(self), indent=2, ensure_ascii=True, allow_nan=False) + "\n"

    def to_page(self) -> str:
        """The report as one HTML file."""
        from neurocomp.report.page.plasticity import to_page

        return to_page(self)

    def to_text(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def plasticity_report(program: Program, simulation: Simulation, run: PlasticityRun) -> PlasticityReport:
    """Learning beside the inference of the same program and trace."""
    chip, chips = program.chip, program.chip_count
    spent = tabulate(simulation, chip, program.cores_used, chips)
    energy = price_plasticity(run, chip, program.cores_used, chips)
    unknown = bool(spent.unknown) or energy.layers is None
    return PlasticityReport(program, run, energy, simulation.total_ps, spent.total_aj, unknown)


def learning_values(report: PlasticityReport) -> list[tuple[str, Provenance]]:
    """The profile values that learning rests on, by path."""
    values = report.program.chip.provenance.items()
    return [(path, origin) for path, origin in values if path.startswith("engines.wg.") and origin.value is not None]


def _tree(report: PlasticityReport) -> dict[str, object]:
    run, energy, chip = report.run, report.energy, report.program.chip
    return {
        "schema": SCHEMA,
        "neurocomp_version": VERSION,
        "network": report.program.network.name,
        "chip": {"name": chip.name, "title": chip.title, "digest": chip.digest()},
        "setup": {"rule": run.rule, "epoch_steps": run.epoch_steps, "samples": run.samples, "steps": run.steps},
        "per_sample": {
            "inference_ns": report.inference_ps / 1e3 / run.samples, "learning_ns": run.total_ps / 1e3 / run.samples,
            "inference_pj": report.inference_aj / 1e6 / run.samples,
            "learning_pj": energy.total_aj / 1e6 / run.samples,
            "learning_static_pj": energy.static_aj / 1e6 / run.samples,
            "energy_is_lower_bound": report.lower_bound,
        },
        "layers": [
            {"name": name, "weights": run.weights[name], "updates": int(counts.sum()),
             "updates_per_epoch": counts.sum(axis=0).tolist(),
             "energy_pj": None if energy.layers is None else energy.layers[name] / 1e6}
            for name, counts in run.updates.items()
        ],
        "core_updates": [
            {"core": core, "layer": layer, "updates": count}
            for (core, layer), count in sorted(run.core_updates.items())
        ],
        "assumptions": list(report.assumptions),
        "not_modelled": list(NOT_MODELLED),
        "profile_values": [
            {"path": path, "value": origin.value, "kind": origin.kind, "source": origin.source}
            for path, origin in learning_values(report)
        ],
    }  # fmt: skip


def _lines(report: PlasticityReport) -> Iterator[str]:
    run, energy, samples = report.run, report.energy, report.run.samples
    yield f"learning of {units.clean(report.program.network.name)} on {units.clean(report.program.chip.title)}"
    epoch = "1 step" if run.epoch_steps == 1 else f"{run.epoch_steps} steps"
    yield f"  {samples} samples x {run.steps} steps, rule {run.rule}, epochs of {epoch}"
    yield ""
    least = "at least " if report.lower_bound else ""
    learning, together = energy.total_aj, report.inference_aj + energy.total_aj
    rows = [["per sample", "time", "energy"]]
    for name, ps, aj in (
        ("inference", report.inference_ps, report.inference_aj), ("learning", run.total_ps, learning),
        ("together", report.inference_ps + run.total_ps, together),
    ):  # fmt: skip
        rows.append([name, units.time(ps / samples), least + units.energy(aj / samples)])
    yield from table(rows, "lrr", header=True)
    yield f"  learning is {units.share(learning / together)} of the energy" if together else ""
    yield ""
    yield from _layer_table(report)
    yield ""
    yield "assumed"
    yield from bullets(report.assumptions)
    yield "not modelled"
    yield from bullets(NOT_MODELLED)


def _layer_table(report: PlasticityReport) -> Iterator[str]:
    run, energy = report.run, report.energy
    rows = [["layer", "weights", "updates per sample", "of the weights, per epoch", "energy per sample"]]
    for name, counts in run.updates.items():
        spent = "not known" if energy.layers is None else units.energy(energy.layers[name] / run.samples)
        share = int(counts.sum()) / (run.weights[name] * counts.size)
        each = units.count(int(counts.sum()) / run.samples)
        rows.append([units.clean(name, 32), f"{run.weights[name]:,}", each, units.share(share), spent])
    yield from table(rows, "lrrrr", header=True)
