"""Which vertices of a hypergraph share a core: as little traffic between parts as possible, under hard limits.

Every method proposes parts; our own repair makes them legal and our own search makes them better, whatever
library they come from. What is returned fits, or is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.limits import Limits
from neurocomp.mapping.partition.metis import metis
from neurocomp.mapping.partition.refine import EFFORTS, Effort, refine, repaired
from neurocomp.mapping.partition.simple import even, natural, overlap
from neurocomp.mapping.partition.task import Bounds, Task, is_hopeless, make_task

__all__ = ["EFFORTS", "METHODS", "Bounds", "Effort", "Partition", "partition"]

METHODS: Mapping[str, Callable[[Task, int], np.ndarray]] = MappingProxyType({
    "natural": natural,
    "even": even,
    "overlap": overlap,
    "metis": metis,
})  # fmt: skip


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
    method: str = "metis",
    seed: int = 0,
    effort: str | Effort = "default",
    bounds: Bounds | None = None,
) -> Partition | None:
    """Parts that each fit a core, at most ``most_parts``, pinned vertices with those of their core; None if the
    search finds none. method: of METHODS. effort: of EFFORTS, or a budget of one's own."""
    if graph.is_input.all():
        return Partition(np.full(graph.vertices, -1, np.int32), 0, 0)
    if most_parts < 1:
        return None
    task, member_of = make_task(graph, limits, most_parts, bounds)
    if is_hopeless(task):
        return None
    state = task.state(METHODS[method](task, seed))
    if not repaired(state):
        return None
    refine(state, EFFORTS[effort] if isinstance(effort, str) else effort, seed, mean_traffic(graph))
    part = state.part[member_of]
    used, first, label = np.unique(part, return_index=True, return_inverse=True)
    placed = used >= 0
    rank = np.full(used.size, -1, np.int32)
    rank[np.flatnonzero(placed)[np.argsort(first[placed])]] = np.arange(placed.sum())
    return Partition(rank[label], int(placed.sum()), state.volume)


def mean_traffic(graph: Hypergraph) -> float:
    """Of the nets that carry any."""
    busy = int((graph.traffic > 0).sum())
    return int(graph.traffic.sum()) / busy if busy else 0.0
