"""Mappings found by search: micro-tiles are put together into parts, parts are placed on cores.

Partitioners see a hypergraph and know neither layers nor the mesh (partition/); placers see the parts
(placing/). What they find becomes tiles, which are routed and judged like those of any other candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.mapping.assemble import tiles_of
from neurocomp.mapping.atoms import Atoms, Granularity
from neurocomp.mapping.build import hypergraph_of
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.hypergraph import Hypergraph, contracted
from neurocomp.mapping.limits import NEURONS
from neurocomp.mapping.partition import EFFORTS, Bounds, Effort, partition
from neurocomp.mapping.placing.fabric import Fabric, fabric_of
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.program import Tile
from neurocomp.mapping.tile import Tiling

VISITS_PER_SECOND = 100_000_000
_UNITS = 1 << 20  # work is counted in units of the total / this
_SLACK = 1.02
_PER_CORE, _FINEST = 8, 512  # micro-tiles that fill a core

Layout = tuple[str, tuple[Tile, ...] | None]


@dataclass(frozen=True, eq=False)
class Clusters:
    """The searches of one problem; the hypergraph is made when it is first needed."""

    problem: Problem
    tiling: Tiling
    profile: Profile
    choices: Choices

    def built(self, per_core: int) -> tuple[Hypergraph, Atoms]:
        """The hypergraph of micro-tiles of which about ``per_core`` fill a core."""
        if per_core not in self._known:
            self._known[per_core] = hypergraph_of(
                self.problem, self.tiling.layers, self.tiling.limits, self.profile.rates, Granularity(per_core)
            )
        return self._known[per_core]

    @cached_property
    def _known(self) -> dict[int, tuple[Hypergraph, Atoms]]:
        return {}

    @cached_property
    def fabric(self) -> Fabric:
        return fabric_of(self.problem, self.problem.chips, self.problem.boundary_cost)

    def fewest(self, effort: str, methods: tuple[str, ...]) -> Iterator[Layout]:
        """Parts as full as they can be, so that little leaves them."""
        for method in methods:
            yield self._layout(f"{method} partition", method, effort, self.built(_PER_CORE))

    def finer(self, effort: str) -> Iterator[Layout]:
        """For cores that are nearly full: smaller micro-tiles, of which a core holds more exactly what it can."""
        for method in ("natural", "metis"):
            yield self._layout(f"{method} partition of small tiles", method, effort, self.built(8 * _PER_CORE))

    def spread(self, effort: str, work: dict[str, float], targets: list[int]) -> Iterator[Layout]:
        """Parts of bounded work: so many of them that each has its share, and no more traffic than that takes."""
        for cores in targets:
            share = max(1, -(-cores * _PER_CORE // max(1, sum(cut.count for cut in self.tiling.cuts.values()))))
            built = self.built(min(_FINEST, share))
            per_vertex = _work_of_vertices(*built, self.problem, work)
            most = int(per_vertex.sum() / cores * _SLACK) + 1
            if int(per_vertex.max(initial=0)) <= most:
                bounds = Bounds(work=per_vertex, most_work=most)
                yield self._layout(f"metis partition, work spread over {cores} cores", "metis", effort, built, bounds)

    def _layout(
        self, name: str, method: str, effort: str, built: tuple[Hypergraph, Atoms], bounds: Bounds | None = None
    ) -> Layout:
        graph, atoms = built
        found = partition(
            graph, self.tiling.limits, most_parts=self.problem.available_cores, method=method,
            seed=self.choices.seed, effort=self._budget(effort), bounds=bounds,
        )  # fmt: skip
        if found is None:
            return name, None
        core = placed(contracted(graph, found.part, found.parts), found.parts, self.fabric)
        return name, tiles_of(self.problem, atoms, found.part, core)

    def _budget(self, effort: str) -> str | Effort:
        seconds = self.choices.time_budget_s
        if seconds is None:
            return effort
        usual = EFFORTS[effort]
        return Effort(int(seconds * VISITS_PER_SECOND), usual.sweeps, usual.hot, usual.cold, usual.swaps)


def placed(parts_graph: Hypergraph, parts: int, fabric: Fabric) -> np.ndarray:
    """int64 (parts): cores along the curve in the order of the parts, what is pinned where it is pinned."""
    pinned = parts_graph.pinned[:parts].astype(np.int64)
    free = np.setdiff1d(fabric.core_order, pinned[pinned >= 0], assume_unique=False)
    free = fabric.core_order[np.isin(fabric.core_order, free)]
    core = pinned.copy()
    loose = np.flatnonzero(pinned < 0)
    core[loose] = free[: loose.size]
    return core


def _work_of_vertices(graph: Hypergraph, atoms: Atoms, problem: Problem, work: dict[str, float]) -> np.ndarray:
    """int64 (vertices): each vertex' share of its population's work, in units of the total / _UNITS."""
    total = sum(work.values()) or 1.0
    result = np.zeros(graph.vertices, np.int64)
    for name, amount in work.items():
        at = slice(atoms.first[name], atoms.first[name] + atoms.cuts[name].count)
        share = graph.demand[at, NEURONS] / problem.population(name).size
        result[at] = np.ceil(share * amount / total * _UNITS).astype(np.int64)
    return result
