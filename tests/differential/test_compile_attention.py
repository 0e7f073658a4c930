"""Attention of real values, torch's own, between spiking neurons: frozen, rounded and run on a chip."""

from __future__ import annotations

from typing import Any

import pytest

from neurocomp.network.ops import Factor, Host
from tests.freezing import activity, check_compiled, executed, grid_input, on_a_grid

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
from spikingjelly.activation_based import neuron  # noqa: E402
from torch import nn  # noqa: E402

from neurocomp.frontend.freeze import freeze  # noqa: E402

STEPS, CHANNELS = 4, 16


class Attending(nn.Module):
    """Patches of an image as tokens, spikes, nn.MultiheadAttention, spikes."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.lif1 = nn.Conv2d(3, CHANNELS, 4, 4), neuron.LIFNode(v_threshold=0.5)
        self.attention = nn.MultiheadAttention(CHANNELS, 2, batch_first=True)
        self.lif2, self.head = neuron.LIFNode(v_threshold=0.25), nn.Linear(CHANNELS, 10)

    def forward(self, x: Any) -> Any:
        outputs = []
        for _ in range(STEPS):
            tokens = self.lif1(self.patches(x)).flatten(2).transpose(1, 2)
            mixed = self.attention(tokens, tokens, tokens, need_weights=False)[0]
            outputs.append(self.head(self.lif2(mixed).mean(1)))
        return torch.stack(outputs).mean(0)


def test_multi_head_attention_of_spikes() -> None:
    torch.manual_seed(0)
    model = on_a_grid(Attending())
    with torch.no_grad():  # the projections inside are parameters of their own
        for parameter in (model.attention.in_proj_weight, model.attention.in_proj_bias):
            parameter.copy_(torch.randint(-5, 6, parameter.shape) / 16)
    network = freeze(model, grid_input(3, 3, 16, 16))
    assert {p.op.function for p in network.projections if isinstance(p.op, Host)} == {"softmax"}
    assert sum(isinstance(p.op, Factor) and p.op.side == "left" for p in network.projections) == 2
    assert min(activity(executed(network)).values()) > 0.05
    rounded = check_compiled(network, 0.01)
    assert sum(p.held is not None for p in rounded.populations) >= 1
