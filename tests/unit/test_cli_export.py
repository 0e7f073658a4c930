"""``neurocomp export``: the file, the remarks, and the ways in which it can be misused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.frontend.read import load_network
from neurocomp.frontend.usercode import Source, UserCode
from tests.nir_files import chain, lif, sink, source, write
from tests.source_files import write_code

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits" / "net.pt"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(DIGITS, "net.pt")
    return tmp_path


def export(*arguments: str) -> int:
    return run(app, ("export", *arguments))


def test_a_frozen_network_is_written(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("net.pt", "-o", "net.nir", "--dt", "0.001") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(
        "lif3 spikes when it reaches its threshold, NIR's neurons above it: the next smaller number was written\n"
        "sample inputs are not part of a NIR file: give them with --input where it is used\n"
        "written to net.nir\n"
    )
    assert load_network("net.nir").neuron_count == load_network("net.pt").neuron_count
    assert sorted(p.name for p in work.iterdir()) == ["net.nir", "net.pt"]


def test_what_was_assumed_on_reading_is_said(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(work / "in.nir", chain(("input", source(2)), ("lif", lif()), ("output", sink(2))))
    assert export("in.nir", "-o", "out.nir", "--dt", "0.001", "--discretise", "exp") == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "in.nir stores no kind of reset: assumed that a spike sets v to v_reset (--reset)"
    )
    assert load_network("out.nir").assumptions == ()
    assert export("in.nir", "-o", "quiet.nir", "--dt", "0.001", "-q") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("net.pt", "-o", "net.pt", "--force"), "net.pt: is the network that would be read"),
        (("net.pt", "-o", "there.nir"), "there.nir: exists"),
        (("net.pt", "-o", "."), ".: is a folder"),
        (("net.pt", "-o", "no/net.nir"), "no/net.nir: there is no folder no to put it in"),
        (("net.pt", "-o", "new.nir", "--dt", "0"), "--dt: is 0 s; 1e-12 to 1e6 are possible"),
        (("net.pt", "-o", "new.nir", "--reset", "zero"), "net.pt: --reset only goes with NIR files"),
        (("missing.pt", "-o", "new.nir"), "missing.pt: does not exist"),
    ],
)
def test_mistakes(work: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], expected: str) -> None:
    Path("there.nir").write_text("mine")
    assert export(*arguments) == 2
    assert f"error: {expected}" in capsys.readouterr().err
    assert Path("there.nir").read_text() == "mine"
    assert not Path("new.nir").exists()


def test_weights_and_their_code_are_frozen_on_the_way(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    code = write_code(work)
    with UserCode(Source(code, "build")) as user:
        torch.save({"model": user.built().state_dict(), "ema": user.built().state_dict()}, work / "weights.pt")
    given = ("weights.pt", "--source", "net.py:build", "--input-shape", "1,6,6", "--steps", "4", "-o", "made.nir")
    assert export(*given, "--key", "ema") == 0
    assert "under 'ema' (--key)" in capsys.readouterr().err
    assert load_network("made.nir").neuron_count == 35
    assert export(*given, "--force") == 0
    assert "weights.pt holds other weights too, ema, which were not taken (--key ema would)" in capsys.readouterr().err
