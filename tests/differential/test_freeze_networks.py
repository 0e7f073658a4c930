"""Whole networks against their torch modules: layers, residuals, recurrence, time loops, read-outs.

``freeze`` compares every spike itself and refuses to return otherwise; these tests look at the outcome again with
their own hooks, at the structure that was recovered, and that the layers were active at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Conv, Linear, Network, OneToOne, Pool
from tests.freezing import activity, executed, spikes_of

torch = pytest.importorskip("torch")
sj = pytest.importorskip("spikingjelly.activation_based")
snn = pytest.importorskip("snntorch")
from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


def lively(module: nn.Module, factor: float = 2.0) -> nn.Module:
    """In eval mode, with weights large enough to make deep layers fire and batch statistics that are not trivial."""
    for child in module.modules():
        if isinstance(child, nn.Linear | nn.Conv1d | nn.Conv2d):
            child.weight.data *= factor
            if child.bias is not None:
                child.bias.data = child.bias.data.abs() * factor
        elif isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.running_mean.uniform_(-0.3, 0.3)
            child.running_var.uniform_(0.05, 0.3)
            child.weight.data.uniform_(0.5, 1.5)
            child.bias.data.uniform_(-0.1, 0.4)
    return module.eval()


def multi_step(module: nn.Module) -> nn.Module:
    functional.set_step_mode(module, "m")
    return module


def check(module: nn.Module, x: Any, neurons: list[str], run: Callable[[Any], Any] | None = None,
          reset: Callable[[], None] | None = None, low: float = 0.02, **options: Any) -> Network:
    """Freeze; then compare every neuron's spikes with what hooks of our own see."""
    network = freeze(module, x, **options)
    paths = dict(module.named_modules())
    (reset or (lambda: functional.reset_net(module)))()
    seen = spikes_of(module, x, {n: paths[n] for n in neurons}, run)
    ours = executed(network)
    assert sorted(ours) == sorted(neurons)
    for name in neurons:
        samples, _, *shape = ours[name].shape
        calls = seen[name] if len(seen[name]) > 1 else list(seen[name][0])
        theirs = np.stack([call.reshape(samples, *shape) for call in calls], 1)
        np.testing.assert_array_equal(ours[name], theirs, err_msg=name)
    assert min(activity(ours).values()) > low, activity(ours)
    return network


def ops(network: Network) -> dict[str, type]:
    return {p.name: type(p.op) for p in network.projections}


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
    assert ops(network) == {"conv1": Conv, "pool1": Pool, "conv2": Conv, "pool2": Pool, "fc": Linear}
    assert [p.name for p in network.populations if p.neuron is None] == ["input", "pool1", "bn2"]
    assert network.sample.encoding == "temporal"
    assert network.output == "sn3"
    assert network.assumptions == ("the output is read out as the mean over the 5 time steps",)


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
    assert ops(network) == {"conv": Conv}


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
    net = lively(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), neuron.LIFNode(), nn.MaxPool2d(2), nn.Flatten(),
                               nn.Linear(36, 6), neuron.LIFNode()), 3)
    x = torch.rand(4, 3, 1, 8, 8) if temporal else torch.rand(3, 1, 8, 8)
    options = {"steps": 4, "encoding": "temporal" if temporal else None}
    network = check(net, x, ["2", "6"], lambda x: [net(x[t] if temporal else x) for t in range(4)], **options)
    assert list(ops(network)) == ["0", "3", "5"]
    assert network.sample.encoding == ("temporal" if temporal else "direct")


@pytest.mark.parametrize("multi", [True, False])
def test_linear_recurrent_container(multi: bool) -> None:
    mode = "m" if multi else "s"
    net = lively(nn.Sequential(
        nn.Linear(7, 6), layer.LinearRecurrentContainer(neuron.LIFNode(), 6, 6, step_mode=mode), nn.Linear(6, 20),
        neuron.LIFNode(step_mode=mode)), 5)
    x = torch.rand(6, 4, 7)
    run = None if multi else lambda x: [net(x[t]) for t in range(6)]
    options: Any = {} if multi else {"steps": 6, "encoding": "temporal"}
    network = check(net, x, ["1.sub_module", "3"], run, **options)
    loop = next(p for p in network.projections if p.source == p.target)
    assert (loop.target, loop.delay, type(loop.op)) == ("1.sub_module", 1, Linear)


