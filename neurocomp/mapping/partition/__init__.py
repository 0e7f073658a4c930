"""Which vertices of a hypergraph share a core: as little traffic between parts as possible, under hard limits.

Every method proposes parts; our own repair makes them legal and our own search makes them better, whatever
library they come from. What is returned fits, or is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from types import MappingProxyType

import numpy as np

from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.partition.columns import Columns, along_hilbert
from neurocomp.mapping.partition.exhaustive import MOST_VERTICES, exhaustive
from neurocomp.mapping.partition.kahypar import kahypar
from neurocomp.mapping.partition.metis import bisected, metis
from neurocomp.mapping.partition.multilevel import Coarse, Start, coarsely_parted, improved, parted
from neurocomp.mapping.partition.refine import EFFORTS, Effort, refine, repaired
from neurocomp.mapping.partition.simple import even, natural, overlap
from neurocomp.mapping.partition.task import Bounds, Task, is_hopeless, make_task
from neurocomp.mapping.tiling.limits import Limits

__all__ = [
    "EFFORTS", "METHODS", "MOST_VERTICES", "Bounds", "Columns", "Effort", "Partition", "Rival", "along_hilbert",
    "available", "begun", "partition", "rival_of_columns",
]  # fmt: skip

_MOST_PINS = 20_000_000  # of the hypergraph that is searched; larger ones are searched by a sample of their nets
_SAMPLE_PINS = 10_000_000
_SETTLING = 100_000_000  # looks in search of parts that fit; a second or two where there are none

Method = Callable[[Task, Effort, int], "np.ndarray | None"]


def _refined(start: Start) -> Method:
    """The method that makes legal and refines what ``start`` proposes."""

    def method(task: Task, effort: Effort, seed: int) -> np.ndarray | None:
        state = task.state(start(task, seed))
        if not repaired(task, state) or (effort.most_volume is not None and state.volume > effort.most_volume):
            return None
        return improved(task, state.part, state.volume, effort, seed)

    return method


def _multilevel(*starts: Start) -> Method:
    """The method that goes on from the best of these on the coarsest level."""

    def method(task: Task, effort: Effort, seed: int) -> np.ndarray | None:
        found = parted(task, starts, effort, seed)
        if found is None:
            return None
        return improved(task, found[1], found[0], replace(effort, cycles=effort.cycles - 1), seed)

    return method


def _settled(task: Task, effort: Effort, seed: int) -> np.ndarray | None:
    """For limits so tight that nothing else finds parts within them."""
    state = task.state(natural(task))
    if state.settle(_SETTLING, seed):
        return None
    return improved(task, state.part, state.volume, effort, seed)


METHODS: Mapping[str, Method] = MappingProxyType({
    "natural": _refined(natural),
    "even": _refined(even),
    "overlap": _refined(overlap),
    "metis": _refined(metis),
    "kahypar": _refined(kahypar),
    "multilevel": _multilevel(natural, overlap, metis),
    "settled": _settled,
})  # fmt: skip


def available(method: str) -> bool:
    """Whether the library that a method needs is there; only kahypar's may be missing."""
    return method != "kahypar" or find_spec("mtkahypar") is not None


@dataclass(frozen=True, eq=False)
class Partition:
    """part: int32 (vertices), 0 to parts - 1 in the order of each part's first vertex, -1 for inputs.

    volume: spikes per step to other parts, in units of 1 / TRAFFIC_PER_SPIKE (``hypergraph.volume``).
    """

    part: np.ndarray
    parts: int
    volume: int


