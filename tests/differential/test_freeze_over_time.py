"""Networks whose layers mix time steps: every spike as in torch, and what mixes them on the host or in delays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.chip.catalog import load_chip
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.mapping.compile import compile_network
from neurocomp.network import AllSteps, Network, OverTime
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.report.build import report
from neurocomp.simulate.inference import simulate
from tests.freezing import check_model, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import neuron  # noqa: E402
from torch import nn  # noqa: E402

from tests.models import over_time  # noqa: E402
from tests.models.zoo import model_zoo  # noqa: E402

STEPS = 4


def delays(network: Network) -> list[int]:
    return sorted({p.delay for p in network.projections})


def moved(network: Network) -> list[int]:
    return sorted(p.op.ahead for p in network.projections if isinstance(p.op, OverTime))


def whole(network: Network) -> set[str]:
    """Populations that a function of all steps gives."""
    return {p.target for p in network.projections if isinstance(p.op, AllSteps)}


def on_loihi2(network: Network, twin: bool = True) -> Any:
    """The report of a run on the chip; simulate checks that nothing is lost, the twin that nothing is otherwise."""
    program = compile_network(network, load_chip("loihi2"), effort="fast")
    inputs = encode_sample(network.sample)
    run = execute(program.network, inputs)
    assert not twin or execute_reference(program.network, inputs).trace.digest == run.trace.digest
    return report(program, simulate(program, run.trace, noc="bound"), execution=run)


@pytest.mark.parametrize("causal", [True, False])
def test_convolutions_over_space_and_time(causal: bool) -> None:
    """What was is a delay; a kernel that is centred looks a step ahead, and the host keeps what it needs for that."""
    network, sites = check_model(on_a_grid(over_time.Conv3dNet(causal)), grid_input(STEPS, 2, 2, 8, 8))
    assert sites == 8192
    assert (delays(network), moved(network)) == (([0, 1, 2], []) if causal else ([0, 1], [1, 1]))
    told = [a for a in network.assumptions if "comes from the host" in a]
    assert len(told) == (0 if causal else 2)


def test_a_step_ahead_costs_two_steps_on_a_chip() -> None:
    """For each of two layers: the host has the next step one step later, and sends it in the step after."""
    network = freeze(on_a_grid(over_time.Conv3dNet()), grid_input(STEPS, 2, 2, 8, 8))
    result = on_loihi2(network, twin=False)
    assert [(h.function, h.waits, h.multiplications) for h in result.signals.host] == [("1 steps ahead", 2, 0)] * 2
    assert result.mismatches == ()
    causal = on_loihi2(freeze(on_a_grid(over_time.Conv3dNet(True)), grid_input(STEPS, 2, 2, 8, 8)), twin=False)
    assert causal.signals.host == ()
    assert result.timing.steps_per_inference - causal.timing.steps_per_inference == 4


@pytest.mark.parametrize(("groups", "dilation"), [(1, 2), (4, 1), (16, 3)])
def test_convolutions_over_time(groups: int, dilation: int) -> None:
    """Zeros on both sides, and what looks ahead cut off again: delays, and nothing else."""
    net = on_a_grid(over_time.TemporalConvNet(groups, dilation), gain=4.0)
    network, _ = check_model(net, grid_input(8, 2, 12))
    assert delays(network) == [0, dilation, 2 * dilation] and not moved(network) and not whole(network)
    assert on_loihi2(network).signals.host == ()


@pytest.mark.parametrize("padding", ["same", 1, 3])
def test_where_zeros_are_put_decides_how_far_it_looks_ahead(padding: Any) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif = nn.Conv1d(6, 8, 4 if padding == 3 else 3, padding=padding), over_time.lif()

        def forward(self, x: Any) -> Any:
            y = self.conv(x.permute(1, 2, 0))
            return self.lif(y[..., padding:].permute(2, 0, 1) if padding == 3 else y.permute(2, 0, 1))

    network, _ = check_model(on_a_grid(Net(), gain=4.0), grid_input(6, 2, 6))
    assert moved(network) == ([1, 2, 3] if padding == 3 else [1])


def test_delays_written_as_a_convolution() -> None:
    net = on_a_grid(over_time.DelayedAsConv(), gain=4.0)
    net.sparse()
    network, _ = check_model(net, grid_input(7, 2, 12))
    assert delays(network) == [0, 1, 2, 3] and not moved(network)


def test_attention_over_time() -> None:
    """Every step to every other: products and softmax on the host, spikes to it, real values back."""
    network, _ = check_model(on_a_grid(over_time.TimeAttention()), grid_input(STEPS, 2, 6))
    assert whole(network) == {"matmul"}
    assert (
        "matmul: the host computes products and softmax over all 4 time steps, between two runs" in network.assumptions
    )
    result = on_loihi2(network)
    (host,) = result.signals.host
    assert (host.function, host.waits) == ("products, softmax over time", STEPS)
    assert host.multiplications == 2 * 2 * STEPS * STEPS * 8  # samples, products, terms
    assert any(
        "matmul needs spiking.0 and spiking.1 and spiking.2 up to 3 steps later" in a for a in result.assumptions
    )
    assert "products, softmax over time" in result.to_text()
    tree, arrays = to_tree(network)
    again = from_tree(tree, arrays, "file")
    inputs = encode_sample(network.sample)
    assert execute(again, inputs).trace.digest == execute(network, inputs).trace.digest


def test_joint_attention_of_all_frames() -> None:
    """Patches by a 3-d convolution, tokens of all frames in one product; without softmax all is exact."""
    network, sites = check_model(on_a_grid(over_time.JointAttention()), grid_input(STEPS, 2, 2, 8, 8))
    assert sites > 1000 and moved(network) == [1] and len(whole(network)) == 1
    result = on_loihi2(network)
    assert sorted(h.waits for h in result.signals.host) == [2, STEPS]
    assert result.mismatches == ()


@pytest.mark.parametrize(
    ("kind", "parts"), [("mean", ["mean"]), ("max", ["maximum"]), ("gate", ["mean, sigmoid", "mean"])]
)
def test_statistics_over_time_in_the_middle(kind: str, parts: list[str]) -> None:
    network, _ = check_model(on_a_grid(over_time.Averaged(kind)), grid_input(STEPS, 2, 10))
    assert len(whole(network)) == len(parts)
    found = [h.function for h in on_loihi2(network).signals.host]
    assert sorted(found) == sorted(f"{part} over time" for part in parts)
    weights = [p for p in network.projections if p.target == "lif2"]
    assert [p.op.weight.shape for p in weights] == [(12, 16)]  # the weights behind the mean stay on the chip


def test_weights_over_time_and_a_head_behind_the_mean() -> None:
    network, _ = check_model(on_a_grid(over_time.MixedSteps(STEPS)), grid_input(STEPS, 2, 10))
    assert whole(network) == {"gelu"}  # weights over time mix each element's steps: a parallel neuron's form
    assert [p.target for p in network.projections if isinstance(p.op, OverTime)] == ["over_time"]
    functions = [h.function for h in on_loihi2(network).signals.host]
    assert functions == ["4 steps mixed", "mean, weights, gelu over time"]


def test_attention_over_steps_channels_and_places() -> None:
    """MA-SNN of SpikingJelly's zoo: steps are weighed by what all of them hold."""
    with model_zoo() as zoo:
        model = zoo("masnn").MASNN(
            T=STEPS, in_channels=2, num_classes=5, input_size=(8, 8), channels=(8,), pools=(1,), fc_hidden=16,
            reduction_t=2, reduction_c=4,
        )  # fmt: skip
    network, _ = check_model(on_a_grid(model), grid_input(STEPS, 2, 2, 8, 8))
    assert "conv_blocks.0.attn.ta.sigmoid" in whole(network)
    result = on_loihi2(network, twin=False)
    assert {h.waits for h in result.signals.host} == {0, STEPS}


