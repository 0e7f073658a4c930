"""``neurocomp noc``: curves, traces, pictures, and options that say what a network is.

``python -m tests.unit.test_noc_command`` writes tests/golden/noc_*.txt anew; read the difference before committing it.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.commands.noc_options import NetworkChoices, network_of, parse_pattern, parse_rate, parse_router
from neurocomp.commands.noc_trace import read_trace
from neurocomp.errors import InputError
from neurocomp.fabric.noc_traffic import Stream, load_point
from neurocomp.fabric.router import ROUTERS, Router

GOLDEN = Path(__file__).parents[1] / "golden"
TRACE = """\
# two rows of traffic towards the last column
release,source,destination,flits
0,0,3 7 11,2
0,4,7,2
5,8,3,1
5,1,3,1
"""
COMMANDS = {
    "noc_curve": "--mesh 4x4 --router lean --pattern transpose --rate 0.1:1:0.1 --flits 2 --cycles 300,600",
    "noc_mix": "--mesh 4x4 --topology torus --pattern uniform=0.75,hotspot:5=0.25 --rate 0.05,0.1 --cycles 300,600",
    "noc_bound": "--chip loihi2 --pattern bitcomp --rate 0.01,0.1 --cycles 50,50 --fidelity bound",
    "noc_paths": "--mesh 4x3 --trace trace.csv --multicast dual-path",
    "noc_tree": "--mesh 4x4 --topology tree --cores-per-router 2 --link-latency 1,2 --trace trace.csv",
    "noc_trace": "--mesh 4x3 --trace trace.csv",
    "noc_copies": "--mesh 4x3 --trace trace.csv --multicast unicast --fidelity event",
}


def answer(arguments: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if run(app, ["noc", *arguments.split()]) != 0:
            raise AssertionError(f"neurocomp noc {arguments} failed")
    return out.getvalue()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("trace.csv").write_text(TRACE)
    return tmp_path


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_text_is_as_the_golden_file_says(work: Path, name: str) -> None:
    assert answer(COMMANDS[name]) == (GOLDEN / f"{name}.txt").read_text()


def test_json_holds_what_the_text_shows(work: Path) -> None:
    tree = json.loads(answer(COMMANDS["noc_curve"] + " --json"))
    assert (tree["schema"], tree["kind"], tree["network"]["router"]["vcs"]) == ("neurocomp/noc/1", "curve", 1)
    assert [(point["load"], point["saturated"]) for point in tree["points"]] == [(0.1, 0), (0.2, 0), (0.3, 1)]
    noc, _ = network_of(NetworkChoices(size="4x4", router="lean"))
    again = load_point(noc, "transpose", 0.2, flits=2, warmup=300, measure=600)
    assert tree["points"][1]["latency_mean"] == again.latency_mean


def test_threads_do_not_change_the_answer(work: Path) -> None:
    assert answer(COMMANDS["noc_curve"] + " --threads 1") == answer(COMMANDS["noc_curve"] + " --threads 3")


def test_a_trace_of_arrays_is_that_of_the_table(work: Path) -> None:
    np.savez(
        "trace.npz", release=[0, 0, 5, 5], source=[0, 4, 8, 1], flits=[2, 2, 1, 1], pointer=[0, 3, 4, 5, 6],
        destination=[3, 7, 11, 7, 3, 3],
    )  # fmt: skip
    table, arrays = (answer(f"--mesh 4x3 --trace trace.{kind} --json") for kind in ("csv", "npz"))
    assert arrays == table.replace("trace.csv", "trace.npz")
    tree = json.loads(table)
    assert (tree["packets"], tree["deliveries"], tree["bound"] <= tree["drain"]) == (4, 6, True)
    burst = read_trace(Path("trace.csv"))
    assert burst.destination.tolist() == [3, 7, 11, 7, 3, 3]


def test_columns_of_a_trace_may_be_left_out_and_stand_in_any_order(work: Path) -> None:
    Path("t.csv").write_text("destination,source\n5 2,1\n3,0\n")
    burst = read_trace(Path("t.csv"))
    assert burst.release.tolist() == [0, 0]
    assert burst.flits.tolist() == [1, 1]
    assert (burst.source.tolist(), burst.destination.tolist()) == ([1, 0], [2, 5, 3])


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("command", ["noc_curve", "noc_trace"])
def test_pictures_are_the_same_bytes_each_time(work: Path, command: str, kind: str) -> None:
    answer(f"{COMMANDS[command]} --plot one.{kind}")
    answer(f"{COMMANDS[command]} --plot two.{kind}")
    one = Path(f"one.{kind}").read_bytes()
    assert one == Path(f"two.{kind}").read_bytes()
    assert one.startswith({"svg": b"<?xml", "png": b"\x89PNG"}[kind])
    assert sorted(path.name for path in work.iterdir()) == [f"one.{kind}", "trace.csv", f"two.{kind}"]


def test_routers_are_presets_changed_presets_or_spelt_out() -> None:
    assert parse_router("sana") == ROUTERS["sana"]
    assert parse_router("std,vcs=2,speculative=1") == Router(2, 8, 1, 1, True)
    assert parse_router("vcs=2,buffer_flits=3,credit_delay=0") == Router(2, 3, 1, 0)


def test_patterns_and_rates() -> None:
    assert parse_pattern("tornado", 16) == (Stream("tornado"),)
    assert parse_pattern("uniform=0.9,hotspot:3=.1", 16) == (Stream("uniform", 0.9), Stream("hotspot", 0.1, 3))
    assert parse_rate("0.1,0.05", 1) == ((0.1, 0.05), False)
    assert parse_rate("0.1:0.3:0.1", 1) == ((0.1, 0.2, 0.3), True)
    assert parse_rate("1.5", 2) == ((1.5,), False)
    assert parse_rate(None, 1)[0][-1] == 1.0


def test_all_that_is_wrong_is_said_at_once(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = "--mesh 8by8 --router slow --ties even --pattern unifrm --rate 0.1;0.2 --fidelity cycles --threads 0"
    assert run(app, ["noc", *wrong.split(), "--plot", "curve.jpg"]) == 2
    err = capsys.readouterr().err
    for option in ("--mesh", "router", "--ties", "--pattern", "--rate", "--fidelity", "--threads", "curve.jpg"):
        assert f"error: {option}: " in err


def test_a_trace_with_a_cell_without_end(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "long.csv").write_text("release,source,destination\n0,0," + "9" * 200_000 + "\n")
    assert run(app, ["noc", "--mesh", "2x2", "--trace", "long.csv"]) == 2
    assert "error: long.csv: is no table of packets\n  why:  field larger than" in capsys.readouterr().err


def test_a_load_beyond_memory_is_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["noc", "--mesh", "1024x1024", "--cycles", "99999999,1"]) == 5
    assert " packets needs " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"source": [0], "destination": [0.5]}, "destination must be a row of whole numbers"),
        ({"source": [[0]], "destination": [1]}, "source must be a row of whole numbers"),
        ({"source": [0, 1], "destination": [1]}, "pointer: must have one entry more"),
        ({"source": [0], "destination": [2**40]}, "destination holds numbers beyond 31 bits"),
        ({"source": [0], "destination": [1], "release": [2.0**70]}, "release holds numbers beyond"),
        ({"source": [0], "destination": [1], "flits": [0]}, "flits: a packet has 1 to 4096"),
        ({"source": [0]}, "has no array named destination"),
    ],
)
def test_bad_arrays(work: Path, arrays: dict[str, list], message: str) -> None:
    np.savez("bad.npz", **{name: np.array(values) for name, values in arrays.items()})
    with pytest.raises(InputError, match=message):
        read_trace(Path("bad.npz"))


if __name__ == "__main__":
    with contextlib.chdir(GOLDEN):
        Path("trace.csv").write_text(TRACE)
        for name, arguments in COMMANDS.items():
            Path(f"{name}.txt").write_text(answer(arguments))
        Path("trace.csv").unlink()
