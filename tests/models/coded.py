"""Networks whose neurons code in their own way: one spike per sample, bursts, thresholds over several levels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurocomp.network import Neuron
from neurocomp.network.neuron import FOREVER


class FirstSpike(nn.Module):
    """Integrates without leak and fires at most once (time to first spike, e.g. Rueckauer and Liu 2018)."""

    neurocomp_states = ("membrane", "spike")

    def forward(self, x: Any, state: Any = None) -> Any:
        v, done = (torch.zeros_like(x),) * 2 if state is None else state
        v = v + x
        s = (v >= 1.0).float() * (1.0 - done)
        return s, (v, torch.clamp(done + s, max=1.0))

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(refractory=FOREVER)


class TTFS(nn.Module):
    """Spikes arrive early if the input is bright; each neuron answers once."""

    def __init__(self, inputs: int = 12, hidden: int = 16, outputs: int = 4) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden, bias=False), nn.Linear(hidden, outputs, bias=False)
        self.one, self.two = FirstSpike(), FirstSpike()

    def forward(self, x: Any) -> Any:
        state1, state2, outputs = None, None, []
        for t in range(x.shape[0]):
            s, state1 = self.one(self.first(x[t]), state1)
            s, state2 = self.two(self.second(s), state2)
            outputs.append(s)
        return torch.stack(outputs)


class Burst(nn.Module):
    """Integrate and fire of a converted network: soft reset, half a threshold to start with (Bu et al. 2022), up to
    ``most`` spikes in a step (Li and Zeng 2022), or the largest of the levels 1, 2, 4 ... that fits (multi-threshold,
    Huang et al. 2024), either sign."""

    neurocomp_states = ("membrane",)

    def __init__(self, threshold: float, most: int, powers: bool = False, signed: bool = False) -> None:
        super().__init__()
        self.threshold, self.most, self.powers, self.signed = threshold, most, powers, signed

    def forward(self, x: Any, v: Any = None) -> Any:
        v = (self.threshold / 2 if v is None else v) + x
        count = torch.clamp(torch.floor(v.abs() / self.threshold), max=self.most)
        if self.powers:
            count = torch.where(count > 0, 2.0 ** torch.floor(torch.log2(torch.clamp(count, min=1))), count)
        s = count * torch.sign(v) if self.signed else count * (v > 0)
        return s, v - s * self.threshold

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(
            threshold=self.threshold, v_init=self.threshold / 2, reset="subtract", output="count", max_count=self.most,
            levels="powers" if self.powers else "all", signed=self.signed,
        )  # fmt: skip


class Converted(nn.Module):
    """A small convolutional network with ReLUs, converted: the same image at every step."""

    def __init__(self, powers: bool = False) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 3 * 3, 5)
        self.pool, self.flat = nn.AvgPool2d(2), nn.Flatten()
        self.first, self.last = Burst(0.5, 4, powers), Burst(0.7, 4, powers, signed=True)
        self.steps = 5

    def forward(self, image: Any) -> Any:
        v1, v2, outputs = None, None, []
        for _ in range(self.steps):
            s, v1 = self.first(self.conv(image), v1)
            s, v2 = self.last(self.fc(self.flat(self.pool(s))), v2)
            outputs.append(s)
        return torch.stack(outputs).mean(0)
