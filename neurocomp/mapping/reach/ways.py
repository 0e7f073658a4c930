"""What leads from the emitting populations into each tiled one, exactly; or the statement that no short form is exact.

``layer.py`` asks how much a tile hears at most; here a net must end where spikes really arrive. So reaches of
several paths are kept side by side, and where composing one would only give a bound, the projection has none:
its synapses are then counted box by box (``Problem.arrivals``).
"""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.reach import Reach, Separable, Uniform, distinct, identity
from neurocomp.mapping.reach.through import through
from neurocomp.network.ops import Conv, Linear, Op, Pool, Shape, Sparse, Wiring
from neurocomp.network.structure import as_map

Way = Reach | Sparse  # Sparse: the table itself, from a population that emits
Ways = dict[str, tuple[Way, ...]]  # by emitting population

_MOST = 8  # paths of one source that are kept apart


def ways_into(problem: Problem) -> dict[int, Ways | None]:
    """By index of the projection into a tiled population: what each source reaches through it; None if not exact."""
    relays: dict[str, dict[str, tuple[Reach, ...]] | None] = {}
    for relay in problem.relays:
        relays[relay] = _into_relay(problem, relay, relays)
    found: dict[int, Ways | None] = {}
    for name in problem.tiled:
        for index in problem.indexed[name]:
            projection = problem.network.projections[index]
            if isinstance(projection.op, Sparse) and problem.emits(projection.source):
                found[index] = {projection.source: (projection.op,)}
            else:
                found[index] = _passed(problem, index, relays)  # type: ignore[assignment]
    return found


def _into_relay(
    problem: Problem, relay: str, relays: dict[str, dict[str, tuple[Reach, ...]] | None]
) -> dict[str, tuple[Reach, ...]] | None:
    gathered: dict[str, list[Reach]] = {}
    for index in problem.indexed[relay]:
        passed = _passed(problem, index, relays)
        if passed is None:
            return None
        for source, reaches in passed.items():
            gathered.setdefault(source, []).extend(reaches)
    kept = {source: distinct(reaches) for source, reaches in gathered.items()}
    return None if any(len(reaches) > _MOST for reaches in kept.values()) else kept


def _passed(
    problem: Problem, index: int, relays: dict[str, dict[str, tuple[Reach, ...]] | None]
) -> dict[str, tuple[Reach, ...]] | None:
    """What the target of a projection hears through it, by emitting population."""
    projection = problem.network.projections[index]
    name, shape = projection.source, problem.population(projection.source).shape
    before = {name: (identity(problem.shape(name)),)} if problem.emits(name) else relays[name]
    if before is None:
        return None
    result: dict[str, tuple[Reach, ...]] = {}
    for source, reaches in before.items():
        passed = [_through_exactly(projection.op, shape, reach) for reach in reaches]
        exact = [reach for reach in passed if reach is not None]
        if len(exact) < len(passed):
            return None
        result[source] = distinct(exact)
    return result


def _through_exactly(op: Op, shape: Shape, reach: Reach) -> Reach | None:
    """``reach.through`` where its result is no mere bound."""
    if isinstance(op, Linear):
        return through(op, shape, reach)
    if isinstance(reach, Uniform):
        return reach if _all_listen(op, shape) else None
    result = through(op, shape, reach)
    return None if isinstance(result, Uniform) else result


def _all_listen(op: Op, shape: Shape) -> bool:
    """Whether every target hears at least one source (windows may lie wholly on the padding)."""
    match op:
        case Conv() | Pool():
            window = through(op, shape, identity(as_map(shape)))
            tables = (window.rows, window.columns) if isinstance(window, Separable) else ()
            return all(bool((np.diff(table.indptr) > 0).all()) for table in tables)
        case Sparse():
            return bool((np.bincount(op.indices, minlength=int(np.prod(op.shape))) > 0).all())
        case Wiring():
            return bool((op.index >= 0).all())
        case _:
            return True
