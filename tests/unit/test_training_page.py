"""The page of a training iteration."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from neurocomp.chip.catalog import load_array_chip
from neurocomp.chip.gpu import load_gpu
from neurocomp.energy.training import price_training
from neurocomp.report import units
from neurocomp.report.training import TrainingReport, training_report, with_rounds
from neurocomp.simulate.engines.layer import conv_layer, linear_layer
from neurocomp.simulate.federated import Link
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup
from tests.unit.test_report_page import walked

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def report() -> TrainingReport:
    layers = [conv_layer(EVIL, (3, 16), (8, 8), (3, 3), real_input=True), linear_layer("last", (1024, 10))]
    run = simulate_training(load_array_chip("neuromc"), layers, TrainingSetup(4, 2, "adam"))
    return training_report(run, price_training(run), [load_gpu("a100")], dataset_size=100, network="digits")


def test_the_page_holds_the_whole_report(report: TrainingReport) -> None:
    page = report.to_page()
    walk = walked(page)
    text = " ".join(" ".join(walk.text).split())
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "What bounds it", "Energy by phase and unit", "By layer", "DRAM traffic by tensor", "Cores",
        "Tera operations per joule", "GPUs", "Where it comes from", "Assumed", "Not modelled", "Record",
    ]  # fmt: skip
    for part in (units.time(report.run.iteration_ps), units.energy(report.energy.total_aj), "25 iterations"):
        assert part in text
    assert "a lower bound: some costs are not known" in text and report.run.chip.digest() in text
    assert all(sentence in text for sentence in report.run.assumptions)
    assert all(layer.bound in text for layer in report.layers)
    assert "digits, one iteration: 4 samples" in text and "iteration of digits on" in report.to_text()
    assert text.count(report.run.setup.activity.origin) == 1
    assert page.count("keeps tensors") == 4  # GPUs under every set of assumptions


def test_energy_by_phase_is_drawn_whole(report: TrainingReport) -> None:
    """A part without a colour of its own would silently be missing."""
    spent = {str(unit) for (unit,), aj in report.energy.by("unit").items() if aj}
    page = report.to_page()
    assert "dram" in spent
    for unit in spent:
        assert f">{unit}</text>" in page


def test_the_page_is_safe_and_the_same_every_time(report: TrainingReport) -> None:
    page = report.to_page()
    walk = walked(page)
    assert "script" not in {tag for tag, _ in walk.tags} and any(EVIL in text for text in walk.text)
    assert page == report.to_page() and len(page.encode()) < 1_000_000


def test_rounds_and_epochs_stand_there_if_asked_for(report: TrainingReport) -> None:
    page = with_rounds(report, workers=3, rounds=2, link=Link(1.0)).to_page()
    assert "<h2>Federated training</h2>" in page and "Federated: 3 workers" in page
    assert "for an epoch" not in replace(report, dataset_size=None).to_page()