def partition(
    graph: Hypergraph,
    limits: Limits,
    *,
    most_parts: int,
    method: str = "multilevel",
    seed: int = 0,
    effort: str | Effort = "default",
    bounds: Bounds | None = None,
) -> Partition | None:
    """Parts that each fit a core, at most ``most_parts``, pinned vertices with those of their core.

    None if the search finds none; for up to ``MOST_VERTICES`` vertices, "best" tries all, and None is a proof.
    method: of METHODS, if ``available``. effort: of EFFORTS, or a budget of one's own.
    """
    if graph.is_input.all():
        return Partition(np.full(graph.vertices, -1, np.int32), 0, 0)
    if most_parts < 1:
        return None
    task, member_of = make_task(graph, limits, most_parts, bounds)
    if is_hopeless(task):
        return None
    budget = EFFORTS[effort] if isinstance(effort, str) else effort
    few = budget.exhaustive and task.free.size <= MOST_VERTICES
    found = _measured(task, exhaustive(task)) if few else _searched(task, method, budget, seed % 2**31)
    return None if found is None else _named(*found, member_of)


def begun(
    graph: Hypergraph, limits: Limits, start: Start, *, most_parts: int, seed: int = 0, effort: str | None = None
) -> Partition | None:
    """What ``start`` proposes, made legal, and refined only if an effort is named: of a few micro-tiles such parts are
    the better ones to anneal from once they are placed, of many the worse ones.

    No vertex is pinned, and some vertex is no input.
    """
    task, member_of = make_task(graph, limits, most_parts, None)
    if is_hopeless(task):
        return None
    state = task.state(start(task, seed))
    if not repaired(task, state):
        return None
    if effort is None:
        return _named(state.part, state.volume, member_of)
    part = improved(task, state.part, state.volume, EFFORTS[effort], seed)
    return _named(part, task.state(part).volume, member_of)


@dataclass(frozen=True, eq=False)
class Rival:
    """A multilevel search that stands on its coarsest level, where its parts leave ``volume``."""

    task: Task
    member_of: np.ndarray
    coarse: Coarse
    effort: Effort
    seed: int

    @property
    def volume(self) -> int:
        return self.coarse.volume

    def finished(self) -> Partition:
        """The parts of the finest level."""
        volume, part = self.coarse.brought_down(self.effort, self.seed)
        return _named(part, volume, self.member_of)


def rival_of_columns(
    graph: Hypergraph, limits: Limits, *, most_parts: int, seed: int = 0, effort: str = "rival"
) -> Rival | None:
    """Multilevel coarsening with little search, to be given up where its coarsest level does not promise more than
    columns; None if nothing fits there. Some vertex is no input."""
    if most_parts < 1:
        return None
    task, member_of = make_task(graph, limits, most_parts, None)
    if is_hopeless(task):
        return None
    budget, seed = EFFORTS[effort], seed % 2**31
    coarse = coarsely_parted(task, [bisected], min(budget.starts), budget, seed, tries=1)
    return None if coarse is None else Rival(task, member_of, coarse, budget, seed)


def _searched(task: Task, method: str, effort: Effort, seed: int) -> tuple[np.ndarray, int] | None:
    """By the whole hypergraph, or, if that is very large, by a sample that ends in one search of the whole."""
    if task.hyper.pins <= _MOST_PINS:
        return _measured(task, METHODS[method](task, effort, seed))
    part = METHODS[method](task.thinned(_SAMPLE_PINS, seed), effort, seed)
    if part is None:
        return None
    state = task.state(part)
    if not repaired(task, state):
        return None
    refine(task, state, replace(effort, anneal=0), seed)
    return state.part, state.volume


def _measured(task: Task, part: np.ndarray | None) -> tuple[np.ndarray, int] | None:
    return None if part is None else (part, task.state(part).volume)


def _named(part: np.ndarray, volume: int, member_of: np.ndarray) -> Partition:
    part = part[member_of]
    used, first, label = np.unique(part, return_index=True, return_inverse=True)
    placed = used >= 0
    rank = np.full(used.size, -1, np.int32)
    rank[np.flatnonzero(placed)[np.argsort(first[placed])]] = np.arange(placed.sum())
    return Partition(rank[label], int(placed.sum()), volume)
