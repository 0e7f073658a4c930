"""What any mapping needs at least: the difference between "impossible" and "not found"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.layer import Layer
from neurocomp.mapping.limits import DEMANDS, NEURONS, SYNAPSE_BITS, Limit, Limits
from neurocomp.mapping.problem import Problem
from neurocomp.network.structure import Window


@dataclass(frozen=True)
class CoreBound:
    """cores: no mapping takes fewer; limit: the resource that says so; total: what the network takes of it."""

    cores: int
    limit: Limit
    total: int


def core_bounds(layers: dict[str, Layer], limits: Limits) -> list[CoreBound]:
    """One bound per limit, the largest first: everything is stored once, cores are filled to the brim."""
    least = np.zeros(DEMANDS, np.int64)
    for layer in layers.values():
        least[NEURONS] += int(np.prod(layer.shape))
        least[SYNAPSE_BITS] += layer.stored.all_bits(layer.shape)
    bounds = [
        CoreBound(-(-int(total) // limit.capacity), limit, int(total))
        for limit, total in zip(limits.limits, limits.used(least), strict=True)
    ]
    return sorted(bounds, key=lambda bound: -bound.cores)


def sources_of_one(problem: Problem, layer: Layer) -> int:
    """Distinct sources that the element in the middle of a population listens to, counted exactly."""
    start = tuple(length // 2 for length in layer.shape)
    one = Window(start, tuple(at + 1 for at in start), np.ones((1, 1, 1), np.int64))  # type: ignore[arg-type]
    heard: dict[str, np.ndarray] = {}
    for projection in problem.indexed[layer.name]:
        for source, counts in problem.arrivals(projection, one).items():
            mask = counts.placed_in(problem.shape(source)) > 0
            heard[source] = heard[source] | mask if source in heard else mask
    return sum(int(mask.sum()) for mask in heard.values())
