"""NeuroBench figures against brute force: synapses unrolled one by one, activity taken from recorded traces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.network import Conv, Linear, Network, Sparse
from neurocomp.report.neurobench import activation_sparsity, neurobench, observed_kinds, synaptic_operations
from tests.random_networks import inputs_for, networks
from tests.unrolled import unroll

SAMPLES, STEPS = 2, 3


def relays(network: Network) -> list[str]:
    return [p.name for p in network.populations if p.neuron is None and p.name not in network.inputs]


@settings(max_examples=60, deadline=None)
@given(networks())
def test_operations_are_nonzero_inputs_times_nonzero_weights(network: Network) -> None:
    execution = execute(network, inputs_for(network, SAMPLES, STEPS), record=relays(network))
    found = {o.projection: o for o in synaptic_operations(network, execution)}
    weighted = [p for p in network.projections if isinstance(p.op, Linear | Conv | Sparse)]
    assert list(found) == [p.name for p in weighted]
    for projection in weighted:
        shape = network.by_name[projection.source].shape
        fired = (execution.trace.dense(projection.source) != 0).reshape(SAMPLES * STEPS, -1)
        effective = fired.astype(np.int64) @ unroll(projection.op, shape, nonzero=True).sum(axis=0)
        assert found[projection.name].effective == effective.sum()
        assert found[projection.name].dense == unroll(projection.op, shape).sum() * SAMPLES * STEPS


@settings(max_examples=40, deadline=None)
@given(networks())
def test_activation_sparsity_is_the_share_of_silent_outputs(network: Network) -> None:
    execution = execute(network, inputs_for(network, SAMPLES, STEPS))
    spiking = [p.name for p in network.populations if p.neuron is not None and p.neuron.output != "membrane"]
    outputs = [np.asarray(execution.trace.dense(name)).reshape(-1) for name in spiking]
    expected = 1 - np.count_nonzero(np.concatenate(outputs)) / sum(o.size for o in outputs) if outputs else None
    found = activation_sparsity(network, execution.trace)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


@settings(max_examples=40, deadline=None)
@given(networks())
def test_totals_split_into_acs_and_macs(network: Network) -> None:
    execution = execute(network, inputs_for(network, SAMPLES, STEPS))
    facts, operations = neurobench(network, execution), synaptic_operations(network, execution)
    assert facts.effective_acs + facts.effective_macs == sum(o.effective for o in operations)
    assert facts.effective_acs + facts.effective_macs <= facts.dense_operations
    weights = [p.op.weight for p in network.projections if isinstance(p.op, Linear | Conv | Sparse)]
    zeros = sum(int((w == 0).sum()) for w in weights)
    if weights and sum(w.size for w in weights):
        assert facts.connection_sparsity == pytest.approx(zeros / sum(w.size for w in weights))


@settings(max_examples=20, deadline=None)
@given(networks(integer=False), st.sampled_from(["binary", "ternary", "real"]))
def test_inputs_decide_by_their_values_in_this_run(network: Network, kind: str) -> None:
    shape = network.by_name["in"].shape
    values = (
        np.random.default_rng(0)
        .choice({"binary": [0, 1], "ternary": [-1, 0, 1], "real": [0.5, 2]}[kind], (SAMPLES, STEPS, *shape))
        .astype(np.float32)
    )
    values.reshape(-1)[:2] = {"binary": [0, 1], "ternary": [-1, 1], "real": [0.5, 2]}[kind]
    execution = execute(network, values)
    assert observed_kinds(network, execution.trace)["in"].name == kind
