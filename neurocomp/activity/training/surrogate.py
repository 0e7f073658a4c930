"""Surrogate derivatives: what stands for the derivative of a spike in back-propagation.

The forms are those of SpikingJelly (Fang et al., Science Advances 9(40), 2023, doi 10.1126/sciadv.adi1480), x being
the distance of the membrane from the threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from neurocomp.errors import bad_input

Form = Literal["atan", "sigmoid", "triangle", "rectangle"]


@dataclass(frozen=True)
class Surrogate:
    """form: ``atan`` and ``sigmoid`` are zero nowhere; ``triangle`` (SpikingJelly's PiecewiseQuadratic) is zero
    beyond 1 / alpha, ``rectangle`` beyond 1 / (2 alpha): there a chip may skip the back-propagation of a neuron.
    alpha: steepness, above 0. Raises InputError otherwise."""

    form: Form = "atan"
    alpha: float = 2.0

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise bad_input("surrogate", f"no surrogate is called {self.form!r}", hint=", ".join(get_args(Form)))
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise bad_input("surrogate", f"alpha is {self.alpha}; a number above 0 is needed")

    def derivative(self, x: np.ndarray) -> np.ndarray:
        """The derivative at x, in x's dtype and shape."""
        alpha = x.dtype.type(self.alpha)
        if self.form == "atan":
            return alpha / 2 / (1 + np.square(x.dtype.type(math.pi / 2) * alpha * x))
        if self.form == "sigmoid":
            squashed = 1 / (1 + np.exp(-np.abs(alpha * x)))  # symmetric, and free of overflow
            return alpha * squashed * (1 - squashed)
        inside = np.abs(x) <= 1 / alpha if self.form == "triangle" else np.abs(x) < 1 / (2 * alpha)
        height = alpha - np.square(alpha) * np.abs(x) if self.form == "triangle" else np.full_like(x, alpha)
        return np.where(inside, height, 0).astype(x.dtype)
