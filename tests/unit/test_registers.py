"""Registers for real values that are multiplied again: which values get one, how wide, what they span, what follows."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.execution import Execution, input_values
from neurocomp.activity.plan_range import MOST, largest_sums
from neurocomp.activity.reference import execute_reference
from neurocomp.chip.catalog import load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError
from neurocomp.mapping.compile import compile_network, float_form, lower
from neurocomp.network import (
    Factor,
    Held,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Population,
    Projection,
    Wiring,
)
from neurocomp.network.graph import Sample
from neurocomp.network.registers import Register, circling, multiplied_values, registers
from neurocomp.report.build import report
from neurocomp.simulate.inference import simulate

IF = Neuron(threshold=1.0, reset="subtract")


def net(populations: list[Population], projections: list[tuple[str, str, object, int]], output: str) -> Network:
    named = [Projection(f"w{k}", a, b, op, delay) for k, (a, b, op, delay) in enumerate(projections)]  # type: ignore[arg-type]
    return Network(tuple(populations), tuple(named), ("in",), output, name="net")


def shortcuts(rng: np.random.Generator, stages: int, width: int = 12, gain: float = 1.0) -> Network:
    """Membranes handed from stage to stage through weights: x = W x + U spikes(x), as MS-ResNet's downsampling does."""

    def weights() -> Linear:
        return Linear((gain * rng.normal(size=(width, width)) / np.sqrt(width)).astype(np.float32))

    populations, joined = [Population("in", (width,)), Population("x0", (width,))], [("in", "x0", weights(), 0)]
    for k in range(stages):
        populations += [
            Population(f"s{k}", (width,), IF),
            Population(f"x{k + 1}", (width,), bias=np.float32([0.1] * width)),
        ]
        joined += [
            (f"x{k}", f"s{k}", OneToOne(), 0), (f"x{k}", f"x{k + 1}", weights(), 0),
            (f"s{k}", f"x{k + 1}", weights(), 0),
        ]  # fmt: skip
    populations.append(Population("out", (width,), IF))
    found = net(populations, [*joined, (f"x{stages}", "out", OneToOne(), 0)], "out")
    sample = rng.normal(size=(4, width)).astype(np.float32)
    return replace(found, sample=Sample(sample, 6))


def share_that_differs(network: Network, lowered: Network, x: np.ndarray) -> float:
    exact, rounded = execute(network, x).trace, execute(lowered, x).trace
    names = [p.name for p in network.populations if p.neuron is not None and p.neuron.output == "binary"]
    return float(np.mean([(exact.dense(n) != rounded.dense(n)).mean() for n in names]))


def steps_of(sample: Sample | None) -> np.ndarray:
    assert sample is not None
    return np.repeat(sample.inputs[:, None], sample.steps, axis=1)


def test_values_that_weights_multiply_again_are_held() -> None:
    network = shortcuts(np.random.default_rng(1), 5)
    assert multiplied_values(network) == ["x0", "x1", "x2", "x3", "x4"]
    lowered = lower(network, load_chip("loihi2"))
    held = {p.name: p.held for p in lowered.populations if p.held is not None}
    assert set(held) <= {f"x{k}" for k in range(5)}
    assert {"x3", "x4"} <= set(held)
    assert all(8 <= register.bits <= 16 for register in held.values())
    assert all(np.log2(register.unit) == round(np.log2(register.unit)) for register in held.values())
    assert set(held) <= set(lowered.stations)
    assert share_that_differs(network, lowered, steps_of(network.sample)) < 0.05
    said = [note for note in lowered.assumptions if note.startswith("on loihi2: x4: values are held in ")]
    assert len(said) == 1
    assert "what the calibration data reach and a quarter; larger ones saturate" in said[0]


def test_registers_are_no_wider_than_the_chip_says() -> None:
    network = shortcuts(np.random.default_rng(1), 4)
    chip = load_chip("loihi2")
    narrow = chip.model_copy(update={"numeric": chip.numeric.model_copy(update={"value_bits": 9})})
    for one, most in ((narrow, 9), (load_chip("generic"), 8)):
        held = [p.held for p in lower(network, one).populations if p.held is not None]
        assert {register.bits for register in held} == {most}
    beside_spikes = [p.held for p in lower(network, chip).populations if p.held is not None]
    assert 9 < max(register.bits for register in beside_spikes) < 16  # finer values would cost their weights bits
    without = lower(network, load_chip("loihi"))  # its spikes carry nothing
    assert not any(p.held for p in without.populations)


