"""A core for every part: a start, and annealing on pairs of parts and then on the exact multicast trees.

Work is counted in pins looked at, never in seconds, so that a result depends on its input and seed alone. Each
effort begins with what the one before it does, and a result gives way only to one that is no worse in hops and better
by the score: hops + congestion * sum(load^2) / mean(load). The mean is that of the first result, for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.interrupts import working_threads
from neurocomp.mapping.hypergraph import Hypergraph, sampled
from neurocomp.mapping.placing.board import Board, board_of
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.nets import PlacedNets
from neurocomp.mapping.placing.start import alone, along_curve, by_spectrum

Method = Literal["curve", "spectral"]
Effort = Literal["fast", "default", "best"]
METHODS: tuple[Method, ...] = get_args(Method)
EFFORTS: tuple[Effort, ...] = get_args(Effort)

CONGESTION = 0.5
_MOST_PINS, _SAMPLE_PINS = 10_000_000, 2_000_000  # beyond the first, methods are compared by a sample of the nets


def place_parts(
    clustered: Hypergraph,
    fabric: Fabric,
    *,
    method: Method = "spectral",
    seed: int = 0,
    effort: Effort = "default",
    congestion: float = CONGESTION,
) -> np.ndarray | None:
    """int64 (parts): the core of each, all different; None if there are more parts than cores.

    clustered: one vertex per part, then the inputs (``contracted``). Parts that are pinned stay on their core; the
    result is None as well if two are pinned to one, or one to a core that may not be used. congestion: weight of the
    links' loads beside hops; 0 minimises hops alone.
    """
    if method not in METHODS or effort not in EFFORTS:
        hint = f"methods: {', '.join(METHODS)}; efforts: {', '.join(EFFORTS)}"
        raise bad_input(f"method {method!r}, effort {effort!r}", "one of these is not known", hint=hint)
    pinned = _pinned(clustered)
    if not _fits(pinned, fabric):
        return None
    board, nets = board_of(clustered, fabric, pinned >= 0)
    return _searched(fabric, board, nets, pinned, method, _Terms(seed, effort, congestion))


def place_best(
    clustered: Hypergraph,
    fabric: Fabric,
    *,
    seed: int = 0,
    effort: Effort = "default",
    congestion: float = CONGESTION,
) -> np.ndarray | None:
    """What ``place_parts`` finds by each method, of these the one with the fewest hops, then the coolest link. Where
    there are very many nets, the method is chosen by a sample of them."""
    pinned = _pinned(clustered)
    if not _fits(pinned, fabric):
        return None
    terms = _Terms(seed, effort, congestion)
    if clustered.pin.size <= _MOST_PINS:
        return _best_of_methods(clustered, fabric, pinned, terms)[1]
    method, _ = _best_of_methods(sampled(clustered, _SAMPLE_PINS, seed % 2**31), fabric, pinned, terms)
    board, nets = board_of(clustered, fabric, pinned >= 0)
    return _searched(fabric, board, nets, pinned, method, terms)


def _best_of_methods(
    clustered: Hypergraph, fabric: Fabric, pinned: np.ndarray, terms: _Terms
) -> tuple[Method, np.ndarray]:
    board, nets = board_of(clustered, fabric, pinned >= 0)

    def found(method: Method) -> tuple[Method, np.ndarray]:
        return method, _searched(fabric, board, nets, pinned, method, terms)

    def cost(item: tuple[Method, np.ndarray]) -> tuple[int, int]:
        hops, load = board.cost(item[1])
        return hops, int(load.max(initial=0))

    with working_threads(len(METHODS)) as pool:  # they know nothing of each other
        return min(pool.map(found, METHODS), key=cost)


def place_many(
    clustered: Hypergraph, fabric: Fabric, *, seed: int = 0, congestion: float = CONGESTION
) -> np.ndarray | None:
    """The same for thousands of parts: one chain from the better start. Pairs are annealed for long, as a look at one
    takes a third of the time of a look at a tree and brings order over longer ways."""
    pinned = _pinned(clustered)
    if not _fits(pinned, fabric):
        return None
    board, nets = board_of(clustered, fabric, pinned >= 0)
    starts = by_spectrum(fabric, pinned, board), along_curve(fabric, pinned)
    start = min(starts, key=lambda core: board.cost(core)[0])
    if pinned.size < 2 or nets.source.size == 0:
        return start
    pins = nets.pin.size + nets.flow.size
    return _Search(fabric, board, seed, congestion, pins, start).warmed(min(_MANY_PER_PIN * pins, _MANY))


class _Terms(NamedTuple):
    seed: int
    effort: Effort
    congestion: float


def _pinned(clustered: Hypergraph) -> np.ndarray:
    return clustered.pinned[~clustered.is_input].astype(np.int64)


def _searched(
    fabric: Fabric, board: Board, nets: PlacedNets, pinned: np.ndarray, method: Method, terms: _Terms
) -> np.ndarray:
    if pinned.size == 1:
        return alone(fabric, pinned, nets)
    start = by_spectrum(fabric, pinned, board) if method == "spectral" else along_curve(fabric, pinned)
    if pinned.size == 0 or nets.source.size == 0:
        return start
    pins = nets.pin.size + nets.flow.size
    return _Search(fabric, board, terms.seed, terms.congestion, pins, start).at(terms.effort)


def _fits(pinned: np.ndarray, fabric: Fabric) -> bool:
    held = pinned[pinned >= 0]
    allowed = np.isin(held, fabric.usable).all() and np.unique(held).size == held.size
    return bool(allowed and pinned.size <= min(fabric.places, fabric.usable.size))


@dataclass(frozen=True)
class _Work:
    """Pins looked at by a search: some in any case, and some for each pin that there is. chains: searches."""

    least: int
    per_pin: int
    chains: int = 1

    def of(self, pins: int) -> int:
        return min(self.least, _PLENTY * pins) + self.per_pin * pins


_PLENTY = 24_000  # for each pin; a few parts have few placements, and more work on them finds nothing
_ENOUGH = 20_000  # looks for each pin, at which small problems are solved
_WORK = {
    "fast": _Work(1_000_000, 15),
    "default": _Work(60_000_000, 100),
    "best": _Work(150_000_000, 500, chains=4),
}
_POLISH = 2  # the search that looks at loads has this part of the work
_WARM, _MOVES = 1.0, 3000.0  # with so many moves per part a search may begin at this heat, with fewer at less
_COLD = 0.02
_MANY_PER_PIN, _MANY = 1000, 200_000_000  # looks at pairs where there are thousands of parts
_LUKEWARM, _TREES = 0.5, 2  # the heat of these; trees have this part of their work, loads as much of that of trees


@dataclass(frozen=True, eq=False)
class _Placed:
    core: np.ndarray
    hops: int
    score: float


class _Search:
    """Annealing from one start, one effort after the other; temperatures are parts of the mean cost of a part."""

    def __init__(
        self, fabric: Fabric, board: Board, seed: int, congestion: float, pins: int, start: np.ndarray
    ) -> None:
        self.board, self.seed, self.pins, self.congestion = board, seed, pins, congestion
        self.parts, self.links = start.size, np.count_nonzero(fabric.link_cost)
        self.steepness = 0.0
        self.start = self.best = self._placed(start)

    def at(self, effort: Effort) -> np.ndarray:
        stage = 0
        for step in EFFORTS[: EFFORTS.index(effort) + 1]:
            work = _WORK[step]
            for chain in range(work.chains):
                core = self._chain(self.best if chain else self.start, work.of(self.pins), stage)
                self._take(core, anyway=stage == 0)
                stage += 4
        return self.best.core

    def warmed(self, work: int) -> np.ndarray:
        """Pairs from some heat on, then trees and trees with loads, cold."""
        paired = self._placed(self._anneal(self.start, work, _LUKEWARM, 0, pairs=True))
        placed = self._placed(self._anneal(min(self.start, paired, key=lambda p: p.hops), work // _TREES, _COLD, 1))
        if self.congestion <= 0:
            return placed.core
        self.steepness = self.congestion * self.links / max(1, placed.hops)
        return self._anneal(placed, work // _TREES**2, _COLD, 2, steepness=self.steepness)

    def _chain(self, start: _Placed, work: int, stage: int) -> np.ndarray:
        """Pairs, trees, and trees with loads. Pairs may mislead where most nets have many pins."""
        moves = work / (2 * self.pins)
        heat = min(_WARM, max(_COLD, _WARM * moves / _MOVES))
        paired = self._placed(self._anneal(start, work, heat, stage, pairs=True))
        core = self._anneal(min(start, paired, key=lambda p: p.hops), work, heat, stage + 1)
        if self.congestion <= 0:
            return core
        placed = self._placed(core)
        if self.steepness == 0:
            self.steepness = self.congestion * self.links / max(1, placed.hops)
            self.best = self._placed(self.best.core)
        return self._anneal(placed, work // _POLISH, _COLD, stage + 2, steepness=self.steepness)

    def _anneal(
        self, start: _Placed, work: int, heat: float, stage: int, *, pairs: bool = False, steepness: float = 0.0
    ) -> np.ndarray:
        seed = (self.seed * 1024 + stage) % 2**64
        window = 8 if heat > 0.2 else 4
        core = self.board.anneal(start.core, pairs, seed, work, heat * start.hops / self.parts, window, steepness)
        return core.astype(np.int64)

    def _placed(self, core: np.ndarray) -> _Placed:
        hops, load = self.board.cost(core)
        squares = float((load.astype(np.float64) ** 2).sum())
        return _Placed(core, hops, hops + self.steepness * squares)

    def _take(self, core: np.ndarray, *, anyway: bool) -> None:
        """anyway: hops may be paid for cooler links, which the first chain does."""
        new = self._placed(core)
        if new.score < self.best.score and (anyway or new.hops <= self.best.hops):
            self.best = new
