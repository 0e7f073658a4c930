"""Federated averaging (McMahan et al., AISTATS 2017, arXiv 1602.05629), run with neurocomp's own back-propagation.

Every round each worker starts from the common weights, takes some steps of stochastic gradient descent on batches of
its own data, and sends its weights back; the new common weights are their mean, weighted by the workers' data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neurocomp.activity.encode import encode
from neurocomp.activity.execute import execute
from neurocomp.activity.training.backprop import rate_cross_entropy, training_step
from neurocomp.activity.training.surrogate import Surrogate
from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Network
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Sparse

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class FederatedPlan:
    """rounds; local_steps: gradient steps of each worker in each round; batch: samples of one step; rate: of learning;
    momentum: of each worker within a round; seed: of the order of the batches. Raises InputError for values that make
    no run."""

    rounds: int
    local_steps: int
    batch: int = 32
    rate: float = 0.05
    momentum: float = 0.9
    seed: int = 0
    surrogate: Surrogate = field(default_factory=Surrogate)
    detach_reset: bool = True

    def __post_init__(self) -> None:
        counts = {"rounds": self.rounds, "local steps": self.local_steps, "batch": self.batch}
        found = [Diagnostic(name, f"is {n}; at least 1 is needed") for name, n in counts.items() if n < 1]
        if not self.rate > 0:
            found.append(Diagnostic("rate", f"is {self.rate}; a number above 0 is needed"))
        if not 0 <= self.momentum < 1:
            found.append(Diagnostic("momentum", f"is {self.momentum}; 0 or more and below 1 is needed"))
        if found:
            raise InputError(found)


@dataclass(frozen=True, eq=False)
class Shard:
    """One worker's data. inputs: (samples, *shape), fed unchanged at every step; labels: int (samples,)."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Round:
    """After a round: mean training loss of its steps, and the share of test samples that are classified rightly."""

    loss: float
    accuracy: float


def federated(
    network: Network,
    shards: Sequence[Shard],
    test: Shard,
    steps: int,
    plan: FederatedPlan,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Network, list[Round]]:
    """Train a network over workers. steps: time steps per sample. Returns the trained network and its rounds.

    Equal arguments give equal bytes. Raises InputError if there is no worker or one without data.
    """
    empty = [k for k, shard in enumerate(shards) if not len(shard.labels)]
    if not shards or empty:
        where = f"worker {empty[0]}" if empty else "workers"
        raise InputError(Diagnostic(where, "has no data" if empty else "there are none"))
    common, rounds = parameters(network), []
    sizes = np.array([len(shard.labels) for shard in shards], np.float64)
    for number in range(plan.rounds):
        results = [_local(network, common, shard, steps, plan, (number, k)) for k, shard in enumerate(shards)]
        common = averaged([weights for weights, _ in results], sizes / sizes.sum())
        trained = with_parameters(network, common)
        rounds.append(Round(float(np.mean([loss for _, loss in results])), _accuracy(trained, test, steps)))
        if progress is not None:
            progress(number + 1, plan.rounds)
    return with_parameters(network, common), rounds


def averaged(each: Sequence[Parameters], shares: np.ndarray) -> Parameters:
    """The weighted mean of several sets of parameters; summed in double precision, in the order of the workers."""
    mean = {}
    for name in each[0]:
        total = np.zeros(each[0][name].shape, np.float64)
        for share, weights in zip(shares, each, strict=True):
            total += share * weights[name]
        mean[name] = total.astype(np.float32)
    return mean


def parameters(network: Network) -> Parameters:
    """All that is trained: weights of projections under ``w:NAME``, biases of populations under ``b:NAME``."""
    found: Parameters = {}
    for p in network.projections:
        weight = _weight(p.op)
        if weight is not None:
            found[f"w:{p.name}"] = weight.astype(np.float32)
    for p in network.populations:
        if p.bias is not None:
            found[f"b:{p.name}"] = p.bias.astype(np.float32)
    return found


def with_parameters(network: Network, values: Parameters) -> Network:
    """The network with other weights and biases."""
    return replace(
        network,
        projections=tuple(
            replace(p, op=_with_weight(p.op, values[f"w:{p.name}"])) if f"w:{p.name}" in values else p
            for p in network.projections
        ),
        populations=tuple(
            replace(p, bias=values[f"b:{p.name}"]) if f"b:{p.name}" in values else p for p in network.populations
        ),
    )


def _local(
    network: Network, common: Parameters, shard: Shard, steps: int, plan: FederatedPlan, at: tuple[int, int]
) -> tuple[Parameters, float]:
    """One worker's part of a round: its weights and its mean loss. at: (round, worker), names the random stream."""
    order = np.random.Generator(np.random.Philox(key=np.array([plan.seed, at[1]], np.uint64), counter=[at[0], 0, 0, 0]))
    values, speed, losses = dict(common), {name: np.zeros_like(v) for name, v in common.items()}, []
    for _ in range(plan.local_steps):
        chosen = order.choice(len(shard.labels), min(plan.batch, len(shard.labels)), replace=False)
        inputs = encode(shard.inputs[chosen], steps, "direct")
        step = training_step(
            with_parameters(network, values), inputs, rate_cross_entropy(shard.labels[chosen]), plan.surrogate,
            detach_reset=plan.detach_reset,
        )  # fmt: skip
        losses.append(step.loss)
        gradients = {f"w:{k}": g for k, g in step.weights.items()} | {f"b:{k}": g for k, g in step.biases.items()}
        for name, gradient in gradients.items():
            speed[name] = np.float32(plan.momentum) * speed[name] + gradient
            values[name] = values[name] - np.float32(plan.rate) * speed[name]
    return values, float(np.mean(losses))


def _accuracy(network: Network, test: Shard, steps: int) -> float:
    return execute(network, encode(test.inputs, steps, "direct")).accuracy(test.labels)


def _weight(op: Op) -> np.ndarray | None:
    if isinstance(op, OneToOne):
        return op.scale if isinstance(op.scale, np.ndarray) else None
    return op.weight if isinstance(op, Linear | Conv | Sparse) else None


def _with_weight(op: Op, weight: np.ndarray) -> Op:
    return replace(op, scale=weight) if isinstance(op, OneToOne) else replace(op, weight=weight)  # type: ignore[arg-type]
