"""The laws of back-propagation that need no other framework."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurocomp.activity.reference import synapses_of
from neurocomp.activity.training.backprop import TrainingStep, rate_cross_entropy, training_step
from neurocomp.activity.training.counts import operation_counts
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.activity.training.trace import load_training_trace
from neurocomp.errors import InputError
from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Sparse

RNG = np.random.default_rng(3)
READOUT = Neuron(v_decay=0.75, i_decay=0.5, leak=0.25, output="membrane", reset="none")


def kernel(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def chained(*ops: Op, shape: tuple[int, ...], neuron: Neuron = READOUT, delay: int = 0) -> Network:
    """Populations in a row, all of one neuron, with a bias each."""
    populations, projections = [Population("p0", shape)], []
    for k, op in enumerate(ops, 1):
        shape = op.target_shape(shape)
        populations.append(Population(f"p{k}", shape, neuron, kernel(shape[0])))
        projections.append(Projection(f"w{k}", f"p{k - 1}", f"p{k}", op, delay))
    return Network(tuple(populations), tuple(projections), ("p0",), populations[-1].name)


def synapses(sources: int, targets: int) -> Sparse:
    table = RNG.random((sources, targets)) < 0.4
    indptr = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    indices = np.nonzero(table)[1].astype(np.int32)
    return Sparse(indptr, indices, kernel(indices.size), (targets,))


CHAINS = {
    "dense": (chained(Linear(kernel(5, 6)), Linear(kernel(3, 5)), shape=(6,), delay=1)),
    "conv": (chained(Conv(kernel(4, 2, 3, 2), (2, 1), (1, 0), (1, 2)), Pool("avg", (2, 2), (1, 2), (1, 0)),
                     Conv(kernel(6, 2, 2, 1), (1, 1), (0, 0), (1, 1), 2), shape=(2, 7, 6))),
    "one axis": (chained(Conv(kernel(3, 1, 3), (1,), (1,), (1,)), Pool("sum", (2,), (2,), (0,)), shape=(1, 8))),
    "tables": (chained(synapses(6, 8), OneToOne(kernel(8)), OneToOne(0.5, (2, 4)), shape=(6,), delay=2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_gradients_of_linear_dynamics_are_those_of_finite_differences(name: str) -> None:
    """Leaky readouts do not spike, so the loss below is linear in each weight and differences are exact."""
    network = CHAINS[name]
    inputs, towards = kernel(2, 6, *network.populations[0].shape), kernel(2, 6, *network.populations[-1].shape)

    def value(changed: Network) -> TrainingStep:
        return training_step(changed, inputs, lambda y: (float((y.astype(np.float64) * towards).sum()), towards))

    step = value(network)
    for k, projection in enumerate(network.projections):
        if projection.name not in step.weights:
            continue
        way = kernel(*step.weights[projection.name].shape)
        up, down = (value(moved(network, k, sign * way)).loss for sign in (1, -1))
        assert (up - down) / 2 == pytest.approx(float((step.weights[projection.name] * way).sum()), rel=1e-3, abs=1e-3)
    for k, population in enumerate(network.populations[1:], 1):
        way = kernel(*np.shape(population.bias))
        up, down = (value(shifted(network, k, sign * way)).loss for sign in (1, -1))
        assert (up - down) / 2 == pytest.approx(float((step.biases[population.name] * way).sum()), rel=1e-3, abs=1e-3)


def moved(network: Network, k: int, way: np.ndarray) -> Network:
    op = network.projections[k].op
    op = replace(op, scale=op.scale + way) if isinstance(op, OneToOne) else replace(op, weight=op.weight + way)
    changed = list(network.projections)
    changed[k] = replace(changed[k], op=op)
    return replace(network, projections=tuple(changed))


def shifted(network: Network, k: int, way: np.ndarray) -> Network:
    changed = list(network.populations)
    changed[k] = replace(changed[k], bias=changed[k].bias + way)
    return replace(network, populations=tuple(changed))


SPIKING = Neuron(v_decay=0.5, threshold=0.4)


@pytest.mark.parametrize("delay", [0, 1])
def test_operations_are_those_that_a_walk_over_all_synapses_meets(delay: int) -> None:
    first, second = Conv(kernel(4, 1, 3, 3), (2, 1), (1, 1), (1, 1), 2), synapses(4 * 3 * 5, 7)
    network = chained(first, second, shape=(2, 5, 5), neuron=SPIKING, delay=delay)
    inputs = (RNG.random((2, 4, 2, 5, 5)) < 0.4).astype(np.float32)
    step = training_step(network, inputs, rate_cross_entropy(np.array([1, 5])), Surrogate("rectangle", 1.0))
    counted = operation_counts(network, step.trace)
    for projection in network.projections:
        found, met = counted[projection.name], walked(network, step, projection)
        assert (found.dense, found.forward, found.backward, found.gradient) == met
        assert 0 < found.gradient < min(found.forward, found.backward) < found.dense


def walked(network: Network, step: TrainingStep, projection: Projection) -> tuple[int, ...]:
    source, target = (network.by_name[name].shape for name in (projection.source, projection.target))
    layer = step.trace.layers[projection.name]
    x = layer.sent.dense().reshape(-1, int(np.prod(source)))
    g = layer.arrived.dense().reshape(x.shape[0], -1)
    result = np.zeros(4, np.int64)
    for element in range(x.shape[1]):
        ends, _ = synapses_of(projection.op, element, source, target)
        each = x[:, element, None], g[:, ends]
        result += [each[1].size, each[0].sum() * ends.size, each[1].sum(), (each[0] & each[1]).sum()]
    return tuple(int(n) for n in result)


def test_the_mask_is_the_window_of_the_surrogate() -> None:
    network = chained(Linear(kernel(9, 6)), shape=(6,), neuron=Neuron(v_decay=0.0, threshold=0.5, reset="none"))
    inputs = kernel(3, 5, 6)
    surrogate = Surrogate("triangle", 2.0)
    step = training_step(network, inputs, rate_cross_entropy(np.zeros(3, np.int64)), surrogate)
    weight, bias = network.projections[0].op.weight, network.populations[1].bias
    x = inputs @ weight.T + bias
    inside = np.abs(x - np.float32(0.5)) <= 1 / surrogate.alpha
    np.testing.assert_array_equal(step.trace.masks["p1"].dense(), inside)
    assert not (step.trace.layers["w1"].arrived.dense() & ~inside).any()
    assert step.trace.layers["w1"].sent.density == 1.0 and not step.trace.layers["w1"].sent.binary


def test_a_training_trace_survives_its_file(tmp_path: Path) -> None:
    network = chained(Conv(kernel(4, 2, 3, 3), (1, 1), (1, 1), (1, 1)), shape=(2, 5, 5), neuron=SPIKING, delay=1)
    inputs = (RNG.random((2, 4, 2, 5, 5)) < 0.4).astype(np.float32)
    trace = training_step(network, inputs, lambda y: (0.0, np.ones_like(y))).trace
    for name in ("a.npz", "b.npz"):
        trace.save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load_training_trace(tmp_path / "a.npz")
    assert (again.samples, again.steps, again.origin) == (2, 4, trace.origin)
    for before, after in ((trace.layers["w1"].sent, again.layers["w1"].sent), (trace.masks["p1"], again.masks["p1"])):
        assert (before.shape, before.binary) == (after.shape, after.binary)
        np.testing.assert_array_equal(before.bits, after.bits)
    whole = (tmp_path / "a.npz").read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"PK\x03\x04" + whole[4:200]):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npz: is damaged or no training trace"):
            load_training_trace(tmp_path / "a.npz")


def test_half_precision_moves_gradients_a_little() -> None:
    network = CHAINS["conv"]
    inputs, towards = kernel(2, 4, *network.populations[0].shape), kernel(2, 4, *network.populations[-1].shape)
    exact, rounded = (
        training_step(network, inputs, lambda y: (0.0, towards), rounded=choice).weights["w1"]
        for choice in (False, True)
    )
    difference = np.abs(exact - rounded).max() / np.abs(exact).max()
    assert 0 < difference < 0.01
    np.testing.assert_array_equal(rounded, rounded.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("form", "alpha", "message"),
    [
        ("relu", 1.0, "no surrogate is called 'relu'"),
        ("atan", 0.0, "alpha is 0.0"),
        ("atan", float("nan"), "alpha is nan"),
    ],
)
def test_surrogates_that_do_not_exist(form: str, alpha: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Surrogate(form, alpha)


def test_networks_that_cannot_be_trained_are_refused_with_all_reasons() -> None:
    network = chained(
        Pool("max", (2,), (2,), (0,)),
        shape=(1, 8),
        neuron=Neuron(refractory=2, output="count", max_count=3, reset="subtract"),
    )
    with pytest.raises(InputError) as caught:
        training_step(replace(network, output=None), np.zeros((1, 2, 4)), lambda y: (0.0, y))
    found = str(caught.value)
    for part in ("one input and one output", "refractory period", "several spikes", "max pooling", "inputs have shape"):
        assert part in found
    whole = chained(Linear(np.ones((2, 3), np.int32)), shape=(3,), neuron=Neuron(1, 1, threshold=4))
    whole = replace(whole, arithmetic=Integer(), populations=tuple(replace(p, bias=None) for p in whole.populations))
    with pytest.raises(InputError, match="is in integer arithmetic"):
        training_step(whole, np.zeros((1, 2, 3)), lambda y: (0.0, y))
