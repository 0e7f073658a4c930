"""Networks of SpikingJelly layers against their torch modules: layers, residuals, containers, read-outs.

``freeze`` compares every spike itself and refuses to return otherwise; these tests look at the outcome again with
their own hooks, at the structure that was recovered, and that the layers were active at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Conv, Linear, OneToOne, Pool
from tests.freezing import check, lively, op_types

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


def multi_step(module: nn.Module) -> nn.Module:
    functional.set_step_mode(module, "m")
    return module


# SpikingJelly, all steps at once -----------------------------------------------------------------------------
def test_convolutions_pooling_and_batch_norm_fold() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = layer.Conv2d(2, 6, 3, stride=2, padding=1)
            self.bn1 = layer.BatchNorm2d(6)
            self.sn1 = neuron.LIFNode(v_reset=None)
            self.pool1 = layer.AvgPool2d(2)
            self.conv2 = layer.Conv2d(6, 8, (3, 2), padding="same", groups=2, bias=False)
            self.bn2 = layer.BatchNorm2d(8)
            self.pool2 = layer.MaxPool2d(2)
            self.sn2 = neuron.IFNode()
            self.flatten = layer.Flatten()
            self.drop = layer.Dropout(0.5)
            self.fc = layer.Linear(32, 5)
            self.sn3 = neuron.LIFNode(tau=1.5)
            multi_step(self)

        def forward(self, x: Any) -> Any:
            x = self.pool1(self.sn1(self.bn1(self.conv1(x))))
            x = self.sn2(self.pool2(self.bn2(self.conv2(x))))
            return self.sn3(self.fc(self.drop(self.flatten(x)))).mean(0)

    network = check(lively(Net()), torch.rand(5, 2, 2, 16, 16), ["sn1", "sn2", "sn3"], low=0.005)
    assert op_types(network) == {"conv1": Conv, "pool1": Pool, "conv2": Conv, "pool2": Pool, "fc": Linear}
    assert [p.name for p in network.populations if p.neuron is None] == ["input", "pool1", "bn2"]
    assert network.sample.encoding == "temporal"
    assert network.output == "sn3"
    assert network.assumptions == (
        "the example's axes were taken for (time steps, samples, 2, 16, 16); "
        "encoding= says whether inputs vary over time",
        "2 batch normalisations are folded into weights, biases and scales",
        "the output is read out as the mean over the 5 time steps",
    )


def test_static_image_is_repeated_over_time() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.sn = layer.Conv2d(1, 4, 3, dilation=2), neuron.LIFNode()
            multi_step(self)

        def forward(self, x: Any) -> Any:
            return self.sn(self.conv(x.unsqueeze(0).repeat(6, 1, 1, 1, 1)))

    network = check(lively(Net(), 4), torch.rand(3, 1, 7, 7), ["sn"])
    assert (network.sample.encoding, network.sample.steps, network.sample.inputs.shape) == ("direct", 6, (3, 1, 7, 7))


def test_encoding_layer_outside_the_time_axis() -> None:
    """The first convolution runs once per image, its result is repeated: the same network."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn, self.sn = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), neuron.LIFNode(step_mode="m")

        def forward(self, x: Any) -> Any:
            return self.sn(self.bn(self.conv(x)).unsqueeze(0).expand(4, -1, -1, -1, -1))

    network = check(lively(Net()), torch.rand(3, 1, 6, 6), ["sn"])
    assert op_types(network) == {"conv": Conv}


class Block(nn.Module):
    """Spike-element-wise residual block: spikes are added to spikes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = layer.Conv2d(channels, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels)
        self.sn1, self.sn2 = neuron.LIFNode(), neuron.LIFNode()
        self.conv2, self.bn2 = layer.Conv2d(channels, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels)

    def forward(self, x: Any) -> Any:
        return self.sn2(self.bn2(self.conv2(self.sn1(self.bn1(self.conv1(x)))))) + x


class MembraneBlock(Block):
    """Membrane shortcut: real values are added to real values, with a convolution in the shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.shortcut = layer.Conv2d(channels, channels, 1)
        self.sn1 = neuron.LIFNode(v_threshold=0.6)

    def forward(self, x: Any) -> Any:
        return self.bn2(self.conv2(self.sn2(self.bn1(self.conv1(self.sn1(x)))))) + self.shortcut(x)


