"""Networks that a space names as compile takes them: weights and code, one of several state_dicts, NIR with options."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError
from neurocomp.frontend.opened import files_read
from neurocomp.sweep.api import space_of
from neurocomp.sweep.gather import gathered
from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.store import POINTS
from tests.nir_files import chain, lif, node, sink, source, write
from tests.source_files import images, write_code
from tests.sweeps import make_files

HEAD = "schema: neurocomp/sweep/1\nchips: [loihi2]\naxes: {run.noc: [bound]}\n"


def points_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / POINTS).iterdir())


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch = pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    monkeypatch.chdir(tmp_path)
    return torch


@pytest.fixture
def space(tmp_path: Path, torch) -> Path:
    """Two state_dicts in one file, its code, data, and a space of both."""
    from neurocomp.frontend.usercode import Source, UserCode

    with UserCode(Source(write_code(tmp_path), "build")) as user:
        one, two = user.built(), user.built()
    with torch.no_grad():
        two.layers[0].weight.mul_(0.5)
    torch.save([one.state_dict(), two.state_dict()], "w.pt")
    np.savez("x.npz", x=images(), y=np.arange(5) % 3)
    file = tmp_path / "s.yaml"
    file.write_text(f"""{HEAD}input: x.npz
networks:
  - {{file: w.pt, source: net.py:build, key: "0", steps: 4, name: first}}
  - {{file: w.pt, source: net.py:build, key: "1", steps: 4, name: half}}
""")
    return file


def outcomes(file: Path, folder: Path, run_code: bool = False) -> dict[str, Outcome]:
    return {o.point.network: o for o in neurocomp.sweep(file, store=folder, run_code=run_code)}


def test_weights_and_code_are_frozen_once(space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["sweep", "s.yaml", "-o", "out", "-q"]) == 2
    assert not Path("out").exists()
    assert capsys.readouterr().err == "".join(
        f"error: {name}: names code, net.py:build, that builds the network and would be run\n"
        "  next: look at it; if you trust it, say so: --run-code\n"
        for name in ("first", "half")
    )
    found = outcomes(space, tmp_path / "out", run_code=True)
    assert [o.status for o in found.values()] == ["ok", "ok"]
    assert found["first"].metrics["synaptic_events"] != found["half"].metrics["synaptic_events"]
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "networks").iterdir()}
    assert len(kept) == 4 and all(name.endswith((".json", ".ncomp")) for name in kept)
    assert outcomes(space, tmp_path / "out") == found, "nothing is run that was named for the first time only"
    assert kept == {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "networks").iterdir()}


def test_what_changed_is_frozen_again(space: Path, tmp_path: Path) -> None:
    first = outcomes(space, tmp_path / "out", run_code=True)
    code = tmp_path / "net.py"
    code.write_text(code.read_text().replace("randint(-8, 16", "randint(-8, 17"))
    with pytest.raises(InputError, match="names code"):
        outcomes(space, tmp_path / "out")
    assert outcomes(space, tmp_path / "out", run_code=True).keys() == first.keys()


def test_a_space_that_is_wrong_elsewhere_runs_no_code(space: Path, tmp_path: Path) -> None:
    space.write_text(space.read_text().replace("run.noc: [bound]", "run.noc: [bonud]"))
    with pytest.raises(InputError) as caught:
        outcomes(space, tmp_path / "out", run_code=True)
    assert "did you mean bound?" in str(caught.value) and not (tmp_path / "out").exists()


def test_what_user_code_reads_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    with files_read(tmp_path) as found:
        (tmp_path / "a.txt").read_text()
        (tmp_path / "log.txt").write_text("what is written is no input")
        json.dumps({})
    (tmp_path / "b.txt").read_text()
    assert found == {tmp_path / "a.txt"}


def test_options_of_nir_files(tmp_path: Path) -> None:
    write(tmp_path / "net.nir", chain(("input", source(2)), ("fc", node("Linear", weight=np.eye(2) * 3)),
                                      ("lif", lif(np.full(2, 1e-3))), ("output", sink(2))))  # fmt: skip
    np.savez(tmp_path / "x.npz", x=np.ones((2, 2), np.float32))
    file = tmp_path / "s.yaml"
    file.write_text(f"""{HEAD}input: x.npz
