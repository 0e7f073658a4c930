"""Placements of the mapper's baselines, written from the descriptions in the papers.

All of them minimise spikes x distance between pairs of cores, as the papers do; none knows of multicast trees.
A placement is the slot of every part, slot = y * side + x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.mapping_traffic import multicasts
from neurocomp.network import Network

SWAPS = 400_000  # tried by simulated annealing


@dataclass(frozen=True, eq=False)
class Flow:
    """Spikes per step between parts, both directions together: sorted pairs (a, b), each pair also as (b, a)."""

    parts: int
    a: np.ndarray
    b: np.ndarray
    weight: np.ndarray

    @cached_property
    def dense(self) -> np.ndarray:
        table = np.zeros((self.parts, self.parts))
        table[self.a, self.b] = self.weight
        return table

    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Weights of some pairs, 0 where there is none."""
        key, wanted = self.a * self.parts + self.b, a * self.parts + b
        at = np.minimum(np.searchsorted(key, wanted), max(0, key.size - 1))
        return np.where(key[at] == wanted, self.weight[at], 0.0) if key.size else np.zeros(wanted.size)


def flow_of(network: Network, part: dict[str, np.ndarray], rates: dict[str, np.ndarray], parts: int) -> Flow:
    """One packet for each spike and other part that hears it."""
    keys, weights = [], []
    for casts in multicasts(network, part, rates):
        key, at = np.unique(casts.source[casts.tree] * parts + casts.listener, return_inverse=True)
        keys.append(key)
        weights.append(np.bincount(at, casts.weight[casts.tree], key.size))
    a, b = np.divmod(np.concatenate(keys), parts)
    key, at = np.unique(np.concatenate([a * parts + b, b * parts + a]), return_inverse=True)
    weight = np.bincount(at, np.tile(np.concatenate(weights), 2), key.size)
    return Flow(parts, *np.divmod(key, parts), weight)


def row_major(flow: Flow, side: int) -> np.ndarray:
    return np.arange(flow.parts)


def hilbert(flow: Flow, side: int) -> np.ndarray:
    """Along the Hilbert curve of the next power of two, slots outside the mesh left out."""
    return hilbert_slots(side)[: flow.parts]


def hilbert_slots(side: int) -> np.ndarray:
    """The mesh's slots along the curve (Hilbert 1891, by its usual digit-by-digit construction)."""
    order = max(1, (side - 1).bit_length())
    at = np.arange(4**order)
    x, y = np.zeros_like(at), np.zeros_like(at)
    for level in range(order):
        size = 1 << level
        right = at // 2 & 1
        up = (at ^ right) & 1
        flip = (up == 0) & (right == 1)
        x, y = np.where(flip, size - 1 - x, x), np.where(flip, size - 1 - y, y)
        x, y = np.where(up == 0, y, x), np.where(up == 0, x, y)
        x, y, at = x + size * right, y + size * up, at // 4
    inside = (x < side) & (y < side)
    return (y * side + x)[inside]


def unicast_cost(flow: Flow, slot: np.ndarray, side: int) -> float:
    x, y = slot % side, slot // side
    return float(flow.weight @ (np.abs(x[flow.a] - x[flow.b]) + np.abs(y[flow.a] - y[flow.b])) / 2)


def force_directed(flow: Flow, slot: np.ndarray, side: int, rounds: int = 2000) -> np.ndarray:
    """Jin et al. (ASPLOS 2023): neighbours on the mesh that pull each other's way swap, the strongest pull first,
    until no swap of two neighbours helps. Swaps of one round are disjoint; if together they do harm, the weaker
    half of them waits."""
    best, share = unicast_cost(flow, slot, side), 1.0
    for _ in range(rounds):
        first, second, gain = _pulls(flow, slot, side)
        chosen = _disjoint(first, second, gain, side * side, share)
        if not chosen.size:
            break
        trial = _swapped(slot, first[chosen], second[chosen], side * side)
        cost = unicast_cost(flow, trial, side)
        if cost < best - 1e-9 * best:
            slot, best, share = trial, cost, min(1.0, share * 2)
        elif chosen.size == 1:
            break
        else:
            share = min(share, 1.0) / 4
    return slot