class Residual(nn.Module):
    def __init__(self, block: type[Block]) -> None:
        super().__init__()
        self.stem, self.norm, self.sn = layer.Conv2d(1, 4, 3, padding=1), layer.BatchNorm2d(4), neuron.IFNode()
        self.layer1, self.layer2 = block(4), block(4)
        self.last = neuron.LIFNode()
        self.pool, self.head = layer.AdaptiveAvgPool2d(1), layer.Linear(4, 3)
        multi_step(self)

    def forward(self, x: Any) -> Any:
        x = self.norm(self.stem(x.unsqueeze(0).repeat(4, 1, 1, 1, 1)))
        x = self.last(self.layer2(self.layer1(self.sn(x))))
        return self.head(torch.flatten(self.pool(x), 2)).mean(0)


BLOCK_NEURONS = ["sn", "layer1.sn1", "layer1.sn2", "layer2.sn1", "layer2.sn2", "last"]


def test_spike_element_wise_residuals() -> None:
    network = check(lively(Residual(Block)), torch.rand(2, 1, 8, 8), BLOCK_NEURONS)
    assert network.by_name["layer1.add"].neuron is None  # the relay that collects spikes and shortcut
    sources = {p.source: type(p.op) for p in network.incoming["layer1.add"]}
    assert sources == {"layer1.sn2": OneToOne, "sn": OneToOne}
    weights = [p.name for p in network.projections if isinstance(p.op, Conv | Linear)]
    assert len(weights) == len(set(weights)) == 6


def test_membrane_shortcut_residuals() -> None:
    network = check(lively(Residual(MembraneBlock)), torch.rand(2, 1, 8, 8), BLOCK_NEURONS)
    arriving = [(p.source, type(p.op)) for p in network.incoming["layer1.add"]]
    assert sorted(arriving) == [("layer1.sn2", Conv), ("sn", Conv)]
    weights = [p.name for p in network.projections if isinstance(p.op, Conv | Linear)]
    assert len(weights) == len(set(weights)) == 8


def test_head_on_the_mean_over_time_is_the_mean_of_the_head() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.sn, self.head = nn.Linear(6, 20), neuron.LIFNode(step_mode="m"), nn.Linear(20, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.sn(self.fc(x)).mean(0))

    net, x = lively(Net(), 3), torch.rand(8, 5, 6)
    network = check(net, x, ["sn"])
    functional.reset_net(net)
    output = execute(network, encode_sample(network.sample)).output
    np.testing.assert_allclose(output.mean(1), net(x).detach().numpy(), rtol=1e-5, atol=1e-6)


# SpikingJelly, one step at a time ------------------------------------------------------------------------------
def test_time_loop_with_accumulated_spikes() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.sn1 = nn.Conv2d(1, 4, 3), neuron.LIFNode(v_reset=None)
            self.fc, self.sn2 = nn.Linear(144, 6), neuron.LIFNode(decay_input=False)

        def forward(self, x: Any) -> Any:
            fired = 0
            for _ in range(5):
                fired = fired + self.sn2(self.fc(self.sn1(self.conv(x)).flatten(1)))
            return fired / 5

    net, x = lively(Net(), 3), torch.rand(3, 1, 8, 8)
    network = check(net, x, ["sn1", "sn2"])
    functional.reset_net(net)
    summed = execute(network, encode_sample(network.sample)).output.sum(1)
    np.testing.assert_allclose(summed, net(x).detach().numpy(), rtol=1e-6)
    assert network.assumptions == ("the output is read out as the sum over the 5 time steps",)


