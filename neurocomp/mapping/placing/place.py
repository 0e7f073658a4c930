"""A core for every part: a start, and annealing on pairs of parts and then on the exact multicast trees.

Work is counted in pins looked at, never in seconds, so that a result depends on its input and seed alone. Each
effort begins with what the one before it does, and a result gives way only to one that is no worse in hops and better
by the score: hops + congestion * sum(load^2) / mean(load). The mean is that of the first result, for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.placing.board import Board, board_of
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.start import along_curve, by_spectrum

Method = Literal["curve", "spectral"]
Effort = Literal["fast", "default", "best"]
METHODS: tuple[Method, ...] = get_args(Method)
EFFORTS: tuple[Effort, ...] = get_args(Effort)

CONGESTION = 0.5


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
    pinned = clustered.pinned[~clustered.is_input].astype(np.int64)
    if not _fits(pinned, fabric):
        return None
    board, nets = board_of(clustered, fabric, pinned >= 0)
    start = by_spectrum(fabric, pinned, board) if method == "spectral" else along_curve(fabric, pinned)
    if pinned.size < 2 or nets.source.size == 0:
        return start
    pins = nets.pin.size + nets.flow.size
    return _Search(fabric, board, seed, congestion, pins, start).at(effort)


def _fits(pinned: np.ndarray, fabric: Fabric) -> bool:
    held = pinned[pinned >= 0]
    allowed = np.isin(held, fabric.usable).all() and np.unique(held).size == held.size
    return bool(allowed and pinned.size <= min(fabric.places, fabric.usable.size))


@dataclass(frozen=True)
class _Work:
    """Pins looked at by a search: some in any case, and some for each pin that there is."""

    least: int
    per_pin: int

    def of(self, pins: int) -> int:
        return self.least + self.per_pin * pins


_FAST, _DEFAULT, _BEST = _Work(2_000_000, 30), _Work(20_000_000, 150), _Work(100_000_000, 500)
_RESTARTS = 4  # of the best effort


@dataclass(frozen=True, eq=False)
class _Placed:
    core: np.ndarray
    hops: int
    score: float


class _Search:
    """The search of one start, one effort after the other."""

    def __init__(
        self, fabric: Fabric, board: Board, seed: int, congestion: float, pins: int, start: np.ndarray
    ) -> None:
        self.board, self.seed, self.pins = board, seed, pins
        self.parts = start.size
        self.window = max(fabric.mesh.width, fabric.mesh.height)
        self.steepness = 0.0
        placed = self._placed(start)
        paired = self._placed(self._anneal(placed, _FAST, hot=0.02, stage=0, pairs=True))
        self.best = min(placed, paired, key=lambda p: p.hops)
        links = max(1, int(np.count_nonzero(fabric.link_cost)))
        self.steepness = congestion * links / max(1, self.best.hops)
        self.best = self._placed(self.best.core)
        self.start = placed

    def at(self, effort: Effort) -> np.ndarray:
        self._take(self._anneal(self.best, _FAST, hot=0.02, stage=1))
        if effort != "fast":
            self._take(self._anneal(self.best, _DEFAULT, hot=0.05, stage=2))
            self._take(self._anneal(self.best, _DEFAULT, hot=0.3, stage=3))
        if effort == "best":
            for turn in range(_RESTARTS):
                self._take(self._anneal(self.best, _BEST, hot=1.0, stage=4 + turn))
        return self.best.core

    def _anneal(self, start: _Placed, work: _Work, *, hot: float, stage: int, pairs: bool = False) -> np.ndarray:
        heat = hot * start.hops / self.parts
        seed = (self.seed * 64 + stage) % 2**64
        window = min(self.window, 4 if hot < 0.2 else 8)
        core = self.board.anneal(start.core, pairs, seed, work.of(self.pins), heat, window, self.steepness)
        return core.astype(np.int64)

    def _placed(self, core: np.ndarray) -> _Placed:
        hops, load = self.board.cost(core)
        squares = float((load.astype(np.float64) ** 2).sum())
        return _Placed(core, hops, hops + self.steepness * squares)

    def _take(self, core: np.ndarray) -> None:
        new = self._placed(core)
        if new.hops <= self.best.hops and new.score < self.best.score:
            self.best = new
