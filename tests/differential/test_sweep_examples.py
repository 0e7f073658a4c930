"""The sweeps in examples/ say what their READMEs say."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurocomp
from neurocomp.sweep.api import space_of
from neurocomp.sweep.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]


def swept(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Outcome], list[Outcome]]:
    monkeypatch.chdir(ROOT)
    space = space_of(Path("examples", name, "space.yaml"))
    outcomes = list(neurocomp.sweep(space))
    return outcomes, neurocomp.pareto(outcomes, space.objectives)


def setting(outcome: Outcome, name: str) -> float:
    return float(dict(outcome.point.settings)[name])  # type: ignore[arg-type]


def test_which_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, front = swept("02_which_chip", monkeypatch)
    refused = [o.point.chip for o in outcomes if o.status == "does not fit"]
    assert refused == ["truenorth"] and all(o.status == "ok" for o in outcomes if o.point.chip not in refused)
    assert len(front) >= 2


def test_cores_and_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, front = swept("03_cores_and_mesh", monkeypatch)
    small = [o for o in outcomes if setting(o, "chip.noc.width") * setting(o, "chip.noc.height") < 4]
    assert small and all(o.status == "bad input" and "has places for" in o.reason for o in small)
    assert all(o.status == "ok" for o in outcomes if o not in small)
    by_size = [setting(o, "chip.core.neurons_max") for o in front]
    assert by_size[0] == 128 and by_size == sorted(by_size), "from the shortest latency to the least traffic"


def test_weight_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, _ = swept("04_weight_bits", monkeypatch)
    accuracy = {setting(o, "chip.numeric.weight_bits"): o.metrics["accuracy"] for o in outcomes}
    assert accuracy[8] == pytest.approx(447 / 450) and float(accuracy[2] or 0) < 0.7
    assert len({o.digests["trace"] for o in outcomes}) == len(outcomes)


def test_training_array(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, front = swept("05_training_array", monkeypatch)
    assert len(outcomes) == 24 and all(o.status == "ok" for o in outcomes)
    sizes = {(setting(o, "chip.cores"), setting(o, "chip.engines.*.rows"), value(o, "chip.engines.fp.dataflow")): o
             for o in outcomes}  # fmt: skip
    for (cores, rows, dataflow), found in sizes.items():
        if dataflow == "outer":
            added_up = sizes[cores, rows, "reduction"].metrics
            assert 0.89 < ratio(found.metrics, added_up, "sample_energy_pj") < 0.94
            assert 0.94 < ratio(found.metrics, added_up, "sample_ns") <= 1.0
    small, large = sizes[5, 8, "outer"].metrics, sizes[5, 16, "outer"].metrics
    assert ratio(large, small, "array_elements") == 4 and round(ratio(large, small, "sample_ns"), 2) == 0.54
    assert {value(o, "chip.engines.fp.dataflow") for o in front} == {"outer"}


def value(outcome: Outcome, name: str) -> object:
    return dict(outcome.point.settings)[name]


def ratio(metrics: dict[str, float | None], others: dict[str, float | None], name: str) -> float:
    return float(metrics[name] or 0) / float(others[name] or 0)
