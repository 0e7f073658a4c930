"""How much is searched, by effort and by the size of what is searched: the one place where the two meet.

Time is to grow with the network and nothing else, so a network is given fewer methods, then less work of each, the
larger it is. A step of the search costs so much for every pin of the hypergraph; those that seldom win on larger
networks are dropped first. A plan is a function of the size alone, so that a mapping is the same on every machine, and
that of an effort holds whatever is above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neurocomp.mapping.hypergraph import Hypergraph

PER_CORE = 8  # micro-tiles that fill a core
ANY = 1 << 62  # pins

_LARGE, _LARGE_PINS = 8_000, 1_000_000  # micro-tiles, and what they hear, beyond which few methods must do
_HUGE = 5_000_000  # pins beyond which one method must do
_SMALL = 20_000  # pins of layered networks up to which everything is tried with all its work
_PATIENCE = 4  # times their work for joint moves on networks of moderate size, for traffic alone
_RECOMBINING = 1_800_000_000  # looks of a network that is hardly small any more
_MANY_PINS, _MOVING = 400_000, 60_000_000  # looks of joint moves where there are more pins
_METHODS = {  # (method, micro-tiles that fill a core): pins at 1 / PER_CORE up to which it is tried on layered networks
    "default": {
        ("natural", 8): 40_000, ("natural", 4): _SMALL, ("overlap", 8): _SMALL, ("metis", 8): _SMALL,
        ("multilevel", 8): ANY, ("multilevel", 16): 60_000, ("multilevel", 32): _SMALL,
    },
    "best": {
        ("multilevel", 8): ANY, ("multilevel", 16): ANY, ("multilevel", 32): 200_000, ("overlap", 16): 200_000,
        ("kahypar", 8): ANY, ("kahypar", 16): ANY,
    },
}  # fmt: skip
_OF_LARGE = ("multilevel", "natural")  # in this order: the second is dropped where it begins far behind the first
_OF_HUGE = ("multilevel",)


@dataclass(frozen=True)
class SearchPlan:
    """What a search does, of all efforts but the fast one.

    vertices, pins: of the hypergraph of micro-tiles of 1 / PER_CORE of a core. single: they are single neurons. maps:
    they have places on maps, so that there are columns.
    """

    vertices: int
    pins: int
    single: bool
    maps: bool

    @property
    def is_large(self) -> bool:
        """Whether few methods must do."""
        return self.vertices > _LARGE or self.pins > _LARGE_PINS

    @property
    def is_huge(self) -> bool:
        """Whether one method must do."""
        return self.pins > _HUGE

    @property
    def is_small(self) -> bool:
        """Whether everything is tried."""
        return not self.is_large and (self.single or self.pins <= _SMALL)

    @property
    def share(self) -> float:
        """Of the work of a small network, what each chain of moves is given; a look takes longer on a larger one."""
        return 1.0 if self.single else min(1.0, (_SMALL / max(1, self.pins)) ** 0.5)

    def methods(self, effort: str) -> tuple[tuple[str, int], ...]:
        """Ways to part, with the micro-tiles that fill a core; the latter make no difference to single neurons."""
        wanted = _METHODS[effort]
        if self.is_large:
            few = _OF_HUGE if self.is_huge else _OF_LARGE
            return tuple((method, PER_CORE) for method in few if (method, PER_CORE) in wanted)
        if self.single:
            return tuple(dict.fromkeys((method, PER_CORE) for method, _ in wanted))
        ordered = () if self.maps else ("natural",)  # dense layers are seldom parted better than in their order
        return tuple(way for way, most in wanted.items() if self.pins <= most or way[0] in ordered)

    @property
    def places_many(self) -> bool:
        """Whether parts are placed by one chain, on pairs above all."""
        return self.is_large and not self.is_huge

    def moving(self, effort: str) -> int | None:
        """Looks of joint moves in all; None: as many as pins, vertices and patience make."""
        return _MOVING if self.single and self.is_large and self.pins > _MANY_PINS and effort == "default" else None

    def recombining(self, effort: str) -> int | None:
        """Looks of all chains that recombine results; None: as many as they would take."""
        return None if self.share == 1.0 or effort != "default" else int(_RECOMBINING * self.share**1.5)

    @property
    def columns(self) -> tuple[int, ...]:
        """Micro-tiles of columns that fill a core."""
        return () if not self.maps else (PER_CORE,) if self.is_large else (PER_CORE, 2 * PER_CORE)

    @property
    def patience(self) -> int:
        """Times the work of joint moves, for traffic alone; sweeps over large networks are near the end sooner."""
        return 1 if self.is_large else math.ceil(_PATIENCE * self.share)


def plan_for(graph: Hypergraph, *, single: bool, maps: bool) -> SearchPlan:
    return SearchPlan(graph.vertices, graph.pin.size, single, maps)
