"""A compiled network: which part of it lies on which core, and which way every spike goes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.chip_network import mesh_of
from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.cuts import Box, window_of
from neurocomp.mapping.quality import Quality
from neurocomp.mapping.stations import placed_view
from neurocomp.mapping.usage import Usage
from neurocomp.network.graph import Network
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


@dataclass(frozen=True, eq=False)
class Program:
    """A network mapped onto a chip, checked.

    tiles: inputs first, then network order. offsets: pipeline level per population (chip step = network step
    + offset). usage: what the tiles take of their cores. assumptions, mismatches: sentences for the report.
    quality: how good the mapping is and how it was found; None for a program put together by hand. chips: (columns,
    rows) of equal chips that make up one mesh; routers and cores are numbered through all of them.
    """

    network: Network
    chip: ChipSpec
    tiles: tuple[Tile, ...]
    routes: Routes
    offsets: dict[str, int]
    usage: Usage
    forbidden_cores: tuple[int, ...] = ()
    assumptions: tuple[str, ...] = ()
    mismatches: tuple[str, ...] = field(default=())
    quality: Quality | None = None
    chips: tuple[int, int] = (1, 1)

    @cached_property
    def placed(self) -> Network:
        """The network as it lies on the chip: stations count as neurons, those of the host as inputs (stations.py).
        Routes number its projections."""
        return placed_view(self.network)

    @property
    def mesh(self) -> Mesh:
        """All routers, of all chips."""
        return mesh_of(self.chip, self.chips)

    @property
    def chip_count(self) -> int:
        return self.chips[0] * self.chips[1]

    @property
    def cores_used(self) -> int:
        return self.usage.cores.size

    @property
    def routers_used(self) -> int:
        """Routers with a core in use."""
        return np.unique(self.usage.cores // self.chip.noc.cores_per_router).size

    def shape(self, population: str) -> Corner:
        """A population's shape as (channels, height, width)."""
        return as_map(self.network.by_name[population].shape)

    @cached_property
    def tile_of(self) -> dict[str, np.ndarray]:
        """Per population with tiles: int32 (elements), channel-last, the index of each element's tile."""
        labels: dict[str, np.ndarray] = {}
        for index, tile in enumerate(self.tiles):
            shape = self.shape(tile.population)
            if tile.population not in labels:
                labels[tile.population] = np.full(shape[1:] + shape[:1], -1, np.int32)
            array = labels[tile.population]
            if tile.box is None:
                array.reshape(-1)[tile.positions] = index
            else:
                c, y, x = (slice(a, b) for a, b in tile.box)
                array[y, x, c] = index
        return {name: array.reshape(-1) for name, array in labels.items()}

    def save(self, directory: str | Path) -> None:
        """Write program.json and program.npz into a directory (made if needed); see store.py."""
        from neurocomp.mapping.store import save_program

        save_program(self, Path(directory))

    def __repr__(self) -> str:
        return (
            f"Program({self.network.name!r} on {self.chip.name}: {len(self.tiles)} tiles on {self.cores_used} cores, "
            f"{self.routes.classes} route classes)"
        )

    def _repr_html_(self) -> str:
        from neurocomp.mapping.show import to_html

        return to_html(self)


def tile_window(tile: Tile, shape: Corner) -> Window:
    """Ones on the elements of a tile, see ``structure.Window``."""
    return window_of(tile.box, tile.positions, shape)
