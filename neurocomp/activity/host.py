"""Functions that the host processor computes: what no event-driven core has a form for.

All are computed in double precision and rounded once to the network's own numbers, so that they do not depend on how a
machine orders a sum; exponentials use the operations of exponential.py and give the same bits everywhere.
Definitions are those of PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from neurocomp.activity.exponential import exponential, sigmoid
from neurocomp.network.ops import Host
from neurocomp.network.signal_ops import HOST_FUNCTIONS

HOST_LARGEST = 2**11 - 1
"""Of the integers that a function of the host gives between units: 12 bits in two's complement."""

Given = Mapping[str, np.ndarray]
_FAR = 6.0  # beyond it the error function is 1 in double precision
_TERMS = 160  # of its series, enough up to there


def apply_host(op: Host, values: np.ndarray) -> np.ndarray:
    """The function of one step's values, flat and channel-first; the result has their type (float32 or int32)."""
    arriving, leaving = op.units or (1.0, 1.0)
    blocks = values.astype(np.float64).reshape(-1, op.block) * arriving
    parameters = {**HOST_FUNCTIONS[op.function], **op.parameters}
    given = {key: np.asarray(value, np.float64) for key, value in parameters.items()}
    with np.errstate(all="ignore"):  # the logarithm of a negative number is a value like any other
        results = _FORMS[op.function](blocks, given).reshape(values.shape)
        if op.units is not None:
            results = np.clip(np.nan_to_num(np.rint(results / leaving)), -HOST_LARGEST, HOST_LARGEST)
        return results.astype(values.dtype)


def error_function(x: np.ndarray) -> np.ndarray:
    """erf in double precision: 2 / sqrt(pi) e**-x**2 sum 2**n x**(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6)."""
    near = np.clip(x, -_FAR, _FAR)
    term = near.copy()
    total = near.copy()
    for n in range(1, _TERMS):
        term = term * (2.0 * near * near / (2 * n + 1))
        total = total + term
    return np.where(np.abs(x) >= _FAR, np.sign(x), 2.0 / np.sqrt(np.pi) * exponential(-near * near) * total)


def _tanh(x: np.ndarray) -> np.ndarray:
    decayed = exponential(-2.0 * np.abs(x))
    return np.where(np.abs(x) < 1e-4, x - x * x * x / 3.0, np.sign(x) * (1.0 - decayed) / (1.0 + decayed))


def _gelu(x: np.ndarray, _given: Given) -> np.ndarray:
    return 0.5 * x * (1.0 + error_function(x / np.sqrt(2.0)))


def _gelu_tanh(x: np.ndarray, _given: Given) -> np.ndarray:
    return 0.5 * x * (1.0 + _tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x * x * x)))


def _elu(x: np.ndarray, given: Given) -> np.ndarray:
    return np.where(x > 0, x, given["alpha"] * (exponential(np.minimum(x, 0)) - 1.0))


def _softplus(x: np.ndarray, given: Given) -> np.ndarray:
    scaled = given["beta"] * x
    return np.where(scaled > given["threshold"], x, np.log1p(exponential(scaled)) / given["beta"])


def _hard_sigmoid(x: np.ndarray, _given: Given) -> np.ndarray:
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def _shifted(x: np.ndarray) -> np.ndarray:
    return x - x.max(axis=1, keepdims=True)


def _row_sums(x: np.ndarray) -> np.ndarray:
    """Sums from left to right: the same however NumPy would block them."""
    return np.cumsum(x, axis=1)[:, -1:]


def _softmax(x: np.ndarray, _given: Given) -> np.ndarray:
    raised = exponential(_shifted(x))
    return raised / _row_sums(raised)


def _log_softmax(x: np.ndarray, _given: Given) -> np.ndarray:
    shifted = _shifted(x)
    return shifted - np.log(_row_sums(exponential(shifted)))


def _layer_norm(x: np.ndarray, given: Given) -> np.ndarray:
    centred = x - _row_sums(x) / x.shape[1]
    variance = _row_sums(centred * centred) / x.shape[1]
    return centred / np.sqrt(variance + given["epsilon"]) * given["weight"] + given["bias"]


def _rms_norm(x: np.ndarray, given: Given) -> np.ndarray:
    return x / np.sqrt(_row_sums(x * x) / x.shape[1] + given["epsilon"]) * given["weight"]


_FORMS: dict[str, Callable[[np.ndarray, Given], np.ndarray]] = {
    "abs": lambda x, _: np.abs(x),
    "clamp": lambda x, given: np.clip(x, given["low"], given["high"]),
    "elu": _elu,
    "erf": lambda x, _: error_function(x),
    "exp": lambda x, _: exponential(x),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": lambda x, given: x * _hard_sigmoid(x, given),
    "layer_norm": _layer_norm,
    "leaky_relu": lambda x, given: np.where(x > 0, x, given["negative_slope"] * x),
    "log": lambda x, _: np.log(x),
    "log_softmax": _log_softmax,
    "power": lambda x, given: np.power(x, given["exponent"]),
    "reciprocal": lambda x, _: 1.0 / x,
    "relu": lambda x, _: np.maximum(x, 0.0),
    "rms_norm": _rms_norm,
    "rsqrt": lambda x, _: 1.0 / np.sqrt(x),
    "sigmoid": lambda x, _: sigmoid(x),
    "sign": lambda x, _: np.sign(x),
    "silu": lambda x, _: x * sigmoid(x),
    "softmax": _softmax,
    "softplus": _softplus,
    "sqrt": lambda x, _: np.sqrt(x),
    "tanh": lambda x, _: _tanh(x),
}
