"""Recurrent spiking networks as their papers write them, in plain torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurocomp.network import Neuron


class Adaptive(nn.Module):
    """ALIF of the LSNN (Bellec et al. 2018, 2020): threshold + beta a, where a = rho a + s; the reset takes the plain
    threshold off one step later, undecayed. beta = 0 gives its LIF neurons. Per-neuron beta mixes both."""

    neurocomp_states = ("membrane", "adaptation", "spike")

    def __init__(self, alpha: float, rho: float, beta: Any, threshold: float = 1.0) -> None:
        super().__init__()
        self.alpha, self.rho, self.threshold = alpha, rho, threshold
        self.register_buffer("beta", beta)

    def forward(self, x: Any, state: Any = None) -> Any:
        v, a, s = (torch.zeros_like(x),) * 3 if state is None else state
        v = self.alpha * v + x - s * self.threshold
        a = self.rho * a + s
        s = (v > self.threshold + self.beta * a).float()
        return s, (v, a, s)

    def neurocomp_neuron(self) -> Neuron:
        # canonical a is beta a as it is compared: a spike counts, undecayed, from the next step on
        beta = self.beta.numpy()
        return Neuron(
            v_decay=self.alpha, threshold=self.threshold, v_subtract=self.threshold, compare=">", reset="subtract",
            reset_when="next", a_decay=self.rho, a_gain=beta,
        )  # fmt: skip


class SRNN(nn.Module):
    """Two layers of LIF neurons, each connected to itself (Yin et al. 2021), written as a loop over the steps."""

    def __init__(self, inputs: int = 12, hidden: int = 20, outputs: int = 4) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self.around_first, self.around_second = (nn.Linear(hidden, hidden) for _ in range(2))
        self.lif1, self.lif2 = (Adaptive(0.8, 0.9, torch.tensor(beta)) for beta in (0.0, 0.2))
        self.out = nn.Linear(hidden, outputs)

    def forward(self, x: Any) -> Any:
        zeros = torch.zeros(x.shape[1], self.around_first.in_features)
        one, two, state1, state2, outputs = zeros, zeros, None, None, []
        for t in range(x.shape[0]):
            one, state1 = self.lif1(self.first(x[t]) + self.around_first(one), state1)
            two, state2 = self.lif2(self.second(one) + self.around_second(two), state2)
            outputs.append(self.out(two))
        return torch.stack(outputs)


class LSNN(nn.Module):
    """Recurrent layer of which a part adapts, and a leaky readout without spikes."""

    def __init__(self, inputs: int = 12, hidden: int = 24, outputs: int = 3) -> None:
        super().__init__()
        beta = torch.cat([torch.zeros(hidden // 2), torch.full((hidden - hidden // 2,), 0.3)])
        self.into, self.around = nn.Linear(inputs, hidden, bias=False), nn.Linear(hidden, hidden, bias=False)
        self.neurons = Adaptive(0.9, 0.95, beta)
        self.out, self.kappa = nn.Linear(hidden, outputs), Leak(0.8)

    def forward(self, x: Any) -> Any:
        s, state, y, outputs = torch.zeros(x.shape[1], self.around.in_features), None, None, []
        for t in range(x.shape[0]):
            s, state = self.neurons(self.into(x[t]) + self.around(s), state)
            read, y = self.kappa(self.out(s), y)
            outputs.append(read)
        return torch.stack(outputs)


class Leak(nn.Module):
    """A membrane that only leaks: the readout."""

    neurocomp_states = ("membrane",)

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay

    def forward(self, x: Any, v: Any = None) -> Any:
        v = x if v is None else self.decay * v + x
        return v, v

    def neurocomp_neuron(self) -> Neuron:
        return Neuron(v_decay=self.decay, threshold=float("inf"), reset="none", output="membrane")