@pytest.mark.parametrize("kind", ["PSN", "MaskedPSN"])
def test_parallel_neurons_on_a_chip(kind: str) -> None:
    make = {"PSN": lambda: neuron.PSN(6), "MaskedPSN": lambda: neuron.MaskedPSN(3, 6, lambda_init=1.0, step_mode="m")}
    torch.manual_seed(0)
    net = on_a_grid(nn.Sequential(nn.Linear(10, 16), make[kind](), nn.Linear(16, 8), make[kind]()))
    for layer in (net[1], net[3]):
        layer.weight.data = torch.randint(-2, 5, layer.weight.shape) / 4
        layer.bias.data = -torch.randint(0, 5, layer.bias.shape) / 8
    network, _ = check_model(net, grid_input(6, 2, 10))
    program = compile_network(network, load_chip("loihi2"), effort="fast")
    assert [p.op.ahead for p in network.projections if isinstance(p.op, OverTime)] == [5 if kind == "PSN" else 0] * 2
    assert program.offsets["3"] - program.offsets["1"] == (2 + 6 if kind == "PSN" else 2 + 1)
    inputs = encode_sample(network.sample)
    ours, theirs = execute(program.network, inputs).trace, execute(network, inputs).trace
    wrong = [np.mean(ours.dense(name) != theirs.dense(name)) for name in ("1", "3")]
    assert max(wrong) < 0.05  # the host rounds its results to 12 bits


