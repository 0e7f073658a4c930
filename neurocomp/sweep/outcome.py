"""What became of one point: its metrics, or why it has none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from neurocomp.energy.table import tabulate
from neurocomp.mapping.program import Program
from neurocomp.simulate.simulation import Simulation
from neurocomp.sweep.sample import Point
from neurocomp.sweep.space import Scalar

SCHEMA = "neurocomp/point/1"
Status = Literal["ok", "does not fit", "bad input", "check failed", "too large", "defect"]


@dataclass(frozen=True)
class Metric:
    """One figure of a result. unit: as in its name; better: which way is an improvement."""

    name: str
    what: str
    better: Literal["min", "max"]


METRICS = (
    Metric("energy_pj", "energy per inference", "min"),
    Metric("dynamic_energy_pj", "energy per inference without static power", "min"),
    Metric("latency_ns", "time from a sample's first input to its last output", "min"),
    Metric("interval_ns", "time between two inferences back to back", "min"),
    Metric("edp_pj_ns", "energy per inference times latency", "min"),
    Metric("power_mw", "mean power", "min"),
    Metric("cores_used", "cores that hold a part of the network", "min"),
    Metric("accuracy", "share of samples classified rightly on the chip", "max"),
    Metric("hops", "links crossed per inference, those between chips included", "min"),
    Metric("synaptic_events", "synaptic operations of the chip per inference", "min"),
)
METRIC_NAMES = tuple(metric.name for metric in METRICS)
TRAINING_METRICS = (
    Metric("sample_energy_pj", "energy of a training iteration per sample of its batch", "min"),
    Metric("sample_ns", "time of a training iteration per sample of its batch", "min"),
    Metric("sample_edp_pj_ns", "energy per sample times time per sample", "min"),
    Metric("iteration_energy_pj", "energy of a training iteration", "min"),
    Metric("iteration_ns", "time of a training iteration", "min"),
    Metric("sample_dram_bytes", "bytes to and from DRAM per sample", "min"),
    Metric("dram_bytes_held", "the most that DRAM holds at a time", "min"),
    Metric("training_cores", "cores that hold a part of the network", "min"),
    Metric("array_elements", "multiply-accumulate elements of the chip, all cores and phases", "min"),
    Metric("filled", "share of all elements' cycles that did a multiply-accumulate", "max"),
)
TRAINING_NAMES = tuple(metric.name for metric in TRAINING_METRICS)
ALL_METRICS = (*METRICS, *TRAINING_METRICS)
ALL_NAMES = tuple(metric.name for metric in ALL_METRICS)


@dataclass(frozen=True)
class Outcome:
    """One finished point. key: hash of everything that determines it. reason: why there are no metrics. digests: of
    network, chip, input and trace as far as they were reached; version: of neurocomp."""

    key: str
    point: Point
    status: Status
    reason: str
    metrics: dict[str, float | None]
    digests: dict[str, str]
    version: str

    def to_tree(self) -> dict[str, Any]:
        """Plain values for JSON; :func:`outcome_from_tree` reads them back."""
        tree = asdict(self)
        tree["point"]["settings"] = [list(setting) for setting in self.point.settings]
        return {"schema": SCHEMA, **tree}


def outcome_from_tree(tree: dict[str, Any]) -> Outcome:
    """The reverse of ``to_tree``. Raises KeyError, TypeError or ValueError for anything else."""
    if tree["schema"] != SCHEMA:
        raise ValueError(f"schema {tree['schema']!r}")
    point = tree["point"]
    settings: tuple[tuple[str, Scalar], ...] = tuple((str(name), value) for name, value in point["settings"])
    where = Point(str(point["network"]), str(point["chip"]), settings)
    return Outcome(
        str(tree["key"]), where, tree["status"], str(tree["reason"]),
        {str(k): None if v is None else float(v) for k, v in tree["metrics"].items()},
        {str(k): str(v) for k, v in tree["digests"].items()}, str(tree["version"]),
    )  # fmt: skip


def metrics_of(program: Program, simulation: Simulation, accuracy: float | None) -> dict[str, float | None]:
    """All metrics of a simulated program, in the order of ``METRICS``, as a report of it would say; None where a figure
    is not known."""
    table = tabulate(simulation, program.chip, program.cores_used, program.chip_count)
    total, static, samples = table.total_aj, sum(table.static_aj.values()), simulation.samples
    count, duration = simulation.counters.total, simulation.total_ps
    energy_pj = total / samples / 1e6
    latency_ns = int(simulation.latency_ps.sum()) / samples / 1e3
    streaming = int(simulation.series.total_ps[: samples * simulation.steps].sum())
    events = sum(count(f"synaptic_operation.{form}") for form in ("dense", "conv", "sparse"))
    found = (
        energy_pj, (total - static) / samples / 1e6, latency_ns, streaming / samples / 1e3, energy_pj * latency_ns,
        total / duration / 1e3, float(program.cores_used), accuracy,
        sum(map(count, ("hop_east_west", "hop_north_south", "hop_chip_link"))) / samples, events / samples,
    )  # fmt: skip
    return dict(zip(METRIC_NAMES, found, strict=True))