def test_element_wise_recurrent_container() -> None:
    net = lively(nn.Sequential(
        nn.Linear(7, 6), layer.ElementWiseRecurrentContainer(neuron.LIFNode(), lambda y, x: 0.5 * y + x, step_mode="m"),
        nn.Linear(6, 3), neuron.LIFNode(step_mode="m")), 6)
    network = check(net, torch.rand(6, 4, 7), ["1.sub_module", "3"])
    loop = next(p for p in network.projections if p.source == p.target)
    assert (loop.delay, loop.op.scale) == (1, 0.5)


def test_multi_step_container_around_single_step_layers() -> None:
    inner = layer.MultiStepContainer(nn.Linear(5, 8), neuron.LIFNode())
    net = lively(nn.Sequential(inner, layer.SeqToANNContainer(nn.Linear(8, 3)), neuron.LIFNode(step_mode="m")), 5)
    check(net, torch.rand(6, 4, 5), ["0.1", "2"])


# snnTorch -----------------------------------------------------------------------------------------------------
class TimeLoop(nn.Module):
    """The loop of snnTorch's tutorials, with states handed around and recorded."""

    def __init__(self, time_axis: int | None) -> None:
        super().__init__()
        self.time_axis = time_axis
        self.fc1, self.lif1 = nn.Linear(8, 12), snn.Leaky(beta=0.9)
        self.fc2, self.lif2 = nn.Linear(12, 4), snn.Synaptic(alpha=0.5, beta=0.8)

    def forward(self, x: Any) -> Any:
        mem1 = self.lif1.reset_mem()
        syn2, mem2 = self.lif2.reset_mem()
        spikes, membranes = [], []
        for t in range(7):
            spk1, mem1 = self.lif1(self.fc1(x if self.time_axis is None else x.select(self.time_axis, t)), mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
            spikes.append(spk2)
            membranes.append(mem2)
        return torch.stack(spikes), torch.stack(membranes)


@pytest.mark.parametrize("time_axis", [None, 0, 1])
def test_snntorch_time_loop(time_axis: int | None) -> None:
    net = lively(TimeLoop(time_axis))
    x = torch.rand({None: (5, 8), 0: (7, 5, 8), 1: (5, 7, 8)}[time_axis]) * 2
    network = check(net, x, ["lif1", "lif2"], reset=lambda: None)
    assert network.sample.inputs.shape == ((5, 8) if time_axis is None else (5, 7, 8))
    assert list(ops(network)) == ["fc1", "fc2"]
    assert network.assumptions == ("the module returns another result beside the output, which is left out",)


def test_snntorch_hidden_states_in_a_sequential() -> None:
    net = lively(nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), snn.Leaky(beta=0.5, init_hidden=True), nn.Flatten(), nn.Linear(36, 4),
        snn.Leaky(beta=0.5, init_hidden=True, output=True)), 3)
    x = torch.rand(3, 1, 8, 8)

    def reset() -> None:
        net[2].mem, net[5].mem = torch.zeros(0), torch.zeros(0)

    network = check(net, x, ["2", "5"], lambda x: [net(x) for _ in range(6)], reset, steps=6)
    assert ops(network) == {"0": Conv, "1": Pool, "4": Linear}


def test_spikes_written_into_a_tensor() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif = nn.Linear(8, 4), snn.Leaky(beta=0.9, init_hidden=True)

        def forward(self, x: Any) -> Any:
            out = torch.zeros(5, x.shape[0], 4)
            for t in range(5):
                out[t] = self.lif(self.fc(x))
            return out

    net = lively(Net())
    network = check(net, torch.rand(3, 8) * 2, ["lif"], reset=lambda: setattr(net.lif, "mem", torch.zeros(0)))
    assert network.output == "lif"


