"""Maximum pooling in converted networks: the number of spikes is the largest in the window, at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.conversion.maxima import rectified_first, with_largest_sums
from neurocomp.frontend.conversion.spiking import spiking
from neurocomp.frontend.conversion.values import outputs
from neurocomp.frontend.onnx import read_stateless
from neurocomp.network import Network, Neuron, OneToOne, Op, Pool, Population, Projection, Reduce
from tests.onnx_files import node, write

RNG = np.random.default_rng(5)
X = RNG.random((20, 2, 6, 6), np.float32)
TENSORS = {
    "w1": RNG.normal(size=(4, 2, 3, 3)).astype(np.float32) / 3,
    "w2": RNG.normal(size=(3, 16)).astype(np.float32),
}
CONV, GEMM = node("Conv", ["x", "w1"], "c"), node("Gemm", ["f", "w2"], "y", transB=1)
FIRES = Neuron(v_decay=0.0, threshold=0.5, reset="none")
PASSES = Neuron(v_decay=0.0, threshold=float("inf"), reset="none", output="membrane")
POOL: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
BEHIND = [CONV, node("Relu", ["c"], "r"), node("MaxPool", ["r"], "p", **POOL), node("Flatten", ["p"], "f"), GEMM]
BEFORE = [CONV, node("MaxPool", ["c"], "p", **POOL), node("Relu", ["p"], "r"), node("Flatten", ["r"], "f"), GEMM]
INPUT = [node("MaxPool", ["x"], "m", kernel_shape=[1, 1]), node("Conv", ["m", "w1"], "c"), *BEHIND[1:]]


def stateless(folder: Path, nodes: list[bytes]) -> Network:
    return read_stateless(write(folder / "net.onnx", nodes, TENSORS, ("N", 2, 6, 6)))


def kinds(network: Network) -> list[str]:
    return [type(p.op).__name__ + getattr(p.op, "kind", "") for p in network.projections]


@pytest.mark.parametrize(
    "op", [Pool("max", (2, 2), (2, 2), (0, 0)), Pool("max", (3, 3), (1, 1), (1, 1)), Reduce("max", 2, 16, 1, (2,))]
)
@pytest.mark.parametrize("spikes", [True, False])
def test_the_sum_of_what_is_sent_is_the_largest_sum(op: Op, spikes: bool) -> None:
    shape = (2, 4, 4)
    target = op.target_shape(shape) if isinstance(op, Pool) else (2,)
    neuron = FIRES if spikes else PASSES  # what comes in leaves as it is
    made = with_largest_sums(Network(
        (Population("x", shape), Population("s", shape, neuron), Population("m", target)),
        (Projection("xs", "x", "s", OneToOne(1.0)), Projection("sm", "s", "m", op)), ("x",), "m",
    ))  # fmt: skip
    x = (RNG.random((3, 12, *shape)) < 0.3) * (1.0 if spikes else RNG.integers(1, 9, (3, 12, *shape)))
    output = execute(made, x.astype(np.float32)).output
    assert output is not None
    sums = x.cumsum(axis=1).reshape(3 * 12, *shape)
    if isinstance(op, Pool):
        pad = [(0, 0), (0, 0), *((p, p) for p in op.padding)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(sums, pad), op.kernel, (2, 3))
        expected = windows[:, :, :: op.stride[0], :: op.stride[1]].max((-2, -1))
    else:
        expected = sums.reshape(-1, 2, 16).max(2)
    np.testing.assert_array_equal(output.cumsum(axis=1).reshape(expected.shape), expected)
    assert (made.by_name["m"].neuron is not None) == spikes


@pytest.mark.parametrize("nodes", [BEHIND, BEFORE, INPUT])
def test_rates_approach_the_values(tmp_path: Path, nodes: list[bytes]) -> None:
    network = stateless(tmp_path, nodes)
    made = spiking(network, X, "qcfs").network
    expected, errors = outputs(network, X), []
    for steps in (4, 32, 256):
        run = execute(made, np.ascontiguousarray(np.broadcast_to(X[:, None], (len(X), steps, *X.shape[1:]))))
        assert run.output is not None
        errors.append(np.abs(run.output.reshape(len(X), steps, -1).mean(axis=1) - expected).mean())
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.02 * np.abs(expected).mean()
    assert any("maxima are those of the sums" in text for text in made.assumptions)


def test_rectifiers_go_in_front_and_constant_maxima_stay(tmp_path: Path) -> None:
    before = stateless(tmp_path, BEFORE)
    turned = rectified_first(before)
    assert kinds(before)[:3] == ["Conv", "Poolmax", "Host"] and kinds(turned)[:3] == ["Conv", "Poolmax", "Host"]
    np.testing.assert_array_equal(outputs(before, X), outputs(turned, X))
    by_source = {p.source: type(p.op).__name__ for p in turned.projections}
    assert by_source["c"] == "Host" and by_source["p"] == "Pool"
    made = spiking(stateless(tmp_path, INPUT), X).network
    assert [p.name for p in made.populations if p.name.endswith(".largest")] == ["p.largest"]


def test_averages_where_they_are_asked_for(tmp_path: Path) -> None:
    for nodes in (BEHIND, BEFORE):
        made = spiking(stateless(tmp_path, nodes), X, "percentile", "average").network
        assert "Poolavg" in kinds(made) and "Poolmax" not in kinds(made)
        assert any("another network than the one that was trained" in text for text in made.assumptions)
    with pytest.raises(InputError, match="--max-pool: is 'least'"):
        spiking(stateless(tmp_path, BEHIND), X, "percentile", "least")  # type: ignore[arg-type]


def test_they_compile(tmp_path: Path) -> None:
    import neurocomp

    made = spiking(stateless(tmp_path, BEHIND), X, "qcfs").network
    program = neurocomp.compile(made, neurocomp.load_chip("loihi2"), effort="fast", calibration=X)
    assert program.cores_used
