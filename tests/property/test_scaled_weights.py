"""Weights that are looked at piece by piece give what they give as a whole."""

from __future__ import annotations

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.network import scaled_weights
from neurocomp.network.scaled_weights import Scaled, in_steps


def weights(seed: int, kind: str, rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "single":
        return rng.choice([-0.3, 0.0, 0.3], (rows, columns)).astype(np.float32)
    if kind == "grid":
        return (rng.integers(-40, 40, (rows, columns)) / 16).astype(np.float32)
    return rng.standard_normal((rows, columns)).astype(np.float32)


ARRAYS = st.builds(
    weights,
    st.integers(0, 2**16),
    st.sampled_from(["single", "grid", "any"]),
    st.integers(1, 9),
    st.integers(1, 9),
)


def grid_of_whole(values: np.ndarray, largest: int) -> float:
    sizes = np.abs(values)
    top = float(sizes.max())
    if top == 0.0:
        return 1.0
    for k in range(25):
        if top * 2.0**k > largest:
            break
        if np.array_equal(values * 2.0**k, np.rint(values * 2.0**k)):
            return 2.0**-k
    return top if np.all((sizes == top) | (sizes == 0)) else top / largest


@given(ARRAYS, st.sampled_from([1.0, 0.5, 0.1]), st.integers(1, 7), st.sampled_from([7, 127]))
def test_grid_and_multiples(array: np.ndarray, factor: float, block: int, largest: int) -> None:
    whole = array.reshape(-1).astype(np.float64) * factor
    with mock.patch.object(scaled_weights, "BLOCK", block):
        part = Scaled(array.reshape(-1), factor)
        assert part.top == np.abs(whole).max()
        assert part.grid(largest) == grid_of_whole(whole, largest)
        assert part.is_whole_in(0.0625) == np.array_equal(whole / 0.0625, np.rint(whole / 0.0625))


@given(ARRAYS, st.integers(1, 7), st.booleans(), st.sampled_from([7, 127]))
def test_rounding(array: np.ndarray, block: int, per_row: bool, largest: int) -> None:
    step = np.abs(array).max(axis=1).astype(np.float64) / 50 + 0.001 if per_row else np.float64(0.01)
    with mock.patch.object(scaled_weights, "BLOCK", block):
        found, error, exponent = in_steps(array, np.asarray(step), largest)
    weight, each = array.astype(np.float64), step[:, None] if per_row else step
    over = float(np.abs(weight / each).max()) / (largest + 0.5)
    assert exponent == (int(np.ceil(np.log2(over))) if over > 1 else 0)
    whole = np.rint(weight / (each * 2.0**exponent)) * 2**exponent
    assert found.dtype == np.int16 and np.array_equal(found, whole)
    top = np.abs(weight).max()
    assert error == (np.abs(whole * each - weight).max() / top if top else 0.0)
