"""Options that contradict each other or ask for too little: one message each, and the right exit code."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.commands.formats import formats_of
from neurocomp.errors import CheckFailedError, Diagnostic, InputError, NeurocompError
from neurocomp.report.saved import read_result

DIGITS = str(Path(__file__).resolve().parents[2] / "examples" / "01_digits" / "net.pt")
CASES = {
    f"compile {DIGITS} --chip loihi2 --formats none,json": (
        "error: --formats: has none beside json\n  next: --formats json, or none alone for no report\n"
    ),
    "noc --mesh 4x4 --router std,vcs=0 --rate 0.1": "error: router.vcs: is 0, and must be between 1 and 32\n",
    "noc --mesh 4x4 --router std,input_speedup=9 --rate 0.1": (
        "error: router.input_speedup: is 9, and must be between 1 and 4\n"
    ),
    f"train {DIGITS} --gpus none,a100": ("error: --gpus: has none beside a100\n  next: --gpus a100, or none alone\n"),
    f"train {DIGITS} --gpus a100,all": "error: --gpus: has all beside a100\n  next: --gpus a100, or all alone\n",
    f"train {DIGITS} --batch 0 --steps 0 --optimizer sgd+luck": (
        "error: --batch: is 0; at least 1 is needed\nerror: --steps: is 0; at least 1 is needed\n"
        "error: --optimizer: there is nothing called 'luck' to add\n  next: what can be added: momentum, decay\n"
    ),
    f"train {DIGITS} --batch 1000001": "error: --batch: is 1000001; at most 1,000,000 is possible\n",
    f"train {DIGITS} --steps 1000001": "error: --steps: is 1000001; at most 1,000,000 is possible\n",
    "noc --chip speck2f": (
        "error: --chip: speck2f: the profile says nothing about its routers\n"
        "  next: choose them here: --router lean, sana, std, fast, or their numbers\n"
    ),
    "noc --mesh 4x4 --rate 0.001,0.01 --cycles 3,3": (
        "error: --cycles: is 3,3; too few to tell a full network from an idle one\n"
        "  why:  0.001 flits per core and cycle make 0.048 packets in 3 cycles, and one may take 37 cycles if nothing "
        "is in its way\n"
        "  next: at least --cycles 37,3848, or higher loads\n"
    ),
    "noc --mesh 4x4 --rate 0.001 --fidelity bound --cycles 3,3": (
        "error: --cycles: is 3,3; too few to tell a full network from an idle one\n"
        "  why:  0.001 flits per core and cycle make 0.048 packets in 3 cycles\n"
        "  next: at least --cycles 3,625, or higher loads\n"
    ),
}


@pytest.mark.parametrize("command", CASES)
def test_messages(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    assert run(app, [*words, "-o", str(tmp_path / "o")] if words[0] == "compile" else words) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", CASES[command]) and not (tmp_path / "o").exists()


@pytest.mark.parametrize("fidelity", ["cycle", "event", "bound"])
@pytest.mark.parametrize("mesh", [["--mesh", "4x4"], ["--mesh", "16x1", "--topology", "ring"], ["--mesh", "1x1"]])
def test_the_least_cycles_are_enough(mesh: list[str], fidelity: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An idle network is not called saturated in the window that the message names."""
    command = ["noc", *mesh, "--rate", "0.01", "--fidelity", fidelity]
    assert run(app, [*command, "--cycles", "1,1"]) == 2
    least = capsys.readouterr().err.partition("at least --cycles ")[2].partition(",")
    for seed in range(3):
        assert run(app, [*command, "--cycles", least[0] + "," + least[2].partition(",")[0], "--seed", str(seed)]) == 0
        assert "saturated" not in capsys.readouterr().out


def test_an_empty_space_is_no_chip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("# nothing yet\n")
    assert run(app, ["sweep", str(file)]) == 2
    assert "is empty\n  next: a sweep starts with `schema: neurocomp/sweep/1`" in capsys.readouterr().err


def test_forbidden_cores_that_do_not_exist_are_named_together() -> None:
    import neurocomp

    network, chip = neurocomp.load_network(DIGITS), neurocomp.load_chip("loihi2")
    with pytest.raises(InputError) as caught:
        neurocomp.compile(network, chip, forbidden_cores=[*range(120, 200), 205])
    assert [d.what for d in caught.value.diagnostics] == [
        "cores 128-199 do not exist on loihi2", "core 205 does not exist on loihi2"
    ]  # fmt: skip
    with pytest.raises(InputError) as caught:
        neurocomp.compile(network, chip, forbidden_cores=[3], assignment={"lif3": np.full(10, 3)})
    assert "uses core 3, which is forbidden" in str(caught.value) and "--pin" in caught.value.diagnostics[0].hint


def test_formats_alone() -> None:
    assert formats_of("none") == () and formats_of("json, csv,json") == ("json", "csv")


@pytest.mark.parametrize("kind", [InputError, CheckFailedError])
def test_copies_of_an_error_keep_its_findings(kind: type[NeurocompError]) -> None:
    error = kind([Diagnostic("a", "b", "c", "d"), Diagnostic("e", "f")])
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is kind and other.diagnostics == error.diagnostics and str(other) == str(error)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("energy", "per_inference_pj", "synapse"), "but energy.per_inference_pj sums to"),
        (("energy", "run_total", "by_unit_aj", "neuron"), "by_unit_aj sums to"),
        (("per_inference", "energy_pj"), "but energy.per_inference_pj sums to"),
        (("per_inference", "latency_ns"), "but the totals of the run make it"),
        (("per_inference", "power_mw"), "but the totals of the run make it"),
        (("per_inference", "interval_ns"), "per_inference.interval_ns is"),
        (("run", "samples"), "times per_inference.energy_pj"),
    ],
)
def test_results_whose_parts_do_not_sum_are_refused(
    path: tuple[str, ...], message: str, saved: dict[str, object], tmp_path: Path
) -> None:
    tree = copy.deepcopy(saved)
    part: dict[str, object] = tree
    for name in path[:-1]:
        part = part[name]  # type: ignore[assignment]
    part[path[-1]] = int(part[path[-1]]) + 7  # type: ignore[call-overload]
    file = tmp_path / "result.json"
    file.write_text(json.dumps(tree))
    with pytest.raises(InputError, match="changed after it was written") as caught:
        read_result(file)
    assert message in str(caught.value)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("saved")
    assert run(app, ["compile", DIGITS, "--chip", "loihi2", "--noc", "bound", "-q", "-o", str(folder / "o")]) == 0
    read_result(folder / "o")
    return json.loads((folder / "o" / "result.json").read_text())
