"""sinabs networks whose samples and steps share the first axis, from code and an example with both apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.frontend.example import Example
from neurocomp.frontend.freeze import freeze
from neurocomp.frontend.live import freeze_file
from tests.source_files import write_code

torch = pytest.importorskip("torch")
pytest.importorskip("sinabs.layers")

CODE = """
import torch
from torch import nn
from sinabs import layers
def net(**given):
    torch.manual_seed(6)
    found = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), layers.IAFSqueeze(**given), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(36, 5, bias=False), layers.IAFSqueeze(**given))
    with torch.no_grad():
        found[0].weight *= 3
    return found.eval()
def one(): return net(batch_size=1)
def three(): return net(batch_size=3)
def steps(): return net(num_timesteps=4)
class Own(nn.Module):  # as a user squeezes by hand
    def __init__(self):
        super().__init__()
        self.first, self.spikes = nn.Conv2d(1, 4, 3, bias=False), layers.IAF()
    def forward(self, x):
        return self.spikes(self.first(x).unflatten(0, (-1, 4)))
"""
IMAGES = np.random.default_rng(0).random((5, 4, 1, 8, 8), np.float32)


@pytest.mark.parametrize("name", ["one", "three", "steps", "Own"])
@pytest.mark.parametrize("varies", [True, False])
def test_squeezing_networks_from_code(tmp_path: Path, name: str, varies: bool) -> None:
    code = f"{write_code(tmp_path, CODE)}:{name}"
    inputs = IMAGES if varies else IMAGES[:, 0]
    network = freeze_file(None, code, Example(inputs, None, 4, "temporal" if varies else None))
    sample = network.sample
    assert sample is not None
    assert (sample.steps, sample.encoding) == (4, "temporal" if varies else "direct")
    np.testing.assert_array_equal(sample.inputs, inputs)
    assert network.by_name[network.inputs[0]].shape == (1, 8, 8)


@pytest.mark.parametrize("name", ["one", "steps"])
def test_steps_are_asked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--steps: is needed: the module takes samples and steps as one axis"):
        freeze_file(None, f"{write_code(tmp_path, CODE)}:{name}", Example(IMAGES[:, 0]))


def test_a_single_sample_of_one_channel() -> None:
    """(6, 1, 8, 8) has no axis of samples: neither the channel nor anything else is one."""
    from sinabs import layers

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, bias=False), layers.IAFSqueeze(batch_size=1)).eval()
    network = freeze(net, torch.rand(6, 1, 8, 8))
    assert network.sample is not None and network.sample.inputs.shape == (1, 6, 1, 8, 8)
