"""The exponential of the engine's readable twin: the operations of csrc/exponential.h, hence the same bits."""

from __future__ import annotations

import math

import numpy as np

_TERMS = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))


def exponential(x: np.ndarray) -> np.ndarray:
    """e**x in double precision; beyond 700 in magnitude the value at that limit."""
    x = np.asarray(x, np.float64)
    x = np.where(x > -700.0, x, -700.0)
    x = np.where(x < 700.0, x, 700.0)
    k = np.rint(x * 1.4426950408889634)
    r = (x - k * 0.693145751953125) - k * 1.4286068203094172e-6  # ln 2 in two parts
    total = np.full_like(x, _TERMS[0])
    for term in _TERMS[1:]:
        total = total * r + term
    return np.ldexp(total, k.astype(np.int64))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e**-x) in double precision."""
    return 1.0 / (1.0 + exponential(-np.asarray(x, np.float64)))
