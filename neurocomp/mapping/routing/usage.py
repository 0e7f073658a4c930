"""What the tiles of a program take of their cores, counted exactly from the finished routes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import Routes, Tile, class_tiles
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS, limits_of
from neurocomp.network.ops import frozen_array
from neurocomp.network.structure import Corner

if TYPE_CHECKING:
    from neurocomp.chip.spec import ChipSpec


@dataclass(frozen=True, eq=False)
class Usage:
    """Resources taken. Inputs take none.

    cores: int64, the cores in use, ascending; core_demand: int64 (cores, 4), columns as in limits.py: neurons,
    sources heard, (neuron, destination core) pairs, bits of synaptic memory. tile_demand: int64 (tiles, 4), the
    same for every tile of the program; sources that two tiles of a core hear count in both. weight_bits: width
    at which weights are stored.
    """

    cores: np.ndarray
    core_demand: np.ndarray
    tile_demand: np.ndarray
    weight_bits: int

    def __post_init__(self) -> None:
        for name in ("cores", "core_demand", "tile_demand"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def neurons(self) -> int:
        return int(self.core_demand[:, NEURONS].sum())

    def bytes_by_use(self, chip: ChipSpec) -> dict[str, np.ndarray]:
        """float64 (cores) per kind of content: bytes that it takes in each core."""
        core = chip.core
        return {
            "synapses": self.core_demand[:, SYNAPSE_BITS] / 8,
            "neuron_state": self.core_demand[:, NEURONS] * core.neuron_state_bytes,
            "axons_in": self.core_demand[:, AXONS_IN] * core.axon_in_bytes,
            "axons_out": self.core_demand[:, AXONS_OUT] * core.axon_out_bytes,
        }

    def by_limit(self, chip: ChipSpec) -> list[LimitUse]:
        """For every limit of a core: what all cores take together and the fullest one."""
        limits = limits_of(chip)
        used = limits.used(self.core_demand)
        return [
            LimitUse(
                limit.name, limit.unit, limit.capacity, int(column.sum()), int(column.max(initial=0)),
                int(self.cores[int(column.argmax())]) if column.size else -1,
            )
            for limit, column in zip(limits.limits, used.T, strict=True)
        ]  # fmt: skip

    def fullest(self, chip: ChipSpec) -> tuple[int, str, float]:
        """(core, limit, share of it in use) of the fullest core; the core is -1 if none is in use."""
        worst = max(self.by_limit(chip), key=lambda use: use.share)
        return worst.fullest_core, worst.name, worst.share


@dataclass(frozen=True)
class LimitUse:
    """One limit of a core. capacity, total, most: in ``unit`` (``bits`` for memories); most: in the fullest core."""

    name: str
    unit: str
    capacity: int
    total: int
    most: int
    fullest_core: int

    @property
    def share(self) -> float:
        return self.most / self.capacity


def usage_of(
    problem: Problem, layers: dict[str, Layer], tiles: Sequence[Tile], routes: Routes, homes: np.ndarray | None = None
) -> Usage:
    """Count what every tile and every core takes. homes: ``class_tiles``, if known."""
    demand = np.zeros((len(tiles), DEMANDS), np.int64)
    homes = class_tiles(tiles, routes, problem.shape) if homes is None else homes
    for index, tile in enumerate(tiles):
        if tile.core >= 0:
            shape = problem.shape(tile.population)
            demand[index, NEURONS] = tile.size
            demand[index, SYNAPSE_BITS] = synapse_bits(layers[tile.population], tile, shape)
    sizes = routes.class_sizes
    demand[:, SYNAPSE_BITS] += operand_memory(problem, routes, len(tiles))
    _count_axons_in(routes, sizes, demand)
    per_class = sizes * np.diff(routes.packet_ptr)
    np.add.at(demand[:, AXONS_OUT], homes, per_class)
    cores = np.array([tile.core for tile in tiles], np.int64)
    demand[cores < 0] = 0
    used = np.unique(cores[cores >= 0])
    per_core = np.zeros((used.size, DEMANDS), np.int64)
    np.add.at(per_core, np.searchsorted(used, cores[cores >= 0]), demand[cores >= 0])
    # a source that several tiles of one core hear takes one axon there
    heard = np.bincount(np.searchsorted(used, routes.packet_core), sizes[_packet_class(routes)], used.size)
    per_core[:, AXONS_IN] = heard.astype(np.int64)
    return Usage(used, per_core, demand, problem.weight_bits)


def operand_memory(problem: Problem, routes: Routes, tiles: int) -> np.ndarray:
    """int64 (tiles): bits in which the operands of products are kept, once for each projection that brings them."""
    bits = np.zeros(tiles, np.int64)
    if not problem.operands:
        return bits
    of_class = np.zeros(routes.classes, np.int64)
    for name, label in routes.route_class.items():
        of_class[label[label >= 0]] = problem.operand_bits(name)
    entry = np.flatnonzero(np.isin(routes.synapse_projection, list(problem.operands)))
    packet = np.repeat(np.arange(routes.packets), np.diff(routes.synapse_ptr))[entry]
    of_packet = _packet_class(routes)[packet]
    np.add.at(bits, routes.synapse_tile[entry], (routes.class_sizes * of_class)[of_packet])
    return bits


def synapse_bits(layer: Layer, tile: Tile, shape: Corner) -> int:
    """Bits of synaptic memory that one tile takes; see layer.py for what is stored."""
    stored = layer.stored
    if tile.box is not None:
        c0, c1 = tile.box[0]
        part = stored.per_element
        sizes = [b - a if n == 1 else 1 for (a, b), n in zip(tile.box, part.shape, strict=True)]
        slices = [slice(None) if n == 1 else slice(a, b) for (a, b), n in zip(tile.box, part.shape, strict=True)]
        elements = int(part[tuple(slices)].sum()) * math.prod(sizes)
        return elements + _of_channels(stored.per_channel, slice(c0, c1), c1 - c0) + stored.constant
    positions = np.asarray(tile.positions)
    c = positions % shape[0]
    held = np.zeros(shape[0], bool)
    held[c] = True
    if stored.per_element.size == 1:
        elements = int(stored.per_element.flat[0]) * tile.size
    else:
        y, rest = np.divmod(positions, shape[2] * shape[0])
        elements = int(np.broadcast_to(stored.per_element, shape)[c, y, rest // shape[0]].sum())
    return elements + _of_channels(stored.per_channel, held, int(np.count_nonzero(held))) + stored.constant


def _of_channels(bits: np.ndarray, held: slice | np.ndarray, count: int) -> int:
    """Bits that are stored for each of ``count`` channels held; bits: one number, or one for each channel."""
    return int(bits.reshape(-1)[0]) * count if bits.size == 1 else int(bits[held].sum())


def _packet_class(routes: Routes) -> np.ndarray:
    return np.repeat(np.arange(routes.classes), np.diff(routes.packet_ptr))


def _count_axons_in(routes: Routes, sizes: np.ndarray, demand: np.ndarray) -> None:
    """Sources heard by each tile: once per source, however many of its projections end there."""
    of_packet = np.repeat(np.arange(routes.packets), np.diff(routes.synapse_ptr))
    key = of_packet * len(demand) + routes.synapse_tile
    if (key[1:] < key[:-1]).any():  # routes list them in order; others may not
        key.sort()
    packet, tile = np.divmod(key[np.diff(key, prepend=-1) > 0], len(demand))
    np.add.at(demand[:, AXONS_IN], tile, sizes[_packet_class(routes)[packet]])
