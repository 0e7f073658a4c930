"""The judge of the mapper's benchmark: what a placed network sends over a mesh, counted from network, cores and rates.

It shares no code with the mapper. Each spike is sent once along the XY multicast tree: along the row of its core,
and from there up and down every column in which a core listens. One core sits at each router.

Elements that lie on one core and are heard by the same cores send the same tree, so they are counted together.
They are found by 64-bit hashes of their sets of cores; that two different sets among the at most 10^8 here have
one hash is less likely than a wrong bit in memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.network import Conv, Linear, Network, OneToOne, Pool, Projection, Sparse

_PAIRS_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Traffic:
    """Per time step. hops: spikes x links of their trees; hottest: spikes on the busiest link; packets: spikes x
    distinct other cores that listen (what a partition alone decides); cores: cores in use; most: neurons on the
    fullest core."""

    hops: float
    hottest: float
    packets: float
    cores: int
    most: int


@dataclass(frozen=True, eq=False)
class _Heard:
    """Cores that hear the units of a population through one projection, as sorted rows. unit: the unit of every
    element, broadcastable to (channels, height, width)."""

    unit: np.ndarray
    pointer: np.ndarray
    core: np.ndarray


@dataclass(frozen=True, eq=False)
class Multicasts:
    """Some of the multicasts of a network, equal ones as one. source: core of each, weight: its spikes per step;
    (tree, listener): the cores other than its own that hear it, sorted."""

    source: np.ndarray
    weight: np.ndarray
    tree: np.ndarray
    listener: np.ndarray


def traffic(network: Network, core: dict[str, np.ndarray], rates: dict[str, np.ndarray], width: int) -> Traffic:
    """core, rates: for every population an array of its shape: core = y * width + x, and spikes per step."""
    held = np.bincount(np.concatenate([c.reshape(-1) for c in core.values()]))
    mesh = _Links(width, -(-held.size // width))
    packets = 0.0
    for casts in multicasts(network, core, rates):
        packets += float(casts.weight[casts.tree].sum())
        mesh.add(casts.source, casts.weight, casts.tree, casts.listener)
    load = mesh.loads()
    return Traffic(float(load.sum()), float(load.max()), packets, int((held > 0).sum()), int(held.max()))


def multicasts(network: Network, core: dict[str, np.ndarray], rates: dict[str, np.ndarray]) -> Iterator[Multicasts]:
    """All multicasts, a bounded number of listeners at a time."""
    cores = 1 + max(int(c.max()) for c in core.values())
    for population in network.populations:
        projections = network.outgoing[population.name]
        if projections:
            heard = [_heard(network, p, core, cores) for p in projections]
            yield from _casts(heard, as_map(core[population.name]), as_map(rates[population.name]), cores)


def as_map(array: np.ndarray) -> np.ndarray:
    """As (channels, height, width)."""
    return array.reshape(array.shape + (1,) * (3 - array.ndim)) if array.ndim < 3 else array


def _casts(heard: list[_Heard], core: np.ndarray, rate: np.ndarray, cores: int) -> Iterator[Multicasts]:
    """Those of one population."""
    key = _signature(heard, core, cores)
    _, first, group = np.unique(np.broadcast_to(key, core.shape), return_index=True, return_inverse=True)
    weight = np.bincount(group.reshape(-1), rate.reshape(-1), first.size)
    source = core.reshape(-1)[first].astype(np.int64)
    units = [np.broadcast_to(rows.unit, core.shape).reshape(-1)[first] for rows in heard]
    for some in _slices(sum(np.diff(r.pointer)[u] for r, u in zip(heard, units, strict=True))):
        tree, listener = _union([_rows(r, u[some]) for r, u in zip(heard, units, strict=True)], cores)
        away = listener != source[some][tree]
        yield Multicasts(source[some], weight[some], tree[away], listener[away])


def _signature(heard: list[_Heard], core: np.ndarray, cores: int) -> np.ndarray:
    """A hash of every element's own core and the cores that hear it."""
    random = np.random.default_rng(0).integers(1, 2**63, cores, dtype=np.uint64)
    key = random[core] * np.uint64(3)
    for number, rows in enumerate(heard):
        sums = np.zeros(rows.pointer.size - 1, np.uint64)
        full = np.flatnonzero(np.diff(rows.pointer))
        if full.size:
            sums[full] = np.add.reduceat(random[rows.core], rows.pointer[full])
        key = key * np.uint64(0x9E3779B97F4A7C15) + sums[rows.unit] + np.uint64(number)
    return key


def _slices(lengths: np.ndarray) -> Iterator[slice]:
    """Runs of about ``_PAIRS_AT_ONCE`` in all."""
    ends = np.cumsum(lengths)
    cuts = np.searchsorted(ends, np.arange(0, int(ends[-1]), _PAIRS_AT_ONCE), side="right")
    bounds = np.unique(np.append(cuts, [0, ends.size]))
    yield from (slice(int(a), int(b)) for a, b in itertools.pairwise(bounds))


