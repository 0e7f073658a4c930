"""From any parts to legal and better ones: repair, then sweeps over all vertices that cool as they go.

A visit takes the part that is best for a vertex by gain plus noise of the present temperature, as in simulated
annealing (Kirkpatrick et al., Science 1983) with all parts compared at once. Where the best is full, a member
of it may leave for another. Greedy moves alone end 7 to 23 % higher under tight limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypergraph.core import PartitionCore
from neurocomp.mapping.partition.task import Task

_MOST_DESCENTS = 20
_LEAST_SWEEPS = 4  # fewer do not cool slowly enough to gain anything
_SWAPS = 4
_REPAIR, _BRIEF_REPAIR = (100_000_000, 10), (6_000_000, 1)  # looks, and further ones for each pin


@dataclass(frozen=True)
class Effort:
    """How much search, as a number of looks at the parts of a net (some 5 * 10^7 a second) and never as a time.

    descent: on one level for moves that only lower the volume, beside ten for each pin. anneal: on one level for
    sweeps that cool, most_sweeps of them. cycles: times that the levels are climbed. starts: groups per part on
    the coarsest level, one search for each; few suit layered networks, many those with far synapses. hot, cold:
    first and last temperature, in units of the traffic of all nets of a vertex, on average. exhaustive: try all
    partitions where they are few. settled: a descent ends once a smaller share of the vertices moves. sample: pins,
    beyond which coarse levels know a random sample of their nets; 0: they know all. most_volume: what is only refined
    is given up if it leaves more to begin with.
    """

    descent: int = 10**8
    anneal: int = 0
    cycles: int = 1
    starts: tuple[int, ...] = (4,)
    most_sweeps: int = 100
    exhaustive: bool = False
    hot: float = 0.1
    cold: float = 0.005
    settled: float = 0.001
    sample: int = 0
    most_volume: int | None = None


EFFORTS = {
    "quick": Effort(starts=(8,), settled=0.01, sample=10**6),
    "rival": Effort(settled=0.003),
    "fast": Effort(),
    "default": Effort(anneal=15 * 10**6, cycles=2, starts=(4, 24)),
    "best": Effort(anneal=3 * 10**8, cycles=8, starts=(3, 8, 24), most_sweeps=400, exhaustive=True),
}


def repaired(task: Task, state: PartitionCore, *, brief: bool = False) -> bool:
    """Whether every part fits once the repair is done. brief: give up soon, as there are other tries to come."""
    looks, per_pin = _BRIEF_REPAIR if brief else _REPAIR
    return state.repair(looks + per_pin * task.hyper.pins) == 0


def refine(task: Task, state: PartitionCore, effort: Effort, seed: int) -> None:
    """Lower the volume of parts that fit, and never end above the volume they came with."""
    longest = effort.descent + 10 * task.hyper.pins
    least = int(state.part.size * effort.settled)
    draws = _descend(state, longest, least, seed, 0)
    if effort.anneal == 0 or state.volume == 0:
        return
    lowest, best, before = state.volume, state.part, state.visits
    unit = task.hyper.incident_traffic()
    _, draws = state.sweep(effort.cold * unit, _SWAPS, before + effort.anneal, seed, draws)
    sweeps = min(effort.most_sweeps, effort.anneal // max(1, state.visits - before))
    if sweeps < _LEAST_SWEEPS:
        _descend(state, longest, least, seed, draws)
    else:
        for temperature in np.geomspace(effort.hot, effort.cold, sweeps) * unit:
            limit = before + 2 * effort.anneal  # hot sweeps look at more parts than the one that was measured
            _, draws = state.sweep(float(temperature), _SWAPS, limit, seed, draws)
        _descend(state, longest, least, seed, draws)
    if state.volume > lowest:
        state.load(best)


def _descend(state: PartitionCore, visits: int, least: int, seed: int, draws: int) -> int:
    """Sweeps that only lower the volume, until no more than ``least`` moves do. Returns the random numbers used."""
    limit = state.visits + visits
    for _ in range(_MOST_DESCENTS):
        moves, draws = state.sweep(0.0, _SWAPS, limit, seed, draws)
        if moves <= least or state.visits >= limit:
            break
    return draws
