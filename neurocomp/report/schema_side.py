"""The JSON Schemas of what stands beside a result: comparisons, and learning by local rules."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurocomp.report import compare, plasticity
from neurocomp.report.schema import OriginOfValue, schema_text


def comparison_schema() -> str:
    """Of ``comparison.json``."""
    return schema_text(compare.SCHEMA, ComparisonFile.model_json_schema(mode="serialization"))


def plasticity_schema() -> str:
    """Of what ``train --plastic`` writes as ``training.json``."""
    return schema_text(plasticity.SCHEMA, PlasticityFile.model_json_schema(mode="serialization"))


class _Part(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class Values(_Part):
    """One figure of every result, and its multiple of the first result's; null where it is not known."""

    unit: compare.Kind
    values: list[float | None]
    ratios: list[float | None]


class ComparedNetwork(_Part):
    name: str
    arithmetic: str
    neurons: int
    weights: int
    sha256: str


class ComparedChip(_Part):
    name: str
    title: str
    sha256: str


class ComparedRun(_Part):
    samples: int
    steps: int
    encoding: str | None
    fidelity: str


class Compared(_Part):
    """Where a result comes from. label: short and unique."""

    label: str
    path: str
    neurocomp_version: str
    network: ComparedNetwork
    chip: ComparedChip
    run: ComparedRun


class ComparedLayer(_Part):
    """A layer of the same name and shape in all results."""

    name: str
    shape: list[int]
    dynamic_energy: Values
    synaptic_events: Values
    cores: Values


class ComparisonFile(_Part):
    """Results side by side; lists have one entry per result. apart: sentences on what else is not the same."""

    results: list[Compared]
    per_inference: dict[str, Values]
    energy_is_lower_bound: list[bool]
    layers: list[ComparedLayer]
    layers_without_counterpart: int
    apart: list[str]


class LearningChip(_Part):
    name: str
    title: str
    digest: str


class LearningSetup(_Part):
    rule: str
    epoch_steps: int
    samples: int
    steps: int


class PerSample(_Part):
    """learning_pj: of the updates and of the static power meanwhile, on top of inference."""

    inference_ns: float
    learning_ns: float
    inference_pj: float
    learning_pj: float
    learning_static_pj: float
    energy_is_lower_bound: bool


class PlasticLayer(_Part):
    """updates_per_epoch: of all samples together. energy_pj: of the run; null where an update's cost is not known."""

    name: str
    weights: int
    updates: int
    updates_per_epoch: list[int]
    energy_pj: float | None


class CoreUpdates(_Part):
    core: int
    layer: str
    updates: int


class PlasticityFile(_Part):
    """What learning by a local rule costs beside the inference that it rides on."""

    neurocomp_version: str
    network: str
    chip: LearningChip
    setup: LearningSetup
    per_sample: PerSample
    layers: list[PlasticLayer]
    core_updates: list[CoreUpdates]
    assumptions: list[str]
    not_modelled: list[str]
    profile_values: list[OriginOfValue]
