"""Partition and placement improved together: vertices move, and change places, between cores.

A partitioner counts the cores that a spike goes to, not how far they lie. Here every move is weighed by the exact
change of what the nets take of the links, and made only if all cores hold the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.partition.task import Bounds, make_task
from neurocomp.mapping.placing.chains import Chains, Found
from neurocomp.mapping.placing.cost import placed_cost
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.place import EFFORTS, Effort
from neurocomp.mapping.tiling.limits import Limits

_PER_HEAT = 5000  # looks for each pin that a search needs to begin at the mean cost of a vertex
_PER_MORE, _MOST_HEAT = 50_000, 2.0  # and for each time that above it
_LEAST_HEAT = 0.05  # below, annealing gains nothing over moves that raise nothing


@dataclass(frozen=True)
class _Work:
    """Looks at entries of nets by one chain: ``least`` but for few pins or vertices, and some for each pin.
    chains: searches."""

    least: int
    per_pin: int
    chains: int = 1

    def of(self, pins: int, vertices: int, patience: int = 1) -> int:
        return min(self.least * patience, _ENOUGH * pins, _PER_VERTEX * vertices) + self.per_pin * pins


# (heat, looks for each pin) of the chains that visit all vertices in turn
_SWEPT = {"fast": [(0.0, 100)], "default": [(0.5, 150)], "best": [(1.0, 1000)] * 2}
_PER_SWEEP = 120  # looks for each pin of a first sweep in heat; with less work, what it upsets is only put right again
_MANY = 1 << 40  # vertices: no bound by them, where a budget is shared
_COOLING = 4  # the chain that cools links has this part of the work of the one before
_LIVING, _HOTTER, _LONGER = 4, 2.0, 4  # results that have children; heat, and work in units of a child's, of the chains
# that make up for missing ones
_CHILDREN = {"fast": 0, "default": 16, "best": 48}
_GAIN = 0.002  # share of hops that children have to save,
_IDLE = {"fast": 0, "default": 4, "best": 12}  # or so many of them in a row are the last
_CLOSE = 0.005  # share of hops within which the cooler of the living is taken
_LOOKS = {"fast": 0, "default": 100_000_000, "best": 300_000_000}  # for each child, and no more than for these:
_ENOUGH, _PER_VERTEX = 50_000, 200_000  # looks for each pin, and for each vertex, at which small problems are solved
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
    bounds: Bounds | None = None,
    spare: int = 0,
    patience: int = 1,
    cools: bool = True,
    swept: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """(part int32 (vertices), core int64 (parts)): no more hops than before, and all parts within the limits.

    part: -1 for inputs. bounds: further ones on each part. effort: ``fast`` makes only moves that raise
    nothing; the others go on from there by simulated annealing where the work suffices for it. budget: entries of
    nets that may be looked at in all, some 10^8 a second, shared between what the effort does. spare: so many further
    cores, those closest to the parts, may be taken into use. patience: so many times the work on networks of moderate
    size. cools: a chain on top of these brings the hottest links down, at up to 0.2 % more hops than were reached.
    swept: see ``Chains``; on networks of many vertices it finds more in a fraction of the time. Pinned vertices stay.
    A part that ends empty vanishes, and those after it move up. Parts that break a limit or a bound are returned as
    they came.
    """
    part, core = np.asarray(part, np.int32), np.asarray(core, np.int64)
    if core.size < 2 or graph.pin.size == 0:
        return part, core
    chains, group = _chains_over(graph, limits, core, fabric, bounds, spare)
    chains = replace(chains, swept=swept)
    start = np.full(chains.task.is_input.size, -1, np.int32)
    start[group] = part
    if not _is_legal(chains, start, core.size) or chains.movable.size == 0:
        return part, core
    pins = graph.pin.size
    schedule = (
        _sweeps(effort, budget, pins, patience)
        if chains.is_swept
        else _schedule(effort, budget, (pins, chains.movable.size), patience)
    )
    best = _search(chains, start, schedule, seed)
    if cools and not chains.is_swept:  # those look at loads all along
        most = chains.found(start).hops
        best = chains.cooled(best, most, schedule[-1][1] // _COOLING, seed * 64 + len(schedule))
    return _without_empty(best.part[group], chains.core)


def links_taken(graph: Hypergraph, limits: Limits, part: np.ndarray, core: np.ndarray, fabric: Fabric) -> int:
    """Traffic times cost of the links of parts on cores."""
    chains, group = _chains_over(graph, limits, core, fabric, None, 0)
    start = np.full(chains.task.is_input.size, -1, np.int32)
    start[group] = part
    return chains.found(start).hops


def recombine(
    graph: Hypergraph,
    limits: Limits,
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    fabric: Fabric,
    *,
    seed: int = 0,
    effort: Effort = "default",
    budget: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(part, core) no dearer than the best of several results of ``improve_jointly`` for one hypergraph.

    Pairs of them, and of further ones that begin anew, have children in turn, made of what they agree on; a child
    takes the place of the worst. budget: looks in all.
    """
    core = np.unique(np.concatenate([core for _, core in found]))
    if core.size > fabric.places:
        return min(found, key=lambda one: placed_cost(graph, *one, fabric).hops)
    chains, group = _chains_over(graph, limits, core, fabric, None, 0)
    living = []
    for part, cores in found:
        start = np.full(chains.task.is_input.size, -1, np.int32)
        start[group] = np.where(part < 0, -1, np.searchsorted(core, cores[part]))
        living.append(chains.found(start))
    looks = min(_LOOKS[effort], _ENOUGH * graph.pin.size, _PER_VERTEX * chains.movable.size)
    if budget is not None:
        looks = min(looks, budget // (_LIVING * _LONGER + _CHILDREN[effort]))
    best = _bred(chains, living, effort, looks, seed)
    return _without_empty(best.part[group], chains.core)


def _bred(chains: Chains, living: list[Found], effort: Effort, looks: int, seed: int) -> Found:
    """Children until some in a row have saved too little; of the best and those close to it the coolest."""
    rng, most, idle = np.random.default_rng(seed), min(found.hops for found in living), 0
    missing = range(len(living), _LIVING)
    begun = [chains.anneal(living[k % len(living)], _HOTTER, _LONGER * looks, seed * 64 + k) for k in missing]
    living = sorted(living + begun, key=lambda found: found.hops)
    mark = living[0].hops
    for turn in range(_CHILDREN[effort]):
        if idle == _IDLE[effort] or living[0].hops == living[-1].hops:  # they have found the same
            break
        one, other = rng.choice(len(living), 2, replace=False)
        child = chains.recombined(living[one], living[other], looks, seed * 64 + turn)
        idle, mark = (0, child.hops) if child.hops < mark * (1 - _GAIN) else (idle + 1, mark)
        if child.hops < living[-1].hops:
            living = sorted([*living[:-1], child], key=lambda found: found.hops)
    close = [found for found in living if found.hops <= min(most, living[0].hops * (1 + _CLOSE))]
    best = min(close, key=lambda found: found.load.max(initial=0))
    return chains.cooled(best, most, looks // _COOLING, seed)


def _chains_over(
    graph: Hypergraph, limits: Limits, core: np.ndarray, fabric: Fabric, bounds: Bounds | None, spare: int
) -> tuple[Chains, np.ndarray]:
    """Chains over a hypergraph and spare cores; the vertex of their task that each vertex belongs to."""
    most = int((~graph.is_input).sum())  # there are no more parts than vertices to fill them
    core = _with_spare(core, fabric, min(spare, most - core.size))
    task, group = make_task(graph, limits, core.size, bounds)
    task = replace(task.felt(), parts=core.size)  # several results may lie on more cores than there are vertices
    movable = np.setdiff1d(task.free, group[graph.pinned >= 0])
    return Chains(task, fabric, core, movable), group


def _is_legal(chains: Chains, part: np.ndarray, parts: int) -> bool:
    held = np.bincount(part[part >= 0], minlength=parts)
    return chains.task.state(part).fits() and bool(held.min() >= chains.task.least_members)


def _with_spare(core: np.ndarray, fabric: Fabric, spare: int) -> np.ndarray:
    """int64: the cores of the parts, and after them unused ones, the closest to their middle first."""
    mesh, free = fabric.mesh, fabric.usable[~np.isin(fabric.usable, core)]
    spare = min(spare, free.size, fabric.places - core.size)
    if spare <= 0:
        return core
    (y, x), (free_y, free_x) = (np.divmod(mesh.router_of(cores), mesh.width) for cores in (core, free))
    away = np.abs(free_y * core.size - int(y.sum())) + np.abs(free_x * core.size - int(x.sum()))
    return np.concatenate([core, free[np.argsort(away, kind="stable")[:spare]]])


def _schedule(effort: Effort, budget: int | None, sizes: tuple[int, int], patience: int) -> list[tuple[float, int]]:
    """(heat in units of the mean cost of a vertex, looks) of each search. sizes: pins, vertices that may move."""
    pins, vertices = sizes[0], sizes[1] if budget is None else _MANY
    steps = [_WORK[step] for step in EFFORTS[: EFFORTS.index(effort) + 1]]
    looks = [
        work.of(pins, vertices, patience if turn else 1) for turn, work in enumerate(steps) for _ in range(work.chains)
    ]
    if budget is not None:
        total = sum(looks)
        looks = [look * budget // total for look in looks]
    heat = [min(_MOST_HEAT, max(min(1.0, look / (_PER_HEAT * pins)), look / (_PER_MORE * pins))) for look in looks]
    return [
        (h if turn and h >= _LEAST_HEAT else 0.0, look) for turn, (h, look) in enumerate(zip(heat, looks, strict=True))
    ]


def _sweeps(effort: Effort, budget: int | None, pins: int, patience: int) -> list[tuple[float, int]]:
    """The same for chains that visit all vertices in turn: of each effort those of the efforts below it as well, but
    for ``fast``, from which the others would have to go back."""
    steps = ["fast"] if effort == "fast" else EFFORTS[1 : EFFORTS.index(effort) + 1]
    chains = [(heat, per_pin * patience * pins) for step in steps for heat, per_pin in _SWEPT[step]]
    total = sum(looks for _, looks in chains)
    if budget is None:
        return chains
    shared = [(heat, looks * budget // total) for heat, looks in chains]
    return [(heat if looks >= _PER_SWEEP * pins else 0.0, looks) for heat, looks in shared]


def _search(chains: Chains, part: np.ndarray, schedule: list[tuple[float, int]], seed: int) -> Found:
    """Annealing starts from the first descent each time, unless it goes on where there is too little work to anneal."""
    best = start = chains.found(part)
    for turn, (heat, looks) in enumerate(schedule):
        new = chains.anneal(start if heat > 0 else best, heat, looks, seed * 64 + turn, chains.swept_steepness(start))
        best = min(best, new, key=lambda found: found.hops)
        if turn == 0:
            start = best
    return best


def _without_empty(part: np.ndarray, core: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    held = np.bincount(part[part >= 0], minlength=core.size) > 0
    number = np.append(np.cumsum(held) - 1, -1)  # the last is for inputs
    return number[part].astype(np.int32), core[held]
