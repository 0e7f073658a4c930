"""Partition and placement improved together: vertices move, and change places, between cores.

A partitioner counts the cores that a spike goes to, not how far they lie. Here every move is weighed by the exact
change of what the nets take of the links, and made only if all cores hold the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypercore import PartitionCore
from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.limits import Limits
from neurocomp.mapping.partition.task import Bounds, make_task
from neurocomp.mapping.placing.board import Joint
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.place import EFFORTS, Effort

_WINDOW = 3  # routers that a vertex looks beyond its own core, beside the cores that it talks to
_PER_HEAT = 5000  # looks for each pin that a search needs to begin at the mean cost of a vertex
_PER_MORE, _MOST_HEAT = 50_000, 2.0  # and for each time that above it
_LEAST_HEAT = 0.05  # below, annealing gains nothing over moves that raise nothing


@dataclass(frozen=True)
class _Work:
    """Looks at entries of nets by one chain: ``least`` in any case but for very few pins, and some for each pin.
    chains: searches."""

    least: int
    per_pin: int
    chains: int = 1

    def of(self, pins: int, patience: int = 1) -> int:
        return min(self.least * patience, _ENOUGH * pins) + self.per_pin * pins


_ENOUGH = 50_000  # looks for each pin, at which small problems are solved
_WORK = {
    "fast": _Work(3_000_000, 20),
    "default": _Work(40_000_000, 100),
    "best": _Work(100_000_000, 500, chains=4),
}


def improve_jointly(
    graph: Hypergraph,
    limits: Limits,
    part: np.ndarray,
    core: np.ndarray,
    fabric: Fabric,
    *,
    seed: int = 0,
    effort: Effort = "default",
    budget: int | None = None,
    balance: tuple[int, int] | None = None,
    spare: int = 0,
    patience: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """(part int32 (vertices), core int64 (parts)): no more hops than before, and all parts within the limits.

    part: -1 for inputs. balance: least and most vertices of a part. effort: ``fast`` makes only moves that raise
    nothing; the others go on from there by simulated annealing where the work suffices for it. budget: entries of
    nets that may be looked at in all, some 10^7 a second, shared between what the effort does. spare: so many further
    cores, those closest to the parts, may be taken into use. patience: so many times the work on networks of moderate
    size. Pinned vertices stay. A part that ends empty vanishes, and those after it move up. Parts that break a limit
    or the balance are returned as they came.
    """
    part, core = np.asarray(part, np.int32), np.asarray(core, np.int64)
    if core.size < 2 or graph.pin.size == 0:
        return part, core
    bounds = None if balance is None else Bounds(balance[0], balance[1])
    most = int((~graph.is_input).sum())  # there are no more parts than vertices to fill them
    given, core = core, _with_spare(core, fabric, min(spare, most - core.size))
    task, group = make_task(graph, limits, core.size, bounds)
    grouped = np.full(task.is_input.size, -1, np.int32)
    grouped[group] = part
    state = task.state(grouped)
    movable = np.setdiff1d(task.free, group[graph.pinned >= 0])
    if not state.fits() or not _balanced(part, core.size, balance) or movable.size == 0:
        return part, given
    chains = _chains(effort, budget, graph.pin.size, patience)
    _search(state, Joint(fabric, state, core, movable), chains, movable.size, seed)
    return _without_empty(state.part[group], core)


def _with_spare(core: np.ndarray, fabric: Fabric, spare: int) -> np.ndarray:
    """int64: the cores of the parts, and after them unused ones, the closest to their middle first."""
    mesh, free = fabric.mesh, fabric.usable[~np.isin(fabric.usable, core)]
    spare = min(spare, free.size, fabric.places - core.size)
    if spare <= 0:
        return core
    (y, x), (free_y, free_x) = (np.divmod(mesh.router_of(cores), mesh.width) for cores in (core, free))
    away = np.abs(free_y * core.size - int(y.sum())) + np.abs(free_x * core.size - int(x.sum()))
    return np.concatenate([core, free[np.argsort(away, kind="stable")[:spare]]])


def _balanced(part: np.ndarray, parts: int, balance: tuple[int, int] | None) -> bool:
    return balance is None or int(np.bincount(part[part >= 0], minlength=parts).min()) >= balance[0]


def _chains(effort: Effort, budget: int | None, pins: int, patience: int) -> list[tuple[float, int]]:
    """(heat in units of the mean cost of a vertex, looks) of each search."""
    steps = [_WORK[step] for step in EFFORTS[: EFFORTS.index(effort) + 1]]
    looks = [work.of(pins, patience if turn else 1) for turn, work in enumerate(steps) for _ in range(work.chains)]
    if budget is not None:
        total = sum(looks)
        looks = [look * budget // total for look in looks]
    heat = [min(_MOST_HEAT, max(min(1.0, look / (_PER_HEAT * pins)), look / (_PER_MORE * pins))) for look in looks]
    return [
        (h if turn and h >= _LEAST_HEAT else 0.0, look) for turn, (h, look) in enumerate(zip(heat, looks, strict=True))
    ]


def _search(state: PartitionCore, joint: Joint, chains: list[tuple[float, int]], movable: int, seed: int) -> None:
    """Annealing starts from the first descent each time, unless it goes on where there is too little work to anneal."""
    best, least, start = state.part, joint.cost()[0], state.part
    for turn, (heat, looks) in enumerate(chains):
        state.load(start if heat > 0 else best)
        joint.run((seed * 64 + turn) % 2**64, looks, heat * least / movable, _WINDOW)
        cost = joint.cost()[0]
        if cost < least:
            best, least = state.part, cost
        if turn == 0:
            start = best
    state.load(best)


def _without_empty(part: np.ndarray, core: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    held = np.bincount(part[part >= 0], minlength=core.size) > 0
    number = np.append(np.cumsum(held) - 1, -1)  # the last is for inputs
    return number[part].astype(np.int32), core[held]
