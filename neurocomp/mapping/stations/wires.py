"""Populations whose elements are those of others, unchanged: what lies between a product and those that feed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.network.graph import Network
from neurocomp.network.ops import OneToOne, Op, Wiring, frozen_array


@dataclass(frozen=True, eq=False)
class Wire:
    """index: int32, for each element of a population the element of ``source`` that it repeats, -1 for none;
    both flat, channel-first. delay: steps that the value takes."""

    source: str
    index: np.ndarray
    delay: int


def wires_into(network: Network, name: str, stations: frozenset[str]) -> tuple[Wire, ...] | None:
    """The wires of a population that is nothing but wires from inputs, neurons and stations; None for any other.

    No two wires end in the same element, so that the values are those of the sources.
    """
    population = network.by_name[name]
    if name in stations or name in network.inputs or population.neuron is not None:
        return (Wire(name, frozen_array(np.arange(population.size, dtype=np.int32)), 0),)
    if population.bias is not None:
        return None
    found: list[Wire] = []
    arriving = np.zeros(population.size, np.int64)
    for projection in network.incoming[name]:
        index = wire_index(projection.op, population.size)
        before = None if index is None else wires_into(network, projection.source, stations)
        if index is None or before is None:
            return None
        arriving += index >= 0
        found += [Wire(w.source, _along(w.index, index), w.delay + projection.delay) for w in before]
    return None if (arriving > 1).any() else tuple(found)


def sums_behind(network: Network, name: str, stations: frozenset[str]) -> set[str]:
    """The relays that would have to be stations for a population to be nothing but wires: the nearest ones before it
    that do more than that."""
    population = network.by_name[name]
    if name in stations or name in network.inputs or population.neuron is not None:
        return set()
    arriving = np.zeros(population.size, np.int64)
    for projection in network.incoming[name]:
        index = wire_index(projection.op, population.size)
        arriving += 2 if index is None else index >= 0
    if population.bias is not None or (arriving > 1).any():
        return {name}
    return set().union(*(sums_behind(network, p.source, stations) for p in network.incoming[name]))


def wire_index(op: Op, size: int) -> np.ndarray | None:
    """For each of ``size`` target elements the source element that it repeats (or a multiple of it); None if the
    operator does anything else."""
    if isinstance(op, Wiring):
        return op.index
    if isinstance(op, OneToOne) and np.all(np.asarray(op.scale) != 0):
        return np.arange(size, dtype=np.int32)
    return None


def _along(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    return frozen_array(np.where(then >= 0, first[np.maximum(then, 0)], np.int32(-1)).astype(np.int32))
