"""The JSON Schemas of what is written, made from the types that hold it; report/schemas/ keeps them as files.

Within a version of a schema fields may be added, so readers must pass over what they do not know; nothing is removed
or changes its meaning.
"""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.resources import files
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from neurocomp.chip.provenance import Kind
from neurocomp.mapping.quality import Quality
from neurocomp.report import model, training
from neurocomp.report.detail import StepBin
from neurocomp.report.routing import RoutingFacts
from neurocomp.report.signals import SignalFacts
from neurocomp.report.traffic import TrafficFacts
from neurocomp.simulate.federated import Link, RoundCost
from neurocomp.simulate.reductions import Reduction

NAMES = ("result", "training", "plasticity", "comparison", "point")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def stored_schema(name: str) -> str:
    """One of ``NAMES`` as text, from the file that is installed with the package."""
    return files("neurocomp.report").joinpath("schemas", f"{name}.json").read_text("utf-8")


def schema_text(name: str, tree: dict[str, Any]) -> str:
    """A schema as its file holds it. name: what the field ``schema`` says."""
    tree = _tidied(tree)
    properties = {"schema": {"const": name}, **tree["properties"]}
    head = {"$schema": DIALECT, "$id": f"urn:{name.replace('/', ':')}", "title": name}
    whole = {**head, **tree, "properties": properties, "required": list(properties)}
    return json.dumps(whole, indent=1, ensure_ascii=True) + "\n"


