"""How large what arrives can become: upper bounds that hold for whatever is sent."""

from __future__ import annotations

import math

import numpy as np

from neurocomp.network.ops import Conv, Factor, Linear, OneToOne, Op, Pool, Reduce, Sparse
from neurocomp.network.scaled_weights import BLOCK


def largest_gain(op: Op) -> float:
    """The largest sum of magnitudes of the weights into one target element (an upper bound)."""
    match op:
        case Linear(weight) | Conv(weight):
            return _largest_row(weight.reshape(weight.shape[0], -1))
        case Pool():
            return float(np.prod(op.kernel)) if op.kind == "sum" else 1.0
        case OneToOne(scale):
            return float(np.max(np.abs(scale)))
        case Sparse():
            sums = np.bincount(op.indices, np.abs(op.weight.astype(np.float64)), int(np.prod(op.shape)))
            return float(sums.max()) if sums.size else 0.0
        case Reduce():
            return float(op.axis) if op.kind == "sum" else 1.0
        case _:
            return 1.0


def _largest_row(weight: np.ndarray) -> float:
    """The largest sum of magnitudes of a row, some rows at a time: large layers are not copied as a whole."""
    rows = max(1, BLOCK // max(1, weight.shape[1]))
    parts = (weight[at : at + rows].astype(np.float64) for at in range(0, len(weight), rows))
    return max(float(np.abs(part).sum(axis=1).max()) for part in parts)


def largest_product(op: Factor, operands: list[float]) -> float:
    """The largest magnitude of a product of two signals, given that of its operands."""
    return op.inner * abs(op.scale) * math.prod(operands)
