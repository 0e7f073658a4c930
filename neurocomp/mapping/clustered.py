"""Mappings found by search: micro-tiles are put together into parts, parts are placed on cores.

Partitioners see a hypergraph and know neither layers nor the mesh (partition/); placers see the parts
(placing/). What they find becomes tiles, which are routed and judged like those of any other candidate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from neurocomp.interrupts import working_threads
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.hypergraph import Hypergraph, between
from neurocomp.mapping.hypergraph.assemble import tiles_of
from neurocomp.mapping.hypergraph.atoms import Atoms, Granularity
from neurocomp.mapping.hypergraph.build import hypergraph_of, hypergraph_over
from neurocomp.mapping.partition import (
    EFFORTS,
    Bounds,
    Columns,
    Effort,
    Partition,
    Rival,
    along_hilbert,
    available,
    begun,
    partition,
    rival_of_columns,
)  # fmt: skip
from neurocomp.mapping.partition.multilevel import Start
from neurocomp.mapping.placing.fabric import fabric_of
from neurocomp.mapping.placing.joint import improve_jointly, links_taken, recombine
from neurocomp.mapping.placing.place import place_best, place_many
from neurocomp.mapping.plan import PER_CORE, SearchPlan, plan_for
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.program_parts import Tile
from neurocomp.mapping.tiling.cuts import Grid, split
from neurocomp.mapping.tiling.limits import NEURONS
from neurocomp.mapping.tiling.tile import Tiling

LOOKS_PER_SECOND = 10_000_000  # of one level of a multilevel search, of which there are some five
_UNITS = 1 << 20  # work is counted in units of the total / this
_SLACK = 1.02
_FINEST = 512  # micro-tiles that fill a core
_HOPEFUL = 1.5  # beside the least volume, placement seldom makes up for more
_NEAR = 1.1  # times the fewest links once placed, from which joint moves may still come to fewer
_RIVAL, _COARSE_RIVAL = 0.95, 1.05  # beside columns, which are placed more easily; before fine levels are refined
_NEAR = 1.25  # beside the least volume, refinement on one level alone seldom makes up for more
_SPARE = 8  # parts for each further core that joint moves may take, for traffic alone

Built = tuple[Hypergraph, Atoms]


@dataclass(frozen=True, eq=False)
class Layout:
    """Micro-tiles in parts, parts on cores. part: int32 (vertices), -1 for inputs; core: int64 (parts); None where
    the search found none. is_begun: no search has been at the parts yet; is_joined: joint moves have. placed_by: the
    effort of their placement. volume: of columns of large networks, as in ``Partition``."""

    name: str
    built: Built | None = None
    part: np.ndarray | None = None
    core: np.ndarray | None = None
    is_begun: bool = False
    is_joined: bool = False
    placed_by: str = ""
    volume: int | None = None


@dataclass(frozen=True, eq=False)
class Clusters:
    """The searches of one problem; hypergraphs are made when they are first needed, and nothing is searched twice.

    cores: what a placer found for equal parts; moved: what joint moves made of equal layouts.
    """

    problem: Problem
    tiling: Tiling
    profile: Profile
    choices: Choices
    known: dict[int, Built] = field(default_factory=dict)
    cores: dict[bytes, np.ndarray | None] = field(default_factory=dict)
    moved: dict[bytes, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def built(self, per_core: int) -> Built:
        """The hypergraph of micro-tiles of which about ``per_core`` fill a core."""
        if per_core not in self.known:
            self.known[per_core] = hypergraph_of(
                self.problem, self.tiling.layers, self.tiling.limits, self.profile.rates, Granularity(per_core)
            )
        return self.known[per_core]

    def tiles(self, layout: Layout) -> tuple[Tile, ...] | None:
        """What a layout puts on each core."""
        if layout.built is None or layout.part is None or layout.core is None:
            return None
        return tiles_of(self.problem, layout.built[1], layout.part, layout.core)

    @cached_property
    def plan(self) -> SearchPlan:
        """How much is searched."""
        graph = self.built(PER_CORE)[0]
        single = bool(graph.demand[:, NEURONS].max(initial=0) <= 1)
        return plan_for(graph, single=single, maps=self.has_columns)

    @property
    def is_large(self) -> bool:
        """Whether few methods must do."""
        return self.plan.is_large

    @property
    def is_huge(self) -> bool:
        """Whether one method must do."""
        return self.plan.is_huge

    def columns(self) -> Iterator[Layout]:
        """Patches of the map through several layers. On large networks they make other methods needless, and are
        refined and placed as those would be."""
        for per_core in self.plan.columns:
            built = self.built(per_core)
            size = "" if per_core == PER_CORE else f" of 1/{per_core} cores"
            places = built[1].places
            ways = Columns(along_hilbert(*places), built[1].layer)  # type: ignore[misc]
            if self.plan.is_small:
                yield self._begun(f"columns{size}", ways.whole, built)
            yield self._begun(f"columns by layers{size}", ways.layered, built)

    @property
    def has_columns(self) -> bool:
        """Whether the network has maps; what the user assigned to cores is no such."""
        return not self.problem.assignment and self.built(PER_CORE)[1].places is not None

    def _begun(self, name: str, start: Start, built: Built) -> Layout:
        most, seed, large = self.problem.available_cores, self.choices.seed, self.is_large
        name = f"{name}, refined" if large else name
        found = begun(built[0], self.tiling.limits, start, most_parts=most, seed=seed, effort="fast" if large else None)
        if found is None:
            return Layout(name)
        volume = found.volume if large else None
        return self.placed(
            Layout(name, built, found.part, is_begun=not large, volume=volume), "default" if large else "fast"
        )

    def fewest(self, effort: str, rival: int | None = None) -> Iterator[Layout]:
        """Parts as full as they can be, so that little leaves them; of large networks only a few, and beside columns,
        whose volume ``rival`` is, only those of one method that may be better once placed."""
        if rival is not None:
            yield from self._beside_columns(self._rival(), rival)
            return
        if self.is_large:
            yield from self._few(effort)
            return
        for method, per_core in self.plan.methods(effort):
            if available(method):
                size = "" if per_core == PER_CORE else f" of 1/{per_core} cores"
                yield self._parted(f"{method} partition{size}{_of(effort)}", method, effort, self.built(per_core))

    def _rival(self) -> Rival | None:
        return rival_of_columns(
            self.built(PER_CORE)[0], self.tiling.limits, most_parts=self.problem.available_cores,
            seed=self.choices.seed, effort="quick" if self.is_huge else "rival",
        )  # fmt: skip

    def _beside_columns(self, rival: Rival | None, volume: int) -> Iterator[Layout]:
        """The rival of columns that leave ``volume``, if it leaves clearly less."""
        if rival is not None and rival.volume <= _COARSE_RIVAL * volume:
            found = rival.finished()
            if found.volume <= _RIVAL * volume:
                yield self.placed(Layout("multilevel partition", self.built(PER_CORE), found.part), "default")

    def _few(self, effort: str) -> Iterator[Layout]:
        """By the search of the effort below; what leaves far more than the best is not placed, and what begins far
        behind the best so far not refined."""
        built, names, most = self.built(PER_CORE), {}, None
        below = EFFORTS["default" if effort == "best" else "quick" if self.is_huge else "fast"]
        for method, _ in self.plan.methods(effort):
            found = self._partition(method, replace(below, most_volume=most), built)
            if found is None:
                yield Layout(f"{method} partition{_of(effort)}")
            else:
                names[f"{method} partition{_of(effort)}"] = found
                most = int(_NEAR * min(one.volume for one in names.values()))
        least = min((found.volume for found in names.values()), default=0)
        for name, found in names.items():
            if found.volume <= _HOPEFUL * least:
                yield self.placed(Layout(name, built, found.part), "fast")

    def finer(self, effort: str) -> Iterator[Layout]:
        """For cores that are nearly full: smaller micro-tiles, of which a core holds more exactly what it can."""
        built = self.built(8 * PER_CORE)
        found = [self._parted(f"{m} partition of small tiles", m, effort, built) for m in ("natural", "multilevel")]
        yield from found
        if all(layout.part is None for layout in found):
            yield self._parted("any partition of small tiles", "settled", effort, built)

    def spread(self, effort: str, work: dict[str, float], targets: list[int]) -> Iterator[Layout]:
        """Parts of bounded work: so many of them that each has its share, and no more traffic than that takes. On large
        networks with less search, and no tighter bounds once there are no parts within one."""
        fewest, large = max(1, self.tiling.tiles), self.is_large
        for cores in targets:
            built = self.built(min(_FINEST, PER_CORE * max(1, -(-cores // fewest))))
            per_vertex = _work_of_vertices(built, self.problem, work)
            most = int(per_vertex.sum() / cores * _SLACK) + 1
            if int(per_vertex.max(initial=0)) <= most:
                bounds = Bounds(work=per_vertex, most_work=most)
                name = f"multilevel partition, work spread over {cores} cores{_of(effort)}"
                below = "fast" if large and effort == "default" else effort
                layout = self._parted(name, "multilevel", below, built, bounds)
                yield layout
                if large and layout.part is None:
                    return

    def in_tiles(self, name: str, tiling: Tiling, tiles: tuple[Tile, ...]) -> Layout:
        """Tiles that have cores, as they share them, on other cores. tiling: how they were cut."""
        graph, atoms = self.over(tiling)
        cores = np.array([tile.core for tile in tiles], np.int64)
        placed = cores >= 0
        _, first, label = np.unique(cores[placed], return_index=True, return_inverse=True)
        part = np.full(cores.size, -1, np.int32)
        part[placed] = np.argsort(np.argsort(first))[label]
        return self.placed(Layout(f"{name}, placed", (graph, atoms), part), "fast")

    def over(self, tiling: Tiling) -> Built:
        """The hypergraph of tiles themselves."""
        network, shape = self.problem.network, self.problem.shape
        inputs = {n: Grid(tuple(split(length, 1) for length in shape(n))) for n in network.inputs}  # type: ignore[arg-type]
        cuts = {name: cut for name, cut in inputs.items() if name in self.problem.emitting} | tiling.cuts
        atoms = Atoms(cuts, {name: shape(name) for name in cuts})
        return hypergraph_over(self.problem, tiling.layers, atoms, self.profile.rates), atoms

    def columns_joined(self) -> Layout | None:
        """Columns of a large network or their rival, whichever takes fewer links once placed and moved jointly; None
        if there are none. Nothing is routed on the way."""
        if not self.has_columns:
            return None
        with working_threads(1) as pool:  # the rival knows nothing of the columns until it stands on its coarsest level
            rival = pool.submit(self._rival)
            columns = [layout for layout in self.columns() if layout.core is not None]
            least = min((layout.volume for layout in columns if layout.volume is not None), default=None)
            rivals = [] if least is None else self._beside_columns(rival.result(), least)
            placed = [(self._hops(one), one) for one in (*columns, *rivals) if one.core is not None]
        near = _NEAR * min((hops for hops, _ in placed), default=0)
        return min((self.joined(one, "default") for hops, one in placed if hops <= near), key=self._hops, default=None)

    def _hops(self, layout: Layout) -> int:
        fabric = fabric_of(self.problem, self.problem.chips, self.problem.boundary_cost)
        graph, _ = layout.built  # type: ignore[misc]
        return links_taken(graph, self.tiling.limits, layout.part, layout.core, fabric)  # type: ignore[arg-type]

    def placed(self, layout: Layout, effort: str) -> Layout:
        """The parts of a layout on the cores that a placer finds for them, of several starts the best."""
        if layout.built is None or layout.part is None:
            return layout
        clustered = between(layout.built[0], layout.part, int(layout.part.max(initial=-1)) + 1)
        nets = (clustered.source, clustered.traffic, clustered.pin_ptr, clustered.pin, clustered.pinned)
        key = _key(effort, clustered.is_input, *nets)
        if key not in self.cores:
            self.cores[key] = self._placed(clustered, effort)
        return replace(layout, core=self.cores[key], placed_by=effort)

    def _placed(self, clustered: Hypergraph, effort: str) -> np.ndarray | None:
        fabric, seed = fabric_of(self.problem, self.problem.chips, self.problem.boundary_cost), self.choices.seed
        if effort == "default" and self.plan.places_many:
            return place_many(clustered, fabric, seed=seed)
        return place_best(clustered, fabric, seed=seed, effort=effort)  # type: ignore[arg-type]

    def joined(self, layout: Layout, effort: str, work: dict[str, float] | None = None) -> Layout:
        """Micro-tiles moved and exchanged between placed cores, by what it changes on the links. work: of each
        population; with it no core gets more than the busiest one had."""
        name = f"{layout.name}, moved jointly{_of(effort)}"
        if layout.built is None or layout.part is None or layout.core is None:
            return Layout(name)
        key = _key(f"{effort} {id(layout.built)}", layout.part, layout.core)
        if key not in self.moved:
            bounds = None if work is None else self._no_busier(layout.built, layout.part, work)
            self.moved[key] = self._joined(layout.built[0], layout.part, layout.core, effort, bounds)
        part, core = self.moved[key]
        return Layout(name, layout.built, part, core, is_joined=True)

    def _joined(
        self, graph: Hypergraph, part: np.ndarray, core: np.ndarray, effort: str, bounds: Bounds | None
    ) -> tuple[np.ndarray, np.ndarray]:
        seconds, most = self.choices.time_budget_s, self.plan.moving(effort)
        alone = self.choices.objective == "traffic"
        return improve_jointly(
            graph, self.tiling.limits, part, core,
            fabric_of(self.problem, self.problem.chips, self.problem.boundary_cost), seed=self.choices.seed,
            effort=effort,  # type: ignore[arg-type]
            budget=most if seconds is None else int(seconds * LOOKS_PER_SECOND),
            bounds=bounds, spare=1 + core.size // _SPARE if alone else 0,
            patience=self.plan.patience if alone else 1, swept=self.is_large,
        )  # fmt: skip

    def _no_busier(self, built: Built, part: np.ndarray, work: dict[str, float]) -> Bounds:
        per_vertex = _work_of_vertices(built, self.problem, work)
        held = np.zeros(int(part.max(initial=-1)) + 1, np.int64)
        np.add.at(held, part[part >= 0], per_vertex[part >= 0])
        return Bounds(work=per_vertex, most_work=int(held.max(initial=0)))

    def recombined(self, layouts: list[Layout], effort: str) -> Layout:
        """One layout made of several that joint moves have been at, over the same micro-tiles."""
        graph, atoms = layouts[0].built  # type: ignore[misc]
        seconds, most = self.choices.time_budget_s, self.plan.recombining(effort)
        part, core = recombine(
            graph, self.tiling.limits, [(layout.part, layout.core) for layout in layouts],  # type: ignore[misc]
            fabric_of(self.problem, self.problem.chips, self.problem.boundary_cost), seed=self.choices.seed,
            effort=effort, budget=most if seconds is None else int(seconds * LOOKS_PER_SECOND),  # type: ignore[arg-type]
        )  # fmt: skip
        return Layout(f"{layouts[0].name}, recombined with {len(layouts) - 1}{_of(effort)}", (graph, atoms), part, core)

    def _parted(self, name: str, method: str, effort: str, built: Built, bounds: Bounds | None = None) -> Layout:
        found = self._partition(method, effort, built, bounds)
        return Layout(name) if found is None else self.placed(Layout(name, built, found.part), "fast")

    def _partition(
        self, method: str, effort: str | Effort, built: Built, bounds: Bounds | None = None
    ) -> Partition | None:
        return partition(
            built[0], self.tiling.limits, most_parts=self.problem.available_cores, method=method,
            seed=self.choices.seed, effort=self._budget(effort), bounds=bounds,
        )  # fmt: skip

    def _budget(self, effort: str | Effort) -> str | Effort:
        seconds = self.choices.time_budget_s
        if seconds is None:
            return effort
        return replace(EFFORTS[effort] if isinstance(effort, str) else effort, anneal=int(seconds * LOOKS_PER_SECOND))


def _key(name: str, *arrays: np.ndarray) -> bytes:
    digest = hashlib.blake2b(name.encode())
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.digest()


def _of(effort: str) -> str:
    return ", longer search" if effort == "best" else ""


def _work_of_vertices(built: Built, problem: Problem, work: dict[str, float]) -> np.ndarray:
    """int64 (vertices): each vertex' share of its population's work, in units of the total / _UNITS."""
    graph, atoms = built
    total = sum(work.values()) or 1.0
    result = np.zeros(graph.vertices, np.int64)
    for name, amount in work.items():
        at = slice(atoms.first[name], atoms.first[name] + atoms.cuts[name].count)
        share = graph.demand[at, NEURONS] / problem.population(name).size
        result[at] = np.ceil(share * amount / total * _UNITS).astype(np.int64)
    return result
