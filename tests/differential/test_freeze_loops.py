"""Time loops (snnTorch and written by hand) against their torch modules: how they roll back up into one step.

As in test_freeze_layers.py, every spike is compared with what separate hooks see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Conv, Linear, Pool
from tests.freezing import check, lively, op_types

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(5)


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
    assert list(op_types(network)) == ["fc1", "fc2"]
    axes = {0: "time steps, samples", 1: "samples, time steps"}.get(time_axis)
    read = f"the example's axes were taken for ({axes}, 8); encoding= says whether inputs vary over time"
    left_out = "the module returns another result beside the output, which is left out"
    assert network.assumptions == ((read, left_out) if axes else (left_out,))


def test_snntorch_hidden_states_in_a_sequential() -> None:
    net = lively(
        nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.MaxPool2d(2),
            snn.Leaky(beta=0.5, init_hidden=True),
            nn.Flatten(),
            nn.Linear(36, 4),
            snn.Leaky(beta=0.5, init_hidden=True, output=True),
        ),
        3,
    )
    x = torch.rand(3, 1, 8, 8)

    def reset() -> None:
        net[2].mem, net[5].mem = torch.zeros(0), torch.zeros(0)

    network = check(net, x, ["2", "5"], lambda x: [net(x) for _ in range(6)], reset, steps=6)
    assert op_types(network) == {"0": Conv, "1": Pool, "4": Linear}


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


@pytest.mark.parametrize(
    ("collect", "assumptions"),
    [
        (lambda spikes: spikes, ()),
        (lambda spikes: {"spikes": torch.stack(spikes, 1)}, ()),
        (lambda spikes: torch.cat([s.unsqueeze(0) for s in spikes]), ()),
        (lambda spikes: torch.stack(spikes).sum(0), ("the output is read out as the sum over the 4 time steps",)),
        (lambda spikes: sum(spikes) / 4, ("the output is read out as the sum over the 4 time steps",)),
        (lambda spikes: spikes[-1], ("the module returns the output of step 3 only; every step is read out here",)),
    ],
)
def test_ways_to_return_spikes(collect: Callable[[list], Any], assumptions: tuple[str, ...]) -> None:
    net = lively(Collected(collect))
    network = check(net, torch.rand(3, 6), ["lif"], reset=lambda: setattr(net.lif, "mem", torch.zeros(0)))
    assert network.assumptions == assumptions


@pytest.mark.parametrize(
    ("time_axis", "shape", "stored"),
    [
        (0, (4, 4, 6), (4, 4, 6)),
        (1, (4, 4, 6), (4, 4, 6)),
        (None, (4, 6), (4, 6)),
        (0, (4, 1, 6), (1, 4, 6)),
        (0, (4, 6), (1, 4, 6)),
        (None, (6,), (1, 6)),
    ],
)
def test_axes_are_told_apart_even_where_sizes_agree(
    time_axis: int | None,
    shape: tuple[int, ...],
    stored: tuple[int, ...],
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


def test_module_is_left_as_it_was() -> None:
    net, x = lively(TimeLoop(None)), torch.rand(5, 8)
    spikes = net(x)[0]
    freeze(net, x)
    assert torch.equal(net(x)[0], spikes)
    assert not any("forward" in vars(m) or m._forward_hooks for m in net.modules())