def _pulls(flow: Flow, slot: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(slot, neighbouring slot, what their swap gains) for all pairs that gain, strongest first."""
    slots = side * side
    part = np.full(slots, -1)
    part[slot] = np.arange(slot.size)
    found = []
    for step, at in ((1, slot % side), (side, slot // side)):
        ahead = np.bincount(flow.a, flow.weight * np.where(at[flow.b] > at[flow.a], 1, -1), flow.parts)
        back = np.bincount(flow.a, flow.weight * np.where(at[flow.b] < at[flow.a], 1, -1), flow.parts)
        first = np.arange(slots)
        first = first[first % side < side - 1] if step == 1 else first[: slots - side]
        a, b = part[first], part[first + step]
        gain = np.where(a >= 0, ahead[a], 0.0) + np.where(b >= 0, back[b], 0.0)
        both = (a >= 0) & (b >= 0)
        gain[both] -= 2 * flow.between(a[both], b[both])
        found.append((first, first + step, gain))
    first, second, gain = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 1e-9]
    return first[order], second[order], gain[order]


def _disjoint(first: np.ndarray, second: np.ndarray, gain: np.ndarray, slots: int, share: float) -> np.ndarray:
    taken = np.zeros(slots, bool)
    chosen = []
    for i, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if not (taken[a] or taken[b]):
            taken[a] = taken[b] = True
            chosen.append(i)
    return np.array(chosen[: max(1, int(share * len(chosen)))], np.int64) if chosen else np.zeros(0, np.int64)


def _swapped(slot: np.ndarray, first: np.ndarray, second: np.ndarray, slots: int) -> np.ndarray:
    moved = np.arange(slots)
    moved[first], moved[second] = second, first
    return moved[slot]


def swarm(flow: Flow, side: int, seed: int = 0, particles: int = 40, rounds: int = 250) -> np.ndarray:
    """Particle swarm (SpiNePlacer; Balaji et al. 2019): a particle is one number per part, and parts take the slots
    in the order of their numbers. Inertia and pulls are those of Clerc and Kennedy (2002)."""
    rng = np.random.default_rng(seed)
    at = rng.random((particles, side * side))
    speed = np.zeros_like(at)

    def placed(position: np.ndarray) -> np.ndarray:
        return np.argsort(np.argsort(position, kind="stable"), kind="stable")[: flow.parts]

    own, own_cost = at.copy(), np.array([unicast_cost(flow, placed(p), side) for p in at])
    for _ in range(rounds):
        best = own[own_cost.argmin()]
        pull = 1.49 * rng.random(at.shape) * (own - at) + 1.49 * rng.random(at.shape) * (best - at)
        speed = 0.729 * speed + pull
        at = at + speed
        cost = np.array([unicast_cost(flow, placed(p), side) for p in at])
        better = cost < own_cost
        own[better], own_cost[better] = at[better], cost[better]
    return placed(own[own_cost.argmin()])


def annealed(flow: Flow, side: int, seed: int = 0) -> np.ndarray:
    """Simulated annealing over swaps of two slots (SNEAP; Li et al. 2020), from random to cold."""
    rng = np.random.default_rng(seed)
    slots = side * side
    table = np.zeros((slots, slots))
    table[flow.a, flow.b] = flow.weight
    at = rng.permutation(slots)
    x, y = (at % side).astype(float), (at // side).astype(float)
    pairs, chance = rng.integers(0, slots, (SWAPS, 2)).tolist(), rng.random(SWAPS).tolist()
    heat = _usual_change(table, x, y, rng)
    cooling = (1e-3) ** (1 / SWAPS)
    for (a, b), luck in zip(pairs, chance, strict=True):
        heat *= cooling
        if a != b:
            change = _swap_change(table, x, y, a, b)
            if change <= 0 or luck < np.exp(-change / heat):
                x[a], x[b], y[a], y[b] = x[b], x[a], y[b], y[a]
    return (y * side + x).astype(np.int64)[: flow.parts]


def _swap_change(table: np.ndarray, x: np.ndarray, y: np.ndarray, a: int, b: int) -> float:
    apart = np.abs(x - x[b]) + np.abs(y - y[b]) - np.abs(x - x[a]) - np.abs(y - y[a])
    pull = table[a] - table[b]
    return float(pull @ apart - pull[a] * apart[a] - pull[b] * apart[b])


def _usual_change(table: np.ndarray, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> float:
    pairs = rng.integers(0, x.size, (200, 2))
    return float(np.mean([abs(_swap_change(table, x, y, a, b)) for a, b in pairs if a != b])) + 1e-12


def spectral(flow: Flow, side: int, laplacian: np.ndarray) -> np.ndarray:
    """Coordinates from the second and third eigenvector of a normalised Laplacian, slots by linear assignment
    (Ronzani and Silvano 2026)."""
    from scipy.optimize import linear_sum_assignment

    _, vectors = np.linalg.eigh(laplacian)
    ranks = np.argsort(np.argsort(vectors[:, 1:3], axis=0, kind="stable"), axis=0, kind="stable")
    wanted = ranks * ((side - 1) / max(1, flow.parts - 1))
    x, y = np.arange(side * side) % side, np.arange(side * side) // side
    apart = (wanted[:, :1] - x) ** 2 + (wanted[:, 1:] - y) ** 2
    return linear_sum_assignment(apart)[1]
