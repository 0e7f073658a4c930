"""Neurons behind layers that change the number of time steps: every spike as in torch, at the network's last steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from neurocomp.network import Network, OverTime
from tests.freezing import check_compiled, check_model, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import neuron  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from tests.models.over_time import lif  # noqa: E402


class Over(nn.Module):
    """A layer along the time axis, given (samples, channels, steps)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x.permute(1, 2, 0)).permute(2, 0, 1)


class Cut(nn.Module):
    def __init__(self, cut: Callable[[Any], Any]) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, x: Any) -> Any:
        return self.cut(x)


class Mean(nn.Module):
    def __init__(self, kind: str = "mean") -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Any) -> Any:
        return getattr(x, self.kind)(0)


def net(between: nn.Module, second: nn.Module | None = None, *head: nn.Module) -> nn.Module:
    second = second or lif()
    return on_a_grid(
        nn.Sequential(nn.Linear(6, 8), lif(), between, nn.Linear(8, 8), second, nn.Linear(8, 4), lif(), *head)
    )


def moved(network: Network) -> set[int]:
    """How far ahead what the host moves looks; nothing may be added up."""
    ops = [p.op for p in network.projections if isinstance(p.op, OverTime)]
    assert all(op.moves for op in ops)
    return {op.ahead for op in ops}


SHORTER = {
    "every second": (lambda: Cut(lambda x: x[::2]), 4, {0}),
    "every third from the second": (lambda: Cut(lambda x: x[1::3]), 3, {0}),
    "last": (lambda: Cut(lambda x: x[-3:]), 3, {0}),
    "first": (lambda: Cut(lambda x: x[:3]), 3, set()),
    "inner": (lambda: Cut(lambda x: x[2:5]), 3, {0}),
    "cut twice": (lambda: Cut(lambda x: x[2:][::2]), 3, {0}),
    "sum of two": (lambda: Cut(lambda x: x[-4:] + x[::2]), 4, {0}),
    "product of two": (lambda: Cut(lambda x: x[-4:] * x[::2]), 4, {0}),
    "convolution with a stride": (lambda: Over(nn.Conv1d(8, 8, 2, stride=2)), 4, {0}),
    "convolution with a stride and zeros": (lambda: Over(nn.Conv1d(8, 8, 3, stride=2, padding=1)), 4, {0}),
    "convolution without zeros": (lambda: Over(nn.Conv1d(8, 8, 3)), 6, {0}),
    "maximum": (lambda: Over(nn.MaxPool1d(3, 2)), 3, {0}),
    "mean": (lambda: Over(nn.AvgPool1d(2)), 4, {0}),
    "maximum of neighbours": (lambda: Over(nn.MaxPool1d(2, 1)), 7, {0}),
    "one after another": (lambda: Over(nn.Sequential(nn.Conv1d(8, 8, 3, 2, 1), nn.AvgPool1d(2))), 2, {0}),
}


@pytest.mark.parametrize("name", SHORTER)
def test_fewer_steps(name: str) -> None:
    make, steps, ahead = SHORTER[name]
    network, _ = check_model(net(make(), None, Mean()), grid_input(8, 3, 6))
    assert f"4: its sequence has {steps} of the network's 8 steps and takes the last ones; it is silent before" in (
        network.assumptions
    )
    assert f"the output is read out as the mean over the last {steps} of 8 time steps" in network.assumptions
    assert moved(network) <= ahead


def test_what_is_read_out_of_a_shorter_sequence() -> None:
    """Spikes step by step, their sum, and linear read-outs with a bias of their mean."""
    halves = lambda: Cut(lambda x: x[::2])  # noqa: E731
    for head in (
        [],
        [Mean("sum")],
        [nn.Linear(4, 3), Mean()],
        [nn.Linear(4, 3), Mean("sum")],
        [Mean(), nn.Linear(4, 3)],
    ):
        check_model(net(halves(), None, *head), grid_input(8, 2, 6))


@pytest.mark.parametrize(
    "second",
    [
        lambda: neuron.PSN(T=4),
        lambda: neuron.SlidingPSN(k=2, step_mode="m"),
        lambda: neuron.LIFNode(tau=2.0, v_reset=-0.25, step_mode="m"),
        lambda: neuron.IFNode(v_reset=None, step_mode="m"),
        lambda: neuron.KLIFNode(tau=2.0, step_mode="m"),
    ],
)
def test_other_neurons(second: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    check_model(net(Cut(lambda x: x[::2]), second()), grid_input(8, 3, 6))


def test_back_to_the_network_s_steps() -> None:
    """Four steps and zeros behind them: what lies behind the four is not what was cut off."""
    network, _ = check_model(net(Cut(lambda x: functional.pad(x[:4], (0, 0, 0, 0, 0, 4)))), grid_input(8, 3, 6))
    assert not any("its sequence has" in text for text in network.assumptions)


def test_the_first_layer_changes_the_steps() -> None:
    """No neuron runs as many steps as the example has."""
    first = Over(nn.Conv1d(6, 8, 2, stride=2))
    network, _ = check_model(on_a_grid(nn.Sequential(first, lif(), nn.Linear(8, 4), lif())), grid_input(8, 3, 6))
    assert network.sample is not None and network.sample.steps == 8


class Frames(nn.Module):
    """Pooling and convolutions over space and time, as video networks have them; given (T, N, C, H, W)."""

    def __init__(self, pool: nn.Module, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.lif1, self.pool = nn.Conv3d(2, 4, 3, padding=1), lif(), pool
        self.conv2, self.lif2 = nn.Conv3d(4, 4, 3, padding=1, stride=(stride, 1, 1)), lif()

    def forward(self, x: Any) -> Any:
        x = self.lif1(self.conv1(x.permute(1, 2, 0, 3, 4)).permute(2, 0, 1, 3, 4))
        x = self.conv2(self.pool(x.permute(1, 2, 0, 3, 4)))
        return self.lif2(x.permute(2, 0, 1, 3, 4)).flatten(2).mean(0)


@pytest.mark.parametrize(
    ("pool", "stride"),
    [
        (nn.MaxPool3d(2), 1),
        (nn.AvgPool3d(2), 1),
        (nn.MaxPool3d((3, 1, 1), stride=(1, 1, 1)), 1),
        (nn.MaxPool3d((2, 2, 2), stride=(2, 2, 2)), 2),
    ],
)
def test_pooling_over_frames(pool: nn.Module, stride: int) -> None:
    check_model(on_a_grid(Frames(pool, stride)), grid_input(8, 2, 2, 4, 4))


def test_on_chips() -> None:
    """Also on one whose packets carry eight bits: spikes are moved, and biases come from a neuron that begins late."""
    network, _ = check_model(net(Over(nn.Conv1d(8, 8, 2, stride=2))), grid_input(8, 3, 6))
    assert "from step 4 on" in network.by_name
    for chip in ("loihi2", "generic"):
        check_compiled(network, 0.02, chip)


@pytest.mark.parametrize(
    ("between", "second", "why"),
    [
        (lambda x: x[::2], lambda: neuron.EIFNode(step_mode="m"), "its membrane moves while nothing arrives"),
        (lambda x: x.repeat_interleave(2, 0), None, "the longest of the neuron layers runs 16 time steps"),
    ],
)
def test_what_cannot_be_says_why(between: Callable[[Any], Any], second: Any, why: str) -> None:
    module = net(Cut(between), second() if second else None)
    with pytest.raises(InputError) as caught:
        freeze(module, grid_input(8, 3, 6))
    assert why in str(caught.value)
