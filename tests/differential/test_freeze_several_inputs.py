"""Modules that take several tensors: as arguments, as a tuple, as a dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.frontend.freeze import freeze
from tests.freezing import grid_input, on_a_grid

torch = pytest.importorskip("torch")
neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
from torch import nn  # noqa: E402


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(8, 12), nn.Linear(4, 12), nn.Linear(12, 3)
        self.lif = neuron.LIFNode(step_mode="m")

    def joined(self, x: Any, y: Any) -> Any:
        return self.out(self.lif(self.fc1(x) + self.fc2(y)))


class Arguments(Two):
    def forward(self, x: Any, y: Any) -> Any:
        return self.joined(x, y)


class Pair(Two):
    def forward(self, both: Any) -> Any:
        x, y = both
        return self.joined(x, y)


class Named(Two):
    def forward(self, batch: Any) -> Any:
        return {"logits": self.joined(batch["events"], batch["pose"])}


class Picture(nn.Module):
    """A picture and a vector, one step per call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 3, 3), nn.Linear(3 * 36 + 5, 4)
        self.if1, self.if2 = neuron.IFNode(), neuron.IFNode()

    def forward(self, picture: Any, vector: Any) -> Any:
        return self.if2(self.fc(torch.cat([self.if1(self.conv(picture)).flatten(1), vector], 1)))


@pytest.mark.parametrize("kind", [Arguments, Pair, Named])
def test_over_time(kind: Any) -> None:
    module = on_a_grid(kind())
    x, y = 2 * grid_input(6, 3, 8), 2 * grid_input(6, 3, 4)
    network = freeze(module, {"events": x, "pose": y} if kind is Named else (x, y))
    assert network.assumptions[0].startswith("the module's 2 inputs are fed side by side as one")
    module.lif.reset()
    with torch.no_grad():
        theirs = module.joined(x, y).numpy()
    ours = execute(network, encode_sample(network.sample)).output  # type: ignore[arg-type]
    np.testing.assert_allclose(ours.swapaxes(0, 1), theirs, rtol=1e-6, atol=1e-6)
    assert "forward" not in vars(module)


def test_a_step_per_call() -> None:
    network = freeze(on_a_grid(Picture()), (2 * grid_input(2, 1, 8, 8), grid_input(2, 5)), steps=4)
    assert network.by_name["input"].size == 69
    assert network.sample is not None and network.sample.inputs.shape[0] == 2


def test_axes_that_do_not_agree() -> None:
    with pytest.raises(InputError, match="have no first axis in common"):
        freeze(on_a_grid(Arguments()), (torch.rand(6, 3, 8), torch.rand(3, 4)))
    with pytest.raises(InputError, match="holds a str beside tensors"):
        freeze(on_a_grid(Arguments()), (torch.rand(6, 3, 8), "fast"))
