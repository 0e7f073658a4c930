"""What a training iteration costs, for people and for programs."""

from __future__ import annotations

import json

import pytest

from neurocomp.chip.catalog import load_array_chip
from neurocomp.chip.gpu import load_gpu
from neurocomp.energy.training import price_training
from neurocomp.report.training import TrainingReport, training_report
from neurocomp.simulate.engines.layer import conv_layer, linear_layer
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup

CHIP = load_array_chip("neuromc")
LAYERS = [
    conv_layer("first", (3, 40), (16, 16), (3, 3), real_input=True, normalised=True),
    conv_layer("second", (40, 40), (16, 16), (3, 3), normalised=True),
    linear_layer("classifier", (10240, 10), neurons=False),
]


@pytest.fixture(scope="module")
def report() -> TrainingReport:
    run = simulate_training(CHIP, LAYERS, TrainingSetup(16, 4, "adam"))
    return training_report(run, price_training(run), [load_gpu("a100")], dataset_size=100)


def test_json_sums_to_its_totals(report: TrainingReport):
    tree = json.loads(report.to_json())
    assert tree["schema"] == "neurocomp/training/1"
    total = tree["iteration"]["energy_pj"]
    phases = tree["energy_pj"]["by_phase_and_unit"]
    assert sum(sum(units.values()) for units in phases.values()) == pytest.approx(total, rel=1e-12)
    assert sum(tree["energy_pj"]["by_core"].values()) == pytest.approx(total, rel=1e-12)
    assert sum(sum(layer["energy_pj"].values()) for layer in tree["layers"]) == pytest.approx(total, rel=1e-12)
    assert sum(tree["dram_bytes_by_tensor"].values()) == tree["iteration"]["dram_bytes"]
    assert sum(sum(layer["dram_bytes"].values()) for layer in tree["layers"]) == tree["iteration"]["dram_bytes"]
    assert tree["epoch"]["iterations"] == 7
    assert tree["epoch"]["energy_pj"] == pytest.approx(7 * total)
    assert tree["iteration"]["energy_is_lower_bound"]  # static power is not known


def test_every_number_says_where_it_comes_from(report: TrainingReport):
    tree = json.loads(report.to_json())
    assert tree["profile_values"]
    assert all(value["kind"] and value["source"] for value in tree["profile_values"])
    assert {value["kind"] for value in tree["profile_values"]} == {"published-presilicon", "derived", "estimated"}
    assert "assumed" in tree["assumptions"][0]
    assert tree["setup"]["activity"].startswith("assumed")


def test_baselines_are_the_whole_grid(report: TrainingReport):
    tree = json.loads(report.to_json())
    grid = tree["dram_reduction_against_gpus"]
    assert len({json.dumps(row["setting"], sort_keys=True) for row in grid}) == len(grid) == 8
    lines = report.to_text().splitlines()
    assert sum(line.lstrip().startswith("a100") for line in lines) == 8


def test_text_shows_published_beside_computed(report: TrainingReport):
    text = report.to_text()
    assert "1.050  published for NeuroMC" in text and "not claimed as reproduced" in " ".join(text.split())
    for layer in LAYERS:
        assert f"  {layer.name} " in text
    assert "at least" in text and "assumed" in text and "not modelled" in text
    assert max(len(line) for line in text.splitlines()) <= 110


def test_equal_runs_give_equal_bytes(report: TrainingReport):
    run = simulate_training(CHIP, LAYERS, TrainingSetup(16, 4, "adam"))
    again = training_report(run, price_training(run), [load_gpu("a100")], dataset_size=100)
    assert again.to_json() == report.to_json() and again.to_text() == report.to_text()


def test_without_baselines_and_data_set(report: TrainingReport):
    plain = training_report(report.run, report.energy)
    tree = json.loads(plain.to_json())
    assert tree["epoch"] is None and tree["dram_reduction_against_gpus"] == []
    assert "epoch" not in plain.to_text() and "a100" not in plain.to_text()
