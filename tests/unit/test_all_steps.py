"""Functions of all time steps at once (attention of every step to every other): the host computes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.errors import InputError
from neurocomp.mapping.compile import lower
from neurocomp.mapping.map import map_network
from neurocomp.network import (
    AllSteps,
    Factor,
    Host,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Population,
    Projection,
    Reduce,
)
from neurocomp.network.mixtures import elements_of, multiplications_of
from neurocomp.network.serial import from_tree, to_tree
from neurocomp.network.text import to_text
from neurocomp.network.verify import verify
from neurocomp.report.build import report
from neurocomp.simulate.inference import simulate
from tests.small_chips import make_chip

STEPS, WIDTH = 3, 4


def attention() -> Network:
    """softmax over all steps of q k^T, times v; (steps, width) each, k already turned."""
    sizes = (1, STEPS, WIDTH, STEPS)
    return Network(
        (
            Population("q", (STEPS, WIDTH)), Population("k", (WIDTH, STEPS)), Population("v", (STEPS, WIDTH)),
            Population("scores", (STEPS, STEPS)), Population("weights", (STEPS, STEPS)),
            Population("mixed", (STEPS, WIDTH)),
        ),
        (
            Projection("ql", "q", "scores", Factor("left", *sizes, (STEPS, STEPS))),
            Projection("kr", "k", "scores", Factor("right", *sizes, (STEPS, STEPS))),
            Projection("soft", "scores", "weights", Host("softmax", STEPS)),
            Projection("wl", "weights", "mixed", Factor("left", 1, STEPS, STEPS, WIDTH, (STEPS, WIDTH))),
            Projection("vr", "v", "mixed", Factor("right", 1, STEPS, STEPS, WIDTH, (STEPS, WIDTH))),
        ),
        ("q", "k", "v"), "mixed",
    )  # fmt: skip


def network() -> Network:
    """in -> q, k, v -> attention over time -> out. Spikes into k come step by step, so its input is turned."""
    rng = np.random.default_rng(0)
    function = attention()
    turned = replace(
        function,
        populations=(*function.populations, Population("k in", (STEPS, WIDTH))),
        projections=(
            Projection("turn", "k in", "k", _turned()), *function.projections,
        ),
        inputs=("q", "k in", "v"),
    )  # fmt: skip
    weights = [(rng.integers(-4, 6, (WIDTH, 5)) / 4).astype(np.float32) for _ in range(3)]
    populations = [Population("in", (5,))]
    projections = []
    for name, port, weight in zip("qkv", ("q", "k in", "v"), weights, strict=True):
        populations.append(Population(name, (WIDTH,), Neuron(v_decay=0.5, threshold=1.0)))
        projections.append(Projection(f"w{name}", "in", name, Linear(weight)))
        op = AllSteps(turned, port, STEPS, (WIDTH,))
        projections.append(Projection(f"over time.{name}", name, "mixed", op))
    populations += [Population("mixed", (WIDTH,)), Population("out", (2,), Neuron(threshold=0.25))]
    projections.append(Projection("wout", "mixed", "out", Linear(np.array([[1, 0, -1, 1], [0, 1, 1, -1]], np.float32))))
    return Network(tuple(populations), tuple(projections), ("in",), "out")


def _turned():
    from neurocomp.network import Wiring

    return Wiring(np.arange(STEPS * WIDTH).reshape(STEPS, WIDTH).T.reshape(-1), (WIDTH, STEPS))


def inputs() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 2, (4, STEPS, 5)).astype(np.float32)


def expected(run) -> np.ndarray:
    q, k, v = (run.trace.dense(name).astype(np.float64) for name in "qkv")
    scores = np.exp(q @ k.swapaxes(1, 2))
    return scores / scores.sum(-1, keepdims=True) @ v


def test_both_engines_and_the_formula_agree() -> None:
    ours, twin = (run(network(), inputs(), record=["mixed"]) for run in (execute, execute_reference))
    assert ours.trace.digest == twin.trace.digest
    np.testing.assert_array_equal(ours.output, twin.output)
    np.testing.assert_allclose(ours.trace.dense("mixed"), expected(ours), rtol=1e-6)
    op = network().projections[1].op
    assert elements_of(op, WIDTH) == 12 + 9 + 9 + 12 and multiplications_of(op, WIDTH) == 2 * STEPS * STEPS * WIDTH
    assert ours.host_operations == twin.host_operations == {"mixed": 4 * 42}
    assert 0 < ours.trace.dense("out").mean() < 1


def test_saved_and_described() -> None:
    tree, arrays = to_tree(network())
    again = from_tree(tree, arrays, "file")
    np.testing.assert_array_equal(execute(again, inputs()).output, execute(network(), inputs()).output)
    kept = [p["op"]["function"] for p in tree["projections"] if p["op"]["kind"] == "allsteps"]
    assert [function is None for function in kept] == [False, True, True]
    assert "q -> mixed: q of a function of all 3 steps (products, softmax)" in to_text(network())
    inner = kept[0]["projections"][0]
    inner["op"] = {"kind": "allsteps", "function": None, "port": "q", "steps": 1, "shape": [1]}
    with pytest.raises(InputError, match="a function of all steps holds another one"):
        from_tree(tree, arrays, "file")


def test_on_a_chip() -> None:
    """Spikes of q, k and v leave; the mixed values come back when all steps have gone by."""
    lowered = lower(network(), make_chip(), inputs(), ranges={"mixed": 1.0})
    program = map_network(lowered, make_chip(), effort="fast")
    assert program.network.stations == ("mixed",)
    assert program.offsets == {"in": 0, "q": 1, "k": 1, "v": 1, "mixed": 1 + STEPS, "out": 2 + STEPS}
    run, twin = (each(program.network, inputs()) for each in (execute, execute_reference))
    assert run.trace.digest == twin.trace.digest
    np.testing.assert_allclose(run.trace.dense("mixed") / 255, expected(run), atol=0.5 / 255)
    result = report(program, simulate(program, run.trace), execution=run)
    (host,) = result.signals.host
    assert (host.name, host.function, host.waits) == ("mixed", "products, softmax over time", STEPS)
    assert (host.operations, host.multiplications) == (4 * 42, 4 * 72)
    assert host.values_out == sum(run.trace.populations[name].spike_count for name in "qkv")
    (sentence,) = [s for s in program.assumptions if s.startswith("mixed needs")]
    assert "mixed needs q and k and v up to 2 steps later" in sentence
    tree, arrays = to_tree(program.network)
    again = from_tree(tree, arrays, "file")
    assert execute(again, inputs()).trace.digest == run.trace.digest


def with_op(**changes) -> Network:
    net = network()
    projections = [
        replace(p, op=replace(p.op, **changes)) if p.name == "over time.q" else p for p in net.projections
    ]  # fmt: skip
    return replace(net, projections=tuple(projections))


@pytest.mark.parametrize(
    ("net", "what"),
    [
        (with_op(port="w"), "'w' is no input of the function"),
        (with_op(port="v"), "what arrives at mixed is not just these"),
        (with_op(steps=5), "a function of 5 steps of 4 elements takes 12"),
        (with_op(units=(1.0, 1.0)), "only in integer arithmetic"),
        (with_op(function=attention()), "what arrives at mixed is not just these"),
        (
            replace(network(), projections=(*network().projections, Projection("more", "q", "mixed", OneToOne()))),
            "what arrives at mixed is not just these",
        ),
    ],
)
def test_refusals(net: Network, what: str) -> None:
    with pytest.raises(InputError, match=what):
        verify(net)


def test_other_numbers_of_steps_are_refused() -> None:
    with pytest.raises(InputError, match="mixes 3 time steps, but 2 are run"):
        execute(network(), inputs()[:, :2])


def test_a_maximum_over_the_steps() -> None:
    function = Network(
        (Population("x", (STEPS, 2)), Population("most", (1, 2)), Population("all", (STEPS * 2,))),
        (
            Projection("max", "x", "most", Reduce("max", 1, STEPS, 2, (1, 2))),
            Projection("repeat", "most", "all", Linear(np.tile(np.eye(2, dtype=np.float32), (STEPS, 1)))),
        ),
        ("x",), "all",
    )  # fmt: skip
    populations = (Population("in", (2,)), Population("largest", (2,)))
    net = Network(
        populations, (Projection("m", "in", "largest", AllSteps(function, "x", STEPS, (2,))),), ("in",), "largest"
    )
    given = np.random.default_rng(3).normal(size=(2, STEPS, 2)).astype(np.float32)
    output = execute(net, given).output
    np.testing.assert_array_equal(output, np.repeat(given.max(1, keepdims=True), STEPS, 1))
