"""Boxes of labelled maps, and synapse counts along paths against counting window by window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurocomp.mapping.map import make_problem
from neurocomp.mapping.reach.paths import paths_into
from neurocomp.mapping.routing.boxes import boxes_of
from neurocomp.mapping.routing.leaving import (
    BoxesReached,
    Entries,
    ListedReached,
    WindowReached,
    mark_segments,
    product_entries,
    products,
    reached,
    window_entries,
)
from neurocomp.mapping.tiling.cuts import window_of
from neurocomp.network import Conv, Linear, OneToOne, Pool
from neurocomp.network.structure import Window
from tests.mapping_problems import chain, conv, ones
from tests.random_nets import networks
from tests.small_chips import make_chip


@settings(deadline=None)
@given(shape=st.tuples(*[st.integers(1, 5)] * 3), kinds=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_boxes_cover_every_labelled_element_once(shape, kinds, seed) -> None:
    labels = np.random.default_rng(seed).integers(-1, kinds, shape).astype(np.int32)
    found = np.full(shape, -1)
    names, bounds = boxes_of(labels)
    for name, ((c0, c1), (y0, y1), (x0, x1)) in zip(names, bounds, strict=True):
        assert (found[y0:y1, x0:x1, c0:c1] == -1).all()
        found[y0:y1, x0:x1, c0:c1] = name
    assert np.array_equal(found, labels)
    assert (np.diff(names) >= 0).all()


def test_a_box_is_one_box() -> None:
    labels = np.zeros((4, 5, 6), np.int32)
    labels[1:3, 2:5, 1:4] = 7
    names, bounds = boxes_of(labels)
    assert bounds[names == 7].tolist() == [[[1, 4], [1, 3], [2, 5]]]


def dense(entries: Entries, first: np.ndarray, shape: tuple[int, int, int], codes: int) -> np.ndarray:
    """int64 (codes, height, width, channels)."""
    table = np.zeros((codes, shape[1] * shape[2] * first.size), np.int64)
    np.add.at(table, (entries.code, entries.element), entries.count)
    lengths = np.diff(np.append(first, shape[0]))
    return np.repeat(table.reshape(codes, shape[1], shape[2], first.size), lengths, axis=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_products_along_paths_count_what_windows_count(network, data) -> None:
    problem = make_problem(network, make_chip(), {}, ())
    name = data.draw(st.sampled_from(list(problem.tiled)))
    shape, rng = problem.shape(name), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, 3, (shape[1], shape[2], shape[0])).astype(np.int32)
    for index in problem.indexed[name]:
        paths = paths_into(problem, index)
        event(f"separable: {paths is not None}")
        if paths is None:
            continue
        compare(problem, index, labels, paths)


def compare(problem, index, labels, paths) -> None:
    code, bounds = boxes_of(labels)
    target = problem.shape(problem.network.projections[index].target)
    sources = {path.source for path in paths}
    expected = {source: [] for source in sources}
    for label in range(3):
        at = np.flatnonzero(labels.reshape(-1) == label)
        for source, window in problem.arrivals(index, window_of(None, at, target)).items() if at.size else ():
            expected[source].append(WindowReached(label, window))
    for source in sources:
        found_boxes = [products(BoxesReached(path, code, bounds)) for path in paths if path.source == source]
        shape = problem.shape(source)
        starts = np.zeros(shape[0] + 1, bool)
        starts[0] = True
        for part in (*found_boxes, *expected[source]):
            mark_segments(starts, part)
        first = np.flatnonzero(starts[: shape[0]])
        found = sum(dense(product_entries(part, first, shape), first, shape, 3) for part in found_boxes)
        windows = [dense(window_entries(part, first, shape), first, shape, 3) for part in expected[source]]
        assert np.array_equal(found, sum(windows, np.zeros_like(found)))
        compare_lists(expected[source], starts, shape, found)


def compare_lists(windows, starts, shape, expected) -> None:
    """Windows whose elements are listed one by one say the same."""
    some = [np.nonzero(w.window.expanded()) for w in windows]
    lists = [
        ListedReached(w.code, np.stack([k + low for k, low in zip(at, w.window.start, strict=True)]).astype(np.int32),
                      w.window.expanded()[at])
        for w, at in zip(windows, some, strict=True)
    ]  # fmt: skip
    for part in lists:
        mark_segments(starts, part)
    first = np.flatnonzero(starts[: shape[0]])
    found = [dense(window_entries(part, first, shape), first, shape, 3) for part in lists]
    assert np.array_equal(expected, sum(found, np.zeros_like(expected)))


@pytest.mark.parametrize("filled", [1, 2, 8])
def test_nearly_empty_boxes_are_listed(filled: int) -> None:
    counts = np.zeros((4, 3, 2), np.int64)
    counts.reshape(-1)[:filled] = 5
    found = reached(7, Window((1, 0, 2), (5, 3, 4), counts))
    assert isinstance(found, WindowReached) == (filled > 6)
    flat = Window((1, 0, 2), (5, 3, 4), counts[:1])
    assert isinstance(reached(7, flat), WindowReached)


def test_paths_through_a_flattening_before_a_linear_layer_are_followed() -> None:
    network = chain(
        (2, 4, 4), conv(4, 2), Pool("sum", (2, 2), (2, 2), (0, 0)), OneToOne(1.0, (16,)), Linear(ones(5, 16)),
        relays=(1, 2),
    )  # fmt: skip
    problem = make_problem(network, make_chip(), {}, ())
    (path,) = paths_into(problem, 3)
    assert path.source == "p0"
    assert path.beyond
    assert [factor.counts.tolist() for factor in path.after] == [[1] * 4, [1] * 4, [1] * 4]


def test_reshapes_behind_windows_are_not_separable() -> None:
    grouped = Conv(ones(8, 1, 1), (1,), (0,), (1,), 8)
    network = chain((2, 4), OneToOne(1.0, (8, 1)), grouped, relays=(0,))
    assert paths_into(make_problem(network, make_chip(), {}, ()), 1) is None