networks: [net.nir, {{file: net.nir, name: coarse, dt_s: 1e-3}}]
""".replace("run.noc: [bound]", "run.noc: [bound], run.steps: [20]"))  # fmt: skip
    found = outcomes(file, tmp_path / "out")
    (plain,) = set(found) - {"coarse"}
    assert found["coarse"].status == found[plain].status == "ok"
    assert found["coarse"].digests["network"] != found[plain].digests["network"]
    assert found["coarse"].digests["trace"] != found[plain].digests["trace"]
    assert not (tmp_path / "out" / "networks").exists()


def test_scales_and_calibration_are_as_in_compile(tmp_path: Path) -> None:
    file = make_files(tmp_path)
    np.savez(tmp_path / "c.npz", x=np.full((2, 6), 7, np.float32))
    text = file.read_text().replace("chips: [loihi2, generic]", "chips: [loihi2]\ncalibrate: c.npz")
    text = text.replace("chip.noc.hop_east_west.energy_pj: [1, 2, 30]", "run.weight_scales: [tensor, power-of-two]")
    file.write_text(text.replace("run.steps: [3]", "run.steps: [40]"))
    calibrated = list(neurocomp.sweep(file))
    file.write_text(file.read_text().replace("calibrate: c.npz\n", ""))
    by_input = list(neurocomp.sweep(file))
    assert [o.status for o in (*calibrated, *by_input)] == ["ok"] * 4
    traces = [[o.digests["trace"] for o in outcomes] for outcomes in (calibrated, by_input)]
    assert traces[0] != traces[1] and traces[0][0] != traces[0][1]


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ("[{name: a}]", "2:12: networks[0].file is missing"),
        ("[{file: a.pt, sourc: net.py}]", "2:25: networks[0].sourc is not a key of a sweep"),
        ("[{file: a.pt, steps: 4}]", "2:12: networks[0] has steps, which is for freezing, with source or input"),
        ("[{file: a.pt, encoding: rate, source: a}]", "2:35: networks[0].encoding must be direct or temporal"),
        ("[3]", "2:12: networks[0] "),
    ],
)  # fmt: skip
def test_mistakes_in_a_network_are_told_with_their_place(tmp_path: Path, networks: str, message: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(f"schema: neurocomp/sweep/1\nnetworks: {networks}\nchips: [loihi2]\n")
    with pytest.raises(InputError) as caught:
        space_of(file)
    assert f"s.yaml:{message}" in str(caught.value)


def test_names_are_told_apart_and_data_are_needed(tmp_path: Path, torch) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), "w.pt")
    (tmp_path / "net.py").write_text("import torch\ndef build():\n    return torch.nn.Linear(2, 2)\n")
    entry = {"file": "w.pt", "source": "net.py:build"}
    with pytest.raises(InputError, match=r"networks: w\.pt stands there 2 times"):
        neurocomp.sweep({"networks": [entry, entry], "chips": ["loihi2"]}, run_code=True)
    with pytest.raises(InputError, match=r"add input: x\.npz to it or to the space"):
        gathered(space_of({"networks": [entry], "chips": ["loihi2"]}), tmp_path / "s", run_code=True)


def test_runs_that_memory_cannot_hold_are_told_apart(tmp_path: Path) -> None:
    file = make_files(tmp_path)
    text = file.read_text().replace("[1, 2, 30]", "[1]").replace("run.steps: [3]", "run.steps: [3, 10000000000000]")
    file.write_text(text.replace("[loihi2, generic]", "[loihi2]"))
    few, many = neurocomp.sweep(file)
    assert few.status == "ok" and many.status == "too large" and "time steps needs" in many.reason
