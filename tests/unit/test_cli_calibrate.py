"""``neurocomp compile --calibrate --weight-scales``: which data the scales come from, and that the report says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError
from neurocomp.frontend.frozen import write_frozen
from neurocomp.frontend.nir_write import write_nir
from neurocomp.mapping.compile import compile_network, lower
from neurocomp.network import Host, Integer, Linear, Network, Neuron, Population, Projection, Sample
from neurocomp.report.difference import differing_sites

NETWORK = "net.nir"
RNG = np.random.default_rng(4)


def small() -> Network:
    weight = RNG.normal(size=(4, 6)).astype(np.float32)
    lif = Neuron(v_decay=0.5, threshold=0.7)
    populations = (Population("in", (6,)), Population("a", (4,), lif), Population("b", (3,), lif))
    projections = (
        Projection("w", "in", "a", Linear(weight)),
        Projection("u", "a", "b", Linear(RNG.normal(size=(3, 4)).astype(np.float32) * 2)),
    )
    return Network(populations, projections, ("in",), "b", name="small")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_nir(small(), tmp_path / "net.nir")
    np.savez("run.npz", x=RNG.random((5, 6)).astype(np.float32))
    np.savez("other.npz", x=4 * RNG.random((7, 6)).astype(np.float32))
    return tmp_path


def compiled(*more: str) -> int:
    asked = ("compile", NETWORK, "--chip", "loihi2", "--input", "run.npz", "--steps", "6", "-o", "out", "--force")
    return run(app, (*asked, "-q", *more))


def answer() -> dict:  # type: ignore[type-arg]
    return json.loads(Path("out/result.json").read_text())


def test_scales_that_come_from_the_run_itself_are_said(work: Path) -> None:
    assert compiled() == 0
    said = "scales of real values come from the very inputs that are run; --calibrate takes them from other data"
    assert said in answer()["assumptions"]


def test_other_data_take_their_place(work: Path) -> None:
    assert compiled("--calibrate", "other.npz") == 0
    with np.load("other.npz") as other:
        mapped = lower(small(), load_chip("loihi2"), other["x"]).arithmetic
        assert isinstance(mapped, Integer)
        assert mapped.input_scale > np.abs(other["x"]).max() / 256
    assumed = answer()["assumptions"]
    assert f"the inputs' scale, {mapped.input_scale:.3g}, is that of 7 samples of other.npz (--calibrate)" in assumed
    assert not any("very inputs" in sentence for sentence in assumed)


def test_spikes_that_rounding_moved_are_counted(work: Path) -> None:
    assert compiled("--calibrate", "other.npz") == 0
    accuracy = answer()["accuracy"]
    assert accuracy["spike_sites"] == 5 * 6 * 7
    assert accuracy["spikes_differing"] == accuracy["differing"] / accuracy["spike_sites"]
    network, chip = small(), load_chip("loihi2")
    x = np.repeat(RNG.random((5, 1, 6)).astype(np.float32), 6, axis=1)
    mapped = lower(network, chip, x)
    one, other = execute(network, x), execute(mapped, x)
    expected = sum(int((one.trace.dense(k) != other.trace.dense(k)).sum()) for k in "ab")
    assert differing_sites(network, one, mapped, other) == (5 * 6 * 7, expected)


def test_scales_per_channel_are_asked_for(work: Path) -> None:
    assert compiled("--weight-scales", "channel") == 0
    said = "on loihi2: weights have a scale per channel in 2 of 2 populations of neurons"
    assert said in answer()["assumptions"]
    program = compile_network(small(), load_chip("loihi2"), calibration=np.ones(1), weight_scales="channel")
    assert np.shape(program.network.by_name["a"].neuron.threshold) == (4,)  # type: ignore[union-attr]


def hosted() -> Network:
    """GELU between two matrices, and neurons behind them."""
    populations = (
        Population("in", (6,)), Population("x", (6,)), Population("g", (6,)),
        Population("out", (4,), Neuron(v_decay=0.5, threshold=0.7)),
    )  # fmt: skip
    projections = (
        Projection("w", "in", "x", Linear(RNG.normal(size=(6, 6)).astype(np.float32))),
        Projection("gelu", "x", "g", Host("gelu")),
        Projection("u", "g", "out", Linear(RNG.normal(size=(4, 6)).astype(np.float32))),
    )
    return Network(populations, projections, ("in",), "out", name="hosted")


def test_ranges_of_host_functions_come_from_data() -> None:
    chip = load_chip("loihi2")
    with pytest.raises(InputError, match="applies gelu on the host, and no data says how large its results are"):
        lower(hosted(), chip, np.ones(1))
    network = hosted().with_sample(Sample(RNG.random((3, 6)).astype(np.float32), 4))
    assert any("g: gelu is computed in real values" in sentence for sentence in lower(network, chip).assumptions)


def test_calibration_data_set_the_ranges_of_host_functions(work: Path) -> None:
    pytest.importorskip("torch")
    write_frozen(hosted(), work / "net.nir")
    steps = {}
    for name in ("run.npz", "other.npz"):
        assert compiled("--calibrate", name) == 0
        (said,) = (s for s in answer()["assumptions"] if "gelu is computed in real values" in s)
        steps[name] = float(said.rpartition(" ")[2])
    assert steps["other.npz"] > 2 * steps["run.npz"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weight-scales", "layer"), "--weight-scales: is 'layer'"),
        (("--calibrate", "none.npz"), "none.npz: does not exist"),
        (("--calibrate", "wrong.npz"), "wrong.npz: x has shape (2, 5)"),
    ],
)
def test_mistakes(work: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], message: str) -> None:
    np.savez("wrong.npz", x=np.zeros((2, 5)))
    assert compiled(*options) == 2
    assert f"error: {message}" in capsys.readouterr().err


def test_options_without_effect_are_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = replace(lower(small(), load_chip("loihi2"), np.ones(1)), assumptions=())
    assert isinstance(whole.arithmetic, Integer)
    pytest.importorskip("torch")
    write_frozen(whole, work / "net.nir")  # the content decides what a file is
    assert compiled("--calibrate", "other.npz", "--weight-scales", "tensor") == 2
    err = capsys.readouterr().err
    for option in ("--calibrate", "--weight-scales"):
        assert f"{option}: has no effect: the network is in integers already" in err
