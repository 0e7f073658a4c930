"""Systolic arrays: the closed form is its walked twin, and what must hold for any product and array."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.errors import InputError
from neurocomp.simulate.engines.array import DATAFLOWS, Product, SystolicArray, convolution, matrix_product, systolic
from neurocomp.simulate.engines.array_prefetch import Scratchpads, cycles_with_prefetch
from neurocomp.simulate.engines.array_reference import walk

sizes = st.integers(1, 60)
sides = st.integers(1, 20)
products = st.builds(matrix_product, sizes, sizes, sizes)
arrays = st.builds(SystolicArray, sides, sides, st.sampled_from(DATAFLOWS))


@settings(max_examples=200, deadline=None)
@given(arrays, st.lists(products, max_size=4))
def test_the_closed_form_is_its_twin(array, many):
    assert systolic(array, many) == tuple(walk(array, product) for product in many)


@settings(max_examples=100, deadline=None)
@given(arrays, products)
def test_no_array_does_more_than_it_can(array, product):
    (work,) = systolic(array, [product])
    assert product.macs <= work.cycles * array.elements
    assert 0 < work.compute_utilisation <= work.mapping_efficiency <= 1
    assert work.input_reads >= product.inputs
    assert work.weight_reads >= product.weights
    assert work.output_writes >= product.m * product.n


@settings(max_examples=60, deadline=None)
@given(arrays, products)
def test_fetching_and_draining_take_time_and_larger_output_buffers_do_not_help_before(array, product):
    (work,) = systolic(array, [product])
    assert cycles_with_prefetch(work) >= work.last_cycle
    slow, fast = (cycles_with_prefetch(work, Scratchpads(fetch_per_cycle=rate)) for rate in (1, 100))
    assert fast <= slow


@settings(max_examples=60, deadline=None)
@given(sides, sides, sizes, st.integers(1, 4))
def test_a_convolution_reads_what_its_windows_cover(height, width, channels, stride):
    kernel = (min(3, height), min(2, width))
    product = convolution((height, width), kernel, channels, 5, (stride, stride))
    rows = {y + dy for y in range(0, height - kernel[0] + stride, stride) for dy in range(kernel[0])}
    columns = {x + dx for x in range(0, width - kernel[1] + stride, stride) for dx in range(kernel[1])}
    inside = [len([i for i in axis if i < size]) for axis, size in ((rows, height), (columns, width))]
    assert product.inputs == inside[0] * inside[1] * channels
    assert product.k == kernel[0] * kernel[1] * channels


def test_impossible_sizes_are_named():
    with pytest.raises(InputError, match="m is 0, k is -1"):
        matrix_product(0, 1, -1)
    with pytest.raises(InputError, match="larger than the input"):
        convolution((3, 3), (4, 1), 1, 1)
    with pytest.raises(InputError, match="rows is 0"):
        systolic(SystolicArray(0, 1, "output_stationary"), [])
    with pytest.raises(InputError, match="no dataflow 'rs'"):
        systolic(SystolicArray(1, 1, "rs"), [])  # type: ignore[arg-type]


def test_products_beyond_64_bits_are_refused_by_the_core():
    with pytest.raises(RuntimeError, match="does not fit into 64 bits"):
        systolic(SystolicArray(1, 1, "output_stationary"), [Product(2**40, 2**40, 1, 1, 1)])
