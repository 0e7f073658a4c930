"""From a network to the training engines' layers, and from a recorded step to exactly its operations."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.counts import operation_counts
from neurocomp.chip.catalog import load_array_chip
from neurocomp.energy.training import price_training
from neurocomp.errors import InputError
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Pool, Sparse
from neurocomp.network.time_ops import look_ahead
from neurocomp.simulate.trained_layers import layers_of
from neurocomp.simulate.training import simulate_training
from neurocomp.simulate.training_setup import TrainingSetup, recorded_activity

CHIP = load_array_chip("neuromc")
RNG = np.random.default_rng(7)
SPIKING = Neuron(v_decay=0.5, threshold=0.5)
READOUT = Neuron(v_decay=0.75, output="membrane", reset="none")


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.4, size=shape).astype(np.float32)


def small_residual() -> Network:
    """Convolution, a block with a strided main path and a 1 x 1 shortcut, pooling, classifier."""
    populations = (
        Population("image", (3, 8, 8)), Population("n1", (6, 8, 8), SPIKING), Population("n2", (8, 4, 4), SPIKING),
        Population("sum", (8, 4, 4)), Population("n3", (8, 4, 4), SPIKING), Population("pooled", (8, 2, 2)),
        Population("out", (5,), READOUT),
    )  # fmt: skip
    one, two, none = (1, 1), (2, 2), (0, 0)
    projections = (
        Projection("first", "image", "n1", Conv(weights(6, 3, 3, 3), one, one, one)),
        Projection("main", "n1", "n2", Conv(weights(8, 6, 3, 3), two, one, one)),
        Projection("second", "n2", "sum", Conv(weights(8, 8, 3, 3), one, one, one)),
        Projection("shortcut", "n1", "sum", Conv(weights(8, 6, 1, 1), two, none, one)),
        Projection("add", "sum", "n3", OneToOne()),
        Projection("pool", "n3", "pooled", Pool("avg", two, two, none)),
        Projection("classifier", "pooled", "out", Linear(weights(5, 32))),
    )
    return Network(populations, projections, ("image",), "out")


def test_layers_of_a_residual_network():
    found = layers_of(small_residual())
    by_name = {layer.name: layer for layer in found.layers}
    assert list(by_name)[:2] == ["first", "main"] and list(by_name)[-1] == "classifier"
    assert set(by_name) == {"first", "main", "second", "shortcut", "classifier"}
    first, main, classifier = by_name["first"], by_name["main"], by_name["classifier"]
    assert (first.first, first.real_input, first.neurons) == (True, True, True)
    assert (main.in_size, main.out_size, main.kernel, main.real_input) == ((8, 8), (4, 4), (3, 3), False)
    assert by_name["second"].neurons != by_name["shortcut"].neurons  # one of them updates the neurons behind the sum
    assert (classifier.neurons, classifier.real_input, classifier.first) == (False, True, False)
    assert (classifier.in_channels, classifier.out_channels, classifier.macs) == (32, 5, 160)
    assert "OneToOne, Pool" in found.assumptions[0] and "batch normalisation" in found.assumptions[1]
    normalised = layers_of(small_residual(), normalised=True)
    assert [layer.name for layer in normalised.layers if not layer.normalised] == ["classifier"]
    assert len(normalised.assumptions) == 1


def test_operations_of_the_simulation_are_those_counted_in_the_run():
    """Zeros of spikes and gradients, padding and inserted zeros: what an engine that skips all of them executes is what
    back-propagation multiplied."""
    network = small_residual()
    inputs = (RNG.random((2, 3, 3, 8, 8)) < 0.4).astype(np.float32)
    step = training_step(network, inputs, rate_cross_entropy(np.array([1, 3])))
    counts = operation_counts(network, step.trace)
    activity = recorded_activity(step.trace, counts)
    layers = layers_of(network).layers
    run = simulate_training(CHIP, layers, TrainingSetup(2, 3, sparsity="skipped", activity=activity))
    executed = {(t.layer, t.phase): t.macs for t in run.times}
    for name, counted in counts.items():
        assert executed[name, "FP"] == executed[name, "WG"] == counted.forward
        assert executed.get((name, "BP"), counted.backward) == counted.backward
    additions = sum(row.count for row in run.tallies if row.unit == "mac" and row.action == "operations.add")
    assert additions == sum(executed.values())
    dense = simulate_training(CHIP, layers, TrainingSetup(2, 3))
    assert price_training(run).without("dram") < price_training(dense).without("dram")


def test_networks_that_no_array_computes_are_refused():
    table = Sparse(np.array([0, 1, 2]), np.array([0, 1]), weights(2), (2,))
    populations = (Population("a", (2,)), Population("b", (2,), SPIKING))
    with pytest.raises(InputError, match="table of synapses"):
        layers_of(Network(populations, (Projection("w", "a", "b", table),), ("a",), "b"))
    with pytest.raises(InputError, match="no convolution"):
        layers_of(Network(populations, (Projection("w", "a", "b", OneToOne()),), ("a",), "b"))


def test_one_axis_counts_as_a_row():
    populations = (Population("a", (2, 9)), Population("b", (4, 9), SPIKING))
    op = Conv(weights(4, 2, 3), (1,), (1,), (1,))
    (layer,) = layers_of(Network(populations, (Projection("w", "a", "b", op),), ("a",), "b")).layers
    assert (layer.in_size, layer.kernel, layer.macs) == ((1, 9), (1, 3), 4 * 2 * 3 * 9)


def test_mixtures_of_time_steps_are_left_out_and_said_to_be() -> None:
    mixing = Network(
        (
            Population("in", (4,)), Population("a", (3,), SPIKING), Population("later", (3,)),
            Population("b", (2,), READOUT),
        ),
        (
            Projection("x", "in", "a", Linear(weights(3, 4))), Projection("t", "a", "later", look_ahead(4, 1)),
            Projection("y", "later", "b", Linear(weights(2, 3))),
        ),
        ("in",), "b",
    )  # fmt: skip
    found = layers_of(mixing)
    assert [layer.name for layer in found.layers] == ["x", "y"]
    assert found.assumptions[0].startswith("mixtures of time steps (later) are not counted")
