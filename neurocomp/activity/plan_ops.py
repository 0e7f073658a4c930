"""Operators as the compiled engine takes them (csrc/spikes.h): channel-last, weights in the order they are read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from neurocomp.activity.host import apply_host
from neurocomp.activity.plan_neuron import value_type
from neurocomp.network import layout
from neurocomp.network.graph import Integer, Network, Projection
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.ops import Conv, Factor, Host, Linear, OneToOne, Pool, Reduce, Shape, Sparse, Wiring

# codes of csrc/spikes.h
(
    DENSE,
    GROUPED,
    DEPTHWISE,
    SUM_POOL,
    MAX_POOL,
    ONE_TO_ONE,
    SPARSE,
    COLLECT,
    COLLECT_MAX,
    LEFT,
    RIGHT,
    HOST,
) = range(12)

WIDEST_BLOCK = 64  # columns
BLOCK_BYTES = 1 << 19  # a block of weights should leave room in a second-level cache of 1 MiB
SHORT_ROW = 16  # products of narrower rows are computed transposed if that gives longer ones

# few shapes, each met many times in a row
channel_first_index = lru_cache(maxsize=8)(layout.channel_first_index)
channel_last_index = lru_cache(maxsize=8)(layout.channel_last_index)

HostFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class PlannedProjection:
    """One projection; ``geometry`` names the integer fields of nc_projection that differ from zero. host: from the
    source's channel-last values to the target's."""

    kind: int
    source: int
    target: int
    delay: int
    n_source: int
    n_target: int
    geometry: dict[str, int]
    weight: np.ndarray | None = None
    scale: np.ndarray | None = None
    indptr: np.ndarray | None = None
    indices: np.ndarray | None = None
    scatter: np.ndarray | None = None
    host: HostFunction | None = None


@dataclass(frozen=True)
class _Ends:
    """The two populations that a projection joins, and the number types between them."""

    numbers: tuple[int, int, int, int, int]
    source: Shape
    target: Shape
    weight_type: type[np.generic]
    value_type: type[np.generic]


def plan_projections(
    network: Network, incoming: tuple[Projection, ...], index: dict[str, int]
) -> list[PlannedProjection]:
    """All that one population receives, in the order of the network; of two factors the left one first."""
    if incoming and isinstance(incoming[0].op, Factor):
        return _product(network, incoming, index)
    return [_projection(p, _ends(network, p, index)) for p in incoming]


def _ends(network: Network, p: Projection, index: dict[str, int]) -> _Ends:
    source, target = network.by_name[p.source], network.by_name[p.target]
    numbers = (index[source.name], index[target.name], p.delay, source.size, target.size)
    weight_type = np.int16 if isinstance(network.arithmetic, Integer) else np.float32
    return _Ends(numbers, source.shape, target.shape, weight_type, value_type(network))


def _projection(projection: Projection, ends: _Ends) -> PlannedProjection:
    op = projection.op
    match op:
        case Linear():
            return _linear(op, ends)
        case Conv():
            return _conv(op, ends)
        case Pool():
            kind = MAX_POOL if op.kind == "max" else SUM_POOL
            geometry = _geometry(op, ends.source, ends.target)
            return PlannedProjection(kind, *ends.numbers, geometry, scale=np.array([op.scale], ends.value_type))
        case OneToOne(scale):
            return _one_to_one(np.asarray(scale, ends.value_type), ends)
        case Wiring():
            return _wiring(op, ends)
        case Reduce():
            return _reduce(op, ends)
        case Sparse():
            return _sparse(op, ends)
        case Host():
            host = partial(_computed_by_host, op, ends.source, ends.target)
            return PlannedProjection(HOST, *ends.numbers, {}, host=host)
        case _:
            raise TypeError(f"{type(op).__name__} cannot stand alone")


def _linear(op: Linear, ends: _Ends) -> PlannedProjection:
    """A linear map sees the whole source through one window."""
    channels, (n_target, n_source) = ends.source[0], op.weight.shape
    geometry = dict.fromkeys(("h_in", "kh", "h_out", "w_out", "stride_y", "stride_x", "groups"), 1)
    geometry |= {"dilation_y": 1, "dilation_x": 1, "c_in": channels, "c_out": n_target}
    geometry |= {"w_in": n_source // channels, "kw": n_source // channels, "block": WIDEST_BLOCK}
    weight = _blocked(op.weight.T[channel_first_index(ends.source)], WIDEST_BLOCK, ends.weight_type)
    return PlannedProjection(DENSE, *ends.numbers, geometry, weight=weight)


def _conv(op: Conv, ends: _Ends) -> PlannedProjection:
    weight = op.weight.reshape(*op.weight.shape[:2], 1, -1) if op.weight.ndim == 3 else op.weight
    c_out, per_group, kh, kw = weight.shape
    geometry = _geometry(op, ends.source, ends.target)
    if op.groups == 1:
        by_tap = weight.transpose(2, 3, 1, 0).reshape(kh * kw * per_group, c_out)
        geometry["block"] = _block_width(by_tap.shape[0], ends)
        by_block = _blocked(by_tap, geometry["block"], ends.weight_type)
        return PlannedProjection(DENSE, *ends.numbers, geometry, weight=by_block)
    if op.groups == c_out and per_group == 1:
        by_tap = np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0), ends.weight_type)
        return PlannedProjection(DEPTHWISE, *ends.numbers, geometry, weight=by_tap)
    grouped = weight.reshape(op.groups, c_out // op.groups, per_group, kh, kw)
    by_source = grouped.transpose(0, 2, 3, 4, 1).reshape(op.groups * per_group, kh, kw, c_out // op.groups)
    return PlannedProjection(GROUPED, *ends.numbers, geometry, weight=np.ascontiguousarray(by_source, ends.weight_type))


def _block_width(column_weights: int, ends: _Ends) -> int:
    """Columns per block, so that a block stays cached while all rows of the target pass by."""
    width = WIDEST_BLOCK
    while width > 16 and math.prod(ends.target[1:]) > 1 and column_weights * width * 4 > BLOCK_BYTES:
        width //= 2
    return width


def _blocked(by_source: np.ndarray, block: int, dtype: type[np.generic]) -> np.ndarray:
    """(sources, targets) as blocks of columns, one after the other; the last ones as narrow as what is left, rounded
    up to eight with zeros (nc_dense_columns)."""
    sources, targets = by_source.shape
    stored = -(-targets // 8) * 8
    result = np.zeros(sources * stored, dtype)
    column = 0
    while column < stored:
        width = block
        while width > stored - column:
            width //= 2
        part = result[sources * column : sources * (column + width)].reshape(sources, width)
        valid = by_source[:, column : column + width]
        part[:, : valid.shape[1]] = valid
        column += width
    return result


def _geometry(op: Conv | Pool, source: Shape, target: Shape) -> dict[str, int]:
    def two(values: Shape, fill: int) -> Shape:
        return values if len(values) == 2 else (fill, *values)

    (h_in, w_in), (h_out, w_out) = two(source[1:], 1), two(target[1:], 1)
    geometry = {"c_in": source[0], "h_in": h_in, "w_in": w_in, "c_out": target[0], "h_out": h_out, "w_out": w_out}
    geometry["kh"], geometry["kw"] = two(op.kernel, 1)
    geometry["stride_y"], geometry["stride_x"] = two(op.stride, 1)
    geometry["pad_y"], geometry["pad_x"] = two(op.padding, 0)
    geometry["dilation_y"], geometry["dilation_x"] = two(op.dilation, 1)
    geometry["groups"] = op.groups if isinstance(op, Conv) else 1
    return geometry


def _table(indices: np.ndarray, size: int) -> np.ndarray | None:
    """Indices for the engine, or None if every element stays where it is among ``size``."""
    if indices.size == size and np.array_equal(indices, np.arange(size)):
        return None
    return np.ascontiguousarray(indices, np.int32)


def _one_to_one(scale: np.ndarray, ends: _Ends) -> PlannedProjection:
    indices = _table(channel_last_index(ends.source)[channel_first_index(ends.target)], math.prod(ends.source))
    scale = scale.reshape(-1)[channel_first_index(ends.source)] if scale.ndim else scale.reshape(1)
    return PlannedProjection(ONE_TO_ONE, *ends.numbers, {}, scale=np.ascontiguousarray(scale), indices=indices)


def _wiring(op: Wiring, ends: _Ends) -> PlannedProjection:
    wired = op.index[channel_first_index(ends.target)]
    indices = np.where(wired < 0, -1, channel_last_index(ends.source)[np.maximum(wired, 0)])
    one = np.ones(1, ends.value_type)
    return PlannedProjection(ONE_TO_ONE, *ends.numbers, {}, scale=one, indices=_table(indices, math.prod(ends.source)))


def _reduce(op: Reduce, ends: _Ends) -> PlannedProjection:
    before, _, after = np.indices((op.before, op.axis, op.after), np.int32)
    reached = (before * op.after + after).reshape(-1)[channel_first_index(ends.source)]
    return PlannedProjection(
        COLLECT_MAX if op.kind == "max" else COLLECT,
        *ends.numbers,
        {},
        scale=np.array([op.scale], ends.value_type),
        indices=np.ascontiguousarray(channel_last_index(ends.target)[reached], np.int32),
    )


def _sparse(op: Sparse, ends: _Ends) -> PlannedProjection:
    rows = channel_first_index(ends.source)
    counts = np.diff(op.indptr)[rows]
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    picked = np.repeat(op.indptr[:-1][rows] - indptr[:-1], counts) + np.arange(indptr[-1])
    return PlannedProjection(
        SPARSE,
        *ends.numbers,
        {},
        weight=np.ascontiguousarray(op.weight[picked], ends.weight_type),
        indptr=indptr,
        indices=np.ascontiguousarray(channel_last_index(ends.target)[op.indices[picked]], np.int32),
    )


def _computed_by_host(op: Host, source: Shape, target: Shape, values: np.ndarray) -> np.ndarray:
    flat = channel_first(values, source).reshape(-1)
    return channel_last(apply_host(op, flat).reshape(target), target)


def _product(network: Network, incoming: tuple[Projection, ...], index: dict[str, int]) -> list[PlannedProjection]:
    """Both factors; a product of short rows is computed transposed: the same sums, in longer runs."""
    pair = sorted(incoming, key=lambda p: p.op.side if isinstance(p.op, Factor) else "")
    op = pair[0].op
    if not isinstance(op, Factor):
        raise TypeError("a product of two signals without factors")
    ends = [_ends(network, p, index) for p in pair]
    left = channel_last_index(ends[0].source).reshape(op.batch, op.rows, op.inner)
    right = channel_last_index(ends[1].source).reshape(op.batch, op.inner, op.columns)
    place = channel_last_index(ends[0].target).reshape(op.batch, op.rows, op.columns)
    if op.columns < SHORT_ROW <= op.rows:
        ends.reverse()
        left, right, place = right.transpose(0, 2, 1), left.transpose(0, 2, 1), place.transpose(0, 2, 1)
    (batch, rows, inner), columns = left.shape, right.shape[2]
    sizes = {"batch": batch, "rows": rows, "inner": inner, "columns": columns}
    scale = np.array([op.scale], ends[0].value_type)
    return [
        PlannedProjection(
            kind,
            *end.numbers,
            sizes,
            scale=scale,
            indices=_table(order.reshape(-1), math.prod(end.source)),
            scatter=_table(place.reshape(-1), place.size) if kind == LEFT else None,
        )
        for kind, end, order in ((LEFT, ends[0], left), (RIGHT, ends[1], right))
    ]