def _rows(rows: _Heard, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(number of the unit in ``unit``, core) for the rows of some units."""
    length = np.diff(rows.pointer)[unit]
    tree = np.repeat(np.arange(unit.size), length)
    start = rows.pointer[unit] - np.cumsum(length) + length
    return tree, rows.core[np.arange(tree.size) + start[tree]]


def _union(rows: list[tuple[np.ndarray, np.ndarray]], cores: int) -> tuple[np.ndarray, np.ndarray]:
    if len(rows) == 1:
        return rows[0][0], rows[0][1].astype(np.int64)
    return np.divmod(_sorted_once(np.concatenate([tree * cores + core for tree, core in rows])), cores)


def _sorted_once(key: np.ndarray) -> np.ndarray:
    key = np.sort(key)
    return key[np.diff(key, prepend=-1) > 0]


class _Links:
    """The load of every link, as differences along rows and columns."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height, self.routers = width, height, width * height
        self.east, self.west = (np.zeros((height, width + 1)) for _ in range(2))
        self.south, self.north = (np.zeros((height + 1, width)) for _ in range(2))

    def add(self, source: np.ndarray, weight: np.ndarray, tree: np.ndarray, listener: np.ndarray) -> None:
        """One tree from each source; (tree, listener): sorted by tree, then listener."""
        if not tree.size:
            return
        x, y = listener % self.width, listener // self.width
        row, first, last = _extent(tree, x, source % self.width)
        at, w, sx, sy = source[row], weight[row], source[row] % self.width, source[row] // self.width
        self._span(self.east, (sy, sx), (sy, last), w)
        self._span(self.west, (sy, first + 1), (sy, sx + 1), w)
        column = tree * self.width + x
        order = np.argsort(column, kind="stable")
        branch, first, last = _extent(column[order], y[order], np.repeat(source // self.width, self.width))
        at, x = np.divmod(branch, self.width)
        sy, w = source[at] // self.width, weight[at]
        self._span(self.south, (sy, x), (last, x), w)
        self._span(self.north, (first + 1, x), (sy + 1, x), w)

    @staticmethod
    def _span(array: np.ndarray, begin: tuple, end: tuple, weight: np.ndarray) -> None:
        np.add.at(array, begin, weight)
        np.subtract.at(array, end, weight)

    def loads(self) -> np.ndarray:
        rows = [np.cumsum(array, axis=1)[:, :-1].reshape(-1) for array in (self.east, self.west)]
        columns = [np.cumsum(array, axis=0)[:-1].reshape(-1) for array in (self.south, self.north)]
        return np.concatenate(rows + columns)


def _extent(group: np.ndarray, value: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(groups, least, largest) of the values of each group and of its own; group: sorted; own: by group."""
    begin = np.flatnonzero(np.diff(group, prepend=-1))
    groups = group[begin]
    least = np.minimum(np.minimum.reduceat(value, begin), own[groups])
    return groups, least, np.maximum(np.maximum.reduceat(value, begin), own[groups])


def _heard(network: Network, projection: Projection, core: dict[str, np.ndarray], cores: int) -> _Heard:
    op, source = projection.op, network.by_name[projection.source].shape
    shape = source + (1,) * (3 - len(source))
    target = core[projection.target]
    if isinstance(op, Conv | Pool):
        return _windowed(op, shape, as_map(target), cores)
    if isinstance(op, Linear):
        everywhere = np.unique(target)
        return _Heard(np.zeros((1, 1, 1), np.int64), np.array([0, everywhere.size]), everywhere)
    unit = np.arange(math.prod(shape)).reshape(shape)
    if isinstance(op, OneToOne):
        return _Heard(unit, np.arange(unit.size + 1), target.reshape(-1))
    return _explicit(op, unit, target.reshape(-1), cores)


def _explicit(op: Sparse, unit: np.ndarray, target: np.ndarray, cores: int) -> _Heard:
    pointer, found = op.indptr, []
    for some in _slices(np.diff(pointer)):
        synapses = slice(int(pointer[some.start]), int(pointer[some.stop]))
        source = np.repeat(np.arange(some.start, some.stop), np.diff(pointer[some.start : some.stop + 1]))
        found.append(_sorted_once(source * cores + target[op.indices[synapses]]))
    return _by_unit(unit, np.concatenate(found), unit.size, cores)


def _windowed(op: Conv | Pool, shape: tuple[int, ...], target: np.ndarray, cores: int) -> _Heard:
    """A unit is a pixel of a group of channels. The union over a window is that over its rows, then its columns."""
    channels, height, width = shape
    groups = op.groups if isinstance(op, Conv) else channels
    group = np.repeat(np.arange(groups), target.shape[0] // groups)[:, None, None]
    position = (group * target.shape[1] + np.arange(target.shape[1])[:, None]) * target.shape[2]
    key = _sorted_once(((position + np.arange(target.shape[2])) * cores + target).reshape(-1))
    key = _spread(key, target.shape[2] * cores, target.shape[1], height, _axis(op, 0))
    key = _spread(key, cores, target.shape[2], width, _axis(op, 1))
    of_channel = np.repeat(np.arange(groups), channels // groups) if groups > 1 else np.zeros(1, np.int64)
    unit = of_channel[:, None, None] * (height * width) + np.arange(height * width).reshape(1, height, width)
    return _by_unit(unit, key, groups * height * width, cores)


def _axis(op: Conv | Pool, axis: int) -> tuple[int, int, int, int]:
    return op.kernel[axis], op.stride[axis], op.padding[axis], op.dilation[axis]


def _spread(key: np.ndarray, below: int, outputs: int, inputs: int, window: tuple[int, int, int, int]) -> np.ndarray:
    """Keys (.., output position, ..) as keys (.., input position, ..) over all input positions in the window."""
    kernel, stride, padding, dilation = window
    above, low = np.divmod(key, outputs * below)
    at, low = np.divmod(low, below)
    found = []
    for tap in range(kernel):
        position = at * stride - padding + tap * dilation
        inside = (position >= 0) & (position < inputs)
        found.append(((above * inputs + position) * below + low)[inside])
    return _sorted_once(np.concatenate(found))


def _by_unit(unit: np.ndarray, key: np.ndarray, units: int, cores: int) -> _Heard:
    of, core = np.divmod(key, cores)
    return _Heard(unit, np.searchsorted(of, np.arange(units + 1)), core)