def _tidied(part: Any) -> Any:
    """Without titles and defaults, which say nothing here; every field is always written."""
    if isinstance(part, list):
        return [_tidied(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: _tidied(value) for key, value in part.items() if key not in ("title", "default")}
    if isinstance(part.get("properties"), dict):
        found["properties"] = {key: _tidied(value) for key, value in part["properties"].items()}
        found["required"] = list(found["properties"])
    return found


def result_schema() -> str:
    """Of ``result.json``."""
    return schema_text(model.SCHEMA, ResultFile.model_json_schema(mode="serialization"))


def training_schema() -> str:
    """Of ``training.json``."""
    return schema_text(training.SCHEMA, TrainingFile.model_json_schema(mode="serialization"))


class _Part(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


def _extended(name: str, kind: type, **more: Any) -> Any:
    """A dataclass's fields and more."""
    hints = get_type_hints(kind)
    own: dict[str, Any] = {field.name: (hints[field.name], ...) for field in fields(kind)}
    own |= {key: (of, ...) for key, of in more.items()}
    return create_model(name, __base__=_Part, __doc__=kind.__doc__, **own)


class PerInference(_Part):
    """The answer: run totals divided by samples; power: the mean over the run."""

    energy_pj: float
    energy_is_lower_bound: bool
    latency_ns: float
    interval_ns: float
    power_mw: float


class Spread(_Part):
    mean: float
    min: float
    max: float


class TimingTotals(_Part):
    """Exact integers of the whole run."""

    chip_steps: int
    time_ps: int
    latency_ps: int
    streaming_ps: int


class Timing(_Part):
    """step_ns: of a chip step; time_step_ns: of a time step of the network, the run's time over samples x steps (not
    below mapping.step_ns, if the mapping was weighed with the activity of this run); latency_ns: of an inference."""

    chip_steps_per_inference: int
    step_ns: Spread
    time_step_ns: float
    latency_ns: Spread
    inferences_per_second: float
    bounds: list[model.BoundFacts]
    run_total: TimingTotals


class EnergyTotals(_Part):
    """Exact attojoules of the whole run; by_unit_aj and by_kind_of_profile_value_aj each sum to energy_aj."""

    energy_aj: int
    by_unit_aj: dict[str, int]
    static_aj: dict[str, int]
    chip_wide_aj: int
    by_kind_of_profile_value_aj: dict[Kind, int]
    dynamic_by_kind_of_profile_value_aj: dict[Kind, int]


class Energy(_Part):
    """unknown_costs: actions that happened and whose cost the profile does not know."""

    per_inference_pj: dict[str, float]
    run_total: EnergyTotals
    unknown_costs: list[str]
    is_lower_bound: bool


class LayerMeans(_Part):
    spikes: float | None
    effective_acs: float
    effective_macs: float
    dense_operations: float
    synaptic_events: float
    neuron_updates: float
    integer_operations: float
    product_operations: float
    host_operations: float
    dynamic_energy_pj: float


class LayerTotals(_Part):
    """Exact integers of the whole run."""

    outputs: int
    nonzero_outputs: int
    effective_acs: int
    effective_macs: int
    dense_operations: int
    synaptic_events: int
    neuron_updates: int
    integer_operations: int
    product_operations: int
    host_operations: int
    dynamic_energy_aj: dict[str, int]


class Layer(_Part):
    """One population as it was mapped. activation_sparsity: null for a readout."""

    name: str
    role: str
    shape: list[int]
    elements: int
    cores: int
    pipeline_level: int
    value_kind: str
    activation_sparsity: float | None
    per_inference: LayerMeans
    run_total: LayerTotals


class SynapticOperations(_Part):
    Effective_ACs: float
    Effective_MACs: float
    Dense: float


class NeuroBench(_Part):
    """Names and definitions of NeuroBench 2.3."""

    Footprint: int
    ConnectionSparsity: float
    ActivationSparsity: float | None
    SynapticOperations: SynapticOperations


class NeuroBenchFigures(_Part):
    definitions: str
    as_mapped: NeuroBench
    as_trained: NeuroBench | None


class Traffic(_Part):
    run_total: TrafficFacts


Share = float | None


class Mapping(
    _extended("Mapping", Quality, mean_hops=float, links_per_packet=Share, hops_ratio=Share, step_waits_for=str)
):
    """How good the mapping is, means per time step of the network, and how it was found; _bound: no mapping takes less.

    packets_sent: packets that leave for other cores than the sender's, inputs' included; of a multicast tree one,
    however many cores it reaches. packets: copies of them delivered to other cores, the same number where routers do
    not copy. hops: links crossed, each link of a tree once, those between chips included; hottest_link: packets on
    the busiest one; between_chips: those of the hops that lead from one chip to another. links_per_packet: hops /
    packets_sent; mean_hops: hops / packets, per copy delivered. packets_sent and links_per_packet are null for
    programs saved before they were counted. step_ns: no run with this activity takes less time per time step of the
    network (timing.time_step_ns); the mean of timing.step_ns can be below it, being over chip steps, those included
    that fill and empty the pipeline. core_ns, link_ns: the busiest core's and link's part of it."""


class Accuracy(
    _extended("Accuracy", model.AccuracyFacts, on_chip=Share, in_float=Share, agreement=Share, spikes_differing=Share)
):
    """How the predictions compare; null where it cannot be known (no labels, no float run)."""


class ResultFile(_Part):
    """What a network costs on a chip. Fields ending in _pj, _ns, _mw are means; _aj and _ps are exact integers of the
    whole run."""

    neurocomp_version: str
    fits: bool
    per_inference: PerInference
    network: model.NetworkFacts
    mapped_network: model.NetworkFacts
    chip: model.ChipFacts
    run: model.RunFacts
    cores: model.FitFacts
    mapping: Mapping | None
    timing: Timing
    energy: Energy
    layers: list[Layer]
    neurobench: NeuroBenchFigures
    traffic: Traffic
    signals: SignalFacts
    network_on_chip: RoutingFacts
    time_series: list[StepBin]
    accuracy: Accuracy | None
    saturations: int
    warnings: list[str]
    assumptions: list[str]
    mismatches: list[str]
    not_modelled: list[str]
    profile_values: list[model.ValueUse]


class TrainedChip(_Part):
    name: str
    title: str
    cores: int
    digest: str


class Alone(_Part):
    """How long each would take if the others took no time."""

    engines: float
    dram: float
    noc: float
    update: float


class Iteration(_Part):
    time_ns: float
    energy_pj: float
    energy_is_lower_bound: bool
    dram_bytes: float
    dram_bytes_held: float
    alone_ns: Alone


class Epoch(_Part):
    iterations: int
    time_ns: float
    energy_pj: float


class TrainingEnergy(_Part):
    """by_phase_and_unit: phase, then unit; by_core: core numbers as text."""

    by_phase_and_unit: dict[str, dict[str, float]]
    by_core: dict[str, float]


class Published(_Part):
    tflops_per_watt: float
    dram_reduction_percent: list[float]
    source: str
    note: str


class OriginOfValue(_Part):
    path: str
    value: int | float | bool | str | list[Any] | None
    kind: Kind
    source: str | None


class Round(_extended("Round", RoundCost, total_ns=float, energy_pj=Share, energy_pj_at_least=float)):
    """One round of federated training."""


class Federated(_Part):
    workers: int
    rounds: int
    local_steps: int
    link: Link
    round: Round
    all_rounds_ns: float


class TrainingFile(_Part):
    """What one training iteration costs on a chip with FP, BP and WG engines."""

    neurocomp_version: str
    network: str | None
    chip: TrainedChip
    setup: dict[str, int | float | bool | str | None]
    iteration: Iteration
    epoch: Epoch | None
    energy_pj: TrainingEnergy
    cores: list[training.CoreCost]
    dram_bytes_by_tensor: dict[str, float]
    utilisation: dict[str, float]
    layers: list[training.LayerCost]
    tera_operations_per_joule: dict[str, float]
    published: Published
    dram_reduction_against_gpus: list[Reduction]
    unknown_costs: list[str]
    federated: Federated | None
    assumptions: list[str]
    not_modelled: list[str]
    profile_values: list[OriginOfValue]