def sums_in_full(lowered: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every relay of a network of linear maps and its neurons' spikes, in Python's own arithmetic without limits, from
    the spikes that the engine found: (samples, steps, n)."""
    trace = execute(lowered, x).trace
    found = {"in": input_values(lowered, x)[0].astype(np.int64)}
    for p in lowered.populations[1:]:
        if p.neuron is not None:
            found[p.name] = trace.dense(p.name).astype(np.int64)
            continue
        total = np.zeros((*x.shape[:2], p.size), np.int64) + (
            0 if p.bias is None else np.asarray(p.bias).astype(np.int64)
        )
        for q in lowered.incoming[p.name]:
            assert isinstance(q.op, Linear)
            total += found[q.source] @ q.op.weight.astype(np.int64).T
        if p.held is not None:
            total = (total + (1 << p.held.shift >> 1)) >> p.held.shift
            total = np.clip(total, -p.held.limit, p.held.limit)
        found[p.name] = total
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.2, 1.0, 4.0]),
    st.sampled_from([0.0, 1.0, 30.0, 1e6]), st.sampled_from(["loihi2", "generic"]),
)  # fmt: skip
def test_no_input_makes_a_sum_overflow(seed: int, stages: int, gain: float, loud: float, chip: str) -> None:
    """Inputs far beyond those of the calibration: sums stay within 32 bits, so that arithmetic without limits gives the
    same; values saturate instead, and are counted."""
    network = shortcuts(np.random.default_rng(seed), stages, gain=gain)
    lowered = lower(network, load_chip(chip))
    assert max(largest_sums(lowered, lowered.arithmetic, 255.0).values()) < MOST
    x = steps_of(network.sample) * np.float32(loud)
    run, twin = (f(lowered, x, record=[f"x{k}" for k in range(stages + 1)]) for f in (execute, execute_reference))
    assert (run.trace.digest, run.saturations) == (twin.trace.digest, twin.saturations)
    for name, values in sums_in_full(lowered, x).items():
        np.testing.assert_array_equal(run.trace.dense(name), values, err_msg=name)


def test_saturations_are_counted_and_named() -> None:
    network = shortcuts(np.random.default_rng(3), 4)
    program = compile_network(network, load_chip("loihi2"), effort="fast")
    quiet = execute(program.network, steps_of(network.sample))
    loud = execute(program.network, 8 * steps_of(network.sample))
    assert quiet.saturations == 0 < loud.saturations

    def said(run: Execution) -> str:
        result = report(program, simulate(program, run.trace, "bound"), execution=run)
        return "\n".join(result.warnings)

    assert "fill" not in said(quiet)
    assert re.search(r"\d+ of 288 values of x[1-4] fill its register of 1\d bits and were cut", said(loud))


def leaky(decay: float) -> Network:
    """Membranes that leak and weights behind them: the largest value is a geometric series."""
    neuron = Neuron(v_decay=decay, v_init=0.5, reset="none", output="membrane", threshold=float("inf"))
    weight = Linear(np.linspace(-1, 1, 36, dtype=np.float32).reshape(6, 6))
    return net(
        [Population("in", (6,)), Population("s", (6,), IF), Population("m", (6,), neuron), Population("out", (6,), IF)],
        [("in", "s", OneToOne(), 0), ("s", "m", OneToOne(2.0), 0), ("m", "out", weight, 0)], "out",
    )  # fmt: skip


def test_the_range_of_a_leaky_membrane_is_a_geometric_series() -> None:
    assert multiplied_values(leaky(0.75)) == ["m"]
    assert registers(leaky(0.75), {"m": 12}, {}, 1.0) == {"m": Register(12, 0.5 + 2 / 0.25, False)}
    assert registers(leaky(1.0), {"m": 12}, {}, 1.0) == {}  # without a leak there is no limit, and no data either
    assert registers(leaky(1.0), {"m": 12}, {"m": 8.0}, 1.0) == {"m": Register(12, 10.0, True)}
    assert registers(leaky(0.75), {"m": 12}, {"m": 6.0}, 1.0) == {
        "m": Register(12, 8.5, False)
    }  # costs less than a bit
    lowered = lower(leaky(0.75), load_chip("loihi2"), np.ones(1))
    x = np.ones((2, 40, 6), np.float32)
    held = lowered.by_name["m"].held
    assert held is not None and not held.calibrated
    values = execute(lowered, x).trace.dense("m") * held.unit
    np.testing.assert_allclose(values[:, -1], 8.0, rtol=0.01)
    np.testing.assert_allclose(values, execute(leaky(0.75), x).trace.dense("m"), rtol=0.01)
    assert share_that_differs(leaky(0.75), lowered, x) < 0.02


def filtered() -> Network:
    """A membrane in a circle with a product: what is left of it is multiplied by a spike of the next step."""
    member = Neuron(v_decay=0.5, reset="none", output="membrane", threshold=float("inf"))
    n = 6
    weights = np.random.default_rng(5).normal(size=(n, n)).astype(np.float32)
    found = net(
        [Population("in", (n,)), Population("s", (n,), IF), Population("p", (n,)), Population("m", (n,), member),
         Population("out", (n,), IF)],
        [
            ("in", "s", OneToOne(), 0), ("s", "p", Factor("left", n, 1, 1, 1, (n,)), 0),
            ("m", "p", Factor("right", n, 1, 1, 1, (n,)), 1), ("p", "m", OneToOne(0.25), 0),
            ("s", "m", OneToOne(), 0), ("m", "out", Linear(weights), 0),
        ],
        "out",
    )  # fmt: skip
    return replace(found, sample=Sample(np.random.default_rng(6).random((3, n)).astype(np.float32), 8))


@pytest.mark.parametrize("chip", ["loihi2", "generic"])
def test_values_that_go_round_in_a_circle_have_a_range_from_data(chip: str) -> None:
    network = filtered()
    assert circling(network) == {"m"}
    lowered = lower(network, load_chip(chip))
    assert share_that_differs(network, lowered, steps_of(network.sample)) < 0.03
    with pytest.raises(InputError, match="passes values round in a circle"):
        lower(network.with_sample(None), load_chip(chip))
    given = lower(network.with_sample(None), load_chip(chip), steps_of(network.sample))
    assert given.by_name["m"].held == lowered.by_name["m"].held
    twice = lower(network, load_chip(chip), 2 * network.sample.inputs)  # type: ignore[union-attr]
    assert twice.by_name["m"].held is not None


def test_products_of_real_values_stay_within_32_bits() -> None:
    """q k^T of real values, whose product is multiplied again: twice the bits, and those of the sum."""
    rng, tokens, d = np.random.default_rng(7), 6, 8
    n = tokens * d
    shape = (1, tokens, d)

    def weights() -> Linear:
        return Linear((rng.normal(size=(n, n)) / 4).astype(np.float32))

    found = net(
        [Population("in", (n,)), *(Population(name, (n,)) for name in "qkv"), Population("scores", (1, tokens, tokens)),
         Population("mixed", shape), Population("flat", (n,)), Population("out", (n,), replace(IF, threshold=50.0))],
        [
            *(("in", name, weights(), 0) for name in "qkv"),
            ("q", "scores", Factor("left", 1, tokens, d, tokens, (1, tokens, tokens), 0.3), 0),
            ("k", "scores", Factor("right", 1, tokens, d, tokens, (1, tokens, tokens), 0.3), 0),
            ("scores", "mixed", Factor("left", 1, tokens, tokens, d, shape), 0),
            ("v", "mixed", Factor("right", 1, tokens, tokens, d, shape), 0),
            ("mixed", "flat", Wiring(rng.permutation(n), (n,)), 0), ("flat", "out", weights(), 0),
        ],
        "out",
    )  # fmt: skip
    network = replace(found, sample=Sample(rng.normal(size=(3, n)).astype(np.float32), 4))
    chip = load_chip("loihi2")
    form, lowered = float_form(network, chip), lower(network, chip)
    assert form is not None
    assert multiplied_values(form) == ["q", "k", "v", "scores", "mixed"]
    assert share_that_differs(network, lowered, steps_of(network.sample)) < 0.02
    assert execute(lowered, 1000 * steps_of(network.sample)).saturations > 0


def stepwise(threshold: float, chip: ChipSpec) -> Network:
    """Weights so small against the threshold that states would not hold it."""
    weight = np.random.default_rng(9).normal(size=(8, 8)).astype(np.float32)
    network = net(
        [Population("in", (8,)), Population("a", (8,), IF), Population("out", (8,), replace(IF, threshold=threshold))],
        [("in", "a", OneToOne(), 0), ("a", "out", Linear(weight), 0)], "out",
    )  # fmt: skip
    return lower(network, chip, np.ones(1))


def test_an_exponent_saves_weights_from_large_thresholds() -> None:
    loihi2, truenorth = load_chip("loihi2"), load_chip("truenorth")
    assert loihi2.numeric.exponent_max == 8 and truenorth.numeric.exponent_max is None
    lowered = stepwise(3000.0, loihi2)
    assert lowered.by_name["out"].exponent > 0
    assert max(np.abs(p.op.weight).max() for p in lowered.projections if isinstance(p.op, Linear)) >= 64
    assert any("divided by up to 2^" in note for note in lowered.assumptions)
    lost = stepwise(3000.0, truenorth)
    assert lost.by_name["out"].exponent == 0
    assert any("bits only, so that its threshold fits the chip's states" in note for note in lost.assumptions)


def test_a_register_without_use_is_left_away() -> None:
    """What fits the width as it is needs no place of its own."""
    network = shortcuts(np.random.default_rng(11), 5, width=3)
    lowered = lower(network, load_chip("loihi2"))
    sums = largest_sums(lowered, lowered.arithmetic, 255.0)
    for p in lowered.populations:
        if isinstance(p.held, Held) and p.held.shift == 0:
            assert sums[p.name] > p.held.limit
    assert isinstance(lowered.arithmetic, Integer)
