"""Weights in real values, looked at piece by piece: a layer of 100 million weights in double precision, and what is
computed of them on the way, would take several gigabytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

BLOCK = 2**20  # elements looked at together
FINEST_GRID = 24  # 2**-24: finer grids are beyond single precision


@dataclass(frozen=True, eq=False)
class Scaled:
    """values times factor. values: flat, of any number type."""

    values: np.ndarray
    factor: float = 1.0

    def blocks(self) -> Iterator[np.ndarray]:
        """float64, in order."""
        for at in range(0, self.values.size, BLOCK):
            yield self.values[at : at + BLOCK].astype(np.float64) * self.factor

    @cached_property
    def top(self) -> float:
        """The largest magnitude; 0 if there is none."""
        if not self.values.size:
            return 0.0
        return max(float(self.values.max()), -float(self.values.min())) * abs(self.factor)

    def is_whole_in(self, unit: float) -> bool:
        """Whether all are multiples of a unit."""
        return all(_whole(block / unit) for block in self.blocks())

    def grid(self, largest: int) -> float:
        """The unit in which the values are best written as integers of at most ``largest``.

        The coarsest power of two of which all are multiples, if they then fit; the value itself if there is one only,
        apart from its sign and 0; otherwise the largest magnitude / largest.
        """
        top = self.top
        if top == 0.0:
            return 1.0
        for k in range(FINEST_GRID + 1):
            if top * 2.0**k > largest:
                break
            if all(_whole(block * 2.0**k) for block in self.blocks()):
                return 2.0**-k
        single = all(np.all((np.abs(block) == top) | (block == 0)) for block in self.blocks())
        return top if single else top / largest


def is_exact(weight: np.ndarray, largest: int) -> bool:
    """Whether integers of at most ``largest``, times one unit, are the weights."""
    scaled = Scaled(weight.reshape(-1))
    return scaled.is_whole_in(scaled.grid(largest))


def _whole(values: np.ndarray) -> bool:
    return np.array_equal(values, np.rint(values))


def in_steps(weight: np.ndarray, step: np.ndarray, largest: int) -> tuple[np.ndarray, float, int]:
    """Weights as whole numbers of ``step``: int16 of the same shape, the largest error as a fraction of the largest
    weight, and the exponent: they are multiples of 2 to it, which keeps them below ``largest`` of these.

    step: a number, or one per row (along the first axis).
    """
    flat = weight.reshape(-1) if not step.ndim else weight.reshape(step.size, -1)
    steps = step if not step.ndim else step.reshape(-1, 1)
    rows = max(1, BLOCK // max(1, flat.size // max(1, len(flat))))

    def pieces() -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        for at in range(0, len(flat), rows):
            piece = slice(at, at + rows)
            yield piece, flat[piece].astype(np.float64), steps[piece] if step.ndim else steps

    over = max((float(np.abs(part / one).max(initial=0.0)) for _, part, one in pieces()), default=0.0) / (largest + 0.5)
    exponent = int(np.ceil(np.log2(over))) if over > 1 else 0
    result = np.empty(flat.shape, np.int16)
    top = error = 0.0
    for piece, part, one in pieces():
        whole = np.rint(part / (one * 2.0**exponent)) * 2**exponent
        result[piece] = whole
        top = max(top, float(np.abs(part).max(initial=0.0)))
        error = max(error, float(np.abs(whole * one - part).max(initial=0.0)))
    return result.reshape(weight.shape), error / top if top else 0.0, exponent
