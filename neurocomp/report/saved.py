"""Results read back from ``result.json``, as far as a comparison needs them.

Fields may be added within a version of the schema, so what is not known here is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurocomp.chip.messages import explain
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.report.model import SCHEMA

FILE = "result.json"
BYTES_MAX = 512 * 2**20
FINDINGS_MAX = 5
ROUNDING = 1e-9  # relative, of sums of figures that were rounded to float64
_AGAIN = "write it again: neurocomp simulate PROGRAM -o DIR"

Positive = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(max_length=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class Summary(_Part):
    """The answer, per inference."""

    energy_pj: Amount
    energy_is_lower_bound: bool
    latency_ns: Amount
    interval_ns: Amount
    power_mw: Amount


class SavedNetwork(_Part):
    name: Name
    arithmetic: Name
    neurons: int
    weights: int
    sha256: Name


class SavedChip(_Part):
    name: Name
    title: Name
    sha256: Name


class SavedRun(_Part):
    samples: Positive
    steps: Positive
    encoding: Name | None
    fidelity: Name


class SavedCores(_Part):
    cores_used: Positive
    cores_available: Positive


class EnergyTotals(_Part):
    """Attojoules of the run, exact."""

    energy_aj: int
    by_unit_aj: dict[Name, int]


class TimingTotals(_Part):
    """Picoseconds of the run, exact."""

    time_ps: Positive
    latency_ps: Annotated[int, Field(ge=0)]
    streaming_ps: Annotated[int, Field(ge=0)]


class SavedTiming(_Part):
    run_total: TimingTotals


class SavedEnergy(_Part):
    per_inference_pj: dict[Name, Amount]
    run_total: EnergyTotals | None = None


class Traffic(_Part):
    """Totals of the run."""

    spikes: Amount
    synaptic_events: Amount
    packets_sent: Amount
    hops: Amount
    chip_crossings: Amount = 0.0  # not written before crossings were counted

    @property
    def links_crossed(self) -> float:
        return self.hops + self.chip_crossings


class SavedTraffic(_Part):
    run_total: Traffic


class LayerMeans(_Part):
    dynamic_energy_pj: Amount
    synaptic_events: Amount


class SavedLayer(_Part):
    name: Name
    role: Name
    shape: tuple[int, ...]
    cores: Annotated[int, Field(ge=0)]
    activation_sparsity: float | None
    per_inference: LayerMeans


class SavedAccuracy(_Part):
    on_chip: float | None


class SavedResult(_Part):
    """One ``result.json``; see report/model.py for what the fields mean."""

    neurocomp_version: Name
    per_inference: Summary
    network: SavedNetwork
    mapped_network: SavedNetwork
    chip: SavedChip
    run: SavedRun
    cores: SavedCores
    energy: SavedEnergy
    timing: SavedTiming | None = None
    layers: tuple[SavedLayer, ...]
    traffic: SavedTraffic
    accuracy: SavedAccuracy | None


def read_result(path: str | Path) -> SavedResult:
    """Read a result from its file, or from the folder that a command wrote.

    Raises InputError if it does not exist, is something else, has another schema or is damaged.
    """
    file = Path(path)
    if file.is_dir():
        file = _in_folder(file)
    text = _text(file)
    _check_schema(text, str(file))
    try:
        result = SavedResult.model_validate_json(text)
    except ValidationError as error:
        raise InputError(_findings(error, str(file))) from error
    found = list(_broken_sums(result, str(file)))
    if found:
        raise InputError(found)
    return result


def _broken_sums(result: SavedResult, where: str) -> Iterator[Diagnostic]:
    """Parts sum to totals in what neurocomp writes; where they do not, somebody changed the file."""
    hint = f"it was changed after it was written; {_AGAIN}"
    whole, parts = result.per_inference.energy_pj, sum(result.energy.per_inference_pj.values())
    if not isclose(whole, parts, rel_tol=ROUNDING):
        what = f"per_inference.energy_pj is {whole:.10g}, but energy.per_inference_pj sums to {parts:.10g}"
        yield Diagnostic(where, what, hint=hint)
    total = result.energy.run_total
    if total is None:
        return
    if total.energy_aj != sum(total.by_unit_aj.values()):
        what = f"energy.run_total: energy_aj is {total.energy_aj}, by_unit_aj sums to {sum(total.by_unit_aj.values())}"
        yield Diagnostic(where, what, hint=hint)
    if not isclose(whole * result.run.samples, total.energy_aj / 1e6, rel_tol=ROUNDING):
        what = (
            f"energy.run_total.energy_aj is {total.energy_aj}, not {result.run.samples} times per_inference.energy_pj"
        )
        yield Diagnostic(where, what, hint=hint)
    if result.timing is not None:
        yield from (Diagnostic(where, what, hint=hint) for what in _other_times(result, result.timing.run_total, total))


def _other_times(result: SavedResult, times: TimingTotals, energy: EnergyTotals) -> Iterator[str]:
    """Figures per inference that are not those of the run."""
    answer, samples = result.per_inference, result.run.samples
    for name, value, whole in (
        ("latency_ns", answer.latency_ns, times.latency_ps / 1e3 / samples),
        ("interval_ns", answer.interval_ns, times.streaming_ps / 1e3 / samples),
        ("power_mw", answer.power_mw, energy.energy_aj / times.time_ps / 1e3),
    ):
        if not isclose(value, whole, rel_tol=ROUNDING):
            yield f"per_inference.{name} is {value:.10g}, but the totals of the run make it {whole:.10g}"


def read_results(paths: list[Path]) -> list[SavedResult]:
    """Several; what is wrong with any of them is reported at once."""
    results, found = [], []
    for path in paths:
        try:
            results.append(read_result(path))
        except InputError as error:
            found += error.diagnostics
    if found:
        raise InputError(found)
    return results


def _in_folder(folder: Path) -> Path:
    if (folder / FILE).exists():
        return folder / FILE
    hint = "give a folder that neurocomp compile or simulate -o wrote"
    if (folder / "training.json").exists():
        raise bad_input(str(folder), f"holds a training report and no {FILE}", why="inference is compared", hint=hint)
    raise bad_input(str(folder), f"holds no {FILE}", hint=f"{hint}, with json among its --formats")


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > BYTES_MAX:
            raise bad_input(str(file), f"is larger than {BYTES_MAX >> 20} MiB", hint="is this a result?")
        return file.read_text("utf-8")
    except FileNotFoundError as error:
        raise bad_input(str(file), "does not exist", hint="give a folder with a result.json, or that file") from error
    except UnicodeDecodeError as error:
        raise bad_input(str(file), f"is not UTF-8 text (byte {error.start})", hint="is this a result.json?") from error
    except OSError as error:
        raise bad_input(str(file), "cannot be read", why=error.strerror or str(error)) from error


def _check_schema(text: str, where: str) -> None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = str(error).partition(":")[0].lower() if isinstance(error, json.JSONDecodeError) else str(error)
        raise bad_input(where, "is not JSON, or only a part of it", why=why, hint=_AGAIN) from error
    schema = tree.get("schema") if isinstance(tree, dict) else None
    if schema == SCHEMA:
        return
    if not isinstance(schema, str):
        raise bad_input(where, "is not a result of neurocomp: it names no schema", hint=f"a result has {SCHEMA}")
    shown, family = schema[:60], SCHEMA.rpartition("/")[0]
    if schema.rpartition("/")[0] == family:
        hint = "read it with the version that wrote it, or simulate again"
        raise bad_input(where, f"has schema {shown!r}; this version of neurocomp reads {SCHEMA!r}", hint=hint)
    raise bad_input(where, f"is no result: its schema is {shown!r}", hint=f"a result has {SCHEMA!r}")


def _findings(error: ValidationError, where: str) -> list[Diagnostic]:
    errors = error.errors()
    found = []
    for each in errors[:FINDINGS_MAX]:
        what = "is missing" if each["type"] == "missing" else explain(each, SavedResult)[0]
        found.append(Diagnostic(where, f"{'.'.join(map(str, each['loc']))}: {what}", hint=_AGAIN))
    if len(errors) > FINDINGS_MAX:
        found.append(Diagnostic(where, f"{len(errors) - FINDINGS_MAX} more findings are not shown"))
    return found
