"""The network IR: verification, value kinds, layout, serialisation."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.network import Conv, Integer, Linear, Network, Neuron, OneToOne, Pool, Population, Projection, Sample
from neurocomp.network.kinds import kind_of_values, value_kinds
from neurocomp.network.layout import channel_first, channel_first_index, channel_last, channel_last_index
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.text import to_html, to_text
from neurocomp.network.verify import population_order, verify
from tests.random_networks import inputs_for, networks

W = np.eye(3, dtype=np.float32)


def chain(**changes: object) -> Network:
    network = Network(
        (Population("in", (3,)), Population("out", (3,), Neuron())),
        (Projection("w", "in", "out", Linear(W)),),
        ("in",),
        "out",
    )
    return replace(network, **changes)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (chain(populations=()), "network: the network has no populations"),
        (chain(output="nobody"), "nobody: is named as an input or output but no population has this name"),
        (chain(populations=(Population("in", (3,)), Population("in", (3,)))), "in: two populations have this name"),
        (chain(projections=()), None),
        (chain(populations=(Population("in", (3,)), Population("out", (3,)))), None),
        (
            chain(populations=(Population("in", (4,)), Population("out", (3,), Neuron()))),
            "w: in (4,) -> out: the weight expects 3 sources but gets 4",
        ),
        (
            chain(projections=(Projection("w", "in", "out", Linear(np.full((3, 3), np.nan))),)),
            "w: 9 of 9 weights are NaN or infinite\n  next: was the training stable?",
        ),
        (
            chain(populations=(Population("in", (3,)), Population("out", (3,), Neuron(threshold=np.ones(2))))),
            "out: parameter threshold: shape (2,) is neither a scalar, nor (3,) per channel, nor (3,) per neuron",
        ),
        (
            chain(populations=(Population("in", (3,)), Population("out", (3,), Neuron(v_decay=float("inf"))))),
            "out: parameter v_decay holds NaN or infinite values",
        ),
        (
            chain(populations=(Population("in", (3,), Neuron()), Population("out", (3,), Neuron()))),
            "in: is an input and has neurons; an input only carries values",
        ),
        (chain(arithmetic=Integer()), "w: has float32 weights in a network of integer arithmetic"),
        (
            chain(projections=(Projection("w", "in", "out", Linear(W), -1),)),
            "w: has a delay of -1 steps; it must be 0 or more",
        ),
        (
            chain(
                populations=(
                    Population("in", (3,)),
                    Population("out", (3,), Neuron(threshold=0.0, output="count", reset="subtract")),
                )
            ),
            "out: counts spikes, which needs thresholds above 0",
        ),
        (chain(sample=Sample(np.zeros((2, 4), np.float32), 3)), "sample: inputs of shape (2, 4)"),
        (chain(sample=Sample(np.zeros((2, 3), np.float32), 0)), "sample: 0 time steps; at least 1 is needed"),
    ],
)
def test_verify_names_what_is_wrong(network, message):
    if message is None:
        verify(network)
    else:
        with pytest.raises(InputError) as caught:
            verify(network)
        assert str(caught.value).startswith(message)


def test_verify_reports_everything_at_once():
    network = chain(
        populations=(Population("in", (4,)), Population("out", (3,), Neuron(leak=float("nan")))), arithmetic=Integer()
    )
    with pytest.raises(InputError) as caught:
        verify(network)
    assert len(caught.value.diagnostics) == 3


def test_a_loop_without_delay_is_found_and_a_delay_breaks_it():
    def looped(delay: int) -> Network:
        back = Projection("back", "out", "out", Linear(W), delay)
        return chain(projections=(Projection("w", "in", "out", Linear(W)), back))

    with pytest.raises(InputError, match="loop without delay"):
        verify(looped(0))
    assert population_order(verify(looped(1))) == ["in", "out"]


def test_the_order_of_populations_in_the_file_does_not_matter():
    network = chain(populations=(Population("out", (3,), Neuron()), Population("in", (3,))))
    assert population_order(network) == ["in", "out"]
    inputs = np.ones((1, 2, 3), np.float32)
    np.testing.assert_array_equal(execute(network, inputs).output, execute(chain(), inputs).output)


def test_value_kinds_through_pools_and_sums():
    lif = Neuron()
    network = Network(
        (
            Population("in", (1, 4, 4)),
            Population("a", (1, 4, 4), lif),
            Population("sum4", (1, 2, 2)),
            Population("avg", (1, 2, 2)),
            Population("max", (1, 2, 2)),
            Population("twice", (1, 2, 2)),
            Population("count", (1, 2, 2), Neuron(output="count", reset="subtract", max_count=5)),
        ),
        (
            Projection("p0", "in", "a", OneToOne()),
            Projection("p1", "a", "sum4", Pool("sum", (2, 2), (2, 2), (0, 0))),
            Projection("p2", "a", "avg", Pool("avg", (2, 2), (2, 2), (0, 0))),
            Projection("p3", "a", "max", Pool("max", (2, 2), (2, 2), (0, 0))),
            Projection("p4", "max", "twice", OneToOne()),
            Projection("p5", "sum4", "twice", OneToOne()),
            Projection("p6", "twice", "count", OneToOne()),
        ),
        ("in",),
        "count",
    )
    kinds = {name: str(kind) for name, kind in value_kinds(network).items()}
    assert kinds == {
        "in": "real",
        "a": "binary",
        "sum4": "int<3>",
        "avg": "real",
        "max": "binary",
        "twice": "int<3>",
        "count": "int<3>",
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 1], "binary"), ([-1, 0, 1], "ternary"), ([0, 3], "int<2>"), ([0.5], "real"), ([-2, 1], "real"), ([], "real")],
)
def test_kind_of_values(values, kind):
    assert str(kind_of_values(np.array(values, np.float32))) == kind


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_layouts_are_inverse(sizes):
    shape = tuple(sizes)
    array = np.arange(2 * int(np.prod(shape))).reshape(2, *shape)
    flat = channel_last(array, shape)
    np.testing.assert_array_equal(channel_first(flat, shape), array)
    np.testing.assert_array_equal(array.reshape(2, -1)[:, channel_first_index(shape)], flat)
    np.testing.assert_array_equal(flat[:, channel_last_index(shape)], array.reshape(2, -1))


@settings(max_examples=40, deadline=None)
@given(networks())
def test_a_network_survives_being_written_and_read(network):
    network = network.with_sample(Sample(inputs_for(network, 2, 3)[:, 0], 3))
    tree, arrays = to_tree(network)
    again = from_tree(json.loads(json.dumps(tree)), arrays, "x")
    tree2, arrays2 = to_tree(again)
    assert json.dumps(tree2) == json.dumps(tree)
    assert all(arrays2[key].tobytes() == arrays[key].tobytes() for key in arrays)
    inputs = inputs_for(network, 1, 3)
    assert execute(network, inputs).trace.digest == execute(again, inputs).trace.digest


@settings(max_examples=60, deadline=None)
@given(networks(most=2), st.data())
def test_a_damaged_description_is_an_input_error_never_a_crash(network, data):
    tree, arrays = to_tree(network)
    part = data.draw(st.sampled_from(["populations", "projections", "inputs", "arithmetic", "schema"]))
    broken = dict(tree)
    broken[part] = data.draw(st.sampled_from([None, 3, "x", [], [{}], {"kind": "no"}, [None]]))
    try:
        from_tree(broken, arrays, "net.pt")
    except InputError:
        return
    assert part in ("projections", "inputs")  # an empty list of these can be legal


def test_text_and_html_show_names_harmlessly():
    network = chain(populations=(Population("in", (3,)), Population("out", (3,), Neuron())), name="<script>")
    assert "<script>" not in to_html(network)
    assert "linear 3 -> 3" in to_text(network)


def test_arrays_are_shared_and_read_only():
    weight = np.ones((3, 3), np.float32)
    op = Linear(weight)
    assert np.shares_memory(op.weight, weight)
    with pytest.raises(ValueError, match="read-only"):
        op.weight[0, 0] = 2


def test_a_window_that_does_not_fit_is_named():
    conv = Conv(np.zeros((1, 1, 5, 5), np.float32), (1, 1), (0, 0), (1, 1))
    with pytest.raises(ValueError, match="a 5x5 window does not fit into 4x4"):
        conv.target_shape((1, 4, 4))
