"""Axis bookkeeping against real arrays: after any reshape and transposition, the layout still knows what is where."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.frontend.freezing.streams.layout import (
    Atom,
    Layout,
    LayoutError,
    constant_features,
    feature_map,
    feature_order,
)

SIZES = st.integers(1, 4)


@st.composite
def started(draw: st.DrawFn) -> tuple[Layout, tuple[int, int, tuple[int, ...]]]:
    steps, samples = draw(SIZES), draw(SIZES)
    shape = tuple(draw(st.lists(SIZES, min_size=1, max_size=3)))
    time, batch = (Atom("T", steps),), (Atom("N", samples),)
    lead = (time, batch) if draw(st.booleans()) else (batch, time)
    return Layout((*lead, *feature_map(shape))), (steps, samples, shape)


def described(layout: Layout, samples: int, features: int) -> np.ndarray:
    """The array that a layout describes, if element (t, n, f) holds the number (t * samples + n) * features + f."""
    weight = {"T": samples * features, "N": features, "F": 1}
    values = np.zeros((), np.int64)
    for atom in layout.atoms:
        step = weight[atom.kind] * (atom.stride if atom.kind == "F" else 1)
        values = values[..., None] + np.arange(atom.size) * step
    return values.reshape(layout.shape)


@st.composite
def factored(draw: st.DrawFn, total: int) -> tuple[int, ...]:
    """Some shape with this many elements."""
    sizes = []
    while total > 1 and len(sizes) < 5:
        size = draw(st.sampled_from([d for d in range(1, total + 1) if total % d == 0]))
        sizes.append(size)
        total //= size
    return (*sizes, total)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_reshapes_and_transpositions(data: st.DataObject) -> None:
    layout, (steps, samples, shape) = data.draw(started())
    features = math.prod(shape)
    array = described(layout, samples, features)
    assert array.size == steps * samples * features
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            order = tuple(data.draw(st.permutations(range(array.ndim))))
            layout, array = layout.permute(order), array.transpose(order)
            continue
        target = data.draw(factored(array.size))
        try:
            layout = layout.reshape(target)
        except LayoutError:
            continue  # cuts time or batch; nothing is claimed then
        array = array.reshape(target)
        assert layout.shape == target
    np.testing.assert_array_equal(described(layout, samples, features), array)


@settings(max_examples=100, deadline=None)
@given(start=started())
def test_flattening_and_unflattening_never_fails(start: tuple) -> None:
    """What layers do that take (time x batch, features): no LayoutError."""
    layout, (_steps, _samples, shape) = start
    whole = layout.shape
    flat = layout.reshape((whole[0] * whole[1], *shape))
    assert flat.feature_dims(1) == shape
    assert flat.reshape((whole[0] * whole[1], math.prod(shape))).reshape(whole).feature_dims(2) == shape


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_constants_are_brought_into_the_order_of_the_features(data: st.DataObject) -> None:
    layout, (_steps, _samples, shape) = data.draw(started())
    lead = layout.dims[:2]
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    turned = Layout(lead + tuple(layout.dims[2:][a] for a in order))
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape)
    flat = constant_features(values.transpose(order), turned)
    np.testing.assert_array_equal(flat, np.arange(values.size))
    np.testing.assert_array_equal(feature_order(turned).reshape([shape[a] for a in order]), values.transpose(order))


def test_constants_that_differ_between_samples_are_told() -> None:
    layout = Layout(((Atom("T", 2),), (Atom("N", 3),), *feature_map((4,))))
    assert constant_features(np.arange(3.0).reshape(3, 1), layout) is None
    assert constant_features(np.arange(4.0), layout).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("target", [(3, 2, 4), (4, 6), (2, 4, 3)])
def test_cutting_time_or_batch_is_an_error(target: tuple[int, ...]) -> None:
    layout = Layout(((Atom("T", 2),), (Atom("N", 3),), *feature_map((4,))))
    with pytest.raises(LayoutError, match="a reshape"):
        layout.reshape(target)
    assert layout.reshape((6, 2, 2)).reshape((2, 3, 4)).feature_dims(2) == (4,)
