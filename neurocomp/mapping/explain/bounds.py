"""What any mapping needs at least: the difference between "impossible" and "not found"."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, DEMANDS, NEURONS, SYNAPSE_BITS, Limit, Limits
from neurocomp.network.structure import Corner, Window


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
        least[NEURONS] += math.prod(layer.shape)
        least[SYNAPSE_BITS] += layer.stored.all_bits(layer.shape)
    return bounds_of(least, limits)


def bounds_of(least: np.ndarray, limits: Limits) -> list[CoreBound]:
    """One bound per limit, the largest first. least: int64 (4), what all cores together take (limits.py)."""
    bounds = [
        CoreBound(-(-int(total) // limit.capacity), limit, int(total))
        for limit, total in zip(limits.limits, limits.used(least), strict=True)
    ]
    return sorted(bounds, key=lambda bound: -bound.cores)


def demand_of_one(problem: Problem, layer: Layer) -> np.ndarray:
    """int64 (4): what one element takes of a core at least (limits.py), its sources counted exactly: of a population
    whose elements store different amounts the one that stores most, else the one in the middle."""
    stored = layer.stored
    start = tuple(length // 2 for length in layer.shape)
    if stored.per_element.size > 1:
        most = int(np.broadcast_to(stored.per_element, layer.shape).argmax())
        start = tuple(map(int, np.unravel_index(most, layer.shape)))
    heard = _sources_of(problem, layer.name, start)  # type: ignore[arg-type]
    bits = stored.constant + int(np.broadcast_to(stored.per_channel, layer.shape[:1])[start[0]])
    bits += int(np.broadcast_to(stored.per_element, layer.shape)[start])
    bits += sum(count * layer.operand_bits.get(source, 0) for source, count in heard.items())
    demand = np.zeros(DEMANDS, np.int64)
    demand[NEURONS], demand[AXONS_IN], demand[SYNAPSE_BITS] = 1, sum(heard.values()), bits
    return demand


def _sources_of(problem: Problem, name: str, element: Corner) -> dict[str, int]:
    """Distinct sources that one element listens to, by population."""
    one = Window(element, tuple(at + 1 for at in element), np.ones((1, 1, 1), np.int64))  # type: ignore[arg-type]
    heard: dict[str, np.ndarray] = {}
    for projection in problem.indexed[name]:
        for source, counts in problem.arrivals(projection, one).items():
            mask = counts.placed_in(problem.shape(source)) > 0
            heard[source] = heard[source] | mask if source in heard else mask
    return {source: int(mask.sum()) for source, mask in heard.items()}
