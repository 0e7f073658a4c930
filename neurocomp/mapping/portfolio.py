"""Several mappings are made in different ways, each is judged by its figures once placed and routed, the best wins.

An effort contains all candidates of the efforts below it, with the same budgets and seeds: so ``best`` is never
worse than ``default``, nor ``default`` than ``fast``, by the objective that they are ranked with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from neurocomp.mapping.candidate import Candidate, evaluated
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.figures import Figures, Load
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.spread import spread_tilings
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

    def search(self) -> Candidate | None:
        """Try every candidate of the effort."""
        for effort, group in (("fast", self._in_order), ("fast", self._spread), ("best", self._spread_finer)):
            if self.choices.reaches(effort):
                self._consider(group)
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

    def _placed(self, name: str, tiling: Tiling, placement: Placement) -> Candidate | str:
        if not placement.fits:
            return name
        return evaluated(name, self.problem, tiling.layers, placement.tiles, self.profile)
