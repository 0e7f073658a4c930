"""Networks that mix time steps: run in segments, by both engines alike, against the plain formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.errors import InputError
from neurocomp.network import Float32, Integer, Linear, Network, Neuron, OneToOne, OverTime, Population, Projection
from neurocomp.network.mixtures import multiplications_of
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.text import to_text
from neurocomp.network.time_ops import look_ahead
from neurocomp.network.verify import verify

STEPS = 5


def mixture(seed: int, steps: int = STEPS) -> OverTime:
    rng = np.random.default_rng(seed)
    return OverTime(rng.normal(size=(steps, steps)), rng.normal(size=steps))


def network(extra: tuple[Projection, ...] = ()) -> Network:
    """in -> a -> mixture -> b -> mixture -> out; b hears a as it was a step ago, too."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((6, 4), (5, 6), (5, 6), (3, 5))]
    populations = (
        Population("in", (4,)),
        Population("a", (6,), Neuron(v_decay=0.5)),
        Population("drive", (5,)),
        Population("mixed", (5,)),
        Population("b", (5,), Neuron(v_decay=0.0, threshold=0.2)),
        Population("mixed2", (5,)),
        Population("out", (3,), Neuron(v_decay=0.9, reset="none", output="membrane")),
    )
    projections = (
        Projection("w", "in", "a", Linear(weights[0])),
        Projection("x", "a", "drive", Linear(weights[1])),
        Projection("t", "drive", "mixed", mixture(2)),
        Projection("m", "mixed", "b", OneToOne()),
        Projection("t2", "b", "mixed2", mixture(3)),
        Projection("y", "mixed2", "out", Linear(weights[3])),
        *extra,
    )
    return Network(populations, projections, ("in",), "out")


def inputs() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(2, STEPS, 4)).astype(np.float32)


def test_both_engines_and_the_formula_agree() -> None:
    net = network()
    ours, twin = (
        execute(net, inputs(), record=["drive", "mixed"]),
        execute_reference(net, inputs(), record=["drive", "mixed"]),
    )
    assert ours.trace.digest == twin.trace.digest
    np.testing.assert_array_equal(ours.output, twin.output)
    assert list(ours.nonzero_counts) == list(twin.nonzero_counts) == [p.name for p in net.populations]
    op = net.projections[2].op
    expected = np.einsum("ts,nsk->ntk", op.weight, ours.trace.dense("drive")) + op.offset[:, None]
    np.testing.assert_allclose(ours.trace.dense("mixed"), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(ours.trace.dense("b"), ours.trace.dense("mixed") >= np.float32(0.2))
    assert set(ours.trace.populations) == {"in", "a", "drive", "mixed", "b", "out"}
    assert 0 < ours.trace.dense("b").mean() < 1


def test_what_passes_a_mixture_by_is_heard_on_time() -> None:
    weight = np.random.default_rng(6).normal(size=(5, 6)).astype(np.float32)
    net = network((Projection("skip", "a", "b", Linear(weight), 1),))
    run = execute(net, inputs(), record=["mixed"])
    assert run.trace.digest == execute_reference(net, inputs(), record=["mixed"]).trace.digest
    a = run.trace.dense("a").astype(np.float32)
    late = np.concatenate([np.zeros_like(a[:, :1]), a[:, :-1]], 1) @ weight.T
    np.testing.assert_array_equal(run.trace.dense("b"), run.trace.dense("mixed") + late >= np.float32(0.2))


def test_saved_and_described() -> None:
    net = network()
    tree, arrays = to_tree(net)
    again = from_tree(tree, arrays, "file")
    np.testing.assert_array_equal(again.projections[2].op.weight, net.projections[2].op.weight)
    assert "drive -> mixed: mixture of all 5 steps" in to_text(net)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda n: (n, inputs()[:, :4]), "mixes 5 time steps, but 4 are run"),
        (lambda n: (network((Projection("back", "b", "a", Linear(np.zeros((6, 5), np.float32)), 1),)), inputs()),
         "mixes all time steps of a signal that depends on the result"),
        (lambda n: (network((Projection("more", "a", "mixed", Linear(np.zeros((5, 6), np.float32))),)), inputs()),
         "a mixture of time steps cannot be added"),
    ],
)  # fmt: skip
def test_refusals(change, what) -> None:
    net, given = change(network())
    with pytest.raises(InputError, match=what):
        execute(net, given)


def alone(op: OverTime, arithmetic: Integer) -> Network:
    populations = (Population("drive", (3,)), Population("mixed", (3,)))
    return Network(populations, (Projection("t", "drive", "mixed", op),), ("drive",), "mixed", arithmetic)


def test_integers_need_units_unless_values_are_only_moved() -> None:
    with pytest.raises(InputError, match="mixes time steps in a network of integer arithmetic, without units"):
        verify(alone(mixture(2), Integer()))
    with pytest.raises(InputError, match="only in integer arithmetic"):
        verify(replace(alone(replace(mixture(2), units=(0.5, 0.25)), Integer()), arithmetic=Float32()))
    given = np.array([[[3.0, -2.0, 40.0], [1.0, 0.0, 7.0], [-5.0, 1.0, 2.0]]])
    for run in (execute, execute_reference):
        moved = run(alone(look_ahead(3, 1), Integer(input_scale=1.0)), given)
        np.testing.assert_array_equal(moved.output[0], [[1, 0, 7], [-5, 1, 2], [0, 0, 0]])


def test_integers_are_mixed_in_real_values_and_rounded_once() -> None:
    weight = np.array([[0.0, 0.5], [0.25, 0.0]])
    op = OverTime(weight, np.array([1.0, 0.0]), units=(0.5, 0.1))
    given = np.array([[[8.0, 3.0, 30000.0], [2.0, 5.0, 0.0]]])
    for run in (execute, execute_reference):
        done = run(alone(op, Integer(input_scale=1.0)), given)
        # (1 + 0.5 * 2 * 0.5) / 0.1; 0.25 * 8 * 0.5 / 0.1; 3.75 to even; what is beyond 12 bits is cut
        np.testing.assert_array_equal(done.output[0], [[15, 22, 10], [10, 4, 2047]])
        assert done.host_operations == {"mixed": 6}


def test_what_it_knows_of_itself() -> None:
    ahead = look_ahead(5, 2)
    assert (ahead.moves, ahead.ahead, multiplications_of(ahead, 7)) == (True, 2, 0)
    past = OverTime(np.tril(np.ones((4, 4))), np.zeros(4))
    assert (past.moves, past.ahead, multiplications_of(past, 3)) == (False, 0, 30)
    assert mixture(3).ahead == STEPS - 1
