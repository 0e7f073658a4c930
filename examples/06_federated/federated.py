"""Five chips learn handwritten digits together without sharing their images: accuracy per round beside its cost.

    python examples/06_federated/federated.py [--shards classes] [--rounds 8] [--local-steps 20] [--all]

The network of examples/01_digits starts from random weights. In each round every worker takes some steps of stochastic
gradient descent on its own images (neurocomp's back-propagation, no torch), then the server averages the weights
(McMahan et al., 2017). Beside it stands what such a round takes on five NeuroMC chips: time, energy, bytes sent.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import neurocomp
from neurocomp.activity.training.federated import (
    FederatedPlan,
    Round,
    Shard,
    federated,
    parameters,
    with_parameters,
)
from neurocomp.energy.training import price_training
from neurocomp.network.graph import Network
from neurocomp.report import units
from neurocomp.report.rounds import FederatedRounds
from neurocomp.report.training import training_report, with_rounds
from neurocomp.simulate.federated import Link
from neurocomp.simulate.trained_layers import layers_of

DIGITS = Path(__file__).resolve().parents[1] / "01_digits"
LINK = Link(gbit_per_s=1.0, latency_ns=100_000.0, pj_per_bit=10.0)  # an assumption: Ethernet to a server nearby


@dataclass(frozen=True)
class Settings:
    """shards: ``even``, every worker has all digits; ``classes``, each has few. images: of the training set that is
    stored here, or None for scikit-learn's."""

    workers: int = 5
    rounds: int = 8
    local_steps: int = 20
    batch: int = 32
    steps: int = 4
    rate: float = 0.5
    momentum: float = 0.5
    shards: str = "even"
    images: int | None = 350
    seed: int = 0


def data(settings: Settings) -> tuple[Shard, Shard]:
    """(training images, test images)."""
    with np.load(DIGITS / "test.npz") as file:
        images, labels = file["x"], file["y"]
    if settings.images is not None:
        cut = settings.images
        return Shard(images[:cut], labels[:cut]), Shard(images[cut:], labels[cut:])
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = (digits.images / 16.0).astype(np.float32)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    return Shard(train_x, train_y), Shard(test_x, test_y)


def split(images: Shard, settings: Settings) -> list[Shard]:
    """One shard per worker. ``classes``: images sorted by digit, cut in two pieces per worker, pieces dealt out."""
    order = np.arange(len(images.labels))
    if settings.shards == "classes":
        order = np.argsort(images.labels, kind="stable")
        pieces = np.array_split(order, 2 * settings.workers)
        chosen = [np.concatenate(pieces[k :: settings.workers]) for k in range(settings.workers)]
    else:
        chosen = [order[k :: settings.workers] for k in range(settings.workers)]
    return [Shard(images.inputs[rows], images.labels[rows]) for rows in chosen]


def untrained(network: Network, seed: int) -> Network:
    """Random weights of a size that lets neurons fire, biases zero."""
    rng = np.random.default_rng(seed)
    fresh = {}
    for name, old in parameters(network).items():
        inputs = int(np.prod(old.shape[1:]))
        weights = rng.normal(0.5 / max(1, inputs), 1.7 / np.sqrt(max(1, inputs)), old.shape)
        fresh[name] = weights.astype(np.float32) if name.startswith("w:") else np.zeros_like(old)
    return with_parameters(network, fresh)


def cost(network: Network, settings: Settings) -> FederatedRounds:
    """What a round takes on the chips; every multiply-accumulate is charged."""
    layers = layers_of(network)
    setup = neurocomp.TrainingSetup(settings.batch, settings.steps, momentum=True)
    run = neurocomp.simulate_training(neurocomp.load_array_chip("neuromc"), layers.layers, setup)
    report = with_rounds(
        training_report(run, price_training(run), left_out=layers.assumptions),
        workers=settings.workers, rounds=settings.rounds, local_steps=settings.local_steps, link=LINK,
    )  # fmt: skip
    if report.federated is None:
        raise RuntimeError("a report with rounds has them")
    return report.federated


def learn(settings: Settings) -> tuple[list[Round], FederatedRounds]:
    """Train, and price a round."""
    network = untrained(neurocomp.load_network(DIGITS / "net.pt"), settings.seed)
    images, test = data(settings)
    plan = FederatedPlan(
        settings.rounds, settings.local_steps, settings.batch, settings.rate, settings.momentum, settings.seed
    )  # fmt: skip
    _, rounds = federated(network, split(images, settings), test, settings.steps, plan)
    return rounds, cost(network, settings)


def main(words: Sequence[str] | None = None) -> list[Round]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", choices=("even", "classes"), default="even", help="what each worker has seen")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--local-steps", type=int, default=20)
    parser.add_argument("--steps", type=int, default=4, help="time steps of a sample")
    parser.add_argument("--all", action="store_true", help="all training images of scikit-learn, not the stored 350")
    given = parser.parse_args(words)
    settings = Settings(
        rounds=given.rounds, local_steps=given.local_steps, steps=given.steps, shards=given.shards,
        images=None if given.all else 350,
    )  # fmt: skip
    rounds, price = learn(settings)
    print(f"{settings.workers} workers, {settings.shards} shards, {settings.local_steps} local steps of "
          f"{settings.batch} images in each round")  # fmt: skip
    print("round   loss  accuracy  time so far  energy so far (at least)  sent so far")
    for number, each in enumerate(rounds, 1):
        time, energy = price.cost.total_ns * 1e3 * number, price.least_energy_pj * 1e6 * number
        print(f"{number:5}  {each.loss:5.3f}  {each.accuracy:7.1%}  {units.time(time):>11}  "
              f"{units.energy(energy):>24}  {units.memory(price.cost.bits / 8 * number):>11}")  # fmt: skip
    print("\n".join(price.lines()))
    return rounds


if __name__ == "__main__":
    main()
