"""NIR files written by others: the nir package itself, and networks that frameworks exported and then ran."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.frontend.nir import read_nir
from neurocomp.network import Network

STEPS = 40
RNG = np.random.default_rng(2)


def compare(network: Network, x: Any, expected: Any) -> None:
    """Spikes of the last layer, (samples, steps, *shape), without a single difference."""
    found = execute(network, np.asarray(x, np.float32)).output
    assert found is not None
    expected = np.asarray(expected)
    assert 0.02 < expected.mean() < 0.9
    assert np.array_equal(found, expected), f"{(found != expected).sum()} of {found.size} sites differ"


@pytest.fixture
def torch() -> Any:
    module = pytest.importorskip("torch")
    module.manual_seed(1)
    return module


@pytest.mark.filterwarnings("ignore")
def test_spikingjelly_export(tmp_path: Path, torch: Any) -> None:
    pytest.importorskip("spikingjelly")
    nir = pytest.importorskip("nir")
    from spikingjelly.activation_based import functional, layer, neuron, nir_exchange

    net = torch.nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1),
        neuron.LIFNode(tau=2.0, v_reset=0.0),
        layer.AvgPool2d(2),
        layer.Conv2d(4, 6, 3, stride=2),
        neuron.IFNode(v_reset=0.0),
        layer.Flatten(),
        layer.Linear(24, 10),
        neuron.LIFNode(tau=3.0, decay_input=False, v_reset=0.0),
    ).eval()
    with torch.no_grad():
        for part in net:
            if hasattr(part, "weight"):
                part.weight *= 6
    x = (torch.rand(3, STEPS, 2, 12, 12) < 0.4).float()
    nir.write(tmp_path / "net.nir", nir_exchange.export_to_nir(net, x[:1, 0], dt=1e-4))
    functional.reset_net(net)
    with torch.no_grad():
        expected = torch.stack([net(x[:, t]) for t in range(STEPS)], 1)
    compare(read_nir(tmp_path / "net.nir"), x, expected)


def snn_parts(torch: Any, recurrent: bool) -> Any:
    snn = pytest.importorskip("snntorch")

    def settings(n: int) -> dict[str, Any]:
        return {
            "beta": torch.ones(n) * 0.9,
            "threshold": torch.ones(n),
            "init_hidden": True,
            "reset_mechanism": "zero",
            "reset_delay": False,
        }

    hidden = snn.RLeaky(linear_features=16, **settings(16)) if recurrent else snn.Leaky(**settings(16))
    net = torch.nn.Sequential(torch.nn.Linear(20, 16), hidden, torch.nn.Linear(16, 10), snn.Leaky(**settings(10)))
    with torch.no_grad():
        net[0].weight *= 3
        net[2].weight *= 3
    return net


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recurrent", [False, True])
def test_snntorch_export(tmp_path: Path, torch: Any, recurrent: bool) -> None:
    nir = pytest.importorskip("nir")
    net = snn_parts(torch, recurrent)
    from snntorch import utils
    from snntorch.export_nir import export_to_nir

    x = (torch.rand(1, STEPS, 20) < 0.4).float()
    nir.write(tmp_path / "net.nir", export_to_nir(net, x[0, 0]))
    utils.reset(net)
    with torch.no_grad():
        expected = torch.stack([net(x[:, t]) for t in range(STEPS)], 1)
    network = read_nir(tmp_path / "net.nir")
    assert sum(p.delay for p in network.projections) == int(recurrent)
    compare(network, x, expected)


def primitives(nir: Any) -> dict[str, Any]:
    """A graph with every primitive of the nir package that can be read, in one line."""
    n = np.ones(4, np.float32)
    return {
        "input": nir.Input({"input": np.array([2, 6, 6])}),
        "conv": nir.Conv2d((6, 6), RNG.normal(size=(3, 2, 3, 3)), (1, 1), (1, 1), (1, 1), 1, np.zeros(3)),
        "sum": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "avg": nir.AvgPool2d(np.array([3, 3]), np.array([3, 3]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([3, 1, 1])}, 0),
        "affine": nir.Affine(RNG.normal(size=(4, 3)), np.ones(4)),
        "scale": nir.Scale(2 * n),
        "delay": nir.Delay(np.array([0.0, 1e-4, 2e-4, 2e-4])),
        "threshold": nir.Threshold(n),
        "linear": nir.Linear(RNG.normal(size=(4, 4))),
        "if": nir.IF(r=n / 1e-4, v_threshold=n),
        "lif": nir.LIF(tau=n * 1e-3, r=n, v_leak=0 * n, v_threshold=n * 0.05),
        "cuba": nir.CubaLIF(tau_syn=n * 1e-3, tau_mem=n * 1e-3, r=n, v_leak=0 * n, v_threshold=n * 0.01),
        "cubali": nir.CubaLI(tau_syn=n * 1e-3, tau_mem=n * 1e-3, r=n, v_leak=0 * n),
        "i": nir.I(r=n),
        "li": nir.LI(tau=n * 1e-3, r=n, v_leak=0 * n),
        "output": nir.Output({"output": np.array([4])}),
    }


def test_every_primitive_of_the_nir_package(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir")
    nodes = primitives(nir)
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)
    nir.write(tmp_path / "net.nir", graph)
    network = read_nir(tmp_path / "net.nir")
    assert [p.name for p in network.populations if p.neuron is not None] == [
        "threshold",
        "if",
        "lif",
        "cuba",
        "cubali",
        "i",
        "li",
    ]
    assert network.output == "li"
    found = execute(network, RNG.normal(size=(1, STEPS, 2, 6, 6)).astype(np.float32)).output
    assert found is not None
    assert found.shape == (1, STEPS, 4)


def test_conv1d_and_a_subgraph_of_the_nir_package(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir")
    n = np.ones((3, 7), np.float32)
    inner = nir.NIRGraph.from_list(nir.LIF(tau=n * 1e-3, r=n, v_leak=0 * n, v_threshold=n))
    weight = RNG.normal(size=(3, 2, 3)).astype(np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([2, 7])}),
        "sub": inner,
        "conv": nir.Conv1d(7, weight, 1, "same", 1, 1, np.zeros(3)),
        "output": nir.Output({"output": np.array([3, 7])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "conv"), ("conv", "sub"), ("sub", "output")], type_check=False)
    nir.write(tmp_path / "net.nir", graph)
    network = read_nir(tmp_path / "net.nir")
    assert [(p.source, p.target) for p in network.projections] == [("input", "sub.lif")]
    assert network.by_name["sub.lif"].shape == (3, 7)
