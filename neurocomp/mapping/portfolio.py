"""Several mappings are made in different ways, each is judged by its figures once placed and routed, the best wins.

An effort contains all candidates of the efforts below it, with the same budgets and seeds: so ``best`` is never
worse than ``default``, nor ``default`` than ``fast``, by the objective that they are ranked with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from neurocomp.mapping.candidate import Candidate, evaluated
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.clustered import Clusters, Layout
from neurocomp.mapping.figures import Figures, Load
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.spread import population_work_ps, spread_tilings
from neurocomp.mapping.tile import Tiling

_LEVELS = {"fast": 3, "default": 3, "best": 8}  # numbers of cores that work is spread over


@dataclass
class Portfolio:
    """The search of one problem. best: of the candidates so far that fit; unfit: the first that does not.

    tried: (name, figures, or None if it does not fit) in the order in which candidates were made.
    """

    problem: Problem
    tiling: Tiling
    profile: Profile
    choices: Choices
    best: Candidate | None = None
    unfit: Candidate | None = None
    short: Placement | None = None
    tried: list[tuple[str, Figures | None]] = field(default_factory=list)

    @cached_property
    def clusters(self) -> Clusters:
        return Clusters(self.problem, self.tiling, self.profile, self.choices)

    def search(self) -> Candidate | None:
        """Try every candidate of the effort."""
        groups = (
            ("fast", self._in_order), ("fast", self._spread), ("default", self._clustered),
            ("default", self._clustered_spread), ("best", self._clustered_best), ("best", self._spread_finer),
        )  # fmt: skip
        for effort, group in groups:
            if self.choices.reaches(effort):
                self._consider(group)
        if self.best is None and not self.choices.reaches("default"):
            self._consider(self._clustered)  # a network that fits is not refused because the search was short
        if self.best is None:
            self._consider(self._clustered_finer)
        return self.best

    def _consider(self, group: Callable[[], Iterator[Candidate | str]]) -> None:
        for candidate in group():
            if isinstance(candidate, str):
                self.tried.append((candidate, None))
                continue
            self.tried.append((candidate.name, candidate.figures if candidate.fits else None))
            if not candidate.fits:
                self.unfit = self.unfit or candidate
            elif self.best is None or candidate.rank(self._objective) < self.best.rank(self._objective):
                self.best = candidate

    @property
    def _objective(self) -> str:
        return self.choices.objective

    @property
    def _cut(self) -> bool:
        """Whether every layer could be cut in its natural order."""
        return not (self.tiling.stuck or self.tiling.unsettled)

    def _in_order(self) -> Iterator[Candidate | str]:
        """Tiles in network order along the curve: one to a core, and as many to a core as it holds."""
        if not self._cut:
            yield "network order"
            return
        loose = place(self.problem, self.tiling)
        self.short = None if loose.fits else loose
        yield self._placed("network order", self.tiling, loose)
        dense = place(self.problem, self.tiling, dense=True)
        if dense.fits and dense.cores_needed < loose.cores_needed:
            yield self._placed("network order, cores filled", self.tiling, dense)

    def _spread(self) -> Iterator[Candidate | str]:
        return self._spread_over(_LEVELS["fast"])

    def _spread_finer(self) -> Iterator[Candidate | str]:
        return self._spread_over(_LEVELS["best"])

    def _spread_over(self, levels: int) -> Iterator[Candidate | str]:
        if self.best is None or self._objective not in ("energy", "step-time"):
            return
        start = self.best
        load = Load(self.problem, start.tiles, start.routes, self.profile)
        for name, tiling in spread_tilings(self.problem, self.tiling, load, levels):
            yield self._placed(name, tiling, place(self.problem, tiling))

    def _clustered(self) -> Iterator[Candidate | str]:
        return self._judged(self.clusters.fewest("default", ("natural", "overlap", "metis")))

    def _clustered_finer(self) -> Iterator[Candidate | str]:
        return self._judged(self.clusters.finer("default"))

    def _clustered_best(self) -> Iterator[Candidate | str]:
        return self._judged(self.clusters.fewest("best", ("natural", "overlap", "metis")))

    def _clustered_spread(self) -> Iterator[Candidate | str]:
        """Around the number of cores that did best so far."""
        if self.best is None or self._objective not in ("energy", "step-time"):
            return iter(())
        load = Load(self.problem, self.best.tiles, self.best.routes, self.profile)
        most = self.problem.available_cores
        targets = sorted({min(most, max(1, int(self.best.figures.cores * share))) for share in (0.5, 0.7, 1.0)})
        return self._judged(self.clusters.spread("default", population_work_ps(load), targets))

    def _judged(self, layouts: Iterator[Layout]) -> Iterator[Candidate | str]:
        if any(name not in self.problem.assignment for name in self.tiling.stuck):
            return
        for name, tiles in layouts:
            yield name if tiles is None else evaluated(name, self.problem, self.tiling.layers, tiles, self.profile)

    def _placed(self, name: str, tiling: Tiling, placement: Placement) -> Candidate | str:
        if not placement.fits:
            return name
        return evaluated(name, self.problem, tiling.layers, placement.tiles, self.profile)
