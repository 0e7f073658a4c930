"""The network on chip as a description: routers, links and their latencies. :func:`neurocomp.fabric.noc_run.run_burst`
sends packets through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.chip.noc import CELLS_MAX, LINK_CYCLES_MAX
from neurocomp.errors import Diagnostic, InputError
from neurocomp.fabric.router import Router
from neurocomp.fabric.topology import Mesh, Topology
from neurocomp.splitmix import GOLDEN, mixed

Fidelity = Literal["bound", "event", "cycle"]
Multicast = Literal["tree", "unicast", "dual-path"]


@dataclass(frozen=True)
class Noc:
    """A network of equal routers; all times in cycles of its clock.

    link_latency: (along x, along y), on a tree (up, down), or one number for both. chip_size: routers (x, y) of one
    chip, where several chips make up the mesh; links from chip to chip have boundary_latency and take a flit only
    every boundary_interval cycles. ties: on a torus with two ways of equal length, ``forward`` takes the one east or
    south, as neurocomp.fabric.topology does, ``random`` chooses by packet number, as BookSim2 does by chance.
    """

    mesh: Topology
    router: Router
    link_latency: int | tuple[int, int] = 1
    chip_size: tuple[int, int] | None = None
    boundary_latency: int = 1
    boundary_interval: int = 1
    ties: Literal["forward", "random"] = "forward"

    def __post_init__(self) -> None:
        found = [Diagnostic(f"noc.{where}", what, hint=hint) for where, what, hint in _faults(self)]
        if found:
            raise InputError(found)

    @property
    def latency_xy(self) -> tuple[int, int]:
        return self.link_latency if isinstance(self.link_latency, tuple) else (self.link_latency, self.link_latency)

    def at_boundary(self) -> np.ndarray:
        """bool (link slots): links from one chip to another."""
        links = np.arange(self.mesh.link_slots)
        if self.chip_size is None or not isinstance(self.mesh, Mesh):
            return np.zeros(links.size, np.bool_)
        return self.mesh.leaves_chip(links, self.chip_size)

    def link_latencies(self) -> np.ndarray:
        """int32 (link slots)."""
        along = np.array(self.latency_xy, np.int32)[self.mesh.axis_of(np.arange(self.mesh.link_slots))]
        return np.where(self.at_boundary(), np.int32(self.boundary_latency), along)

    def link_intervals(self) -> np.ndarray:
        """int32 (link slots): cycles from one flit to the next."""
        return np.where(self.at_boundary(), self.boundary_interval, 1).astype(np.int32)

    def forward_ties(self, packets: int) -> np.ndarray:
        """bool (packets, 2): whether a packet goes east, south where both ways round are equally long."""
        if self.ties == "forward" or not self.mesh.torus:
            return np.ones((packets, 2), np.bool_)
        z = mixed((np.arange(packets, dtype=np.uint64) + np.uint64(1)) * np.uint64(GOLDEN))
        return np.stack([z & np.uint64(1), z >> np.uint64(1) & np.uint64(1)], axis=1).astype(np.bool_)


def _faults(noc: Noc) -> list[tuple[str, str, str]]:
    mesh, router, found = noc.mesh, noc.router, []
    shared = -(-router.vcs // router.input_speedup) * router.input_speedup
    inputs = mesh.links_per_router + mesh.cores_per_router
    if inputs * shared > CELLS_MAX:
        found.append(
            (
                "router.vcs",
                f"{inputs} inputs of {router.vcs} VCs are more than {CELLS_MAX} input VCs",
                "fewer VCs, or fewer cores per router",
            )
        )
    if mesh.torus and router.vcs < 2:
        found.append(("router.vcs", "a torus needs two VCs or more, or packets can block each other for ever", ""))
    delays = {
        "link_latency": (*noc.latency_xy,),
        "boundary_latency": (noc.boundary_latency,),
        "boundary_interval": (noc.boundary_interval,),
    }
    for where, values in delays.items():
        if not all(1 <= value <= LINK_CYCLES_MAX for value in values):
            found.append((where, f"must be 1 to {LINK_CYCLES_MAX} cycles", ""))
    if noc.chip_size is not None and (min(noc.chip_size) < 1 or not isinstance(mesh, Mesh)):
        found.append(("chip_size", "several chips make up a mesh; a chip has at least one router along each axis", ""))
    return found
