"""What a program is made of: tiles on cores, and the routes between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.mapping.tiling.cuts import Box, window_of
from neurocomp.network.ops import Shape, frozen_array
from neurocomp.network.structure import Corner, Window, as_map

INPUT_PORT = -1


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of one population on one core.

    core: INPUT_PORT for inputs, which enter at the chip's input port. box: ((c0, c1), (y0, y1), (x0, x1)) of
    the population seen as (channels, height, width); or None, and positions: sorted channel-last int32.
    """

    population: str
    core: int
    box: Box | None
    positions: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.positions is not None:
            object.__setattr__(self, "positions", frozen_array(self.positions))

    @property
    def size(self) -> int:
        if self.box is None:
            return np.asarray(self.positions).size
        return math.prod(b - a for a, b in self.box)

    def channel_last_positions(self, shape: Shape) -> np.ndarray:
        """int32: the elements as ascending channel-last positions; shape: the population's."""
        if self.box is None:
            return np.asarray(self.positions)
        channels, _, width = as_map(shape)
        (c0, c1), (y0, y1), (x0, x1) = self.box
        pixels = np.arange(y0, y1)[:, None] * width + np.arange(x0, x1)
        return (pixels[..., None] * channels + np.arange(c0, c1)).reshape(-1).astype(np.int32)

    def part_of(self, values: np.ndarray, shape: Shape) -> np.ndarray:
        """What an array (elements), channel-last, holds of this tile's elements."""
        if self.box is None:
            return values[self.positions]
        channels, height, width = as_map(shape)
        (c0, c1), (y0, y1), (x0, x1) = self.box
        return values.reshape(height, width, channels)[y0:y1, x0:x1, c0:c1]


def tile_window(tile: Tile, shape: Corner) -> Window:
    """Ones on the elements of a tile, see ``structure.Window``."""
    return window_of(tile.box, tile.positions, shape)


def tile_labels(tiles: Sequence[Tile], shape: Callable[[str], Corner]) -> dict[str, np.ndarray]:
    """Per population with tiles: int32 (elements), channel-last, the index of each element's tile, -1 without one.
    shape: of a population by its name."""
    labels: dict[str, np.ndarray] = {}
    for index, tile in enumerate(tiles):
        if tile.population not in labels:
            c, y, x = shape(tile.population)
            labels[tile.population] = np.full((y, x, c), -1, np.int32)
        array = labels[tile.population]
        if tile.box is None:
            array.reshape(-1)[tile.positions] = index
        else:
            channels, rows, columns = (slice(a, b) for a, b in tile.box)
            array[rows, columns, channels] = index
    return {name: array.reshape(-1) for name, array in labels.items()}


@dataclass(frozen=True, eq=False)
class Routes:
    """Where spikes go, by class: the neurons of a class lie in one tile and reach the same tiles with equally
    many synapses.

    route_class: per emitting population int32 (elements), channel-last: the class, or -1 for no target.
    packet_ptr, packet_core, packet_hops_x, packet_hops_y: one packet for each destination core of a class and
    the links on its way. synapse_ptr, synapse_tile, synapse_projection, synapse_events: what a packet sets off
    on its core: the target tile, the projection that its paths end in, and the number of synapses.
    link_ptr, link_id: links that one spike of the class uses (each once if the chip sends trees, once per
    packet if it does not; fabric/topology.py numbers them).
    """

    route_class: dict[str, np.ndarray]
    packet_ptr: np.ndarray
    packet_core: np.ndarray
    packet_hops_x: np.ndarray
    packet_hops_y: np.ndarray
    synapse_ptr: np.ndarray
    synapse_tile: np.ndarray
    synapse_projection: np.ndarray
    synapse_events: np.ndarray
    link_ptr: np.ndarray
    link_id: np.ndarray

    def __post_init__(self) -> None:
        labels = {name: frozen_array(label) for name, label in self.route_class.items()}
        object.__setattr__(self, "route_class", labels)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, frozen_array(value))

    @property
    def classes(self) -> int:
        return self.packet_ptr.size - 1

    @property
    def packets(self) -> int:
        return self.packet_core.size

    @cached_property
    def class_sizes(self) -> np.ndarray:
        """int64 (classes): elements of each class."""
        sizes = np.zeros(self.classes, np.int64)
        for labels in self.route_class.values():
            sizes += np.bincount(labels[labels >= 0], minlength=self.classes)
        return sizes


def class_tiles(tiles: Sequence[Tile], routes: Routes, shape: Callable[[str], Corner]) -> np.ndarray:
    """int64 (classes): the tile that each lies in. shape: of a population by its name."""
    found = np.full(routes.classes + 1, -1, np.int64)  # the last entry takes elements without a class
    for index, tile in enumerate(tiles):
        label = routes.route_class.get(tile.population)
        if label is not None:
            found[tile.part_of(label, shape(tile.population))] = index
    return found[:-1]
