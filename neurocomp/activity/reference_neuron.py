"""The canonical neuron's readable twin: one population, one step at a time, bit for bit what csrc/neuron.c gives."""

from __future__ import annotations

import numpy as np

from neurocomp.network.graph import Integer, Population
from neurocomp.network.layout import channel_last
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.ops import Shape


class NeuronState:
    """Canonical neurons (network/neuron.py) of one population. All vectors are channel-last."""

    def __init__(self, population: Population, neuron: Neuron, integer: Integer | None) -> None:
        self.neuron = neuron
        self.integer = integer
        self.saturations = 0
        dtype = np.int32 if integer else np.float32
        parameters = dict(neuron.parameters())
        if integer:  # a neuron that never fires
            never = np.isinf(parameters["threshold"])
            parameters["threshold"] = np.where(never, np.iinfo(np.int32).max, parameters["threshold"])
        self.p = {name: vector(value, population.shape, dtype) for name, value in parameters.items()}
        self.v = self.p["v_init"].copy()
        self.i = np.zeros_like(self.v)
        self.fired = np.zeros_like(self.v)
        self.wait = np.zeros(population.size, np.int32)

    def update(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step. Returns (output, which neurons were not idle)."""
        p, neuron = self.p, self.neuron
        active = (self.v != 0) | (self.i != 0) | (x != 0) | (p["leak"] != 0)
        if "i_decay" in p:
            x = self._decayed(self.i, p["i_decay"]) + p["i_gain"] * x
            x = self.i = self._saturated(x)
        v = self._decayed(self.v, p["v_decay"]) + p["v_gain"] * (p["leak"] + x)
        if neuron.reset_when == "next":
            v = self._reset(v, self.fired)
        v = self._saturated(v)
        waiting = self.wait > 0
        v = np.where(waiting, p["v_reset"], v)
        if neuron.output == "membrane":
            self.v = v
            return v, active
        self.fired = np.where(waiting, 0, self._output(v))
        self.v = self._reset(v, self.fired) if neuron.reset_when == "now" else v
        self.wait = np.where(self.fired != 0, neuron.refractory, np.maximum(self.wait - 1, 0))
        return self.fired, active

    def _decayed(self, state: np.ndarray, decay: np.ndarray) -> np.ndarray:
        if not self.integer:
            return decay * state
        product = state.astype(np.int64) * decay
        scale = 1 << self.integer.decay_bits
        return np.where(product < 0, -(-product // scale), product // scale)

    def _saturated(self, state: np.ndarray) -> np.ndarray:
        if not self.integer:
            return state
        limit = 1 << (self.integer.state_bits - 1)
        kept = np.clip(state, -limit, limit - 1)
        self.saturations += int((kept != state).sum())
        return kept.astype(np.int32)

    def _output(self, v: np.ndarray) -> np.ndarray:
        threshold = self.p["threshold"]
        if self.neuron.output == "count":
            count = v // threshold if self.integer else np.floor(v / threshold)
            return np.clip(count, 0, self.neuron.max_count).astype(v.dtype)
        fires = v > threshold if self.neuron.compare == ">" else v >= threshold
        return fires.astype(v.dtype)

    def _reset(self, v: np.ndarray, fired: np.ndarray) -> np.ndarray:
        if self.neuron.reset == "zero":
            return np.where(fired != 0, self.p["v_reset"], v)
        if self.neuron.reset == "subtract":
            return v - fired * np.where(fired != 0, self.p["threshold"], 0)
        return v


def vector(value: float | np.ndarray, shape: Shape, dtype: type) -> np.ndarray:
    """A parameter (scalar, per channel or per element) as one value per element, channel-last."""
    full = np.broadcast_to(expand(value, shape), shape)
    return channel_last(np.ascontiguousarray(full), shape).astype(dtype)
