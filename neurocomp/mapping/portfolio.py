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
from neurocomp.mapping.fewest_links import takes_more_links
from neurocomp.mapping.partition import MOST_VERTICES
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.plan import PER_CORE
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.routing.figures import Figures, Load
from neurocomp.mapping.tiling.spread import population_work_ps, spread_tilings
from neurocomp.mapping.tiling.tile import Tiling

_LEVELS = {"fast": 3, "best": 8}  # numbers of cores that work is spread over
_POLISHED = {"default": 2, "best": 3}  # candidates that are placed again with more search
_CLOSE = 1.1  # times the best, from which a layout may still take the lead
_SHARES = {"default": (0.5, 0.7, 0.9), "best": (0.4, 0.6, 0.85, 1.2, 1.5)}

Group = Callable[[], Iterator[Candidate | str]]


@dataclass
class Portfolio:
    """The search of one problem. best: of the candidates so far that fit; unfit: the first that does not; short:
    the placement in network order, where there are too few cores for it.

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
    layouts: list[tuple[tuple[float, ...], Layout]] = field(default_factory=list)
    cut: list[tuple[str, Tiling, Placement]] = field(default_factory=list)

    @cached_property
    def clusters(self) -> Clusters:
        return Clusters(self.problem, self.tiling, self.profile, self.choices)

    def search(self) -> Candidate | None:
        """Try every candidate of the effort; more of them rather than refuse a network."""
        groups: tuple[tuple[str, Group], ...] = (
            ("fast", self._in_order), ("fast", lambda: self._spread("fast")),
            ("default", self._in_order_placed), ("default", self._columns),
            ("default", lambda: self._clustered("default")), ("default", self._in_order_late),
            ("default", lambda: self._clustered_spread("default")), ("default", lambda: self._polished("default")),
            ("default", lambda: self._jointly("default")), ("default", lambda: self._recombined("default")),
            ("best", lambda: self._clustered("best")), ("best", lambda: self._spread("best")),
            ("best", self._in_order_placed),
            ("best", lambda: self._clustered_spread("best")), ("best", lambda: self._polished("best")),
            ("best", lambda: self._jointly("best")), ("best", lambda: self._recombined("best")),
        )  # fmt: skip
        for effort, group in groups:
            if self.choices.reaches(effort) or (self.best is None and effort == "default"):
                self._consider(group)
        if self.best is None:  # of so few elements all partitions are tried by the best effort
            few = sum(self.problem.population(name).size for name in self.problem.tiled) <= MOST_VERTICES
            self._consider(lambda: self._judged(self.clusters.finer("best" if few else "default")))
        return self.best

    def _consider(self, group: Group) -> None:
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
    def _takes_time(self) -> bool:
        return self._objective in ("energy", "step-time")

    def _in_order(self) -> Iterator[Candidate | str]:
        """Tiles in network order along the curve: one to a core, and as many to a core as it holds."""
        if self.tiling.stuck or self.tiling.unsettled:
            yield "network order"
            return
        if self._waits:
            return
        yield from self._ordered()

    def _ordered(self) -> Iterator[Candidate | str]:
        loose = place(self.problem, self.tiling)
        self.short = None if loose.fits else loose
        yield self._on_cores("network order", self.tiling, loose)
        dense = place(self.problem, self.tiling, dense=True)
        if dense.fits and dense.cores_needed < loose.cores_needed:
            yield self._on_cores("network order, cores filled", self.tiling, dense)

    @property
    def _waits(self) -> bool:
        """Whether network order is left until something better may be known: it takes long on large networks."""
        if self._objective != "traffic" or not self.choices.reaches("default"):
            return False
        slow = self.clusters.is_huge or self._has_large_columns
        return slow and not (self.tiling.stuck or self.tiling.unsettled)

    def _in_order_late(self) -> Iterator[Candidate | str]:
        """Network order if it has waited, and unless its links are more than the best has."""
        if not self._waits:
            return iter(())
        placement = place(self.problem, self.tiling)
        if self.best is not None and placement.fits and self._takes_more(placement):
            return iter(("network order, not routed as it takes more links",))
        return self._ordered()

    def _takes_more(self, placement: Placement) -> bool:
        """Whether tiles in network order take more links than the best candidate."""
        best = self.best.figures.weighted_hops(self.best.boundary_cost)  # type: ignore[union-attr]
        built = self.clusters.built(PER_CORE) if self.clusters.is_huge else self.clusters.over(self.tiling)
        return takes_more_links(self.problem, *built, placement.tiles, best, whole=not self.clusters.is_huge)

    def _spread(self, effort: str) -> Iterator[Candidate | str]:
        if self.best is None or not self._takes_time or self.tiling.stuck or self.tiling.unsettled:
            return
        for name, tiling in spread_tilings(self.problem, self.tiling, self._load, _LEVELS[effort]):
            yield self._on_cores(name, tiling, place(self.problem, tiling))

    def _on_cores(self, name: str, tiling: Tiling, placement: Placement) -> Candidate | str:
        if not placement.fits:
            return name
        self.cut.append((name, tiling, placement))
        return evaluated(name, self.problem, tiling.layers, placement.tiles, self.profile)

    @property
    def _load(self) -> Load:
        if self.best is None:
            raise ValueError("no candidate fits so far")
        return Load(self.problem, self.best.tiles, self.best.routes, self.profile)

    def _in_order_placed(self) -> Iterator[Candidate | str]:
        """The tiles of the candidates above, on other cores; of large networks those of the best alone."""
        waiting, self.cut = self.cut, []
        if self.clusters.is_large and self.best is not None:
            waiting = [held for held in waiting if held[0] == self.best.name]
        if self.clusters.is_huge or (self._has_large_columns and not self._takes_time):
            return iter(())
        return self._judged(self.clusters.in_tiles(name, tiling, held.tiles) for name, tiling, held in waiting)

    def _columns(self) -> Iterator[Candidate | str]:
        """Where traffic is all that counts, those of large networks once micro-tiles have been moved: that is no worse
        than they are before, and routing takes longer than it."""
        if not self._has_large_columns or self._objective != "traffic":
            yield from self._judged(self.clusters.columns())
            return
        layout = self.clusters.columns_joined()
        if layout is None:
            yield "columns by layers, refined"
            return
        yield from self._judged(iter([layout]))
        if not self.layouts:  # it sends to more cores than a neuron may
            yield from self._judged(self.clusters.columns())

    def _is_settled(self, effort: str) -> bool:
        """Whether joint moves have been at columns before anything was routed."""
        return effort == "default" and self._has_large_columns and any(one.is_joined for _, one in self.layouts)

    @property
    def _has_large_columns(self) -> bool:
        """Whether columns, which take little time, are tried before other methods that take much."""
        return self.clusters.is_large and self.clusters.has_columns

    def _clustered(self, effort: str) -> Iterator[Candidate | str]:
        if self._is_settled(effort):
            return iter(())
        volumes = [layout.volume for _, layout in self.layouts if layout.volume is not None]
        rival = min(volumes, default=None) if effort == "default" else None
        return self._judged(self.clusters.fewest(effort, rival))

    def _clustered_spread(self, effort: str) -> Iterator[Candidate | str]:
        """Around the number of cores that did best so far; not of large networks that found no parts unbounded."""
        if self.best is None or not self._takes_time:
            return iter(())
        if self.clusters.is_large and not any(one.built is self.clusters.built(PER_CORE) for _, one in self.layouts):
            return iter(())
        cores, most = self.best.figures.cores, self.problem.available_cores
        targets = sorted({min(most, max(1, int(cores * share))) for share in _SHARES[effort]})
        return self._judged(self.clusters.spread(effort, population_work_ps(self._load), targets))

    def _polished(self, effort: str) -> Iterator[Candidate | str]:
        """The most promising layouts, placed with more search."""
        if self._is_settled(effort):
            return iter(())
        return self._judged(
            self.clusters.placed(Layout(f"{layout.name}, {effort} placement", layout.built, layout.part), effort)
            for layout in self._promising(effort)
            if layout.placed_by != effort
        )

    def _jointly(self, effort: str) -> Iterator[Candidate | str]:
        """The most promising layouts, and those that search has not settled yet, micro-tiles moved between cores."""
        chosen = [] if self._is_settled(effort) else self._promising(effort)
        if not self.clusters.is_large and effort == "default":
            chosen += [
                one for _, one in self.layouts if one.is_begun and one not in chosen and self._is_kin(one, chosen)
            ]
        work = population_work_ps(self._load) if self._takes_time and chosen else None
        return self._judged(self.clusters.joined(layout, effort, work) for layout in chosen)

    def _is_kin(self, layout: Layout, chosen: list[Layout]) -> bool:
        """Whether a layout is made of the micro-tiles of the most promising one; of small networks, of any."""
        return self.clusters.plan.is_small or (bool(chosen) and layout.built is chosen[0].built)

    def _recombined(self, effort: str) -> Iterator[Candidate | str]:
        """Where traffic is all that counts: several results of joint moves made into one, those over the smallest
        micro-tiles of which one is close to the best."""
        ranked = sorted(((rank[0], one) for rank, one in self.layouts if one.is_joined), key=lambda item: item[0])
        if self.clusters.is_large or self._objective != "traffic" or not ranked:
            return iter(())
        close = [one for hops, one in ranked if hops <= _CLOSE * ranked[0][0]]
        kin = [[one for _, one in ranked if one.built is layout.built] for layout in close]
        several = [group for group in kin if len(group) > 1]
        chosen = max(several, key=lambda group: group[0].built[0].vertices, default=[])  # type: ignore[index]
        return self._judged(self.clusters.recombined(group, effort) for group in [chosen] if group)

    def _promising(self, effort: str) -> list[Layout]:
        """The best layouts so far, of the same parts only one; of huge networks none below the best effort. Where time
        counts, shorter ways alone bring none to the front that is far behind."""
        chosen: list[Layout] = []
        most = 1 if self.clusters.is_large else _POLISHED[effort]
        if self.clusters.is_huge and effort == "default":
            return []
        ranked = sorted(self.layouts, key=lambda item: item[0])
        close = [one for rank, one in ranked if not self._takes_time or rank[0] <= _CLOSE * ranked[0][0][0]]
        for layout in close:
            if len(chosen) < most and not any(layout.part is other.part for other in chosen):
                chosen.append(layout)
        return chosen

    def _judged(self, layouts: Iterator[Layout]) -> Iterator[Candidate | str]:
        for layout in layouts:
            tiles = self.clusters.tiles(layout)
            if tiles is None:
                yield layout.name
                continue
            candidate = evaluated(layout.name, self.problem, self.tiling.layers, tiles, self.profile)
            if candidate.fits:
                self.layouts.append((candidate.rank(self._objective), layout))
            yield candidate
