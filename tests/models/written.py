"""Networks whose neurons are written out in their own code, in the ways in which papers' code does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Fires(torch.autograd.Function):
    """A step forwards, a rectangle backwards."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.gt(0).float()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() < 0.5)


fires: Callable[[Any], Any] = Fires.apply


class OverSteps(nn.Module):
    """One module per layer that runs over the steps of (batch, time, ...), as in Deng et al. (ICLR 2022)."""

    def __init__(self, threshold: float = 1.0, decay: float = 0.5) -> None:
        super().__init__()
        self.threshold, self.decay = threshold, decay

    def forward(self, x: Any) -> Any:
        membrane: Any = 0
        spikes = []
        for t in range(x.shape[1]):
            membrane = membrane * self.decay + x[:, t, ...]
            spike = fires(membrane - self.threshold)
            membrane = (1 - spike) * membrane
            spikes.append(spike)
        return torch.stack(spikes, dim=1)


def layered() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), OverSteps(), nn.Linear(16, 12), OverSteps())


class Functions(nn.Module):
    """One function that updates every layer, membranes and spikes in the loop, as in Wu et al. (Front. Neurosci.
    2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.fc = nn.Linear(6 * 4, 5)

    @staticmethod
    def update(layer: Any, x: Any, membrane: Any, spike: Any) -> tuple[Any, Any]:
        membrane = membrane * 0.5 * (1.0 - spike) + layer(x)
        return membrane, fires(membrane - 0.5)

    def forward(self, x: Any) -> Any:
        batch = x.size(0)
        m1 = s1 = torch.zeros(batch, 4, 8, 8)
        m2 = s2 = torch.zeros(batch, 6, 4, 4)
        m3 = s3 = total = torch.zeros(batch, 5)
        for _ in range(6):
            m1, s1 = self.update(self.conv1, x, m1, s1)
            m2, s2 = self.update(self.conv2, nn.functional.avg_pool2d(s1, 2), m2, s2)
            m3, s3 = self.update(self.fc, nn.functional.avg_pool2d(s2, 2).flatten(1), m3, s3)
            total = total + s3
        return total


class Keeps(nn.Module):
    """Keeps its membrane to itself, as a plain attribute; one call is one step."""

    def __init__(self) -> None:
        super().__init__()
        self.membrane: Any = None
        self.decay = nn.Parameter(torch.tensor(0.75))

    def forward(self, x: Any) -> Any:
        if self.membrane is None:
            self.membrane = torch.zeros_like(x)
        self.membrane = self.decay * self.membrane + x
        spikes = (self.membrane >= 1.0).float()
        self.membrane = self.membrane - spikes
        return spikes


class InPlace(nn.Module):
    """Keeps its membrane in a buffer that it changes in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("membrane", torch.zeros(3, 16))

    def forward(self, x: Any) -> Any:
        self.membrane *= 0.5
        self.membrane += x
        fired = self.membrane >= 1
        self.membrane[fired] = 0
        return fired.float()


class Adaptive(nn.Module):
    """Recurrent, with thresholds that rise (Yin et al., Nat. Mach. Intell. 2021), and a leaky read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.recurrent, self.out = nn.Linear(8, 12), nn.Linear(12, 12), nn.Linear(12, 3)
        self.decay = nn.Parameter(torch.randint(2, 7, (12,)) / 8)
        self.forget = nn.Parameter(torch.randint(2, 7, (12,)) / 8)

    def forward(self, x: Any) -> Any:
        membrane = spike = raised = torch.zeros(x.shape[1], 12)
        read = torch.zeros(x.shape[1], 3)
        outputs = []
        for step in x:
            given = self.fc(step) + self.recurrent(spike)
            raised = self.forget * raised + (1 - self.forget) * spike
            threshold = 0.25 + 1.75 * raised
            membrane = membrane * self.decay + (1 - self.decay) * given - threshold * spike
            spike = fires(membrane - threshold)
            read = 0.5 * read + self.out(spike)
            outputs.append(read)
        return torch.stack(outputs)


class WithCurrent(nn.Module):
    """A synaptic current in front of the membrane; the reset takes the threshold off."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: Any) -> Any:
        current = membrane = torch.zeros(x.shape[1], 16)
        outputs = []
        for step in x:
            current = 0.75 * current + self.fc(step)
            membrane = 0.5 * membrane + current
            spike = fires(membrane / 2.0 - 1.0)
            membrane = membrane - 2.0 * spike.detach()
            outputs.append(self.out(spike))
        return torch.stack(outputs)


class Chosen(nn.Module):
    """Thresholds and decays per channel, ``where`` for the reset, results written into a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 16)
        self.threshold = nn.Parameter(torch.randint(2, 9, (16,)) / 8)
        self.decay = nn.Parameter(torch.randint(1, 8, (16,)) / 8)

    def forward(self, x: Any) -> Any:
        v = torch.zeros(x.shape[1], 16)
        out = torch.empty(*x.shape[:2], 16)
        for t in range(x.shape[0]):
            v = torch.where(v > self.threshold, torch.zeros_like(v), v) * self.decay + self.fc(x[t])
            out[t] = (v > self.threshold).float()
        return out


class Forgetful(nn.Module):
    """Binary units without a membrane, connected among themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.recurrent = nn.Linear(8, 16), nn.Linear(16, 16)

    def forward(self, x: Any) -> Any:
        state = torch.zeros(x.shape[1], 16)
        outputs = []
        for step in x:
            state = (self.fc(step) + self.recurrent(state) > 0.5).float()
            outputs.append(state)
        return torch.stack(outputs)
