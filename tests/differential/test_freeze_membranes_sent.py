"""Neurons that send a function of a membrane that spikes reset: put together from a threshold and its membrane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from tests.freezing import check_compiled, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import functional, neuron  # noqa: E402
from torch import nn  # noqa: E402

STEPS = 5


class Looped(nn.Module):
    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.fc1, self.first, self.fc2, self.last = nn.Linear(6, 8), first, nn.Linear(8, 4), neuron.LIFNode()

    def forward(self, x: Any) -> Any:
        return torch.stack([self.last(self.fc2(self.first(self.fc1(step)))) for step in x])


def check(module: nn.Module) -> Any:
    x = grid_input(STEPS, 3, 6)
    network = freeze(module, x)
    assert not any("differ" in text for text in network.assumptions)
    functional.reset_net(module)
    with torch.no_grad():
        theirs = module(x).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours.swapaxes(0, 1), theirs)
    assert 0.05 < theirs.mean() < 0.95
    return network


@pytest.mark.parametrize("related", [False, True])
@pytest.mark.parametrize("v_reset", [0.0, None])
def test_leaky_integrate_and_analog_fire(related: bool, v_reset: float | None) -> None:
    for function in (torch.relu, torch.tanh):
        network = check(on_a_grid(Looped(neuron.LIAFNode(function, related, v_reset=v_reset))))
        assert f"{function.__name__} in first.{function.__name__} runs on the host" in network.assumptions


def test_a_soft_reset_on_a_chip() -> None:
    network = check(on_a_grid(Looped(neuron.LIAFNode(torch.relu, False, v_reset=None))))
    check_compiled(network, 0.02)


def test_a_chip_that_cannot_hold_it_says_why() -> None:
    network = check(on_a_grid(Looped(neuron.LIAFNode(torch.relu, False))))
    with pytest.raises(InputError, match="hands real values on through so many weights"):
        check_compiled(network, 0.02)


def test_binary_where_the_framework_is() -> None:
    """Of whole sequences SpikingJelly 2.0 makes spikes, not activations; what it does is what is frozen."""
    module = on_a_grid(
        nn.Sequential(nn.Linear(6, 8), neuron.LIAFNode(torch.relu, False), nn.Linear(8, 4), neuron.LIFNode())
    )
    functional.set_step_mode(module, "m")
    check(module)
