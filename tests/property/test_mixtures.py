"""Random mixtures of time steps between two layers: engine, twin and chip agree, nothing is lost, latency is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.mapping.compile import lower
from neurocomp.mapping.map import map_network
from neurocomp.network import Linear, Network, Neuron, OverTime, Population, Projection
from neurocomp.network.mixtures import elements_of
from neurocomp.simulate.host import host_work
from neurocomp.simulate.inference import simulate
from tests.small_chips import make_chip

STEP_PS = 10**6


def mixture(kind: str, steps: int, rng: np.random.Generator) -> OverTime:
    weight = rng.integers(-4, 5, (steps, steps)) / 4
    if kind == "moved":
        weight = np.eye(steps)[rng.permutation(steps)] * (rng.random((steps, 1)) < 0.8)
    elif kind == "past":
        weight = np.tril(weight)
    offset = np.zeros(steps) if kind == "moved" else rng.integers(-2, 3, steps) / 4
    return OverTime(weight, offset)


def network(op: OverTime, rng: np.random.Generator, around: int | None) -> Network:
    weights = [(rng.integers(-3, 6, shape) / 4).astype(np.float32) for shape in ((5, 4), (3, 5), (3, 5))]
    skip = () if around is None else (Projection("around", "a", "b", Linear(weights[2]), around),)
    return Network(
        (
            Population("in", (4,)), Population("a", (5,), Neuron(v_decay=0.5, threshold=0.5)),
            Population("mixed", (5,)), Population("b", (3,), Neuron(v_decay=0.75, threshold=0.5)),
        ),
        (
            Projection("x", "in", "a", Linear(weights[0])), Projection("t", "a", "mixed", op),
            Projection("y", "mixed", "b", Linear(weights[1])), *skip,
        ),
        ("in",), "b",
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["moved", "past", "all"]), steps=st.integers(1, 5), seed=st.integers(0, 10**6),
    around=st.none() | st.integers(0, 2), delivery=st.sampled_from(["same_step", "next_step"]),
)  # fmt: skip
def test_between_two_runs(kind: str, steps: int, seed: int, around: int | None, delivery: str) -> None:
    rng = np.random.default_rng(seed)
    net = network(mixture(kind, steps, rng), rng, around)
    inputs = rng.integers(0, 2, (2, steps, 4)).astype(np.float32)
    for arithmetic in ("integer", "float32"):
        chip = make_chip(numeric={"delivery": delivery, "arithmetic": arithmetic})
        chip = chip.model_copy(update={"step": chip.step.model_copy(update={"floor_ns": 1000.0})})
        lowered = lower(net, chip, inputs, ranges={"mixed": 2.0 * steps + 1})
        program = map_network(lowered, chip, effort="fast")
        run, twin = (engine(program.network, inputs) for engine in (execute, execute_reference))
        assert run.trace.digest == twin.trace.digest and run.host_operations == twin.host_operations
        found = simulate(program, run.trace)
        depth = program.offsets["b"]
        assert set(found.latency_ps.tolist()) == {(steps + depth) * STEP_PS}
        hop = int(delivery == "next_step")
        if "mixed" not in program.network.stations:  # it looks back by the same weights at every step
            assert depth <= 2 * hop
            continue
        (op,) = (p.op for p in program.network.projections if p.name == "t")
        assert program.offsets["mixed"] == hop + op.ahead + 1 and depth == program.offsets["mixed"] + hop
        work = host_work(program, run.trace)
        assert work.operations == run.host_operations == {"mixed": 2 * elements_of(op, 5)}
        assert int(work.sent.sum()) == work.arriving["mixed"] == run.trace.populations["a"].spike_count
        if arithmetic == "float32":
            assert run.trace.digest == execute(replace(lowered, stations=()), inputs, record=["mixed"]).trace.digest


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), exponent=st.integers(1, 3))
def test_exponents_before_a_border_cancel_weights_that_are_as_much_larger(seed: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    net = network(mixture("all", 4, rng), rng, None)
    inputs = rng.integers(0, 2, (2, 4, 4)).astype(np.float32)
    chip = make_chip(numeric={"delivery": "next_step", "arithmetic": "integer"})
    plain = lower(net, chip, inputs, ranges={"mixed": 9.0})
    larger = tuple(
        replace(p, op=replace(p.op, weight=p.op.weight * 2**exponent))
        if isinstance(p.op, Linear) and p.target == "a"
        else p
        for p in plain.projections
    )
    scaled = replace(
        plain,
        projections=larger,
        populations=tuple(replace(p, exponent=exponent) if p.name == "a" else p for p in plain.populations),
    )
    assert scaled.by_name["a"].exponent == exponent and plain.by_name["a"].exponent == 0
    digests = {engine(n, inputs).trace.digest for n in (plain, scaled) for engine in (execute, execute_reference)}
    assert len(digests) == 1
