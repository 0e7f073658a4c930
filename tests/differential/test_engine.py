"""The compiled engine gives, bit for bit, what the readable twin gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.execution import Execution
from neurocomp.activity.reference import execute_reference
from neurocomp.errors import InputError
from neurocomp.network import Host, Linear, Network, Neuron, OneToOne, Population, Projection
from tests.random_networks import inputs_for, networks


def assert_same(a: Execution, b: Execution) -> None:
    assert a.saturations == b.saturations
    assert a.product_operations == b.product_operations
    assert a.host_operations == b.host_operations
    assert a.nonzero_counts.keys() == b.nonzero_counts.keys()
    assert a.trace.digest == b.trace.digest
    np.testing.assert_array_equal(a.output, b.output)
    for name, counts in a.nonzero_counts.items():
        np.testing.assert_array_equal(counts, b.nonzero_counts[name], err_msg=name)


@settings(max_examples=150, deadline=None)
@given(networks(), st.integers(0, 1000))
def test_compiled_engine_equals_the_twin(network, seed):
    inputs = inputs_for(network, 2, 6, seed)
    record = [p.name for p in network.populations]
    assert_same(execute(network, inputs, record=record), execute_reference(network, inputs, record=record))


@settings(max_examples=200, deadline=None)
@given(networks(signals=True, most=5), st.integers(0, 1000))
def test_signals_that_meet_equal_the_twin(network, seed):
    inputs = inputs_for(network, 2, 4, seed)
    record = [p.name for p in network.populations]
    assert_same(execute(network, inputs, record=record), execute_reference(network, inputs, record=record))


@settings(max_examples=30, deadline=None)
@given(networks(signals=True))
def test_any_number_of_threads_gives_the_same_bytes(network):
    """More threads than samples compute one sample together; here they share even the smallest population."""
    inputs = inputs_for(network, 3, 4)
    alone = execute(network, inputs, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurocomp.activity.execute.LEAST_SHARED_WORK", 0)
        for threads in (2, 3, 9):
            assert_same(alone, execute(network, inputs, threads=threads))


@pytest.mark.parametrize("integer", [False, True])
def test_a_sample_does_not_depend_on_its_neighbours(integer):
    @settings(max_examples=10, deadline=None)
    @given(networks(integer=integer))
    def law(network):
        inputs = inputs_for(network, 5, 4)
        together = execute(network, inputs).output
        assert together is not None
        for k in range(5):
            np.testing.assert_array_equal(together[k : k + 1], execute(network, inputs[k : k + 1]).output)

    law()


def test_a_repeated_input_step_is_read_as_such():
    """A broadcast view over the steps and a real copy of it are the same input."""
    network = next(iter(_one_network()))
    still = inputs_for(network, 3, 1)
    view = np.broadcast_to(still, (3, 5, *still.shape[2:]))
    assert_same(execute(network, view), execute(network, np.ascontiguousarray(view)))


def test_several_inputs_are_fed_by_name():
    weight = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    network = Network(
        (Population("b", (3,)), Population("a", (4,)), Population("out", (4,), Neuron(v_decay=0.5))),
        (Projection("w", "b", "out", Linear(weight)), Projection("r", "a", "out", OneToOne(), 1)),
        ("a", "b"),
        "out",
    )
    rng = np.random.default_rng(3)
    inputs = {name: rng.normal(size=(2, 5, n)).astype(np.float32) for name, n in (("a", 4), ("b", 3))}
    assert_same(execute(network, inputs), execute_reference(network, inputs))
    swapped = replace(network, inputs=("b", "a"))
    assert_same(execute(network, inputs), execute(swapped, inputs))
    with pytest.raises(InputError, match="is fed one array"):
        execute(network, inputs["a"])
    with pytest.raises(InputError) as caught:
        execute(network, {"a": inputs["a"], "c": inputs["b"]})
    assert [d.where for d in caught.value.diagnostics] == ["b", "c"]
    with pytest.raises(InputError, match=r"inputs of different \(samples, steps\): a \(1, 5\), b \(2, 5\)"):
        execute(network, {"a": inputs["a"][:1], "b": inputs["b"]})


def test_a_failing_host_function_is_raised_and_nobody_waits(monkeypatch):
    def fail(*_arguments):
        raise ZeroDivisionError("host")

    monkeypatch.setattr("neurocomp.activity.plan_ops.apply_host", fail)
    network = Network(
        (Population("in", (9,)), Population("out", (9,))), (Projection("h", "in", "out", Host("exp")),), ("in",), "out"
    )
    for threads in (1, 3):
        with pytest.raises(ZeroDivisionError, match="host"):
            execute(network, np.ones((1, 2, 9), np.float32), threads=threads)


def _one_network():
    weight = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    yield Network(
        (Population("in", (3,)), Population("out", (4,), Neuron(v_decay=0.5))),
        (Projection("w", "in", "out", Linear(weight)),),
        ("in",),
        "out",
    )
