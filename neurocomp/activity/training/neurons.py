"""The canonical neuron (network/neuron.py) forward with its history kept, and backward through time."""

from __future__ import annotations

import numpy as np

from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.network.graph import Population
from neurocomp.network.neuron import Neuron, expand


def untrainable(population: Population) -> list[str]:
    """Why a population's neurons cannot be differentiated; empty if they can."""
    neuron = population.neuron
    if neuron is None:
        return []
    found = []
    if neuron.refractory:
        found.append("has a refractory period, which has no gradient here")
    if neuron.output == "count":
        found.append("gives several spikes at once, which has no gradient here")
    elif not neuron.is_plain:
        parts = ", ".join(part.replace("_", " ") for part in neuron.parts()) or f"{neuron.output} output"
        found.append(f"is more than a leaky integrator ({parts}), which has no gradient here")
    if neuron.reset_when == "next" and neuron.reset == "zero":
        found.append("is reset in the step after its spike, which has no gradient here")
    return found


class TrainedNeurons:
    """One population over one batch.

    Arrays over time are (samples, steps, *shape). slope: the surrogate derivative.
    """

    def __init__(self, population: Population, size: tuple[int, ...], surrogate: Surrogate, detach_reset: bool) -> None:
        if population.neuron is None:
            raise TypeError(f"{population.name} has no neurons")
        self.neuron: Neuron = population.neuron
        self.surrogate, self.detach_reset = surrogate, detach_reset
        self.p = {
            name: np.asarray(expand(value, population.shape), np.float32)
            for name, value in self.neuron.parameters().items()
        }
        each = (size[0], *size[2:])
        self.v = np.broadcast_to(self.p["v_init"], each).astype(np.float32)
        self.i = np.zeros(each, np.float32)
        self.spiked = np.zeros(each, np.float32)
        self.slope = np.zeros(size, np.float32)
        self.membrane = np.zeros(size, np.float32)
        self.spikes = np.zeros(size, np.float32)
        self.to_v, self.to_i, self.to_spike = (np.zeros(each, np.float32) for _ in range(3))

    def step(self, t: int, x: np.ndarray) -> np.ndarray:
        """What the neurons send at step t, given what arrives, (samples, *shape)."""
        p, neuron = self.p, self.neuron
        if "i_decay" in p:
            x = self.i = p["i_decay"] * self.i + p["i_gain"] * x
        v = p["v_decay"] * self.v + p["v_gain"] * (p["leak"] + x)
        if neuron.reset_when == "next" and neuron.reset == "subtract":
            v = v - p["threshold"] * self.spiked
        self.membrane[:, t] = v
        if neuron.output == "membrane":
            self.v = v
            return v
        over = v - p["threshold"]
        self.slope[:, t] = self.surrogate.derivative(over.astype(np.float32))
        self.spiked = (over > 0 if neuron.compare == ">" else over >= 0).astype(np.float32)
        self.spikes[:, t] = self.spiked
        self.v = self._reset(v) if neuron.reset_when == "now" else v
        return self.spiked

    def _reset(self, v: np.ndarray) -> np.ndarray:
        if self.neuron.reset == "zero":
            return np.where(self.spiked != 0, self.p["v_reset"], v)
        return v - self.p["threshold"] * self.spiked if self.neuron.reset == "subtract" else v

    def back(self, t: int, to_output: np.ndarray) -> np.ndarray:
        """The gradient of what arrived at step t, given that of what was sent. Steps come last to first."""
        p, neuron = self.p, self.neuron
        if neuron.output == "membrane":
            to_v = to_output + self.to_v
        else:
            to_v = self._through_spike(t, to_output + self.to_spike)
        self.to_v = to_v * p["v_decay"]
        if neuron.reset_when == "next" and neuron.reset == "subtract" and not self.detach_reset:
            self.to_spike = -to_v * p["threshold"]
        to_x = to_v * p["v_gain"]
        if "i_decay" in p:
            to_i = to_x + self.to_i
            self.to_i = to_i * p["i_decay"]
            to_x = to_i * p["i_gain"]
        return to_x

    def _through_spike(self, t: int, to_spike: np.ndarray) -> np.ndarray:
        """The gradient of the membrane before its reset."""
        kept = self.to_v
        if self.neuron.reset_when == "now" and self.neuron.reset != "none":
            fall = self.p["threshold"]
            if self.neuron.reset == "zero":
                kept = self.to_v * (1 - self.spikes[:, t])
                fall = self.membrane[:, t] - self.p["v_reset"]
            if not self.detach_reset:
                to_spike = to_spike - self.to_v * fall
        return to_spike * self.slope[:, t] + kept