@pytest.mark.parametrize("temporal", [False, True])
def test_module_of_one_step_is_called_once_per_step(temporal: bool) -> None:
    net = lively(
        nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.BatchNorm2d(4),
            neuron.LIFNode(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(36, 6),
            neuron.LIFNode(),
        ),
        3,
    )
    x = torch.rand(4, 3, 1, 8, 8) if temporal else torch.rand(3, 1, 8, 8)
    options = {"steps": 4, "encoding": "temporal" if temporal else None}
    network = check(net, x, ["2", "6"], lambda x: [net(x[t] if temporal else x) for t in range(4)], **options)
    assert list(op_types(network)) == ["0", "3", "5"]
    assert network.sample.encoding == ("temporal" if temporal else "direct")


@pytest.mark.parametrize("multi", [True, False])
def test_linear_recurrent_container(multi: bool) -> None:
    mode = "m" if multi else "s"
    net = lively(
        nn.Sequential(
            nn.Linear(7, 6),
            layer.LinearRecurrentContainer(neuron.LIFNode(), 6, 6, step_mode=mode),
            nn.Linear(6, 20),
            neuron.LIFNode(step_mode=mode),
        ),
        5,
    )
    x = torch.rand(6, 4, 7)
    run = None if multi else lambda x: [net(x[t]) for t in range(6)]
    options: Any = {} if multi else {"steps": 6, "encoding": "temporal"}
    network = check(net, x, ["1.sub_module", "3"], run, **options)
    loop = next(p for p in network.projections if p.source == p.target)
    assert (loop.target, loop.delay, type(loop.op)) == ("1.sub_module", 1, Linear)


def test_element_wise_recurrent_container() -> None:
    net = lively(
        nn.Sequential(
            nn.Linear(7, 6),
            layer.ElementWiseRecurrentContainer(neuron.LIFNode(), lambda y, x: 0.5 * y + x, step_mode="m"),
            nn.Linear(6, 3),
            neuron.LIFNode(step_mode="m"),
        ),
        6,
    )
    network = check(net, torch.rand(6, 4, 7), ["1.sub_module", "3"])
    loop = next(p for p in network.projections if p.source == p.target)
    assert (loop.delay, loop.op.scale) == (1, 0.5)


def test_multi_step_container_around_single_step_layers() -> None:
    inner = layer.MultiStepContainer(nn.Linear(5, 8), neuron.LIFNode())
    net = lively(nn.Sequential(inner, layer.SeqToANNContainer(nn.Linear(8, 3)), neuron.LIFNode(step_mode="m")), 5)
    check(net, torch.rand(6, 4, 5), ["0.1", "2"])


# the module itself ----------------------------------------------------------------------------------------------
def test_module_is_left_as_it_was() -> None:
    net = lively(Residual(Block))
    x = torch.rand(2, 1, 8, 8)
    before = net(x)
    functional.reset_net(net)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    freeze(net, x)
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert not any("forward" in vars(m) or m._forward_hooks for m in net.modules())
    assert torch.equal(net(x), before)


def test_same_module_same_network_same_file(tmp_path: Any) -> None:
    from neurocomp.frontend.torchfile import read_torch
    from neurocomp.network.serial import to_tree

    net, x = lively(Residual(MembraneBlock)), torch.rand(2, 1, 8, 8)
    network = freeze(net, x, tmp_path / "a.pt", labels=[1, 2], name="residual")
    freeze(net, x, tmp_path / "b.pt", labels=[1, 2], name="residual")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    assert to_tree(read_torch(tmp_path / "a.pt"))[0] == to_tree(network)[0]
    assert network.sample.labels.tolist() == [1, 2]
    assert network.name == "residual"


def test_arrays_and_integer_inputs_are_taken_as_they_are() -> None:
    net = lively(nn.Sequential(nn.Linear(5, 4), neuron.LIFNode()), 4)
    x = np.random.default_rng(0).random((3, 5))
    assert freeze(net, x, steps=4).sample.inputs.dtype == np.float32
