"""A compiled network: which part of it lies on which core, and which way every spike goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.chip_network import mesh_of
from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.program_parts import Routes, Tile, tile_labels
from neurocomp.mapping.quality import Quality
from neurocomp.mapping.routing.usage import Usage
from neurocomp.mapping.stations import placed_view
from neurocomp.network.graph import Network
from neurocomp.network.structure import Corner, as_map


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
        return tile_labels(self.tiles, self.shape)

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
