"""Lowering keeps a network's function; rounding loses nothing where nothing need be lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.network import (
    Conv,
    Integer,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Pool,
    Population,
    Projection,
)
from neurocomp.network.passes import fold_average_pooling, max_pooling_to_neurons
from neurocomp.network.quantise import grid_of, quantise


def pooled_network(rng: np.random.Generator, pool: str, grid: float, behind: str) -> Network:
    """input -> conv neurons -> pooling -> weights or neurons. Weights are multiples of ``grid``."""

    def weights(*shape: int) -> np.ndarray:
        return (rng.integers(-40, 41, shape) * grid).astype(np.float32)

    lif = Neuron(v_decay=0.5, threshold=1.0)
    populations = [Population("in", (2, 8, 8)), Population("a", (4, 8, 8), lif)]
    projections = [Projection("conv", "in", "a", Conv(weights(4, 2, 3, 3), (1, 1), (1, 1), (1, 1)))]
    window = Pool(pool, (2, 2), (2, 2), (0, 0))
    if behind == "neurons":
        populations.append(Population("b", (4, 4, 4), lif))
        projections.append(Projection("pool", "a", "b", window))
    else:
        populations += [Population("pooled", (4, 4, 4)), Population("b", (6,), lif)]
        projections += [
            Projection("pool", "a", "pooled", window),
            Projection("fc", "pooled", "b", Linear(weights(6, 64))),
        ]
    return Network(tuple(populations), tuple(projections), ("in",), "b")


@pytest.mark.parametrize("pool", ["avg", "max", "sum"])
@pytest.mark.parametrize("behind", ["weights", "neurons"])
def test_folding_pools_changes_no_spike(pool, behind):
    """Weights on a coarse binary grid: all sums are exact, so equality must be, too."""
    for seed in range(5):
        network = pooled_network(np.random.default_rng(seed), pool, 2.0**-5, behind)
        inputs = np.random.default_rng(seed).integers(0, 2, (3, 6, 2, 8, 8)).astype(np.float32)
        lowered = max_pooling_to_neurons(fold_average_pooling(network))
        assert not any(isinstance(p.op, Pool) and p.op.kind != "sum" for p in lowered.projections)
        before, after = execute(network, inputs), execute(lowered, inputs)
        for name in ("a", "b"):
            np.testing.assert_array_equal(before.trace.dense(name), after.trace.dense(name))
        assert before.trace.dense("a").any()


def test_a_maximum_over_real_values_gets_a_relay_of_its_own():
    network = Network(
        (Population("in", (1, 4, 4)), Population("out", (1, 2, 2), Neuron())),
        (Projection("pool", "in", "out", Pool("max", (2, 2), (2, 2), (0, 0))),),
        ("in",),
        "out",
    )
    lowered = max_pooling_to_neurons(network)
    assert [p.name for p in lowered.populations] == ["in", "out", "pool.max"]
    assert [(p.source, p.target) for p in lowered.projections] == [("in", "pool.max"), ("pool.max", "out")]


def test_weights_on_a_grid_are_exact_in_integers():
    """With decay 1 (no truncation) the integer network spikes exactly like the float one."""
    rng = np.random.default_rng(3)
    weight = (rng.integers(-100, 101, (20, 30)) / 64).astype(np.float32)
    network = Network(
        (Population("in", (30,)), Population("out", (20,), Neuron(threshold=2.0, reset="subtract"))),
        (Projection("w", "in", "out", Linear(weight)),),
        ("in",),
        "out",
    )
    inputs = rng.integers(0, 2, (4, 20, 30)).astype(np.float32)
    rounded = quantise(network, Integer(), inputs)
    assert rounded.notes == ("weights are exact in 8 bits",)
    np.testing.assert_array_equal(execute(network, inputs).output, execute(rounded.network, inputs).output)


def test_gains_are_folded_into_thresholds():
    """v_gain and i_gain scale what reaches the threshold; folding them must not move a spike."""
    rng = np.random.default_rng(4)
    weight = (rng.integers(-50, 51, (8, 12)) / 32).astype(np.float32)
    neuron = Neuron(v_decay=1.0, v_gain=0.5, i_decay=0.0, i_gain=0.25, threshold=0.5, v_reset=0.125)
    network = Network(
        (Population("in", (12,)), Population("out", (8,), neuron, bias=np.array(0.25, np.float32))),
        (Projection("w", "in", "out", Linear(weight)),),
        ("in",),
        "out",
    )
    inputs = rng.integers(0, 2, (3, 25, 12)).astype(np.float32)
    rounded = quantise(network, Integer(), inputs).network
    out = execute(network, inputs).output
    np.testing.assert_array_equal(out, execute(rounded, inputs).output)
    assert 0 < out.mean() < 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-127, 127), min_size=1, max_size=20), st.integers(0, 12))
def test_grid_is_found_whenever_there_is_one(numbers, k):
    values = np.array(numbers, np.float64) * 2.0**-k
    unit = grid_of(values, 127)
    np.testing.assert_array_equal(np.rint(values / unit) * unit, values)
    assert np.abs(values / unit).max() <= 127


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=20), st.sampled_from([2, 4, 8]))
def test_rounding_error_is_at_most_half_a_unit(numbers, bits):
    values, largest = np.array(numbers), 2 ** (bits - 1) - 1
    unit = grid_of(values, largest)
    assert np.abs(values).max() <= unit * largest * (1 + 1e-12)
    assert np.abs(np.rint(values / unit) * unit - values).max() <= unit * 0.5000001


def test_residual_spikes_keep_their_unit():
    """SEW-style: two spike trains added by a relay feed weights; the relay counts spikes, unit 1."""
    rng = np.random.default_rng(5)
    lif = Neuron(v_decay=0.5)
    weight = (rng.integers(-60, 61, (6, 6)) / 64).astype(np.float32)
    network = Network(
        (
            Population("in", (6,)),
            Population("a", (6,), lif),
            Population("b", (6,), lif),
            Population("sum", (6,)),
            Population("out", (6,), lif),
        ),
        (
            Projection("wa", "in", "a", Linear(weight)),
            Projection("wb", "a", "b", Linear(weight * 2)),
            Projection("left", "a", "sum", OneToOne()),
            Projection("right", "b", "sum", OneToOne()),
            Projection("wo", "sum", "out", Linear(weight)),
        ),
        ("in",),
        "out",
    )
    rounded = quantise(network, Integer(), np.ones(1))
    assert rounded.units["sum"] == 1.0
    inputs = rng.integers(0, 3, (2, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(execute(network, inputs).output, execute(rounded.network, inputs).output)


def test_a_threshold_beyond_the_registers_is_refused_with_its_size():
    network = Network(
        (Population("in", (2,)), Population("out", (2,), Neuron(threshold=1.0))),
        (Projection("w", "in", "out", Linear(np.full((2, 2), 1e-6, np.float32))),),
        ("in",),
        "out",
    )
    with pytest.raises(InputError, match="beyond the chip's 24-bit state"):
        quantise(replace(network, name="tiny"), Integer(), np.ones(1))


@pytest.mark.parametrize(("bits", "shift"), [(8, 6), (9, 0)])
def test_a_threshold_between_weights_is_kept_by_a_finer_unit(bits, shift):
    """Weight 1, threshold 2.6: a spike at every third input, not at every second or fourth."""
    network = Network(
        (Population("in", (1,)), Population("out", (1,), Neuron(threshold=2.6))),
        (Projection("w", "in", "out", Linear(np.ones((1, 1), np.float32))),),
        ("in",),
        "out",
    )
    inputs = np.ones((1, 240, 1), np.float32)
    rounded = quantise(network, Integer(weight_bits=bits, state_shift=shift, input_bits=1), inputs).network
    assert execute(rounded, inputs).output.sum() == execute(network, inputs).output.sum() == 80


def test_a_small_bias_survives():
    network = Network(
        (Population("in", (1,)), Population("out", (1,), Neuron(), bias=np.array(0.007, np.float32))),
        (Projection("w", "in", "out", Linear(np.ones((1, 1), np.float32))),),
        ("in",),
        "out",
    )
    silence = np.zeros((1, 240, 1), np.float32)
    rounded = quantise(network, Integer(), np.ones(1)).network
    assert execute(rounded, silence).output.sum() == execute(network, silence).output.sum() == 1


def test_a_decay_that_the_chip_cannot_hold_is_told():
    network = Network(
        (Population("in", (1,)), Population("out", (1,), Neuron(v_decay=0.9))),
        (Projection("w", "in", "out", Linear(np.ones((1, 1), np.float32))),),
        ("in",),
        "out",
    )
    notes = quantise(network, Integer(decay_bits=0), np.ones(1)).notes
    assert "out: v_decay 0.9 becomes 1 in the chip's 0 decay bits; its spikes will differ" in notes


def test_one_bit_weights_are_refused():
    with pytest.raises(InputError, match="1-bit weights hold no positive number"):
        quantise(pooled_network(np.random.default_rng(0), "sum", 1.0, "weights"), Integer(weight_bits=1), np.ones(1))


def test_values_that_a_relay_sends_late_keep_their_unit():
    """What hears a pooling over a delay comes before it in the order of a step, but not in that of units."""
    lif = Neuron(v_decay=0.5, threshold=1.0)
    populations = (
        Population("in", (2, 4, 4)), Population("late", (3,), lif), Population("early", (2, 4, 4), lif),
        Population("pool", (2, 2, 2)), Population("out", (3,), lif),
    )  # fmt: skip
    weight = np.array(np.arange(24).reshape(3, 8) - 11, np.float32) / 16
    projections = (
        Projection("a", "in", "early", OneToOne()),
        Projection("b", "early", "pool", Pool("sum", (2, 2), (2, 2), (0, 0))),
        Projection("c", "pool", "late", Linear(weight), delay=2),
        Projection("d", "late", "out", Linear(np.eye(3, dtype=np.float32))),
    )
    network = Network(populations, projections, ("in",), "out")
    inputs = (np.random.default_rng(0).random((2, 7, 2, 4, 4)) < 0.5).astype(np.float32)
    rounded = quantise(network, Integer(weight_bits=8), inputs).network
    found, expected = execute(rounded, inputs).output, execute(network, inputs).output
    assert expected.any()
    np.testing.assert_array_equal(found != 0, expected != 0)
