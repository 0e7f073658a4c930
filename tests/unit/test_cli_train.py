"""``neurocomp train``: the whole way from a file to what training costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.activity.encode import encode_sample
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.trace import save_training_trace
from neurocomp.cli import app
from neurocomp.commands.exits import run

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits" / "net.pt"


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert run(app, ["train", str(DIGITS), "-q", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(app, ["train", str(DIGITS), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_report_and_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(app, ["train", str(DIGITS), "-o", str(out), "--dataset-size", "1347"]) == 0
    text = capsys.readouterr().out
    for part in ("16 samples x 8 steps, sgd, 3 layers", "epoch   85 iterations", "bound by", "a100  fp16", "assumed"):
        assert part in text
    assert (out / "report.txt").read_text() == text
    tree = json.loads((out / "training.json").read_text())
    assert tree["epoch"]["iterations"] == 85
    assert run(app, ["train", str(DIGITS), "-o", str(out), "-q"]) == 0, "a folder of ours may be written again"


def test_more_samples_cost_more_and_what_zeros_save_is_saved(capsys: pytest.CaptureFixture[str]) -> None:
    energy = {
        words: answer(capsys, *words)["iteration"]
        for words in [("--batch", "16"), ("--batch", "32"), ("--sparsity", "gated"), ("--sparsity", "skipped")]
    }
    plain, more, gated, skipped = energy.values()
    assert more["energy_pj"] > 1.9 * plain["energy_pj"]
    assert skipped["energy_pj"] < gated["energy_pj"] < plain["energy_pj"]
    assert gated["time_ns"] == plain["time_ns"] > skipped["time_ns"]


def test_activity_can_be_measured_or_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = answer(capsys, "--activity", "measured", "--sparsity", "skipped")
    assert measured["setup"]["activity"] == "computed by neurocomp's back-propagation"
    network = neurocomp.load_network(DIGITS)
    inputs, labels = encode_sample(network.sample)[:16], network.sample.labels[:16]
    trace = training_step(network, inputs, rate_cross_entropy(labels), detach_reset=True).trace
    save_training_trace(trace, tmp_path / "t.npz")
    recorded = answer(capsys, "--activity", str(tmp_path / "t.npz"), "--sparsity", "skipped")
    assert recorded["iteration"] == measured["iteration"]
    assumed = answer(capsys, "--sparsity", "skipped", "--spikes", "1", "--gradients", "1")
    assert recorded["iteration"]["energy_pj"] < assumed["iteration"]["energy_pj"]


def test_federated_rounds_stand_beside_the_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--workers", "5", "--rounds", "7", "--local-steps", "3", "--link-gbit", "2", "--link-us", "10")
    tree = answer(capsys, *words)
    federated, iteration = tree["federated"], tree["iteration"]
    weights = sum(p.op.weight.size for p in neurocomp.load_network(DIGITS).projections if hasattr(p.op, "weight"))
    way_ns = 10_000 + weights * 16 / 2
    assert federated["round"]["compute_ns"] == pytest.approx(3 * iteration["time_ns"])
    assert federated["round"]["upload_ns"] == pytest.approx(5 * way_ns)
    assert federated["all_rounds_ns"] == pytest.approx(7 * federated["round"]["total_ns"])
    assert federated["round"]["energy_pj"] is None, "the links' energy is not known"
    assert run(app, ["train", str(DIGITS), *words]) == 0
    assert "Federated: 5 workers, 3 steps each" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--chip", "loihi2"), "does not train by back-propagation"),
        (("--chip", "neuromk"), "did you mean neuromc?"),
        (("--batch", "0"), "samples is 0"),
        (("--dataset-size", "0"), "--dataset-size: is 0"),
        (("--optimizer", "rmsprop"), "there is no optimizer 'rmsprop'"),
        (("--sparsity", "none"), "there is no sparsity 'none'"),
        (("--order", "random"), "there is no order 'random'"),
        (("--spikes", "1.5"), "--spikes: is 1.5"),
        (("--gpus", "a100,h1000"), "did you mean h100?"),
        (("--workers", "0"), "--workers: is 0"),
        (("--workers", "2", "--link-gbit", "0"), "a rate of 0.0 Gbit/s"),
        (("--activity", "nowhere.npz"), "nowhere.npz: there is no such file"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:
    assert message in refusal(capsys, *words)


def test_a_trace_of_another_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = neurocomp.load_network(DIGITS)
    inputs = encode_sample(network.sample)[:2]
    trace = training_step(network, inputs, lambda y: (0.0, np.ones_like(y))).trace
    trace.layers["elsewhere"] = trace.layers.pop("conv1")
    for name in ("conv2", "fc"):
        del trace.layers[name]
    save_training_trace(trace, tmp_path / "t.npz")
    assert "has no layer of digits" in refusal(capsys, "--activity", str(tmp_path / "t.npz"))
