"""ONNX files read from their bytes: operators against NumPy and torch, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.conversion.values import outputs
from neurocomp.frontend.onnx import read_stateless
from neurocomp.frontend.onnx_wire import read_onnx
from neurocomp.frontend.read import load_network
from neurocomp.frontend.sniff import sniff
from tests.onnx_files import block, model, node, number, tensor, write

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4, 6, 6)).astype(np.float32)


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def result(path: Path, nodes: list[bytes], tensors: dict[str, np.ndarray], x: np.ndarray = X) -> np.ndarray:
    return outputs(read_stateless(write(path / "net.onnx", nodes, tensors, ("N", *x.shape[1:]))), x)


@pytest.mark.parametrize("listed", [False, True])
def test_the_bytes_are_understood(tmp_path: Path, listed: bool) -> None:
    tensors = {"w": weights(2, 3), "shape": np.array([0, -1, 2**40], np.int64)}
    path = write(
        tmp_path / "net", [node("Gemm", ["x", "w"], "y", alpha=0.5, transB=1)], tensors, ("N", 3), listed=listed
    )
    assert sniff(path) == "onnx"
    graph = read_onnx(path)
    assert (graph.producer, graph.opset, graph.inputs, graph.outputs) == ("tests", 17, {"x": (0, 3)}, ["y"])
    np.testing.assert_array_equal(graph.tensors["w"], tensors["w"])
    np.testing.assert_array_equal(graph.tensors["shape"], tensors["shape"])
    assert graph.nodes[0].attributes == {"alpha": 0.5, "transB": 1}


def test_linear_maps(tmp_path: Path) -> None:
    x, w, b = weights(5, 7), weights(7, 3), weights(3)
    product = x @ w
    np.testing.assert_allclose(result(tmp_path, [node("MatMul", ["x", "w"], "y")], {"w": w}, x), product, rtol=1e-5)
    nodes = [node("Gemm", ["x", "w", "b"], "y", alpha=2.0, beta=0.5)]
    found = result(tmp_path, nodes, {"w": w, "b": b}, x)
    np.testing.assert_allclose(found, 2 * product + b / 2, rtol=1e-4, atol=1e-5)
    nodes = [node("MatMul", ["x", "w"], "m"), node("Add", ["b", "m"], "a"), node("Mul", ["a", "c"], "y")]
    found = result(tmp_path, nodes, {"w": w, "b": b, "c": np.array(3, np.float32)}, x)
    np.testing.assert_allclose(found, 3 * (product + b), rtol=1e-4, atol=1e-5)


def test_pooling_reshaping_and_rectifiers(tmp_path: Path) -> None:
    nodes = [
        node("Clip", ["x", "low", "high"], "c"), node("AveragePool", ["c"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", ["p", "shape"], "r"), node("Identity", ["r"], "y"),
    ]  # fmt: skip
    tensors = {"low": np.array(0, np.float32), "high": np.array(1, np.float32), "shape": np.array([-1, 36])}
    expected = X.clip(0, 1).reshape(3, 4, 3, 2, 3, 2).mean((3, 5)).reshape(3, 36)
    np.testing.assert_allclose(result(tmp_path, nodes, tensors), expected, rtol=1e-5, atol=1e-6)
    nodes = [node("Relu", ["x"], "r"), node("MaxPool", ["r"], "m", kernel_shape=[3, 3], strides=[3, 3]),
             node("ReduceMean", ["m"], "y", axes=[2, 3], keepdims=0)]  # fmt: skip
    expected = X.clip(0).reshape(3, 4, 2, 3, 2, 3).max((3, 5)).mean((2, 3))
    np.testing.assert_allclose(result(tmp_path, nodes, {}), expected, rtol=1e-5)


def test_batch_normalisation_with_and_without_weights_before_it(tmp_path: Path) -> None:
    statistics = {"g": weights(4), "b": weights(4), "m": weights(4), "v": weights(4) ** 2 + 0.5}
    norm = node("BatchNormalization", ["a", *statistics], "y", epsilon=1e-3)
    column = {key: value.reshape(-1, 1, 1) for key, value in statistics.items()}

    def normal(a: np.ndarray) -> np.ndarray:
        return (a - column["m"]) / np.sqrt(column["v"] + 1e-3) * column["g"] + column["b"]

    w = weights(4, 4, 1, 1)
    nodes = [node("Conv", ["x", "w"], "a", kernel_shape=[1, 1]), norm]
    expected = normal(np.einsum("oc,nchw->nohw", w[:, :, 0, 0], X)).reshape(3, -1)
    np.testing.assert_allclose(result(tmp_path, nodes, {"w": w, **statistics}), expected, rtol=1e-4, atol=1e-4)
    nodes = [node("Identity", ["x"], "a"), norm]
    np.testing.assert_allclose(result(tmp_path, nodes, statistics), normal(X).reshape(3, -1), rtol=1e-4, atol=1e-5)


def test_a_residual_network_as_torch_exports_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx", reason="torch writes ONNX with the onnx package")
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False), nn.Conv2d(8, 8, 1)
            self.norm, self.relu = nn.BatchNorm2d(8), nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.b(self.relu(self.norm(self.a(x)))) + x)

    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(4, 8, (3, 2), stride=(1, 2), padding=1, dilation=(2, 1)), nn.BatchNorm2d(8), nn.ReLU6(), Block(),
        nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5), nn.Softmax(1),
    )  # fmt: skip
    for _ in range(3):
        net(torch.randn(16, 4, 6, 6))
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.from_numpy(X),), tmp_path / "net.onnx", dynamo=False)
    network = read_stateless(tmp_path / "net.onnx")
    assert "Softmax at the end is left out" in network.assumptions[0]
    with torch.no_grad():
        expected = net[:-1](torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(outputs(network, X), expected, rtol=1e-3, atol=1e-4)


def test_a_view_whose_batch_may_change(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx", reason="torch writes ONNX with the onnx package")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(144, 2)

        def forward(self, x: Any) -> Any:
            return self.fc(torch.relu(x).view(x.size(0), -1))

    net = Net().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.from_numpy(X),), tmp_path / "net.onnx", dynamo=False, input_names=["x"],
                          dynamic_axes={"x": {0: "batch"}})  # fmt: skip
    assert "Shape" in {node.kind for node in read_onnx(tmp_path / "net.onnx").nodes}
    with torch.no_grad():
        expected = net(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(outputs(read_stateless(tmp_path / "net.onnx"), X), expected, rtol=1e-4, atol=1e-5)


CONV = {"w": weights(2, 4, 3, 3)}
REFUSED: dict[str, tuple[list[bytes], dict[str, np.ndarray], str]] = {
    "an operator": ([node("Elu", ["x"], "y")], {}, r"y: op Elu has no spiking form here\n  next: can be converted"),
    "another domain": ([node("Relu", ["x"], "y", domain="com.microsoft")], {}, r"op com\.microsoft\.Relu has no"),
    "uneven padding": ([node("Conv", ["x", "w"], "y", pads=[0, 0, 1, 1])], CONV, "pads one side more than the other"),
    "computed weights": ([node("Conv", ["x", "x"], "y")], {}, "its weight is computed from the input"),
    "two signals": ([node("Mul", ["x", "x"], "y")], {}, "multiplies two signals"),
    "border of an average": (
        [node("AveragePool", ["x"], "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, "count_include_pad=True",
    ),
    "shape": ([node("Conv", ["x", "w"], "y")], {"w": weights(2, 3, 3, 3)}, "Conv: "),
    "attribute": ([node("Conv", ["x", "w"], "y", strides="big")], CONV, "strides is 'big'; 2 numbers are needed"),
    "nothing": ([node("Relu", ["z"], "y")], {}, "the input does not reach it"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    nodes, tensors, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        result(tmp_path, nodes, tensors)


def test_damaged_files(tmp_path: Path) -> None:
    whole = model([node("MatMul", ["x", "w"], "y")], {"w": weights(6, 2)}, ("N", 6))
    lying = number(1, 8) + block(7, block(5, tensor("w", weights(2, 2)) + number(1, 2**40)))
    outside = number(1, 8) + block(7, block(5, number(1, 1) + number(2, 1) + block(8, "w") + block(13, b"\x0a\x01k")))
    for data, words in (
        (whole[:-3], "is a damaged ONNX file"),
        (whole[:30] + b"\xff" * 12, "is a damaged ONNX file"),
        (lying, "declares .* values and holds 4"),
        (outside, "keeps its data in another file, which is not opened"),
    ):
        (tmp_path / "net.onnx").write_bytes(data)
        with pytest.raises(InputError, match=words):
            read_stateless(tmp_path / "net.onnx")


def test_where_a_spiking_network_is_needed_it_says_how_to_get_one(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", [node("Relu", ["x"], "y")], {}, ("N", 6))
    with pytest.raises(InputError, match=r"has no spiking neurons\n  next: .*neurocomp convert net\.onnx --calibrate"):
        load_network(path)
