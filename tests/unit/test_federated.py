"""Federated averaging: the weights it ends with, that it learns, and what a round costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.activity.encode import encode
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.federated import (
    FederatedPlan,
    Shard,
    averaged,
    federated,
    parameters,
    with_parameters,
)
from neurocomp.errors import InputError
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Linear
from neurocomp.simulate.federated import Link, RoundCost, Worker, round_cost

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits"
STEPS = 3


def perceptron(seed: int = 0) -> Network:
    weight = np.random.default_rng(seed).normal(0, 0.4, (2, 8)).astype(np.float32)
    output = Population("out", (2,), Neuron(v_decay=0.5, threshold=0.5), np.zeros(2, np.float32))
    return Network((Population("in", (8,)), output), (Projection("w", "in", "out", Linear(weight)),), ("in",), "out")


def blobs(samples: int, seed: int) -> Shard:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    means = np.where(np.arange(8) < 4, 1.0, 0.0)
    inputs = np.where(labels[:, None] == 1, means, 1 - means) + rng.normal(0, 0.5, (samples, 8))
    return Shard(inputs.astype(np.float32), labels)


def test_one_worker_and_one_step_is_one_step_of_gradient_descent() -> None:
    network, shard = perceptron(), blobs(6, 1)
    plan = FederatedPlan(rounds=1, local_steps=1, batch=6, rate=0.25)
    trained, _ = federated(network, [shard], shard, STEPS, plan)
    step = training_step(
        network, encode(shard.inputs, STEPS, "direct"), rate_cross_entropy(shard.labels), detach_reset=True
    )
    before, after = parameters(network), parameters(trained)
    np.testing.assert_allclose(after["w:w"], before["w:w"] - 0.25 * step.weights["w"], atol=1e-6)
    np.testing.assert_allclose(after["b:out"], before["b:out"] - 0.25 * step.biases["out"], atol=1e-6)


def test_the_mean_is_weighted_by_the_data() -> None:
    a, b = parameters(perceptron(1)), parameters(perceptron(2))
    mean = averaged([a, b], np.array([0.75, 0.25]))
    for name in a:
        np.testing.assert_allclose(mean[name], 0.75 * a[name] + 0.25 * b[name], atol=1e-6)
    same = with_parameters(perceptron(2), a)
    np.testing.assert_array_equal(parameters(same)["w:w"], a["w:w"])


def test_workers_learn_together_what_each_has_seen_only_in_part() -> None:
    """Every worker has one class only, so it can learn to tell them apart only through the others."""
    data = blobs(120, 3)
    shards = [Shard(data.inputs[data.labels == k], data.labels[data.labels == k]) for k in (0, 1)]
    plan = FederatedPlan(rounds=4, local_steps=4, batch=16, rate=0.5)
    first, rounds = federated(perceptron(), shards, blobs(200, 4), STEPS, plan)
    again, same = federated(perceptron(), shards, blobs(200, 4), STEPS, plan)
    assert rounds == same
    assert all((parameters(first)[k] == parameters(again)[k]).all() for k in parameters(first))
    other, _ = federated(perceptron(), shards, blobs(200, 4), STEPS, FederatedPlan(4, 4, 16, 0.5, seed=1))
    assert any((parameters(first)[k] != parameters(other)[k]).any() for k in parameters(first))
    assert rounds[-1].accuracy > 0.9 > rounds[0].accuracy


def test_five_workers_learn_the_last_layer_of_the_digits_anew() -> None:
    network = neurocomp.load_network(DIGITS / "net.pt")
    with np.load(DIGITS / "test.npz") as file:
        images, labels = file["x"], file["y"]
    start = parameters(network)
    start["w:fc"] = 0.01 * np.random.default_rng(5).standard_normal(start["w:fc"].shape).astype(np.float32)
    shards = [Shard(images[k:300:5], labels[k:300:5]) for k in range(5)]
    seen: list[tuple[int, int]] = []
    plan = FederatedPlan(rounds=3, local_steps=3, batch=30, rate=0.5)
    _, rounds = federated(
        with_parameters(network, start), shards, Shard(images[300:], labels[300:]), 4, plan,
        progress=lambda done, whole: seen.append((done, whole)),
    )  # fmt: skip
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert rounds[-1].loss < rounds[0].loss and rounds[-1].accuracy > 0.8


def test_what_makes_no_run_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        FederatedPlan(rounds=0, local_steps=0, rate=-1.0, momentum=1.0)
    assert str(caught.value).count("\n") == 3
    with pytest.raises(InputError, match="worker 1: has no data"):
        federated(
            perceptron(), [blobs(3, 0), Shard(np.zeros((0, 8)), np.zeros(0, int))], blobs(3, 0), 2, FederatedPlan(1, 1)
        )
    with pytest.raises(InputError, match="workers: there are none"):
        federated(perceptron(), [], blobs(3, 0), 2, FederatedPlan(1, 1))


def cost(times: list[float], **given: bool) -> RoundCost:
    workers = [Worker(ns, 5.0, Link(2.0, 100.0, 10.0)) for ns in times]
    return round_cost(workers, 1000, local_steps=4, weight_bits=16, aggregate_ns=7.0, **given)


def test_a_round_in_closed_form() -> None:
    found = cost([10.0, 30.0, 20.0])
    way = 100.0 + 16_000 / 2.0
    assert found.compute_ns == 120.0 and found.wait_ns == (80.0, 0.0, 40.0)
    assert found.upload_ns == found.download_ns == 3 * way
    assert found.total_ns == 120.0 + 7.0 + 6 * way
    assert found.bits == 2 * 3 * 16_000
    assert found.energy_pj == 3 * 4 * 5.0 + found.bits * 10.0
    assert cost([10.0, 30.0, 20.0], shared_link=False).upload_ns == way


def test_one_unknown_energy_makes_the_sum_unknown() -> None:
    workers = [Worker(1.0, 5.0, Link(1.0, 0.0, 1.0)), Worker(1.0, None, Link(1.0))]
    found = round_cost(workers, 10, local_steps=1)
    assert found.compute_energy_pj is found.link_energy_pj is found.energy_pj is None


def test_wrong_links_and_counts() -> None:
    with pytest.raises(InputError, match=r"a rate of 0\.0 Gbit/s"):
        Link(0.0)
    with pytest.raises(InputError, match="latency_ns is -1"):
        Link(1.0, -1.0)
    with pytest.raises(InputError) as caught:
        round_cost([], 0, local_steps=0)
    assert [d.where for d in caught.value.diagnostics] == ["workers", "weights", "local steps"]
