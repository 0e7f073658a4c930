"""Registers that values are handed on from, and exponents of sums: the compiled engine against its twin, and both
against what they are said to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.plan_range import MOST, check_range, largest_sums
from neurocomp.activity.reference import execute_reference
from neurocomp.errors import InputError
from neurocomp.network import Held, Integer, Linear, Network, Neuron, OneToOne, Population, Projection
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.verify import verify
from tests.differential.test_engine import assert_same
from tests.random_networks import inputs_for, networks


@st.composite
def with_registers(draw: st.DrawFn) -> Network:
    """A random integer network; some of what sends values has registers, some neurons' sums have exponents."""
    network = draw(networks(integer=True, signals=True, most=5))
    changed = []
    for p in network.populations:
        values = p.name not in network.inputs and (p.neuron is None or p.neuron.output in ("membrane", "graded"))
        held = Held(draw(st.integers(2, 20)), draw(st.integers(0, 9))) if values and draw(st.booleans()) else None
        exponent = draw(st.integers(-3, 9)) if p.neuron is not None and draw(st.booleans()) else 0
        changed.append(replace(p, held=held, exponent=exponent))
    changed = replace(network, populations=tuple(changed))
    try:
        check_range(changed, Integer(input_bits=6), None)
    except InputError:  # negative exponents make sums larger
        changed = replace(
            changed, populations=tuple(replace(p, exponent=max(p.exponent, 0)) for p in changed.populations)
        )
    return verify(changed)


@settings(max_examples=200, deadline=None)
@given(with_registers(), st.integers(0, 1000), st.sampled_from([1.0, 100.0]))
def test_the_engine_equals_its_twin_and_keeps_to_its_bounds(network, seed, loud):
    inputs = inputs_for(network, 2, 4, seed) * np.float32(loud)
    record = [p.name for p in network.populations]
    run = execute(network, inputs, record=record)
    assert_same(run, execute_reference(network, inputs, record=record))
    assert_same(run, execute(network, inputs, record=record, threads=3))
    sums = largest_sums(network, network.arithmetic, None)
    for p in network.populations:
        values = np.abs(run.trace.dense(p.name).astype(np.int64))
        if p.held is not None:
            assert values.max(initial=0) <= p.held.limit
        elif p.neuron is None and p.name in sums:
            assert values.max(initial=0) <= sums[p.name] < MOST


@given(with_registers())
@settings(max_examples=20, deadline=None)
def test_files_keep_registers_and_exponents(network):
    again = from_tree(*to_tree(network), "file")
    assert [(p.held, p.exponent) for p in again.populations] == [(p.held, p.exponent) for p in network.populations]


def one(relay: Population, neuron: Population | None = None, weight: int = 1) -> Network:
    populations = [Population("in", (5,)), relay]
    projections = [Projection("w", "in", relay.name, Linear(np.eye(5, dtype=np.int16) * np.int16(weight)))]
    if neuron is not None:
        populations.append(neuron)
        projections.append(Projection("n", relay.name, neuron.name, OneToOne()))
    return Network(tuple(populations), tuple(projections), ("in",), populations[-1].name, Integer(input_bits=16))


def fed(*values: int) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, 1, 5)


def test_a_register_rounds_to_the_nearest_and_saturates() -> None:
    run = execute(one(Population("x", (5,), held=Held(5, 3))), fed(3, 4, -4, -5, 200))
    assert run.output is not None
    np.testing.assert_array_equal(run.output.reshape(-1), [0, 1, 0, -1, 15])
    assert run.saturations == 1
    assert execute(one(Population("x", (5,), held=Held(9, 0))), fed(255, -255, 256, -256, 1)).saturations == 2


@pytest.mark.parametrize(("exponent", "expected"), [(0, 64), (6, 1), (8, 0), (7, 1), (-2, 256)])
def test_an_exponent_divides_sums_on_their_way_into_states(exponent: int, expected: int) -> None:
    leaky = Neuron(v_decay=0.0, reset="none", output="membrane")
    network = one(Population("x", (5,)), Population("n", (5,), leaky, exponent=exponent))
    run = execute(network, fed(1, -1, 0, 2, 100))
    assert run.output is not None
    assert run.output.reshape(-1)[0] == expected
    assert run.output.reshape(-1)[4] == 100 * 2 ** (6 - exponent) if exponent < 7 else True


def test_a_membrane_sends_what_its_register_holds_and_keeps_its_state() -> None:
    neuron = Neuron(v_decay=4096.0, reset="none", output="membrane")
    network = one(Population("x", (5,)), Population("n", (5,), neuron, held=Held(8, 6)))
    run = execute(network, np.repeat(fed(1, 50, 0, 0, -3), 4, 1))
    assert run.output is not None
    np.testing.assert_array_equal(run.output[0, :, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(run.output[0, :, 1], [50, 100, 127, 127])
    assert not run.trace.dense("n")[..., 2:4].any()


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (Population("x", (5,), held=Held(1)), "has a register of 1 bits with a shift of 0"),
        (Population("x", (5,), held=Held(8, 32)), "has a register of 8 bits with a shift of 32"),
        (Population("x", (5,), held=Held(8, 0, 0.0)), "has a register in units of 0.0"),
        (Population("x", (5,), exponent=1), "has an exponent of 1"),
        (Population("x", (5,), Neuron(), held=Held(8)), "has a register, but sends no values of its own"),
        (Population("x", (5,), Neuron(), exponent=40), "has an exponent of 40"),
    ],
)
def test_what_the_engine_cannot_hold_is_refused(population: Population, message: str) -> None:
    with pytest.raises(InputError, match=message):
        verify(one(population))
