"""From any parts to legal and better ones: repair, then sweeps that lower the volume, cooling as they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypercore import PartitionCore


@dataclass(frozen=True)
class Effort:
    """How much search: entries of nets that may be looked at (about 10^8 a second), never a time.

    sweeps: over all vertices while it cools; hot, cold: first and last temperature in units of a net's mean traffic.
    """

    visits: int
    sweeps: int
    hot: float = 0.5
    cold: float = 0.02
    swaps: int = 4


EFFORTS = {
    "fast": Effort(10**8, 0),
    "default": Effort(10**9, 40),
    "best": Effort(10**10, 400),
}


def repaired(state: PartitionCore) -> bool:
    """Whether every part fits once the repair is done."""
    return state.repair() == 0


def refine(state: PartitionCore, effort: Effort, seed: int, scale: float) -> None:
    """Lower the volume of parts that fit. scale: mean traffic of a net. Never ends above the volume it began with."""
    draws = _descend(state, effort, seed, 0)
    best_volume, best = state.volume, state.part
    if effort.sweeps == 0 or best_volume == 0:
        return
    for temperature in np.geomspace(effort.hot, effort.cold, effort.sweeps) * scale:
        if state.visits >= effort.visits:
            break
        _, draws = state.sweep(float(temperature), effort.swaps, effort.visits, seed, draws)
    _descend(state, effort, seed, draws)
    if state.volume > best_volume:
        state.load(best)


def _descend(state: PartitionCore, effort: Effort, seed: int, draws: int) -> int:
    """Sweeps that only lower the volume, until hardly any move does. Returns the random numbers used."""
    least = state.part.size // 1000
    for _ in range(20):
        moves, draws = state.sweep(0.0, effort.swaps, effort.visits, seed, draws)
        if moves <= least or state.visits >= effort.visits:
            break
    return draws
