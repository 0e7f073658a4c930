"""Networks with learnt delays, after rounding them to whole steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurocomp.network import Neuron


class Lif(nn.Module):
    """Leaky integrate and fire; hard reset, >=."""

    neurocomp_states = ("membrane",)

    def __init__(self, decay: float = 0.8) -> None:
        super().__init__()
        self.decay = decay

    def forward(self, x: Any, v: Any = None) -> Any:
        v = x if v is None else self.decay * v + x
        s = (v >= 1.0).float()
        return s, v * (1.0 - s)

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(v_decay=self.decay)


class AxonalDelays(nn.Module):
    """Each neuron's spikes leave later by a delay of its own (Shrestha and Orchard 2018; Sun et al. 2022)."""

    def __init__(self, inputs: int = 10, hidden: int = 16, outputs: int = 4, longest: int = 3) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
        self.lif1, self.lif2 = Lif(), Lif(0.9)
        delays = torch.randint(0, longest + 1, (hidden,))
        self.register_buffer("groups", torch.stack([(delays == d).float() for d in range(longest + 1)]))

    def forward(self, x: Any) -> Any:
        v1, v2, spikes, outputs = None, None, [], []
        for t in range(x.shape[0]):
            s, v1 = self.lif1(self.first(x[t]), v1)
            spikes.append(s)
            late = sum(spikes[t - d] * group for d, group in enumerate(self.groups) if d <= t)
            s, v2 = self.lif2(self.second(late), v2)
            outputs.append(s)
        return torch.stack(outputs)


class SynapticDelays(nn.Module):
    """DCLS (Hammouamri et al. 2024) once its positions are rounded: every synapse has a delay of its own, so that there
    is one sparse matrix of weights for each delay."""

    def __init__(self, inputs: int = 10, hidden: int = 16, outputs: int = 4, longest: int = 3) -> None:
        super().__init__()
        self.first, self.lif1 = _delayed_weights(inputs, hidden, longest), Lif()
        self.second, self.lif2 = _delayed_weights(hidden, outputs, longest), Lif(0.9)

    def forward(self, x: Any) -> Any:
        v1, v2, spikes, outputs = None, None, [], []
        for t in range(x.shape[0]):
            s, v1 = self.lif1(sum(layer(x[t - d]) for d, layer in enumerate(self.first) if d <= t), v1)
            spikes.append(s)
            s, v2 = self.lif2(sum(layer(spikes[t - d]) for d, layer in enumerate(self.second) if d <= t), v2)
            outputs.append(s)
        return torch.stack(outputs)


def _delayed_weights(inputs: int, outputs: int, longest: int) -> nn.ModuleList:
    delays = torch.randint(0, longest + 1, (outputs, inputs))
    layers = nn.ModuleList([nn.Linear(inputs, outputs, bias=False) for _ in range(longest + 1)])
    for d, layer in enumerate(layers):
        layer.weight.data = torch.randn(outputs, inputs) * 0.8 * (delays == d)
    return layers
