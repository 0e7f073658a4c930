"""The canonical neuron's readable twin: one population, one step at a time, bit for bit what csrc/neuron.c gives."""

from __future__ import annotations

import numpy as np

from neurocomp.activity.exponential import exponential, sigmoid
from neurocomp.network.graph import Integer, Population
from neurocomp.network.layout import channel_last
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.ops import Shape


class NeuronState:
    """Canonical neurons (network/neuron.py) of one population. All vectors are channel-last. charged, theta: of
    the last step, the membrane before its reset and what it was compared with."""

    def __init__(self, population: Population, neuron: Neuron, integer: Integer | None) -> None:
        self.neuron = neuron
        self.integer = integer
        self.saturations = 0
        self.dtype = np.int32 if integer else np.float32
        parameters = dict(neuron.parameters())
        if integer:  # a neuron that never fires
            never = np.isinf(parameters["threshold"])
            parameters["threshold"] = np.where(never, np.iinfo(np.int32).max, parameters["threshold"])
        self.p = {name: vector(value, population.shape, self.dtype) for name, value in parameters.items()}
        if integer:  # sums of two states are wider than one
            self.p = {name: value.astype(np.int64) for name, value in self.p.items()}
        self.v = self.p["v_init"].copy()
        self.i, self.fired = np.zeros_like(self.v), np.zeros_like(self.v)
        self.a = self.p.get("a_init", np.zeros_like(self.v)).copy()
        self.wait = np.zeros(population.size, np.int32)
        self.charged, self.theta = self.v, self.p["threshold"]

    def update(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step. Returns (output, which neurons were not idle)."""
        neuron = self.neuron
        active = (self.v != 0) | (self.i != 0) | (x != 0) | (self.p["leak"] != 0)
        if "a_decay" in self.p:
            active |= self.a != 0
        self.v = self._charged(self._drive(x.astype(self.v.dtype)))
        waiting = self.wait > 0
        if neuron.refractory:
            self.v = np.where(waiting, self.p["v_reset"], self.v)
        self.charged, self.theta = self.v, self._theta()
        theta = self.theta
        out = np.where(waiting, 0, self._output(theta))
        self.wait = np.where(out != 0, neuron.refractory, np.maximum(self.wait - 1, 0))
        self._settle(out, theta)
        return out.astype(self.dtype), active

    def _drive(self, x: np.ndarray) -> np.ndarray:
        """The current's update, and what drives the membrane."""
        p = self.p
        if "i_decay" not in p:
            return x
        before = self.i
        i = self._decayed(before, p["i_decay"]) + p["i_gain"] * x
        if "i_from_v" in p:
            i = i + self._decayed(self.v, p["i_from_v"])
        self.i = self._saturated(i)
        return before if self.neuron.current_when == "next" else self.i

    def _charged(self, drive: np.ndarray) -> np.ndarray:
        p, before = self.p, self.v
        given = p["leak"] + drive
        if "a_decay" in p and self.neuron.adapts == "current":
            given = given - self.a
        v = self._decayed(before, p["v_decay"]) + p["v_gain"] * given
        if "v_square" in p:
            v = v + p["v_square"] * before * before
        if "v_exp" in p:
            v = v + p["v_exp"] * exponential(p["v_exp_rate"] * before).astype(np.float32)
        if self.neuron.reset_when == "next":
            v = self._late_reset(v)
        if "v_min" in p:
            v = np.where(v < p["v_min"], p["v_min"], v)
        return self._saturated(v)

    def _late_reset(self, v: np.ndarray) -> np.ndarray:
        fired = self.fired != 0
        if self.neuron.reset == "zero":
            if self.neuron.reset_current:
                self.i = np.where(fired, 0, self.i).astype(self.i.dtype)
            return np.where(fired, self.p["v_reset"], v)
        if self.neuron.reset == "subtract":
            return v - self.fired * np.where(fired, self.p.get("v_subtract", self._theta()), 0)
        return v

    def _theta(self) -> np.ndarray:
        raised = "a_decay" in self.p and self.neuron.adapts == "threshold"
        return self.p["threshold"] + self.a if raised else self.p["threshold"]

    def _output(self, theta: np.ndarray) -> np.ndarray:
        v, neuron = self.v, self.neuron
        up, down = self._above(v, theta), self._above(-v, theta)
        match neuron.output:
            case "membrane":
                return v
            case "count":
                return self._levels(theta)
            case "ternary":
                return up.astype(v.dtype) - down.astype(v.dtype)
            case "graded":
                return np.where(up | (down & neuron.signed), v, 0)
            case _:
                return up.astype(v.dtype)

    def _above(self, v: np.ndarray, theta: np.ndarray) -> np.ndarray:
        return v > theta if self.neuron.compare == ">" else v >= theta

    def _levels(self, theta: np.ndarray) -> np.ndarray:
        neuron, size = self.neuron, np.abs(self.v)
        known = theta > 0
        if self.integer:
            safe = np.where(known, theta, 1)
            whole, rest = size // safe, size % safe
            up = (2 * rest > safe) | ((2 * rest == safe) & (whole % 2 == 1))
            count = whole + (up if neuron.rounding == "nearest" else 0)
        else:
            ratio = size / np.where(known, theta, 1)
            count = np.rint(ratio) if neuron.rounding == "nearest" else np.floor(ratio)
        count = np.where(known & ((self.v >= 0) | neuron.signed), np.minimum(count, neuron.max_count), 0)
        if neuron.levels == "powers":
            count = np.where(count >= 1, 2.0 ** np.floor(np.log2(np.maximum(count, 1))), 0)
        return np.where((self.v < 0) & (count > 0), -count, count).astype(self.v.dtype)

    def _settle(self, out: np.ndarray, theta: np.ndarray) -> None:
        """Adaptation and reset by the spikes that were sent."""
        p, neuron = self.p, self.neuron
        n = np.sign(out) if neuron.output == "graded" else out * (neuron.output != "membrane")
        amount = p.get("v_subtract", theta)
        if "a_decay" in p:
            amount = amount + self._adapt(n)
        fired = n != 0
        if neuron.reset_when == "next":
            self.fired = n
        elif neuron.reset == "zero":
            self.v = np.where(fired, p["v_reset"], self.v)
            if neuron.reset_current:
                self.i = np.where(fired, 0, self.i).astype(self.i.dtype)
        elif neuron.reset == "subtract":
            kept = self._decayed(self.v, p["v_keep"]) if "v_keep" in p else self.v
            after = np.where(fired, kept - n * np.where(fired, amount, 0), self.v)
            self.v = after if neuron.is_plain else self._saturated(after)

    def _adapt(self, n: np.ndarray) -> np.ndarray:
        """The adaptation's update; what it adds to a reset by subtraction."""
        p, complementary = self.p, self.neuron.adapts == "reset"
        a = self._decayed(self.a, p["a_decay"])
        if complementary and "a_from_v" in p:
            a = a * sigmoid(p["a_from_v"] * self.v).astype(np.float32)
        if "a_gain" in p:
            a = a + p["a_gain"] * n
        if not complementary and "a_from_v" in p:
            a = a + self._decayed(self.v, p["a_from_v"])
        self.a = self._saturated(a)
        return sigmoid(self.a).astype(np.float32) if complementary else np.zeros_like(self.a)

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
        return kept


def vector(value: float | np.ndarray, shape: Shape, dtype: type) -> np.ndarray:
    """A parameter (scalar, per channel or per element) as one value per element, channel-last."""
    full = np.broadcast_to(expand(value, shape), shape)
    return channel_last(np.ascontiguousarray(full), shape).astype(dtype)
