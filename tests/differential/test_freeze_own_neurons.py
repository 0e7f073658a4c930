"""Neuron classes of a user's own, declared by a method: every spike, and what a wrong declaration is answered with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Neuron
from tests.freezing import executed, spikes_of

torch = pytest.importorskip("torch")
X = torch.from_numpy(np.random.default_rng(0).normal(0.4, 0.8, (12, 3, 20)).astype(np.float32))


class Adaptive(torch.nn.Module):
    """Threshold 1 + a, where a = 0.8 a + 0.5 s; keeps its state."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.v, self.a = 0.0, 0.0

    def forward(self, x: Any) -> Any:
        self.v = 0.7 * self.v + x
        s = (self.v > 1.0 + self.a).float()
        self.v = self.v - s * (1.0 + self.a)
        self.a = 0.8 * self.a + 0.5 * s
        return s

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(v_decay=0.7, compare=">", reset="subtract", a_decay=0.8, a_gain=0.5)


class Burst(torch.nn.Module):
    """Takes and returns its membrane; sends 1, 2 or 4 spikes at once."""

    neurocomp_states = ("membrane",)

    def forward(self, x: Any, v: Any = None) -> Any:
        v = x if v is None else v + x
        s = sum((v >= level).float() * level / 2 for level in (2, 4))
        s = torch.where(v >= 1.0, torch.clamp(s, min=1.0), torch.zeros_like(v))
        s = torch.where(v >= 4.0, torch.full_like(v, 4.0), torch.where(v >= 2.0, torch.full_like(v, 2.0), s))
        return s, v - s

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(reset="subtract", output="count", max_count=4, levels="powers")


class AllSteps(torch.nn.Module):
    """Fires once at most, at the first step at which the sum of the input passes 2."""

    neurocomp_time_axis = 0

    def forward(self, x: Any) -> Any:
        passed = (torch.cumsum(x, 0) >= 2.0).float()
        first = torch.cumsum(passed, 0) <= 1.0
        return passed * first

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(threshold=2.0, refractory=2**31 - 1)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.adaptive, self.burst, self.once = Adaptive(), Burst(), AllSteps()
        self.read = torch.nn.Linear(20, 2)

    def forward(self, x: Any) -> Any:
        first, state = [], None
        for t in range(x.shape[0]):
            spikes, state = self.burst(2 * x[t], state)
            first.append(self.adaptive(x[t]) + spikes)
        return self.read(torch.stack(first) + self.once(x))


def test_declared_neurons_spike_like_the_module() -> None:
    torch.manual_seed(0)
    net = Net()
    network = freeze(net, X)
    net.adaptive.reset()
    layers = {name: getattr(net, name) for name in ("adaptive", "burst", "once")}
    seen, ours = spikes_of(net, X, layers), executed(network)
    for name, calls in seen.items():
        theirs = np.stack(calls, 1) if len(calls) > 1 else np.moveaxis(calls[0], 0, 1)
        np.testing.assert_array_equal(ours[name], theirs, err_msg=name)
        assert theirs.any()
    assert ours["burst"].max() == 4
    assert ours["once"].sum(1).max() == 1


def test_a_wrong_declaration_does_not_pass() -> None:
    class Wrong(Adaptive):
        def neurocomp_neuron(self) -> Neuron:
            return Neuron(v_decay=0.7, compare=">", reset="subtract", a_decay=0.5, a_gain=0.5)

    net = Net()
    net.adaptive = Wrong()
    with pytest.raises(InputError, match="the neuron model is not the one that the module computes"):
        freeze(net, X)


def test_layers_that_the_example_leaves_silent_are_named() -> None:
    net = Net()
    told = [text for text in freeze(net, 0.01 * X).assumptions if "fires on the example" in text]
    assert len(told) == 1 and told[0].startswith("no neuron of adaptive, burst, once fires")
    assert not any("fires on the example" in text for text in freeze(Net(), X).assumptions)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"neurocomp_neuron": lambda _self: 0.5}, "returns a float, not a neurocomp.network.Neuron"),
        ({"neurocomp_time_axis": 2}, "neurocomp_time_axis is 2"),
        ({"neurocomp_states": ("volts",)}, "neurocomp_states names 'volts'; known are spike, membrane"),
    ],
)
def test_malformed_declarations(attributes: dict[str, Any], why: str) -> None:
    wrong = type("Mine", (Adaptive,), attributes)
    with pytest.raises(InputError, match=why):
        freeze(torch.nn.Sequential(wrong()), X[0], steps=3)


def later(x: Any, steps: int) -> Any:
    return torch.cat([torch.zeros_like(x[:steps]), x[:-steps]]) if steps else x


class OverSequences(torch.nn.Module):
    """Delays per axon written over whole sequences, as networks without a loop have them."""

    def __init__(self, biased: bool = False) -> None:
        super().__init__()
        self.first, self.second = (torch.nn.Linear(20, 20, bias=biased) for _ in range(2))
        self.once, self.other = AllSteps(), AllSteps()
        self.late_before = biased

    def forward(self, x: Any) -> Any:
        h = self.first(x)
        s = self.once(later(h, 1) if self.late_before else h)
        return self.other(self.second(s + 2 * later(s, 2) + 3 * later(s, 5)))


def test_delays_over_sequences() -> None:
    torch.manual_seed(1)
    net = OverSequences()
    for layer in (net.first, net.second):
        layer.weight.data *= 4
    network = freeze(net, X)
    assert sorted({p.delay for p in network.projections}) == [0, 2, 5]
    assert all(spikes.any() for spikes in executed(network).values())


def test_a_bias_is_not_delayed() -> None:
    with pytest.raises(InputError, match="delay what comes before its bias"):
        freeze(OverSequences(biased=True), X)
