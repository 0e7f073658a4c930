"""The canonical neuron: one per-step form that the usual frameworks' neurons reduce to.

At each step, with input ``x`` (weighted spikes plus the population's bias)::

    i = i_decay * i + i_gain * x          (i = x if there is no synaptic current)
    v = v_decay * v + v_gain * (leak + i)
    s = v > threshold                      (or >=)
    v = v_reset  or  v - s * threshold  or  v

With ``reset_when="next"`` the reset acts at the following step: ``subtract`` takes the threshold off after
the decay, ``zero`` discards that step's update. Parameters are scalars, one per channel or one per neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from neurocomp.network.ops import Shape, frozen_array

PARAMETERS = ("v_decay", "v_gain", "i_decay", "i_gain", "leak", "threshold", "v_reset", "v_init")


@dataclass(frozen=True, eq=False)
class Neuron:
    """Parameters of a population of canonical neurons.

    i_decay is None for neurons without synaptic current. compare: whether reaching the threshold is enough
    (``>=``) or it must be exceeded (``>``). output: ``binary`` spikes; ``count``, floor(v / threshold)
    spikes at once, at most ``max_count``; ``membrane``, no spikes: v itself (a readout that leaks).
    refractory: steps after a spike during which v is held at v_reset.
    In a network of integer arithmetic all parameters are integers, decays in units of 2**-decay_bits.
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
    output: Literal["binary", "count", "membrane"] = "binary"
    max_count: int = 1
    refractory: int = 0

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
        """Everything that is not a numeric parameter (reset kind, comparison, output ...)."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in PARAMETERS}


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