class Strided(nn.Module):
    def __init__(self, make: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.fc, self.lif, self.over, self.out = nn.Linear(6, 8), over_time.lif(), make(), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        y = self.over(self.lif(self.fc(x)).permute(1, 2, 0))
        return self.out(y.permute(2, 0, 1)).mean(0)


@pytest.mark.parametrize("make", [lambda: nn.Conv1d(8, 8, 2, stride=2), lambda: nn.Conv1d(8, 8, 3)])
def test_fewer_steps_where_no_neuron_follows(make: Callable[[], nn.Module]) -> None:
    """A convolution with a stride, or without zeros around, and the head behind it: steps are moved."""
    network, _ = check_model(on_a_grid(Strided(make)), grid_input(6, 2, 6))
    assert not whole(network) and set(moved(network)) == {0}


def test_running_sums() -> None:
    """A sum up to each step looks back only; on a chip it is delays where they are long enough."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif, self.out, self.last = nn.Linear(6, 8), over_time.lif(), nn.Linear(8, 6), over_time.lif()

        def forward(self, x: Any) -> Any:
            return self.last(self.out(self.lif(self.fc(x)).cumsum(0)) * 0.25)

    network, _ = check_model(on_a_grid(Net()), grid_input(5, 2, 6))
    assert moved(network) == [0]
    program = compile_network(network, load_chip("loihi2"), effort="fast")
    assert {p.delay for p in program.network.projections} == set(range(5))


class Scaled(nn.Module):
    """A factor for each step (TEBN, Duan et al. 2022), or the layer behind it looking at the sequence backwards."""

    def __init__(self, backwards: bool) -> None:
        super().__init__()
        self.fc, self.lif, self.fc2, self.lif2 = nn.Linear(6, 8), over_time.lif(), nn.Linear(8, 6), over_time.lif()
        self.factors, self.backwards = torch.tensor([1.0, 0.5, 2.0, 0.25]).reshape(4, 1, 1), backwards

    def forward(self, x: Any) -> Any:
        x = self.lif(self.fc(x))
        return self.lif2(self.fc2(x.flip(0)).flip(0) if self.backwards else self.fc2(x) * self.factors)


@pytest.mark.parametrize("backwards", [False, True])
def test_whole_steps_scaled_or_in_another_order(backwards: bool) -> None:
    network, _ = check_model(on_a_grid(Scaled(backwards)), grid_input(STEPS, 2, 6))
    found = [p.op for p in network.projections if isinstance(p.op, OverTime)]
    assert not whole(network) and [(op.moves, op.ahead) for op in found] == (
        [(True, 3)] * 2 if backwards else [(False, 0)]
    )
    on_loihi2(network)


class SecondLayer(nn.Module):
    def __init__(self, between: Callable[[Any], Any]) -> None:
        super().__init__()
        self.fc, self.lif, self.fc2, self.lif2 = nn.Linear(6, 8), over_time.lif(), nn.Linear(8, 6), over_time.lif()
        self.between = between

    def forward(self, x: Any) -> Any:
        return self.lif2(self.fc2(self.between(self.lif(self.fc(x)))))


@pytest.mark.parametrize(
    ("between", "what", "why"),
    [
        (lambda x: x.repeat_interleave(2, 0), "lif: what this", "the longest of the neuron layers runs 8 time steps"),
        (lambda x: x.sort(0)[0], "op aten.sort", "no event-driven form"),
    ],
)
def test_what_cannot_be_says_where_and_why(between: Callable[[Any], Any], what: str, why: str) -> None:
    with pytest.raises(InputError) as caught:
        freeze(on_a_grid(SecondLayer(between)), grid_input(STEPS, 2, 6))
    assert what in str(caught.value) and why in str(caught.value)


def test_multi_head_attention_over_the_steps() -> None:
    """nn.MultiheadAttention on (steps, samples, features), and single steps behind it."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.lif, self.attention = nn.Linear(6, 8), over_time.lif(), nn.MultiheadAttention(8, 2)
            self.last = neuron.LIFNode(v_threshold=0.25, step_mode="s")

        def forward(self, x: Any) -> Any:
            x = self.lif(self.fc(x))
            x, _ = self.attention(x, x, x, need_weights=False)
            return torch.stack([self.last(step) for step in x])

    network, _ = check_model(on_a_grid(Net()), grid_input(STEPS, 2, 6))
    assert whole(network) == {"attention.scaled_dot_product_attention"}


class ReadOut(nn.Module):
    def __init__(self, made: Callable[[Any], Any]) -> None:
        super().__init__()
        self.fc, self.lif, self.made = nn.Linear(6, 8), over_time.lif(), made

    def forward(self, x: Any) -> Any:
        return self.made(self.lif(self.fc(x)))


@pytest.mark.parametrize(
    "made",
    [
        lambda s: torch.einsum("tbi,sbi->bts", s, s),
        lambda s: s.mean(0) * s.mean(0),
        lambda s: s.amax(0),
        lambda s: torch.softmax(s, 0),
        lambda s: s[1:3].mean(0),
        lambda s: s[2:].sum((0, 2)),
        lambda s: s + torch.arange(4.0).view(4, 1, 1),
        lambda s: s.transpose(0, 1).flatten(1)[:, 5:20],
    ],
)
def test_what_is_read_out_may_be_made_of_all_steps(made: Callable[[Any], Any]) -> None:
    check_model(on_a_grid(ReadOut(made)), grid_input(STEPS, 2, 6))
