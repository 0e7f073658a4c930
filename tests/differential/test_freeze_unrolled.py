"""Time loops around attention, gates and traces: they roll back up, or what differs between steps is named.

Weights are on a grid (tests.freezing.on_a_grid), so that every spike must agree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Network
from neurocomp.network.ops import Factor, Host
from tests.freezing import check_model, executed, grid_input, on_a_grid

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
pytest.importorskip("spikingjelly.activation_based")
from snntorch import utils  # noqa: E402
from spikingjelly.activation_based import neuron  # noqa: E402
from torch import nn  # noqa: E402


class TokenStep(nn.Module):
    """One step of attention between the tokens of an image, of single-step SpikingJelly neurons."""

    def __init__(self, dim: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.embed, self.bn, self.lif = nn.Conv2d(1, dim, 4, 4), nn.BatchNorm2d(dim), neuron.LIFNode()
        self.qkv, self.qkv_lif = nn.Linear(dim, 3 * dim), neuron.LIFNode()
        self.attn_lif = neuron.LIFNode(v_threshold=0.5)
        self.proj, self.proj_lif, self.head = nn.Linear(dim, dim), neuron.LIFNode(), nn.Linear(dim, 5)

    def forward(self, image: Any) -> Any:
        x = self.lif(self.bn(self.embed(image))).flatten(2).transpose(1, 2)
        samples, tokens, dim = x.shape
        qkv = self.qkv_lif(self.qkv(x)).reshape(samples, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = (q @ k.transpose(-2, -1)) @ v * 0.125
        mixed = self.attn_lif(mixed.transpose(1, 2).reshape(samples, tokens, dim))
        return self.head((x + self.proj_lif(self.proj(mixed))).mean(1))


class TokenLoop(nn.Module):
    """The loop is inside, and adds the results up as it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.step = TokenStep()

    def forward(self, image: Any) -> Any:
        total: Any = 0.0
        for _ in range(4):
            total = total + self.step(image)
        return total / 4


def test_attention_in_a_loop_that_adds_up() -> None:
    network, sites = check_model(on_a_grid(TokenLoop(), gain=4.0), grid_input(2, 1, 16, 16))
    assert sites > 5_000
    assert all(p.delay == 0 for p in network.projections)
    assert sum(isinstance(p.op, Factor) for p in network.projections) == 4
    assert "the output is read out as the sum over the 4 time steps" in network.assumptions


@pytest.mark.parametrize("temporal", [False, True])
def test_attention_as_a_single_step(temporal: bool) -> None:
    net = on_a_grid(TokenStep(), gain=4.0)
    x = grid_input(4, 2, 1, 16, 16) if temporal else grid_input(2, 1, 16, 16)
    network = freeze(net, x, steps=4, encoding="temporal" if temporal else "direct")
    assert min(float(v.mean()) for v in executed(network).values()) > 0.01
    assert sum(isinstance(p.op, Factor) for p in network.projections) == 4


class Recurrent(nn.Module):
    """A hidden layer that hears itself through what a subclass makes of its last spikes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.rec, self.gate = nn.Linear(6, 8), nn.Linear(8, 8, bias=False), nn.Linear(8, 8)
        self.lif = snn.Leaky(beta=0.5, init_hidden=True)
        self.out, self.last = nn.Linear(8, 3), snn.Leaky(beta=0.5, init_hidden=True)

    def drive(self, x: Any, spikes: Any) -> Any:
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        utils.reset(self)
        spikes, results = torch.zeros(x.shape[1], 8), []
        for t in range(x.shape[0]):
            spikes = self.lif(self.drive(x[t], spikes))
            results.append(self.last(self.out(spikes)))
        return torch.stack(results)


class Gated(Recurrent):
    """A gate that is half open before the first step, where there are no spikes yet."""

    def drive(self, x: Any, spikes: Any) -> Any:
        return self.fc(x) * torch.sigmoid(self.gate(spikes)) + self.rec(spikes)


class Masked(Recurrent):
    """Neurons that have just fired do not hear the others."""

    def drive(self, x: Any, spikes: Any) -> Any:
        return self.fc(x) + self.rec(spikes) * (1 - spikes)


def frozen(net: nn.Module, gain: float = 3.0) -> Network:
    net = on_a_grid(net, gain=gain)
    x = grid_input(5, 3, 6)
    network = freeze(net, x)
    ours = execute(network, encode_sample(network.sample)).output.swapaxes(0, 1)
    with torch.no_grad():
        theirs = net(x)
    theirs = theirs["spikes"] if isinstance(theirs, dict) else theirs
    assert 0.05 < theirs.mean() < 0.99
    np.testing.assert_array_equal(ours, theirs)
    return network


def test_gate_of_the_last_spikes() -> None:
    network = frozen(Gated())
    gate = next(p for p in network.projections if p.name == "gate")
    assert (gate.source, gate.delay) == ("lif", 1)
    assert [p.op.function for p in network.projections if isinstance(p.op, Host)] == ["sigmoid"]


def test_mask_of_the_last_spikes() -> None:
    network = frozen(Masked())
    assert sum(isinstance(p.op, Factor) for p in network.projections) == 2
    assert [p.delay for p in network.projections if p.delay] == [1]


def test_trace_of_spikes_is_written_out_over_the_steps() -> None:
    class Traced(Recurrent):
        def forward(self, x: Any) -> Any:
            utils.reset(self)
            trace, results = torch.zeros(x.shape[1], 8), []
            for t in range(x.shape[0]):
                trace = 0.5 * trace + self.lif(self.fc(x[t]))
                results.append(self.last(self.out(trace)))
            return {"spikes": torch.stack(results), "trace": trace}

    network = frozen(Traced())
    assert "the module returns another result beside the output, which is left out" in network.assumptions


def test_step_that_differs_is_named() -> None:
    class Warmed(Recurrent):
        def forward(self, x: Any) -> Any:
            utils.reset(self)
            results = []
            for t in range(x.shape[0]):
                current = self.fc(x[t])
                results.append(self.lif(current if t else torch.relu(current)))
            return torch.stack(results)

    net = Warmed()
    del net.last
    with pytest.raises(InputError) as caught:
        freeze(on_a_grid(net), grid_input(5, 3, 6))
    assert str(caught.value) == (
        "lif: what arrives here cannot be written as one step\n"
        "  why:  step 0 of the time loop does something else than step 4: relu where the last step has a sum in fc\n"
        "  next: the time loop must do the same at every step; keep other state in neuron modules"
    )


@pytest.mark.parametrize("all_to_all", [True, False])
def test_spikes_worth_more_than_one_return_to_their_layer(all_to_all: bool) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 8)
            features = 8 if all_to_all else None
            self.lif = snn.RLeaky(beta=0.5, V=0.25, all_to_all=all_to_all, linear_features=features, init_hidden=True)
            self.lif.graded_spikes_factor = torch.tensor(2.0)
            self.out, self.last = nn.Linear(8, 3), snn.Leaky(beta=0.5, init_hidden=True)

        def forward(self, x: Any) -> Any:
            utils.reset(self)
            return torch.stack([self.last(self.out(self.lif(self.fc(x[t])))) for t in range(x.shape[0])])

    frozen(Net(), gain=2.0)


def test_other_networks_keep_their_state() -> None:
    """snnTorch's reset clears all neurons that exist; symbolic tensors of the export must not stay in them."""
    first, second = on_a_grid(Masked()), on_a_grid(Masked(), seed=1)
    x = grid_input(5, 3, 6)
    freeze(first, x)
    freeze(second, x)
    for net in (first, second):
        for module in (net.lif, net.last):
            assert type(module.mem) is torch.Tensor
