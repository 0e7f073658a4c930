"""The cases of the mapper's benchmark: network, cap, mesh, spike rates and the goal that each has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.mapping_graphs import GRAPHS, PD_POPULATIONS, PD_RATES_HZ, SEED
from benchmarks.mapping_networks import LAYERED
from neurocomp.chip.spec import ChipSpec
from neurocomp.network import Network
from tests.small_chips import make_chip

MEAN_RATE = 0.05
SPREAD = 1.0  # standard deviation of the logarithm of the rates


@dataclass(frozen=True)
class Case:
    """goal: multicast hops per step to be reached, None where the goal is time and memory alone. side: of the mesh,
    None for the smallest that holds 1.05 times the least number of cores. enumerable: whether all of its synapses
    can be listed, which the baselines on neurons need."""

    network: str
    cap: int
    goal: float | None = None
    goal_s: float | None = None
    goal_mb: float = 8192
    side: int | None = None
    enumerable: bool = True


CASES = {
    "mlp10": Case("mlp10", 32, 247, side=8),
    "lenet": Case("lenet", 256, 465),
    "mobilenet": Case("mobilenet", 256, 4354),
    "nmnist": Case("nmnist", 256, 2000),
    "local10k": Case("local10k", 256, 1990),
    "local65k": Case("local65k", 256, 68_400),
    "er10k": Case("er10k", 256),
    "pd": Case("pd", 256, 642),
    "vgg11": Case("vgg11", 256, enumerable=False),
    "vgg16": Case("vgg16", 4096, 980_000, 10, 1024, enumerable=False),
    "vgg16-1024": Case("vgg16", 1024, 2_110_000, 30, enumerable=False),
    "resnet50": Case("resnet50", 4096, goal_s=60, enumerable=False),
    "spikformer": Case("spikformer", 4096, goal_s=60, enumerable=False),
    "local1m": Case("local1m", 1024, goal_s=60, enumerable=False),
    "local1m100": Case("local1m100", 1024, goal_s=180, enumerable=False),
}


def network_of(case: Case) -> Network:
    return (LAYERED.get(case.network) or GRAPHS[case.network])()


def side_of(case: Case, network: Network) -> int:
    """The mesh is square."""
    if case.side is not None:
        return case.side
    least = -(-network.neuron_count // case.cap)
    return math.isqrt(math.ceil(1.05 * least) - 1) + 1


def chip_of(case: Case, network: Network) -> ChipSpec:
    """Neurons per core are the only limit."""
    side = side_of(case, network)
    return make_chip(side, side, neurons_max=case.cap)


def rates_of(network: Network) -> dict[str, np.ndarray]:
    """Spikes per step: lognormal, scaled so that they are 0.05 on average; those published for the microcircuit, in
    steps of 1 ms."""
    if all(population.name in PD_POPULATIONS for population in network.populations):
        published = dict(zip(PD_POPULATIONS, PD_RATES_HZ, strict=True))
        return {p.name: np.full(p.shape, published[p.name] / 1000) for p in network.populations}
    rng = np.random.default_rng(SEED)
    rates = {p.name: rng.lognormal(0.0, SPREAD, p.shape) for p in network.populations}
    scale = MEAN_RATE * sum(r.size for r in rates.values()) / sum(float(r.sum()) for r in rates.values())
    return {name: scale * rate for name, rate in rates.items()}
