"""The structural operators against synapses unrolled one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.network.structure import Window, as_map, backward, fan_in, fan_out, synapse_count
from tests.random_ops import counts_for, ops, shapes, signal_ops
from tests.unrolled import unroll

problems = shapes().flatmap(lambda shape: st.tuples(st.just(shape), st.one_of(ops(shape), signal_ops(shape))))


@settings(max_examples=300, deadline=None)
@given(problem=problems, data=st.data(), nonzero=st.booleans())
def test_fan_out_is_the_transposed_table(problem, data, nonzero) -> None:
    shape, op = problem
    counts = data.draw(counts_for(op.target_shape(shape)))
    expected = np.broadcast_to(counts, op.target_shape(shape)).reshape(-1) @ unroll(op, shape, nonzero)
    result = fan_out(op, shape, counts, nonzero)
    assert result.dtype == np.int64
    assert np.array_equal(np.broadcast_to(result, shape).reshape(-1), expected)


@settings(max_examples=300, deadline=None)
@given(problem=problems, data=st.data())
def test_fan_in_is_the_table(problem, data) -> None:
    shape, op = problem
    counts = data.draw(counts_for(shape))
    expected = unroll(op, shape) @ np.broadcast_to(counts, shape).reshape(-1)
    result = fan_in(op, shape, counts)
    assert np.array_equal(np.broadcast_to(result, op.target_shape(shape)).reshape(-1), expected)
    assert synapse_count(op, shape) == unroll(op, shape).sum()


@settings(max_examples=300, deadline=None)
@given(problem=problems, data=st.data(), nonzero=st.booleans())
def test_a_box_of_the_target_gives_the_box_it_reaches(problem, data, nonzero) -> None:
    shape, op = problem
    target = as_map(op.target_shape(shape))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in target)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, target, strict=True))
    counts = data.draw(counts_for(tuple(b - a for a, b in zip(start, stop, strict=True))))
    window = Window(start, stop, counts)
    result = backward(op, shape, window, nonzero)
    expected = window.placed_in(target).reshape(-1) @ unroll(op, shape, nonzero)
    assert np.array_equal(result.placed_in(as_map(shape)).reshape(-1), expected)
    assert result.total == expected.sum()
