"""Layer fragments: their counts are those of the loops walked one by one, and what must hold for any layer."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.array import ArrayCosts
from neurocomp.errors import InputError
from neurocomp.simulate.engines.fragment import PHASES, Fragment, fragment
from neurocomp.simulate.engines.layer import Layer, conv_layer, linear_layer

CHIP = load_array_chip("neuromc")
COSTS = ArrayCosts(CHIP)
SIDE = 16


@st.composite
def layers(draw: st.DrawFn, most: int = 40) -> Layer:
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    size = draw(st.tuples(st.integers(3, 6), st.integers(3, 6)))
    channels = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    stride = draw(st.sampled_from([(1, 1), (2, 2)]))
    return conv_layer("layer", channels, size, kernel, stride=stride)


def counts(piece: Fragment) -> Counter[str]:
    """By action, what the array itself does."""
    return Counter({use.action: use.count for use in piece.uses if use.of == "array"})


def walked(layer: Layer, phase: str) -> Counter[str]:
    """FP and BP of one sample and step, loop by loop: an output is visited once for each slice of the reduction."""
    reduced, kept = layer.in_channels, layer.out_channels
    size, prefix, bits = layer.out_size, "fp_conv", 1
    if phase == "BP":
        reduced, kept, size, prefix, bits = kept, reduced, layer.in_size, "bp_conv", 16
    stream, out = ("in_s", "out_xi") if phase == "FP" else ("in_du", "out_res")
    seen: Counter[str] = Counter()
    slices = range(0, reduced, SIDE)
    for _ in product(range(kept), range(size[0]), range(size[1])):
        first = True
        for start, _, _ in product(slices, range(layer.kernel[0]), range(layer.kernel[1])):
            used = min(SIDE, reduced - start)
            seen["macs"] += used
            seen[f"memories.{prefix}_{stream}.read"] += bits
            seen[f"memories.{prefix}_{out}.write"] += 16
            if not first:
                seen[f"memories.{prefix}_{out}.read"] += 16
                seen["registers.16"] += 1  # the partial sum comes back into the array
            seen[f"registers.{bits}"] += 2 * used  # the operand, written and read
            seen["registers.16"] += 3 * used  # the sum: into the element, and down the column
            first = False
        seen["registers.16"] -= 1  # the first product of an output has nothing to be added to
    seen[f"memories.{prefix}_in_w.read"] += 16 * layer.weights
    seen["registers.16"] += 2 * layer.weights
    return seen


@settings(max_examples=40, deadline=None)
@given(layers(), st.sampled_from(["FP", "BP"]))
def test_counts_are_those_of_the_loops(layer, phase):
    piece, expected = fragment(CHIP, phase, layer), walked(layer, phase)
    assert piece.macs == expected.pop("macs")
    found = counts(piece)
    found = Counter({action: n for action, n in found.items() if not action.startswith("operations")})
    assert found == +expected


@settings(max_examples=100, deadline=None)
@given(layers(), st.sampled_from(PHASES))
def test_an_element_does_one_multiplication_per_cycle(layer, phase):
    piece = fragment(CHIP, phase, layer)
    assert piece.macs <= piece.steps * SIDE * SIDE
    assert all(use.count > 0 for use in piece.uses)
    operations = sum(n for action, n in counts(piece).items() if action == "operations.add")
    assert operations == piece.macs


@settings(max_examples=100, deadline=None)
@given(layers(), st.sampled_from(PHASES))
def test_no_memory_is_slower_than_the_array(layer, phase):
    """As the profile derives the number of ports."""
    piece = fragment(CHIP, phase, layer)
    for action, bits in counts(piece).items():
        if action.startswith("memories"):
            memory = CHIP.memory(action.split(".")[1])
            assert bits <= piece.steps * memory.ports * memory.port_bits


@settings(max_examples=60, deadline=None)
@given(layers(), st.integers(1, 3))
def test_parts_of_whole_columns_do_the_work_of_the_layer(layer, parts):
    """Output channels cut in multiples of the array's width: the same multiply-accumulates and cycles in FP."""
    cuts = [SIDE] * (parts - 1)
    rest = layer.out_channels - sum(cuts)
    if rest < 1:
        return
    pieces = [fragment(CHIP, "FP", layer.part("part", k)) for k in [*cuts, rest]]
    whole = fragment(CHIP, "FP", layer)
    assert sum(piece.macs for piece in pieces) == whole.macs
    assert sum(piece.steps for piece in pieces) == whole.steps
    assert sum((counts(piece) for piece in pieces), Counter()) == counts(whole)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.sampled_from(PHASES))
def test_groups_are_layers_side_by_side(inputs, outputs, groups, phase):
    grouped = conv_layer("layer", (inputs * groups, outputs * groups), (5, 4), (3, 3), groups=groups)
    one = conv_layer("layer", (inputs, outputs), (5, 4), (3, 3))
    many = Counter({action: n * groups for action, n in counts(fragment(CHIP, phase, one)).items()})
    assert counts(fragment(CHIP, phase, grouped)) == many


def test_weights_that_fit_their_memory_are_read_once():
    small, large = linear_layer("layer", (32, 36)), linear_layer("layer", (32, 37))
    for layer, read in ((small, False), (large, True)):
        later = counts(fragment(CHIP, "FP", layer, weights_resident=True))
        assert ("memories.fp_conv_in_w.read" in later) == read
        assert counts(fragment(CHIP, "FP", layer))["memories.fp_conv_in_w.read"] == 16 * layer.weights


def test_strided_layers_take_the_time_of_their_input_on_the_way_back():
    layer = conv_layer("layer", (16, 16), (8, 8), (3, 3), stride=(2, 2))
    macs = [fragment(CHIP, phase, layer).macs for phase in PHASES]
    assert macs == [layer.macs, 4 * layer.macs, 4 * layer.macs]


def test_a_first_layer_multiplies_and_sends_no_gradient_on():
    layer = conv_layer("layer", (3, 16), (8, 8), (3, 3), real_input=True)
    forward, gradient = (fragment(CHIP, phase, layer) for phase in ("FP", "WG"))
    assert counts(forward)["operations.mul"] == forward.macs
    assert counts(gradient)["operations.mul"] == gradient.macs
    assert "registers.1" not in counts(forward)
    with pytest.raises(InputError, match="no gradient goes back"):
        fragment(CHIP, "BP", layer)


def test_impossible_layers_are_named():
    with pytest.raises(InputError, match="size below 1"):
        linear_layer("layer", (0, 4))
    with pytest.raises(InputError, match="cut into 3 groups"):
        conv_layer("layer", (4, 4), (3, 3), (1, 1), groups=3)
    with pytest.raises(InputError, match="not divided over cores"):
        conv_layer("layer", (4, 4), (3, 3), (1, 1), groups=2).part("part", 2)


def test_an_unknown_cost_is_not_nothing():
    assert COSTS.energy_aj("noc.hop", 5) is None
    assert COSTS.energy_aj("registers.1", 3) == 7614  # 3 x 2538.03 aJ, rounded once
