"""Event-based gated recurrent units (EGRU, Subramoney et al. 2023): a GRU whose state is sent only where it passes a
threshold, and then loses it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurocomp.network import Neuron


class Event(nn.Module):
    """1 where its input reaches a threshold; remembers nothing."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: Any) -> Any:
        return (x >= self.threshold).float()

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(v_decay=0.0, threshold=self.threshold)


class Carry(nn.Module):
    """Hands its input on unchanged: what a step leaves to the next passes through it, so that the loop closes there."""

    def forward(self, x: Any) -> Any:
        return x

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(v_decay=0.0, threshold=float("inf"), reset="none", output="membrane")


class EGRU(nn.Module):
    """u = sigma(U x + V y), r = sigma(R x + Q y), z = tanh(Z x + W (r y)); c = u z + (1 - u) (c - theta s) of the step
    before; s = [c >= theta], y = c s. One layer, and a linear readout of the events."""

    def __init__(self, inputs: int = 8, hidden: int = 12, outputs: int = 3, threshold: float = 0.2) -> None:
        super().__init__()
        self.update, self.reset_gate, self.state = (nn.Linear(inputs, hidden) for _ in range(3))
        self.update_y, self.reset_y, self.state_y = (nn.Linear(hidden, hidden, bias=False) for _ in range(3))
        self.event, self.out, self.threshold = Event(threshold), nn.Linear(hidden, outputs), threshold
        self.events, self.rest = Carry(), Carry()

    def forward(self, x: Any) -> Any:
        y = rest = torch.zeros(x.shape[1], self.out.in_features)
        outputs = []
        for t in range(x.shape[0]):
            u = torch.sigmoid(self.update(x[t]) + self.update_y(y))
            r = torch.sigmoid(self.reset_gate(x[t]) + self.reset_y(y))
            z = torch.tanh(self.state(x[t]) + self.state_y(r * y))
            c = u * z + (1 - u) * rest
            s = self.event(c)
            y, rest = self.events(c * s), self.rest(c - self.threshold * s)
            outputs.append(self.out(y))
        return torch.stack(outputs)
