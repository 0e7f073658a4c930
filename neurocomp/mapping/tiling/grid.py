"""The search for the grid that cuts a population into the fewest tiles within all limits of a core.

All nearly-even grids are compared at once: every demand is a sum of products of one factor per axis, so the
largest tile of every grid comes from three short tables (a bound where one memory holds several kinds of
content and different tiles have most of each). Along a long axis only those numbers of parts are tried that
change the size of the largest part (about twice the square root of its length). Among grids of equally few
tiles the one whose tiles together hear the fewest sources wins: inputs that several tiles hear are sent
several times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.reach import Explicit, Reach, Renamed, Separable, Uniform, in_places
from neurocomp.mapping.tiling.cuts import Grid, split
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS, Limits

_ALL_PARTS = 64  # axes up to this length are cut into every possible number of parts


@dataclass(frozen=True, eq=False)
class _Axis:
    """The ways to cut one axis: parts, and the bounds that they give."""

    index: int
    parts: np.ndarray
    bounds: tuple[np.ndarray, ...]

    def table(self, measure: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The largest value per part that each way leads to, shaped to broadcast over all grids."""
        return self._shaped([measure(edges).max(initial=0) for edges in self.bounds])

    def sums(self, measure: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return self._shaped([measure(edges).sum() for edges in self.bounds])

    def _shaped(self, values: list[int]) -> np.ndarray:
        return np.array(values, np.int64).reshape([-1 if a == self.index else 1 for a in range(3)])

    @property
    def counts(self) -> np.ndarray:
        return self._shaped(list(self.parts))


def best_grid(layer: Layer, limits: Limits, out: np.ndarray, spread: dict[str, int | None]) -> Grid | None:
    """The grid of fewest tiles, or None if not even single elements fit.

    out: destination tiles of each element, broadcastable. spread: how many tiles may hear one element of a
    source; None for any number.
    """
    axes = tuple(_ways(i, length) for i, length in enumerate(layer.shape))
    tiles = axes[0].counts * axes[1].counts * axes[2].counts
    allowed = limits.fits(_largest_demands(layer, axes, out)) & _spread_allowed(layer, axes, spread, tiles.shape)
    if not allowed.any():
        return None
    fewest = np.argwhere(allowed & (tiles == tiles[allowed].min()))
    heard = _heard_by_all(layer, axes, tiles)
    c, y, x = min(map(tuple, fewest), key=lambda at: (int(heard[at]), int(at[2]), int(at[1]), int(at[0])))
    return Grid((axes[0].bounds[c], axes[1].bounds[y], axes[2].bounds[x]))


def block_grid(layer: Layer, limits: Limits, out: np.ndarray, own: Layer, share: Limits) -> Grid | None:
    """Blocks for the partitioner, or None if none is allowed: as few parts of the channels as possible, then blocks
    of 2^i x 2^j pixels, as large as allowed, square where it makes no difference.

    Channels stay together because most listeners hear them all; the sides are powers of two so that the blocks of
    successive layers lie over each other. own: the layer with nothing but what a block adds to a core;
    share: the limits on that.
    """
    axes = (_ways(0, layer.shape[0]), _powers(1, layer.shape[1]), _powers(2, layer.shape[2]))
    tiles = axes[0].counts * axes[1].counts * axes[2].counts
    allowed = limits.fits(_largest_demands(layer, axes, out)) & share.fits(_largest_demands(own, axes, out))
    if not allowed.any():
        return None
    c = int(np.argmax(allowed.any(axis=(1, 2))))
    heard = _heard_by_all(layer, axes, tiles)[c]
    pixels = axes[1].table(np.diff)[0] * axes[2].table(np.diff)[0]
    rank = lambda y, x: (-int(pixels[y, x]), int(heard[y, x]), abs(y - x), y)  # noqa: E731
    y, x = min(((int(y), int(x)) for y, x in np.argwhere(allowed[c])), key=lambda at: rank(*at))
    return Grid((axes[0].bounds[c], axes[1].bounds[y], axes[2].bounds[x]))


def single_demand(layer: Layer, out: np.ndarray) -> np.ndarray:
    """int64 (4): the largest demand of any single element, each column for itself."""
    finest = tuple(_Axis(i, np.array([n]), (split(n, n),)) for i, n in enumerate(layer.shape))
    return _largest_demands(layer, finest, out).reshape(DEMANDS)


def _ways(index: int, length: int) -> _Axis:
    parts = np.arange(1, length + 1)
    if length > _ALL_PARTS:
        sizes = np.unique(-(-length // parts))
        parts = np.unique(-(-length // sizes))
    return _Axis(index, parts, tuple(split(length, int(p)) for p in parts))


def _powers(index: int, length: int) -> _Axis:
    """Blocks of 1, 2, 4, ... elements; the last one may be shorter."""
    sizes = [1 << k for k in range(max(1, (length - 1).bit_length() + 1))]
    bounds = tuple(np.append(np.arange(0, length, size), length) for size in sizes)
    return _Axis(index, np.array([edges.size - 1 for edges in bounds]), bounds)


def _largest_demands(layer: Layer, axes: tuple[_Axis, ...], out: np.ndarray) -> np.ndarray:
    """int64 (ways, ways, ways, 4): a bound on the demand of the largest tile of each grid."""
    result = np.zeros((*(axis.parts.size for axis in axes), DEMANDS), np.int64)
    result[..., NEURONS] = axes[0].table(np.diff) * axes[1].table(np.diff) * axes[2].table(np.diff)
    for source, reaches in layer.reaches.items():
        heard = np.minimum(sum(_heard(reach, axes, _Axis.table) for reach in reaches), reaches[0].sources)
        result[..., AXONS_IN] += heard
        result[..., SYNAPSE_BITS] += heard * layer.operand_bits.get(source, 0)
    result[..., AXONS_OUT] = _largest_box_sums(out, axes)
    per_channel = np.broadcast_to(layer.stored.per_channel, layer.shape[:1])
    result[..., SYNAPSE_BITS] += (
        axes[0].table(lambda edges: np.add.reduceat(per_channel, edges[:-1]))
        + _largest_box_sums(layer.stored.per_element, axes) + layer.stored.constant
    )  # fmt: skip
    return result


def _heard(reach: Reach, axes: tuple[_Axis, ...], take: Callable[..., np.ndarray]) -> np.ndarray:
    if isinstance(reach, Uniform):
        return np.full((1, 1, 1), reach.support, np.int64)
    if isinstance(reach, Explicit):
        raise TypeError("a population with tables of synapses is cut into runs, not into a grid")
    reach = in_places(reach)
    factors = (reach.channels_of, reach.rows.distinct, reach.columns.distinct)
    channels, rows, columns = (take(axis, measure) for axis, measure in zip(axes, factors, strict=True))
    return channels * rows * columns


def _heard_by_all(layer: Layer, axes: tuple[_Axis, ...], tiles: np.ndarray) -> np.ndarray:
    """Sources heard, summed over the tiles of each grid."""
    result = np.zeros_like(tiles)
    for reach in (reach for reaches in layer.reaches.values() for reach in reaches):
        each = _heard(reach, axes, _Axis.sums)
        result = result + (each * tiles if isinstance(reach, Uniform) else each)
    return result


def _spread_allowed(
    layer: Layer, axes: tuple[_Axis, ...], spread: dict[str, int | None], shape: tuple[int, ...]
) -> np.ndarray:
    """Whether no source element is heard by more tiles than it may send to."""
    allowed = np.ones(shape, bool)
    for source, most in spread.items():
        if most is None:
            continue
        heard = np.zeros(shape, np.int64)
        for reach in layer.reaches.get(source, ()):
            if isinstance(reach, Uniform):
                heard += axes[0].counts * axes[1].counts * axes[2].counts
            elif isinstance(reach, Separable | Renamed):
                reach = in_places(reach)
                measures = (reach.parts_per_channel, reach.rows.parts_per_source, reach.columns.parts_per_source)
                channels, rows, columns = (axis.table(m) for axis, m in zip(axes, measures, strict=True))
                heard += channels * rows * columns
        allowed &= heard <= most
    return allowed


def _largest_box_sums(values: np.ndarray, axes: tuple[_Axis, ...]) -> np.ndarray:
    """Largest sum over a box of each grid, broadcastable; an upper bound where channels and places both differ."""
    channels, rows, columns = axes
    if values.shape[1:] == (1, 1):
        if values.shape[0] == 1:
            per_channel = channels.table(np.diff) * values
        else:
            per_channel = channels.table(lambda edges: np.add.reduceat(values[:, 0, 0], edges[:-1]))
        return per_channel * rows.table(np.diff) * columns.table(np.diff)
    plane = values.max(axis=0)
    plane = np.broadcast_to(plane, (rows.bounds[0][-1], columns.bounds[0][-1]))
    table = np.zeros((rows.parts.size, columns.parts.size), np.int64)
    for i, row_edges in enumerate(rows.bounds):
        bands = np.add.reduceat(plane, row_edges[:-1], axis=0)
        table[i] = [np.add.reduceat(bands, edges[:-1], axis=1).max() for edges in columns.bounds]
    return channels.table(np.diff) * table
