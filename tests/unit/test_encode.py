"""Input coding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.activity.encode import encode
from neurocomp.errors import InputError

X = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)


def test_direct_repeats_without_copying():
    coded = encode(X, 5, "direct")
    assert coded.shape == (2, 5, 2, 3)
    assert np.shares_memory(coded, X)
    np.testing.assert_array_equal(coded[:, 3], X)


def test_rate_is_reproducible_and_has_the_right_rate():
    values = np.full((1, 100, 100), 0.3, np.float32)
    coded = encode(values, 50, "rate", seed=7)
    np.testing.assert_array_equal(coded, encode(values, 50, "rate", seed=7))
    assert not np.array_equal(coded, encode(values, 50, "rate", seed=8))
    # 500,000 draws: the mean is within five standard deviations of 0.3
    assert abs(coded.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / coded.size)


def test_seeds_of_64_bits_are_told_apart():
    coded = [encode(np.full((1, 64), 0.5, np.float32), 9, "rate", seed=2**64 - k) for k in (1, 2)]
    assert not np.array_equal(*coded)


def test_rate_of_a_sample_does_not_depend_on_how_many_are_coded():
    np.testing.assert_array_equal(encode(X, 9, "rate", 1)[:1], encode(X[:1], 9, "rate", 1))


@given(st.floats(0, 1, width=32), st.integers(1, 20))
def test_latency_gives_one_spike_earlier_for_larger_values(value, steps):
    coded = encode(np.array([[value]], np.float32), steps, "latency")[0, :, 0]
    assert coded.sum() == (value > 0)
    if value > 0:
        assert abs(int(np.argmax(coded)) - (1 - value) * (steps - 1)) <= 0.5 + 1e-6


@pytest.mark.parametrize("encoding", ["rate", "latency"])
def test_values_outside_the_unit_range_are_refused(encoding):
    with pytest.raises(InputError, match="values run from 0 to 2"):
        encode(X * 2, 4, encoding)


def test_temporal_input_must_have_the_steps_asked_for():
    with pytest.raises(InputError, match="has 2 time steps where 4 were asked for"):
        encode(X, 4, "temporal")
    assert encode(X, 2, "temporal") is X


def test_no_steps_is_an_error():
    with pytest.raises(InputError, match="0 time steps"):
        encode(X, 0, "direct")
