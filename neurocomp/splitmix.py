"""Random numbers by counting, the same on every machine: SplitMix64 (Steele et al., OOPSLA 2014; csrc/rng.h)."""

from __future__ import annotations

import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
"""What the generator counts by."""


def mixed(values: np.ndarray) -> np.ndarray:
    """A bijective mix of 64-bit words: the generator's finaliser. values: integers (n); returns uint64 (n)."""
    values = np.atleast_1d(np.asarray(values, np.uint64)).copy()
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values ^= values >> np.uint64(shift)
        values *= np.uint64(factor)
    return values ^ (values >> np.uint64(31))
