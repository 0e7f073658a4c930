"""Rectifiers become integrate-and-fire neurons: rates against values, scales, and the command."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError
from neurocomp.frontend.conversion.spiking import spiking
from neurocomp.frontend.conversion.values import outputs
from neurocomp.frontend.onnx import read_stateless
from neurocomp.frontend.read import load_network
from neurocomp.network import Network
from tests.onnx_files import node, write

RNG = np.random.default_rng(11)
X = RNG.random((40, 3, 6, 6), np.float32)


def weights(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


TENSORS = {
    "w1": weights(8, 3, 3, 3), "b1": weights(8, 1).reshape(8), "w2": weights(8, 8, 3, 3), "w3": weights(5, 72),
    "b3": weights(5, 1).reshape(5), "low": np.array(0, np.float32), "high": np.array(0.5, np.float32),
}  # fmt: skip
NODES = [
    node("Conv", ["x", "w1", "b1"], "c1", pads=[1, 1, 1, 1]), node("Relu", ["c1"], "r1"),
    node("Conv", ["r1", "w2"], "c2", pads=[1, 1, 1, 1]), node("Add", ["c2", "r1"], "sum"),
    node("Clip", ["sum", "low", "high"], "r2"), node("AveragePool", ["r2"], "p", kernel_shape=[2, 2], strides=[2, 2]),
    node("Flatten", ["p"], "f"), node("Gemm", ["f", "w3", "b3"], "y", transB=1),
]  # fmt: skip


def stateless(folder: Path, nodes: list[bytes] = NODES) -> Network:
    return read_stateless(write(folder / "net.onnx", nodes, TENSORS, ("N", 3, 6, 6)))


def rates(network: Network, steps: int) -> np.ndarray:
    fed = np.ascontiguousarray(np.broadcast_to(X[:, None], (len(X), steps, *X.shape[1:])))
    output = execute(network, fed).output
    assert output is not None
    return output.reshape(len(X), steps, -1).mean(axis=1)


@pytest.mark.parametrize("method", ["max", "percentile", "qcfs"])
def test_rates_approach_the_values(tmp_path: Path, method: str) -> None:
    network = stateless(tmp_path)
    conversion = spiking(network, X, method)  # type: ignore[arg-type]
    expected = outputs(network, X)
    errors = [np.abs(rates(conversion.network, steps) - expected).mean() for steps in (4, 16, 128)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02 * np.abs(expected).mean() + 0.01
    assert conversion.network.neuron_count == 2 * 8 * 36
    assert all(p.neuron is None or p.neuron.reset == "subtract" for p in conversion.network.populations)


def test_thresholds_come_from_the_data(tmp_path: Path) -> None:
    network = stateless(tmp_path)
    largest, percentile, clipped = (spiking(network, X, method).thresholds for method in ("max", "percentile", "qcfs"))  # type: ignore[arg-type]
    assert largest["r1"] > percentile["r1"] == clipped["r1"]
    assert largest["r2"] == clipped["r2"] == 0.5


def test_half_a_threshold_is_nearer_after_few_steps(tmp_path: Path) -> None:
    network = stateless(tmp_path)
    expected = outputs(network, X)
    from_zero, from_half = (rates(spiking(network, X, m).network, 8) for m in ("percentile", "qcfs"))  # type: ignore[arg-type]
    assert np.abs(from_half - expected).mean() < 0.75 * np.abs(from_zero - expected).mean()


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Flatten", ["x"], "y")], r"has no rectifier \(ReLU\)"),
    ],
)
def test_what_cannot_be_converted(tmp_path: Path, nodes: list[bytes], words: str) -> None:
    with pytest.raises(InputError, match=words):
        spiking(stateless(tmp_path, nodes), X)


def told(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(app, words)
    return code, out.getvalue(), err.getvalue()


def test_the_command(tmp_path: Path) -> None:
    pytest.importorskip("torch")  # frozen files are written with it
    network = stateless(tmp_path)
    np.savez(tmp_path / "x.npz", x=X, y=outputs(network, X).argmax(axis=1))
    where = str(tmp_path / "o.ncomp")
    words = (
        "convert",
        str(tmp_path / "net.onnx"),
        "--calibrate",
        str(tmp_path / "x.npz"),
        "--steps",
        "64",
        "-o",
        where,
    )
    code, out, _ = told(*words, "--method", "qcfs")
    assert code == 0
    assert "before: 100.0% right (40 of 40)" in out
    assert "after, 64 time steps: " in out and "thresholds by the value a rectifier clips to" in out
    made = load_network(where)
    assert made.sample is not None and made.sample.steps == 64 and made.neuron_count == 576
    code, _, err = told(*words, "--method", "best")
    assert code == 2 and "--method: is 'best'\n  next: possible are max, percentile, qcfs" in err


def test_a_torch_module_with_its_code(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    code = tmp_path / "ann.py"
    code.write_text(
        "import torch\n"
        "def build():\n"
        "    torch.manual_seed(2)\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),\n"
        "                               torch.nn.Flatten(), torch.nn.Linear(64, 5))\n"
    )
    np.savez(tmp_path / "x.npz", x=X)
    words = ("convert", str(code), "--source", f"{code}:build", "--calibrate", str(tmp_path / "x.npz"))
    exit_code, out, err = told(*words, "-o", str(tmp_path / "o.ncomp"), "--method", "qcfs")
    assert exit_code == 0, err
    assert "1 rectifiers became" in out or "rectifiers became integrate-and-fire neurons" in out
    assert torch.__version__ in load_network(tmp_path / "o.ncomp").origin


@pytest.mark.parametrize("kind", ["torch.export archive (.pt2)", "TorchScript archive (torch.jit.save)"])
def test_an_archive_of_single_operations(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    net, path = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.ReLU()), tmp_path / "net.pt2"
    if kind.startswith("TorchScript"):
        torch.jit.trace(net, torch.ones(1, 6)).save(str(path))
    else:
        torch.export.save(torch.export.export(net, (torch.ones(1, 6),)), path)
    np.savez(tmp_path / "x.npz", x=X)
    code, _, err = told("convert", str(path), "--calibrate", str(tmp_path / "x.npz"), "-o", str(tmp_path / "o.ncomp"))
    assert code == 2
    assert f"net.pt2: is a {kind}, in which layers are broken up" in err
    assert "neurocomp convert net.onnx" in err and "neurocomp convert weights.pt --source net.py:build" in err
    assert "freeze" not in err
