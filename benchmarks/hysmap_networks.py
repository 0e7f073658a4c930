"""The networks of HySMap's published jobs, and what its five mappers reached on them.

Source: repository amineux/HySMap (MIT licence), commit 692a4f8, results/bench.csv and the definition of its
``potjans`` networks: eight populations with sizes after Potjans and Diesmann (2014), lognormal rates in Hz, a coin
for every pair of neurons. It draws with a 64-bit Mersenne Twister through the distributions of libstdc++, seeded
with neurons + 17 * run + side of the mesh; ``generated`` draws the same numbers in the same order. The networks are
stored in data/hysmap_networks.npz, so that the benchmark does not depend on a C library's logarithm.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
SLACK = 0.15
MAPPERS = ("edge-qap", "activity-qap", "spectral", "hysmap-seeded", "hysmap")

SHARES = (0.2681, 0.0756, 0.2840, 0.0710, 0.0629, 0.0138, 0.1865, 0.0382)
RATES_HZ = (5.5, 11.0, 8.5, 14.0, 7.0, 12.0, 3.5, 9.0)
SPREAD = 0.35
RECURRENCE = 0.02  # added to the probability within a population
PROBABILITIES = (  # rows: source, columns: target; L23e L23i L4e L4i L5e L5i L6e L6i
    (0.101, 0.135, 0.008, 0.069, 0.100, 0.055, 0.016, 0.036),
    (0.169, 0.137, 0.006, 0.003, 0.062, 0.027, 0.007, 0.001),
    (0.088, 0.032, 0.079, 0.100, 0.051, 0.009, 0.003, 0.000),
    (0.082, 0.052, 0.080, 0.130, 0.007, 0.000, 0.000, 0.000),
    (0.032, 0.075, 0.007, 0.006, 0.083, 0.060, 0.004, 0.015),
    (0.000, 0.000, 0.001, 0.000, 0.000, 0.000, 0.000, 0.000),
    (0.008, 0.004, 0.045, 0.000, 0.028, 0.000, 0.016, 0.007),
    (0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000),
)


@dataclass(frozen=True)
class Job:
    """One published job: a network and a square mesh, with the balance that its mappers keep."""

    neurons: int
    side: int
    run: int

    @property
    def name(self) -> str:
        return f"n{self.neurons}_{self.side}x{self.side}_s{self.run}"

    @property
    def seed(self) -> int:
        return self.neurons + 17 * self.run + self.side

    @property
    def least(self) -> int:
        """Fewest neurons on a core."""
        return math.floor((1 - SLACK) * self.neurons / self.side**2)

    @property
    def most(self) -> int:
        return math.ceil((1 + SLACK) * self.neurons / self.side**2)


JOBS = tuple(Job(n, side, run) for n in (80, 108) for side in (4, 5, 6) for run in (1, 2, 3))


@dataclass(frozen=True, eq=False)
class Graph:
    """rate_hz: per neuron; pointer, target: who hears each neuron."""

    rate_hz: np.ndarray
    pointer: np.ndarray
    target: np.ndarray


def stored(job: Job) -> Graph:
    with np.load(DATA / "hysmap_networks.npz") as archive:
        rate, count, target = (archive[f"{job.name}/{part}"] for part in ("rate_hz", "fan_out", "target"))
    return Graph(rate, np.concatenate([[0], np.cumsum(count, dtype=np.int64)]), target.astype(np.int32))


def published(job: Job) -> dict[str, float]:
    """Multicast hops (rates in Hz) that each of the five mappers reached."""
    return {mapper: float(_row(job)[mapper]) for mapper in MAPPERS}


def published_synapses(job: Job) -> int:
    return int(_row(job)["synapses"])


def _row(job: Job) -> dict[str, str]:
    with (DATA / "hysmap_published.csv").open(encoding="utf-8", newline="") as file:
        return next(row for row in csv.DictReader(file) if row["job"] == job.name)


def generated(job: Job) -> Graph:
    draws = _uniform(_twister(job.seed))
    sizes = _sizes(job.neurons)
    rate = [max(0.05, _lognormal(draws, hz)) for size, hz in zip(sizes, RATES_HZ, strict=True) for _ in range(size)]
    first = np.cumsum([0, *sizes]).tolist()
    heard: list[list[int]] = [[] for _ in rate]
    inflated = min(8.0, max(1.0, 18.0 / math.sqrt(job.neurons)))
    for s, row in enumerate(PROBABILITIES):
        for t, probability in enumerate(row):
            chance = min(1.0, probability * inflated + (RECURRENCE if s == t else 0.0))
            for source in range(first[s], first[s + 1]) if chance > 0 else ():
                others = (target for target in range(first[t], first[t + 1]) if target != source)
                heard[source] += [target for target in others if next(draws) < chance]
    pointer = np.cumsum([0, *map(len, heard)])
    return Graph(np.array(rate), pointer, np.array([t for row in heard for t in row], np.int32))


def _sizes(neurons: int) -> list[int]:
    """Rounded half away from zero; the largest population takes the difference."""
    sizes = [max(1, math.floor(share * neurons + 0.5)) for share in SHARES]
    sizes[2] = max(1, sizes[2] + neurons - sum(sizes))
    return sizes


def _lognormal(draws: Iterator[float], mean: float) -> float:
    """By the polar method; the second value of each pair is thrown away."""
    while True:
        x, y = 2.0 * next(draws) - 1.0, 2.0 * next(draws) - 1.0
        r2 = x * x + y * y
        if 0.0 < r2 <= 1.0:
            break
    normal = y * math.sqrt(-2.0 * math.log(r2) / r2)
    return math.exp(SPREAD * normal + math.log(max(0.5, mean)))


def _uniform(words: Iterator[int]) -> Iterator[float]:
    """In [0, 1), 53 bits, from one word each."""
    for word in words:
        yield min(float(word) / 2.0**64, math.nextafter(1.0, 0.0))


def _twister(seed: int) -> Iterator[int]:
    """The 64-bit Mersenne Twister (Nishimura, ACM TOMACS 10:348, 2000) with the parameters of C++'s mt19937_64."""
    mask = 2**64 - 1
    state = [seed]
    for i in range(1, 312):
        state.append((6364136223846793005 * (state[-1] ^ (state[-1] >> 62)) + i) & mask)
    while True:
        for i in range(312):
            x = (state[i] & 0xFFFFFFFF80000000) | (state[(i + 1) % 312] & 0x7FFFFFFF)
            state[i] = state[(i + 156) % 312] ^ (x >> 1) ^ (0xB5026F5AA96619E9 if x & 1 else 0)
        for x in state:
            x ^= (x >> 29) & 0x5555555555555555
            x ^= (x << 17) & 0x71D67FFFEDA60000
            x ^= (x << 37) & 0xFFF7EEE000000000
            yield x ^ (x >> 43)


def write_data() -> None:
    """Made once: python -c 'from benchmarks.hysmap_networks import write_data; write_data()'."""
    arrays = {}
    for job in JOBS:
        graph = generated(job)
        arrays[f"{job.name}/rate_hz"] = graph.rate_hz
        arrays[f"{job.name}/fan_out"] = np.diff(graph.pointer).astype(np.uint8)
        arrays[f"{job.name}/target"] = graph.target.astype(np.uint8)
    np.savez_compressed(DATA / "hysmap_networks.npz", **arrays)
