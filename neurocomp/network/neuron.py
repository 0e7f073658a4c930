"""The canonical neuron: one per-step form that the usual frameworks' neurons reduce to.

At each step, with input ``x`` (weighted spikes plus the population's bias)::

    i = i_decay * i + i_gain * x          (i = x if there is no synaptic current)
    v = v_decay * v + v_gain * (leak + i)
    s = v > threshold                      (or >=)
    v = v_reset  or  v - s * threshold  or  v

With ``reset_when="next"`` the reset acts at the following step: ``subtract`` takes the threshold off after
the decay, ``zero`` discards that step's update. Parameters are scalars, one per channel or one per neuron.

Parts that few neurons have, each absent unless its parameter is given, in the order in which they act::

    i += i_from_v * v                      (resonance: v as the last step left it)
    i of the step before drives v          (current_when="next")
    v += v_square * v * v                  (quadratic: v as the last step left it)
    v += v_exp * exp(v_exp_rate * v)       (exponential: likewise)
    v = max(v, v_min)                      (floor; after a reset that waited, before the comparison)
    threshold + a in place of threshold    (adapts="threshold"), or leak + i - a in place of leak + i ("current")
    a = a_decay * a + a_gain * s + a_from_v * v         (v before its reset; a starts from a_init)
    v = v_keep * v - s * v_subtract        (reset="subtract"; v_keep is 1, v_subtract the threshold by default)

With ``adapts="reset"`` (complementary LIF, Huang et al. 2024) ``a = a_decay * sigmoid(a_from_v * v) * a + a_gain * s``
and a spike takes ``sigmoid(a)`` off besides.

Output: ``binary``: 0, 1; ``ternary``: -1 below -threshold too (Sun et al. 2022); ``count``: floor(v / threshold)
spikes at once, at most max_count, of v / threshold rounded half to even with rounding="nearest" (Luo et al. 2024),
cut to a power of two with levels="powers" (multi-threshold neurons), negative ones too if signed; ``graded``: v itself
where it reaches the threshold, or -threshold too if signed (sigma-delta); ``membrane``: v at every step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from neurocomp.network.ops import Shape, frozen_array

PLAIN_PARAMETERS = ("v_decay", "v_gain", "i_decay", "i_gain", "leak", "threshold", "v_reset", "v_init")
EXTRA_PARAMETERS = (
    "a_decay",
    "a_gain",
    "a_from_v",
    "a_init",
    "v_min",
    "v_subtract",
    "v_keep",
    "v_square",
    "v_exp",
    "v_exp_rate",
    "i_from_v",
)
PARAMETERS = (*PLAIN_PARAMETERS, *EXTRA_PARAMETERS)
FACTORS = frozenset({"v_decay", "i_decay", "a_decay", "a_from_v", "v_keep", "i_from_v"})
"""Parameters that multiply a state: multiples of 2**-decay_bits in integer arithmetic."""

FOREVER = 2**31 - 1
"""A refractory time without end: the neuron fires at most once per sample."""

SETTINGS = {
    "reset": ("zero", "subtract", "none"),
    "reset_when": ("now", "next"),
    "compare": (">", ">="),
    "output": ("binary", "ternary", "count", "graded", "membrane"),
    "adapts": ("threshold", "current", "reset"),
    "current_when": ("now", "next"),
    "rounding": ("floor", "nearest"),
    "levels": ("all", "powers"),
}
"""The words that each setting may have."""


PARTS = {
    "adaptive_threshold": "threshold that adapts",
    "adaptation_current": "adaptation current",
    "complementary_reset": "reset that adapts",
    "membrane_floor": "floor of the membrane",
    "own_reset_amount": "reset by an amount other than the threshold",
    "quadratic": "quadratic membrane",
    "exponential": "exponential membrane",
    "resonance": "current driven by the membrane",
    "delayed_current": "current that acts one step late",
    "refractory": "refractory time",
    "fire_once": "a limit to one spike per sample",
    "negative_spikes": "negative spikes",
}
"""What neurons may have beyond leak, current, threshold and reset, in words; chips declare what they can."""

_ALWAYS = frozenset({"reset", "reset_when", "compare", "output", "max_count", "refractory"})


@dataclass(frozen=True, eq=False)
class Neuron:
    """Parameters of a population of canonical neurons.

    i_decay is None for neurons without synaptic current, a_decay for neurons that do not adapt; the others of
    EXTRA_PARAMETERS are None where that part is absent. compare: whether reaching the threshold is enough (``>=``)
    or it must be exceeded (``>``). refractory: steps after a spike during which v is held at v_reset; FOREVER: it fires
    at most once. reset_current: a reset to zero clears i as well.
    In a network of integer arithmetic all parameters are integers, FACTORS in units of 2**-decay_bits; v_square, v_exp
    and adapts="reset" need float arithmetic.
    """

    v_decay: float | np.ndarray = 1.0
    v_gain: float | np.ndarray = 1.0
    i_decay: float | np.ndarray | None = None
    i_gain: float | np.ndarray = 1.0
    leak: float | np.ndarray = 0.0
    threshold: float | np.ndarray = 1.0
    v_reset: float | np.ndarray = 0.0
    v_init: float | np.ndarray = 0.0
    reset: Literal["zero", "subtract", "none"] = "zero"
    reset_when: Literal["now", "next"] = "now"
    compare: Literal[">", ">="] = ">="
    output: Literal["binary", "ternary", "count", "graded", "membrane"] = "binary"
    max_count: int = 1
    refractory: int = 0
    a_decay: float | np.ndarray | None = None
    a_gain: float | np.ndarray | None = None
    a_from_v: float | np.ndarray | None = None
    a_init: float | np.ndarray | None = None
    v_min: float | np.ndarray | None = None
    v_subtract: float | np.ndarray | None = None
    v_keep: float | np.ndarray | None = None
    v_square: float | np.ndarray | None = None
    v_exp: float | np.ndarray | None = None
    v_exp_rate: float | np.ndarray | None = None
    i_from_v: float | np.ndarray | None = None
    adapts: Literal["threshold", "current", "reset"] = "threshold"
    current_when: Literal["now", "next"] = "now"
    reset_current: bool = False
    rounding: Literal["floor", "nearest"] = "floor"
    levels: Literal["all", "powers"] = "all"
    signed: bool = False

    def __post_init__(self) -> None:
        for name in PARAMETERS:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value = frozen_array(value) if value.ndim else value.item()
                object.__setattr__(self, name, value)

    def parameters(self) -> dict[str, float | np.ndarray]:
        """The numeric parameters that are present, by name."""
        present = {name: getattr(self, name) for name in PARAMETERS}
        return {name: value for name, value in present.items() if value is not None}

    def with_parameters(self, changed: dict[str, float | np.ndarray | None]) -> Neuron:
        """A copy with some numeric parameters replaced."""
        return replace(self, **changed)

    def settings(self) -> dict[str, str | int]:
        """Everything that is not a numeric parameter (reset kind, comparison, output ...); of the rarer ones only
        those that differ from their default."""
        every = {f.name: (getattr(self, f.name), f.default) for f in fields(self) if f.name not in PARAMETERS}
        return {name: value for name, (value, usual) in every.items() if name in _ALWAYS or value != usual}

    def parts(self) -> tuple[str, ...]:
        """Names of the parts beyond leak, current, threshold and reset that this neuron has (chips declare theirs)."""
        adapts = self.a_decay is not None
        found = {
            "adaptive_threshold": adapts and self.adapts == "threshold",
            "adaptation_current": adapts and self.adapts == "current",
            "complementary_reset": adapts and self.adapts == "reset",
            "membrane_floor": self.v_min is not None,
            "own_reset_amount": self.v_subtract is not None or self.v_keep is not None,
            "quadratic": self.v_square is not None,
            "exponential": self.v_exp is not None,
            "resonance": self.i_from_v is not None,
            "delayed_current": self.i_decay is not None and self.current_when == "next",
            "refractory": 0 < self.refractory < FOREVER,
            "fire_once": self.refractory >= FOREVER,
            "negative_spikes": self.output == "ternary" or (self.signed and self.output in ("count", "graded")),
        }
        return tuple(name for name, present in found.items() if present)

    @property
    def is_plain(self) -> bool:
        """Whether leak, current, threshold, reset and refractory time are all there is to it."""
        settings = (self.current_when, self.rounding, self.levels, self.reset_current, self.signed)
        extra = any(getattr(self, name) is not None for name in EXTRA_PARAMETERS)
        usual = self.output in ("binary", "count", "membrane")
        return usual and not extra and settings == ("now", "floor", "all", False, False)


def expand(value: float | np.ndarray, shape: Shape) -> np.ndarray:
    """A parameter as an array that broadcasts against ``shape``: scalar, per channel (shape[0],) or per neuron.

    Raises ValueError if it is none of the three.
    """
    array = np.asarray(value)
    per_channel = shape[:1] + (1,) * (len(shape) - 1)
    if array.ndim == 0 or array.shape in (shape, per_channel):
        return array
    if array.shape == shape[:1]:
        return array.reshape(per_channel)
    raise ValueError(f"shape {array.shape} is neither a scalar, nor {shape[:1]} per channel, nor {shape} per neuron")