class HandMade(nn.Module):
    """A recurrent loop written by hand; the recurrent layer has a bias, which acts from the first step on."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.fc, self.rec = nn.Linear(5, 10), nn.Linear(10, 10, bias=bias)
        self.lif1, self.out, self.lif2 = snn.Leaky(beta=0.8), nn.Linear(10, 12), snn.Leaky(beta=0.7)

    def forward(self, x: Any) -> Any:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spk1 = torch.zeros(x.shape[1], 10)
        spikes = []
        for t in range(x.shape[0]):
            spk1, mem1 = self.lif1(self.fc(x[t]) + self.rec(spk1), mem1)
            spk2, mem2 = self.lif2(self.out(spk1), mem2)
            spikes.append(spk2)
        return torch.stack(spikes)


@pytest.mark.parametrize("bias", [True, False])
def test_recurrence_written_by_hand(bias: bool) -> None:
    network = check(lively(HandMade(bias), 3), torch.rand(7, 4, 5) * 2, ["lif1", "lif2"], reset=lambda: None)
    loop = next(p for p in network.projections if p.name == "rec")
    assert (loop.source, loop.target, loop.delay) == ("lif1", "lif1", 1)


def test_feedback_from_a_later_layer_and_a_longer_delay() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.back = nn.Linear(5, 9), nn.Linear(4, 9, bias=False)
            self.lif1 = snn.Leaky(beta=0.8, init_hidden=True)
            self.out, self.lif2 = nn.Linear(9, 4), snn.Leaky(beta=0.7, init_hidden=True)

        def forward(self, x: Any) -> Any:
            before = [torch.zeros(x.shape[0], 4)] * 2
            spikes = []
            for _ in range(8):
                first = self.lif1(self.fc(x) + self.back(before[-2]))
                before.append(self.lif2(self.out(first)))
                spikes.append(before[-1])
            return torch.stack(spikes)

    net = lively(Net(), 3)

    def reset() -> None:
        net.lif1.mem, net.lif2.mem = torch.zeros(0), torch.zeros(0)

    network = check(net, torch.rand(4, 5), ["lif1", "lif2"], reset=reset)
    loop = next(p for p in network.projections if p.name == "back")
    assert (loop.source, loop.target, loop.delay) == ("lif2", "lif1", 2)


def test_membrane_of_a_neuron_that_never_resets_is_read_out() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif1 = nn.Linear(5, 8), snn.Leaky(beta=0.8)
            self.out, self.lif2 = nn.Linear(8, 3), snn.Leaky(beta=0.7, reset_mechanism="none")

        def forward(self, x: Any) -> Any:
            mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
            membranes = []
            for _ in range(6):
                spk1, mem1 = self.lif1(self.fc(x), mem1)
                _, mem2 = self.lif2(self.out(spk1), mem2)
                membranes.append(mem2)
            return torch.stack(membranes)

    net, x = lively(Net()), torch.rand(4, 5) * 2
    network = freeze(net, x)
    assert network.by_name["lif2"].neuron.output == "membrane"
    output = execute(network, encode_sample(network.sample)).output
    np.testing.assert_allclose(output, net(x).detach().numpy().swapaxes(0, 1), rtol=1e-5, atol=1e-6)


def test_parts_of_maps_joined_cut_padded_and_reordered() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.lif1 = nn.Conv1d(2, 8, 3, padding=1), snn.Leaky(beta=0.5, init_hidden=True)
            self.conv2, self.lif2 = nn.Conv1d(4, 6, 3), snn.Leaky(beta=0.5, init_hidden=True)
            self.fc, self.lif3 = nn.Linear(72, 5), snn.Leaky(beta=0.5, init_hidden=True)

        def forward(self, x: Any) -> Any:
            first, second = self.lif1(self.conv1(x)).chunk(2, 1)
            joined = torch.cat([second, first], 1)[:, 2:6]
            maps = self.lif2(self.conv2(nn.functional.pad(joined, (1, 3))))
            return self.lif3(self.fc(maps.transpose(1, 2).flatten(1)))

    net = lively(Net(), 3)

    def reset() -> None:
        for lif in (net.lif1, net.lif2, net.lif3):
            lif.mem = torch.zeros(0)

    check(net, torch.rand(2, 2, 10) * 2, ["lif1", "lif2", "lif3"], lambda x: [net(x) for _ in range(5)], reset, steps=5)


class Collected(nn.Module):
    """A loop that returns its spikes as ``collect`` makes of the list."""

    def __init__(self, collect: Callable[[list], Any], time_axis: int | None = None) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(6, 9), snn.Leaky(beta=0.9, init_hidden=True)
        self.collect, self.time_axis = collect, time_axis

    def forward(self, x: Any) -> Any:
        steps = [x if self.time_axis is None else x.select(self.time_axis, t) for t in range(4)]
        return self.collect([self.lif(self.fc(step)) for step in steps])


@pytest.mark.parametrize(("collect", "assumptions"), [
    (lambda spikes: spikes, ()),
    (lambda spikes: {"spikes": torch.stack(spikes, 1)}, ()),
    (lambda spikes: torch.cat([s.unsqueeze(0) for s in spikes]), ()),
    (lambda spikes: torch.stack(spikes).sum(0), ("the output is read out as the sum over the 4 time steps",)),
    (lambda spikes: sum(spikes) / 4, ("the output is read out as the sum over the 4 time steps",)),
    (lambda spikes: spikes[-1], ("the module returns the output of step 3 only; every step is read out here",)),
])
def test_ways_to_return_spikes(collect: Callable[[list], Any], assumptions: tuple[str, ...]) -> None:
    net = lively(Collected(collect))
    network = check(net, torch.rand(3, 6), ["lif"], reset=lambda: setattr(net.lif, "mem", torch.zeros(0)))
    assert network.assumptions == assumptions


@pytest.mark.parametrize(("time_axis", "shape", "stored"), [
    (0, (4, 4, 6), (4, 4, 6)), (1, (4, 4, 6), (4, 4, 6)), (None, (4, 6), (4, 6)), (0, (4, 1, 6), (1, 4, 6)),
    (0, (4, 6), (1, 4, 6)), (None, (6,), (1, 6)),
])
def test_axes_are_told_apart_even_where_sizes_agree(
    time_axis: int | None, shape: tuple[int, ...], stored: tuple[int, ...],
) -> None:
    """4 steps and 4 samples, one sample, or no batch axis at all."""
    net = lively(Collected(torch.stack, time_axis))
    x = torch.rand(*shape, generator=torch.Generator().manual_seed(3))
    network = check(net, x, ["lif"], reset=lambda: setattr(net.lif, "mem", torch.zeros(0)))
    inputs = x.numpy() if time_axis != 0 or len(shape) == 2 else x.numpy().swapaxes(0, 1)
    np.testing.assert_array_equal(network.sample.inputs, inputs.reshape(stored))
    assert network.sample.encoding == ("direct" if time_axis is None else "temporal")


def test_wrapped_modules_are_unwrapped() -> None:
    net = lively(Collected(torch.stack))
    assert [p.name for p in freeze(nn.DataParallel(net), torch.rand(3, 6)).populations] == ["input", "lif"]


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
    looped = lively(TimeLoop(None))
    y = torch.rand(5, 8)
    spikes = looped(y)[0]
    freeze(looped, y)
    assert torch.equal(looped(y)[0], spikes)


def test_same_module_same_network_same_file(tmp_path: Any) -> None:
    from neurocomp.frontend.frozen import read_frozen
    from neurocomp.network.serial import to_tree

    net, x = lively(Residual(MembraneBlock)), torch.rand(2, 1, 8, 8)
    network = freeze(net, x, tmp_path / "a.pt", labels=[1, 2], name="residual")
    freeze(net, x, tmp_path / "b.pt", labels=[1, 2], name="residual")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    assert to_tree(read_frozen(tmp_path / "a.pt"))[0] == to_tree(network)[0]
    assert network.sample.labels.tolist() == [1, 2]
    assert network.name == "residual"


def test_arrays_and_integer_inputs_are_taken_as_they_are() -> None:
    net = lively(nn.Sequential(nn.Linear(5, 4), neuron.LIFNode()), 4)
    x = np.random.default_rng(0).random((3, 5))
    assert freeze(net, x, steps=4).sample.inputs.dtype == np.float32
