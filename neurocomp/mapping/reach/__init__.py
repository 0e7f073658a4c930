"""Which source elements a box of target elements listens to, in closed form wherever there is one.

Four forms: ``Separable`` (convolution, pooling, identity: channels, rows and columns are reached
independently), ``Renamed`` (the same over places to which source elements are wired), ``Uniform`` (fully
connected: every target listens to the same sources) and ``Explicit`` (tables of synapses). through.py carries
a reach across one more operator, so that paths through relays have one too. Where two forms cannot be combined
exactly the result is an upper bound: ``Uniform`` over all that any target listens to.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.mapping.rows import Rows, previous_rows, sorted_rows, transposed
from neurocomp.network.ops import Sparse
from neurocomp.network.structure import Corner

UNROLL_MAX = 50_000_000  # pairs that may be listed; beyond it the reach becomes an upper bound


@dataclass(frozen=True, eq=False)
class Table:
    """Sources of each target, as CSR: those of target t are indices[indptr[t]:indptr[t + 1]], ascending, distinct.

    indptr: int64; indices: int32 or int64.
    """

    indptr: np.ndarray
    indices: np.ndarray
    sources: int

    @property
    def targets(self) -> int:
        return self.indptr.size - 1

    @cached_property
    def target_of(self) -> np.ndarray:
        return np.repeat(np.arange(self.targets, dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def previous(self) -> np.ndarray:
        """int32: for each entry the previous target that has the same source, or -1."""
        return previous_rows(Rows(self.indptr, self.indices), self.sources)

    def first_in_part(self, edges: np.ndarray) -> np.ndarray:
        """Whether an entry is the first of its source within its part; edges: bounds of runs of targets."""
        start = np.repeat(edges[:-1].astype(np.int32), np.diff(self.indptr[edges]))
        return self.previous < start

    def distinct(self, edges: np.ndarray) -> np.ndarray:
        """int64 per part: how many distinct sources its targets have."""
        first, bounds = self.first_in_part(edges), self.indptr[edges].tolist()
        return np.array([np.count_nonzero(first[a:b]) for a, b in itertools.pairwise(bounds)], np.int64)

    def parts_per_source(self, edges: np.ndarray) -> np.ndarray:
        """int64 per source: how many parts listen to it."""
        return np.bincount(self.indices[self.first_in_part(edges)], minlength=self.sources)

    def selected(self, rows: np.ndarray) -> Table:
        """The table of the given targets, in that order."""
        length = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(length)])
        at = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], length)
        return Table(indptr, self.indices[at], self.sources)


def table_of_pairs(target: np.ndarray, source: np.ndarray, targets: int, sources: int) -> Table:
    """A table from pairs in any order; repeated pairs count once."""
    key = np.sort(target.astype(np.int64) * sources + source)
    target, source = np.divmod(key[np.diff(key, prepend=-1) > 0], max(1, sources))
    return Table(np.searchsorted(target, np.arange(targets + 1)), source, sources)


def table_of(op: Sparse) -> Table:
    """The sources of each target of a table of synapses."""
    by_target = transposed(Rows(op.indptr, op.indices), math.prod(op.shape))
    rows = sorted_rows(by_target.ptr, by_target.items, op.indptr.size - 1)  # repeated synapses count once
    return Table(rows.ptr, rows.items, op.indptr.size - 1)


def composed(outer: Table, inner: Table) -> Table:
    """Sources of ``inner`` that the targets of ``outer`` listen to."""
    rows = inner.selected(outer.indices)
    return table_of_pairs(np.repeat(outer.target_of, np.diff(rows.indptr)), rows.indices, outer.targets, inner.sources)


def identity_table(size: int) -> Table:
    """Every target listens to the source of its own number."""
    return Table(np.arange(size + 1), np.arange(size), size)


@dataclass(frozen=True, eq=False)
class Separable:
    """Channel c listens to the source channels low[c]..high[c]-1 (both never decrease), row and column by table."""

    low: np.ndarray
    high: np.ndarray
    rows: Table
    columns: Table
    source: Corner

    @property
    def sources(self) -> int:
        return math.prod(self.source)

    def channels_of(self, edges: np.ndarray) -> np.ndarray:
        """int64 per channel part: distinct source channels."""
        return self.high[edges[1:] - 1] - self.low[edges[:-1]]

    def parts_per_channel(self, edges: np.ndarray) -> np.ndarray:
        """int64 per source channel: channel parts that listen to it."""
        steps = np.zeros(self.source[0] + 1, np.int64)
        np.add.at(steps, self.low[edges[:-1]], 1)
        np.add.at(steps, self.high[edges[1:] - 1], -1)
        return np.cumsum(steps)[:-1]

    def covers(self, other: Separable) -> bool:
        """Whether every target listens to everything that it listens to in ``other``."""
        return (
            bool((self.low <= other.low).all() and (self.high >= other.high).all())
            and _contains(self.rows, other.rows) and _contains(self.columns, other.columns)
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Uniform:
    """Every target listens to the sources that ``mask`` marks (bool, broadcastable to the source's map)."""

    mask: np.ndarray
    source: Corner

    @property
    def sources(self) -> int:
        return math.prod(self.source)

    @cached_property
    def support(self) -> int:
        return int(self.mask.sum()) * (self.sources // self.mask.size)


@dataclass(frozen=True, eq=False)
class Explicit:
    """Targets and sources numbered channel-first. given: the table, or the synapses that it can be made from."""

    given: Table | Sparse
    source: Corner

    @property
    def sources(self) -> int:
        return math.prod(self.source)

    @cached_property
    def table(self) -> Table:
        return table_of(self.given) if isinstance(self.given, Sparse) else self.given


@dataclass(frozen=True, eq=False)
class Renamed:
    """A separable reach over a map of places, each of which is an element of the source.

    index: int32, flat by place of ``inner.source``: the source element there, -1 for none; None: the elements in
    the same order. An element may lie at several places: counts are then upper bounds.
    """

    inner: Separable
    index: np.ndarray | None
    source: Corner

    @property
    def sources(self) -> int:
        return math.prod(self.source)

    def summed(self, values: np.ndarray) -> np.ndarray:
        """int64 of ``source``: values by place (broadcastable to the map of places), added up by source element."""
        flat = np.broadcast_to(values, self.inner.source).reshape(-1)
        if self.index is None:
            return flat.reshape(self.source)
        sums = np.zeros(self.sources, np.int64)
        there = self.index >= 0
        np.add.at(sums, self.index[there], flat[there])
        return sums.reshape(self.source)


Reach = Separable | Renamed | Uniform | Explicit


def in_places(reach: Separable | Renamed) -> Separable:
    """The reach with its sources numbered by place."""
    return reach.inner if isinstance(reach, Renamed) else reach


def identity(shape: Corner) -> Separable:
    """Every element listens to itself."""
    channels = np.arange(shape[0])
    return Separable(channels, channels + 1, identity_table(shape[1]), identity_table(shape[2]), shape)


def as_uniform(reach: Reach) -> Uniform:
    """Everything that any target listens to."""
    match reach:
        case Uniform():
            return reach
        case Explicit():
            if isinstance(reach.given, Sparse):
                mask = np.diff(reach.given.indptr) > 0
            else:
                mask = np.zeros(reach.sources, bool)
                mask[reach.table.indices] = True
            return Uniform(mask.reshape(reach.source), reach.source)
        case Renamed():
            return Uniform(reach.summed(as_uniform(reach.inner).mask) > 0, reach.source)
        case Separable():
            channels = np.zeros(reach.source[0], bool)
            for low, high in zip(*np.unique([reach.low, reach.high], axis=1), strict=True):
                channels[low:high] = True
            mask = channels[:, None, None]
            for axis, table in ((1, reach.rows), (2, reach.columns)):
                hit = np.zeros(reach.source[axis], bool)
                hit[table.indices] = True
                mask = mask & np.expand_dims(hit, tuple({0, 1, 2} - {axis}))
            return Uniform(mask, reach.source)


def as_explicit(reach: Reach, target: Corner) -> Explicit | Uniform:
    """The same reach as a table, or the bound ``Uniform`` if the table would be too long."""
    if isinstance(reach, Renamed):
        return _renamed_table(reach, as_explicit(reach.inner, target))
    if not isinstance(reach, Separable):
        return reach
    channels = reach.high - reach.low
    pairs = int(channels.sum()) * reach.rows.indices.size * reach.columns.indices.size
    if pairs > UNROLL_MAX:
        return as_uniform(reach)
    c_ptr = np.concatenate([[0], np.cumsum(channels)])
    c_index = np.arange(c_ptr[-1]) + np.repeat(reach.low - c_ptr[:-1], channels)
    table = Table(c_ptr, c_index, reach.source[0])
    for axis, inner in ((1, reach.rows), (2, reach.columns)):
        table = _product(table, inner, reach.source[axis])
    return Explicit(table, reach.source)


def _renamed_table(reach: Renamed, places: Explicit | Uniform) -> Explicit | Uniform:
    if isinstance(places, Uniform):
        return as_uniform(reach)
    table = places.table
    if reach.index is None:
        return Explicit(Table(table.indptr, table.indices, reach.sources), reach.source)
    there = reach.index[table.indices] >= 0
    target, place = table.target_of[there], table.indices[there]
    return Explicit(table_of_pairs(target, reach.index[place], table.targets, reach.sources), reach.source)


def _product(outer: Table, inner: Table, inner_sources: int) -> Table:
    """The table of pairs (outer target, inner target) -> (outer source, inner source), both numbered row-major."""
    rows = inner.targets
    targets = np.repeat(np.arange(outer.targets), rows)
    inner_targets = np.tile(np.arange(rows), outer.targets)
    a, b = outer.selected(targets), inner.selected(inner_targets)
    count_a, count_b = np.diff(a.indptr), np.diff(b.indptr)
    indptr = np.concatenate([[0], np.cumsum(count_a * count_b)])
    of = np.repeat(np.arange(targets.size), count_a * count_b)
    step = np.arange(indptr[-1]) - indptr[of]
    first = a.indices[a.indptr[of] + step // np.maximum(1, count_b[of])]
    second = b.indices[b.indptr[of] + step % np.maximum(1, count_b[of])]
    return Table(indptr, first.astype(np.int64) * inner_sources + second, outer.sources * inner_sources)


def merged(reaches: list[Reach], target: Corner) -> tuple[Reach, ...]:
    """Reaches of one source without what others cover; the sum over them bounds the union from above."""
    uniform = [r for r in reaches if isinstance(r, Uniform)]
    if uniform:
        return (Uniform(np.logical_or.reduce([np.broadcast_to(as_uniform(r).mask, r.source) for r in reaches]),
                        uniform[0].source),) if len(reaches) > 1 else (uniform[0],)  # fmt: skip
    if len(reaches) > 1 and any(isinstance(r, Explicit) for r in reaches):
        tables = [as_explicit(r, target) for r in reaches]
        if any(isinstance(t, Uniform) for t in tables):
            return merged(list(tables), target)
        pairs = [(t.table.target_of, t.table.indices) for t in tables if isinstance(t, Explicit)]
        target_of, source = (np.concatenate(column) for column in zip(*pairs, strict=True))
        joined = table_of_pairs(target_of, source, math.prod(target), reaches[0].sources)
        return (Explicit(joined, reaches[0].source),)
    if len(reaches) == 1:
        return (reaches[0],)
    return distinct(reaches)


def distinct(reaches: Sequence[Reach]) -> tuple[Reach, ...]:
    """Without those that another one covers."""
    kept: list[Reach] = []
    for reach in reaches:
        if any(covers(other, reach) for other in kept):
            continue
        kept = [other for other in kept if not covers(reach, other)] + [reach]
    return tuple(kept)


def covers(a: Reach, b: Reach) -> bool:
    """Whether every target listens to everything in ``a`` that it listens to in ``b``, as far as that is plain."""
    if isinstance(a, Uniform):
        return bool(a.mask.all()) or (isinstance(b, Uniform) and np.array_equal(a.mask, b.mask))
    if isinstance(a, Renamed) and isinstance(b, Renamed):
        same = a.inner.source == b.inner.source and (a.index is b.index or np.array_equal(a.index, b.index))  # type: ignore[arg-type]
        return same and a.inner.covers(b.inner)
    return isinstance(a, Separable) and isinstance(b, Separable) and a.covers(b)


def is_identity(reach: Separable) -> bool:
    """Whether this is what ``identity`` made (its tables are, then, of equal size and one entry per row)."""
    same = all(
        t.targets == t.sources == t.indices.size and np.array_equal(t.indices, np.arange(t.sources))
        for t in (reach.rows, reach.columns)
    )
    return same and reach.low.size == reach.source[0] and np.array_equal(reach.high - 1, np.arange(reach.source[0]))


def _contains(a: Table, b: Table) -> bool:
    key_a = a.target_of.astype(np.int64) * a.sources + a.indices
    key_b = b.target_of.astype(np.int64) * b.sources + b.indices
    return bool(np.isin(key_b, key_a, assume_unique=True).all())
