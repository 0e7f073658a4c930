"""``neurocomp train``: the whole way from a file to what training costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.activity.encode import encode_sample
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.frontend.frozen import write_frozen
from tests.nir_files import chain, lif, node, sink, source, write

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
    assert "<h2>Energy by phase and unit</h2>" in (out / "report.html").read_text()
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
    trace.save(tmp_path / "t.npz")
    recorded = answer(capsys, "--activity", str(tmp_path / "t.npz"), "--sparsity", "skipped")
    assert recorded["iteration"] == measured["iteration"]
    assumed = answer(capsys, "--sparsity", "skipped", "--spikes", "1", "--gradients", "1")
    assert recorded["iteration"]["energy_pj"] < assumed["iteration"]["energy_pj"]


def test_federated_rounds_stand_beside_the_iteration(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--workers", "5", "--rounds", "7", "--local-steps", "3", "--link", "2,10")
    tree = answer(capsys, *words)
    federated, iteration = tree["federated"], tree["iteration"]
    weights = sum(p.op.weight.size for p in neurocomp.load_network(DIGITS).projections if hasattr(p.op, "weight"))
    way_ns = 10_000 + weights * 16 / 2
    assert federated["round"]["compute_ns"] == pytest.approx(3 * iteration["time_ns"])
    assert federated["round"]["upload_ns"] == pytest.approx(5 * way_ns)
    assert federated["all_rounds_ns"] == pytest.approx(7 * federated["round"]["total_ns"])
    assert federated["round"]["energy_pj"] is None, "the links' energy is not known"
    assert run(app, ["train", str(DIGITS), *words]) == 0
    text = capsys.readouterr().out
    assert "federated: 5 workers, 3 iterations each" in text and "the links' is not known" in text
    priced = answer(capsys, *words[:-1], "2,10,4")["federated"]
    assert priced["round"]["link_energy_pj"] == pytest.approx(2 * 5 * weights * 16 * 4)
    assert priced["round"]["energy_pj_at_least"] == pytest.approx(
        15 * iteration["energy_pj"] + priced["round"]["link_energy_pj"]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--chip", "loihi2"), "does not train by back-propagation"),
        (("--chip", "neuromk"), "did you mean neuromc?"),
        (("--batch", "0"), "--batch: is 0"),
        (("--dataset-size", "0"), "--dataset-size: is 0"),
        (("--optimizer", "rmsprop"), "there is no optimizer 'rmsprop'"),
        (("--sparsity", "none"), "there is no sparsity 'none'"),
        (("--order", "random"), "there is no order 'random'"),
        (("--spikes", "1.5"), "--spikes: is 1.5"),
        (("--gpus", "a100,h1000"), "did you mean h100?"),
        (("--workers", "0"), "--workers: is 0"),
        (("--workers", "2", "--link", "0"), "a rate of 0.0 Gbit/s"),
        (("--workers", "2", "--link", "fast"), "--link: is 'fast'; one to three numbers are needed"),
        (("--optimizer", "sgd+speed"), "there is nothing called 'speed' to add"),
        (("--optimizer", "adam+momentum"), "adam has a momentum of its own"),
        (("--plastic", "fc"), "trains by back-propagation and has no engine for local rules"),
        (("--plastic", "fc", "--chip", "loihi2"), "does not learn on the chip, or its profile does not know"),
        (("--plastic", "fc", "--chip", "loihi", "--rule", "bcm"), "loihi has no rule 'bcm'"),
        (("--plastic", "conv2", "--chip", "loihi"), "is a convolution, whose positions share their weights"),
        (("--plastic", "fc1", "--chip", "loihi"), "layers: conv1, conv2, fc"),
        (("--plastic", "conv11", "--chip", "loihi"), "did you mean conv1?"),
        (("--plastic", "fc,fc", "--chip", "loihi"), "is named twice"),
        (("--plastic", "fc", "--chip", "loihi", "--epoch", "0"), "--epoch: is 0"),
        (("--activity", "nowhere.npz"), "nowhere.npz: there is no such file"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:
    assert message in refusal(capsys, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rounds", "5", "--link", "10"), "--rounds: has no effect without --workers"),
        (("--rule", "reward"), "--rule: has no effect without --plastic"),
        (("--activity", "measured", "--spikes", "0.5"), "--spikes: has no effect beside --activity"),
        (("--chip", "loihi", "--plastic", "fc", "--optimizer", "adam"), "--optimizer: has no effect with --plastic"),
    ],
)
def test_options_that_would_change_nothing(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert message in refusal(capsys, *words)


def test_a_folder_keeps_one_kind_of_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "result.json").write_text('{"schema": "neurocomp/result/1"}')
    assert "holds the answer to another question (result.json)" in refusal(capsys, "-o", str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_trace_of_another_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = neurocomp.load_network(DIGITS)
    inputs = encode_sample(network.sample)[:2]
    trace = training_step(network, inputs, lambda y: (0.0, np.ones_like(y))).trace
    trace.layers["elsewhere"] = trace.layers.pop("conv1")
    for name in ("conv2", "fc"):
        del trace.layers[name]
    trace.save(tmp_path / "t.npz")
    assert "has no layer of digits" in refusal(capsys, "--activity", str(tmp_path / "t.npz"))


def test_options_of_the_optimizer_and_of_maps_on_the_chip(capsys: pytest.CaptureFixture[str]) -> None:
    plain, more, kept = (
        answer(capsys, *words) for words in ((), ("--optimizer", "sgd+momentum+decay"), ("--on-chip",))
    )
    assert more["setup"]["momentum"] and more["setup"]["weight_decay"] and not plain["setup"]["momentum"]
    assert more["iteration"]["energy_pj"] > plain["iteration"]["energy_pj"] > kept["iteration"]["energy_pj"]
    assert kept["iteration"]["dram_bytes"] < plain["iteration"]["dram_bytes"]


def test_the_report_is_for_readers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["train", str(DIGITS), "-q", "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert run(app, ["train", str(DIGITS)]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 110
    squeezed = " ".join(text.split())
    assert all(" ".join(sentence.split()) in squeezed for sentence in tree["assumptions"])
    assert any("pooling and sums of maps" in sentence for sentence in tree["assumptions"])
    assert [core["layers"] for core in tree["cores"]] == [["conv1"], ["conv2"], ["conv2"], ["fc"]]
    assert sum(core["energy_pj"] for core in tree["cores"]) == pytest.approx(tree["iteration"]["energy_pj"])
    assert tree["layers"][0]["filled"] == {"FP": 1 / 16, "WG": 1 / 16}, "one channel for sixteen rows"
    assert "few input channels for the 16 rows of the array: conv1 (1)" in text
    assert "inputs that are numbers, not spikes: conv1, conv2, fc" in text


def test_inference_beside_local_learning_is_that_of_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    network = neurocomp.load_network(DIGITS)
    few = replace(network.sample, inputs=network.sample.inputs[:8], labels=network.sample.labels[:8])
    write_frozen(replace(network, sample=few), tmp_path / "net.pt")
    shared = [str(tmp_path / "net.pt"), "--chip", "loihi", "--json", "-q"]
    assert run(app, ["compile", *shared, "-o", str(tmp_path / "out")]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert run(app, ["train", *shared, "--plastic", "fc", "--batch", "8"]) == 0
    beside = json.loads(capsys.readouterr().out)["per_sample"]
    assert beside["inference_pj"] == pytest.approx(alone["per_inference"]["energy_pj"], rel=1e-9)


def test_local_learning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("train", str(DIGITS), "--chip", "loihi", "--plastic", "fc", "--batch", "4", "--epoch", "3")
    assert run(app, [*words, "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    for part in ("4 samples x 8 steps, rule stdp, epochs of 3 steps", "learning is", "fc ", "pooling in front of fc"):
        assert part in text
    tree = json.loads((tmp_path / "out" / "training.json").read_text())
    layer = tree["layers"][0]
    assert tree["schema"] == "neurocomp/plasticity/1" and layer["weights"] == 1280
    assert len(layer["updates_per_epoch"]) == 3 and sum(layer["updates_per_epoch"]) == layer["updates"] > 0
    assert layer["energy_pj"] == 120 * layer["updates"]
    assert sum(core["updates"] for core in tree["core_updates"]) == layer["updates"]
    assert tree["profile_values"] and all(value["source"] for value in tree["profile_values"])
    assert run(app, [*words, "-q", "--json", "--rule", "reward"]) == 0
    rewarded = json.loads(capsys.readouterr().out)
    assert rewarded["layers"][0]["updates"] < layer["updates"]
    assert rewarded["per_sample"]["inference_pj"] == tree["per_sample"]["inference_pj"]


def test_what_a_nir_file_leaves_open_can_be_said_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = node("Linear", weight=np.ones((3, 4), np.float32))
    path = write(tmp_path / "x.nir", chain(("input", source(4)), ("fc", layer), ("lif", lif()), ("output", sink(3))))
    assert run(app, ["train", str(path), "--steps", "4", "--dt", "0.001", "--json", "-q"]) == 0
    assumed = json.loads(capsys.readouterr().out)["assumptions"]
    assert "x.nir stores no kind of reset: assumed that a spike sets v to v_reset (--reset)" in assumed
    assert not any("--dt" in sentence for sentence in assumed)
    assert run(app, ["train", str(path), "--steps", "4", "--reset", "soft"]) == 2
    assert "error: --reset: is 'soft'" in capsys.readouterr().err
