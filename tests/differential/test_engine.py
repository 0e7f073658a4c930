"""The compiled engine gives, bit for bit, what the readable twin gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.execution import Execution
from neurocomp.activity.reference import execute_reference
from tests.random_networks import inputs_for, networks


def assert_same(a: Execution, b: Execution) -> None:
    assert a.saturations == b.saturations
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


@settings(max_examples=15, deadline=None)
@given(networks())
def test_any_number_of_threads_gives_the_same_bytes(network):
    inputs = inputs_for(network, 9, 4)
    alone = execute(network, inputs, threads=1)
    for threads in (2, 3, 8):
        assert_same(alone, execute(network, inputs, threads=threads))


@pytest.mark.parametrize("integer", [False, True])
def test_a_sample_does_not_depend_on_its_neighbours(integer):
    @settings(max_examples=10, deadline=None)
    @given(networks(integer=integer))
    def law(network):
        inputs = inputs_for(network, 5, 4)
        together = execute(network, inputs)
        for k in range(5):
            np.testing.assert_array_equal(together.output[k], execute(network, inputs[k : k + 1]).output[0])

    law()


def test_a_repeated_input_step_is_read_as_such():
    """A broadcast view over the steps and a real copy of it are the same input."""
    network = next(iter(_one_network()))
    still = inputs_for(network, 3, 1)
    view = np.broadcast_to(still, (3, 5, *still.shape[2:]))
    assert_same(execute(network, view), execute(network, np.ascontiguousarray(view)))


def _one_network():
    from neurocomp.network import Linear, Network, Neuron, Population, Projection

    weight = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    yield Network(
        (Population("in", (3,)), Population("out", (4,), Neuron(v_decay=0.5))),
        (Projection("w", "in", "out", Linear(weight)),),
        ("in",),
        "out",
    )
