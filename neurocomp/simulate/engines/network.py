"""The network between the cores as the timing kernel takes it: ways in and out, trees, and how long packets take alone.

Built once per program and by route class, so that a step only names classes. Beside its cores each router has one more
place, by which inputs enter at the input port; it is idle elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.fabric.burst import Burst
from neurocomp.fabric.chip_network import noc_of
from neurocomp.fabric.noc import Fidelity, Noc
from neurocomp.fabric.noc_cycle import compiled_network
from neurocomp.fabric.noc_event import Service, service_of
from neurocomp.fabric.noc_routes import Trees, build_trees
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.program import Program

if TYPE_CHECKING:
    from neurocomp.fabric.noc_cycle import Network

_CHUNK = 100_000  # deliveries whose ways are laid at once


@dataclass(frozen=True, eq=False)
class NetworkTables:
    """csrc/inference.h, nc_step_noc. trees: of the classes with several destinations, None if there are none."""

    noc: Noc
    network: Network
    service: Service | None
    cycle_ps: int
    clocked: bool
    flits: int
    core_source: np.ndarray
    packet_sink: np.ndarray
    packet_cycles: np.ndarray
    class_tree: np.ndarray
    trees: Trees | None


def network_tables(program: Program, fidelity: Fidelity, class_core: np.ndarray) -> NetworkTables | None:
    """None for ``bound``, which needs no network. class_core: int64 (classes), the core that sends, -1 for inputs.

    Raises InputError if the profile has no router.
    """
    if fidelity == "bound":
        return None
    chip, routes = program.chip, program.routes
    noc = noc_of(chip, program.chips, extra_locals=1)
    entrance = noc.mesh.router_at(*chip.noc.input_port) * noc.mesh.cores_per_router + chip.noc.cores_per_router
    core_source = np.append(places_of(np.arange(program.mesh.core_slots), program.mesh), entrance).astype(np.int32)
    sink = places_of(routes.packet_core, program.mesh).astype(np.int32)
    source = core_source[class_core]  # -1 is the last one, the entrance
    class_tree = np.full(routes.classes, -1, np.int32)
    trees = None
    if chip.noc.multicast == "tree":
        class_tree, trees = _trees(noc, source, routes.packet_ptr, sink)
    return NetworkTables(
        noc=noc,
        network=compiled_network(noc),
        service=service_of(noc, single_flit=chip.noc.flits_per_spike == 1) if fidelity == "event" else None,
        cycle_ps=chip.noc.cycle_ps,
        clocked=bool(chip.noc.clock_ns),
        flits=chip.noc.flits_per_spike,
        core_source=core_source,
        packet_sink=sink,
        packet_cycles=_alone(noc, np.repeat(source, np.diff(routes.packet_ptr)), sink, chip.noc.flits_per_spike),
        class_tree=class_tree,
        trees=trees,
    )


def places_of(cores: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Cores of a chip as the network numbers them, which has one place more at each router."""
    router, local = np.divmod(cores, mesh.cores_per_router)
    return router * (mesh.cores_per_router + 1) + local


def _alone(noc: Noc, source: np.ndarray, sink: np.ndarray, flits: int) -> np.ndarray:
    """int32: cycles from release to arrival of packets that have the network for themselves."""
    if not sink.size:
        return np.zeros(0, np.int32)
    routers, per_router = noc.mesh.routers, noc.mesh.cores_per_router
    key, back = np.unique(noc.mesh.router_of(source) * routers + noc.mesh.router_of(sink), return_inverse=True)
    cycles = np.zeros(key.size, np.int32)
    for start in range(0, key.size, _CHUNK):
        here, there = np.divmod(key[start : start + _CHUNK], routers)
        zeros = np.zeros(here.size, np.int64)
        burst = Burst.unicast(zeros, here * per_router, there * per_router, zeros + flits)
        cycles[start : start + _CHUNK] = run_burst(noc, burst, fidelity="bound").arrival
    return cycles[back]


def _trees(noc: Noc, source: np.ndarray, pointer: np.ndarray, sink: np.ndarray) -> tuple[np.ndarray, Trees | None]:
    """(int32 (classes): number of the class's tree or -1, the trees), some classes at a time to bound memory."""
    fan_out = np.diff(pointer)
    several = np.flatnonzero(fan_out > 1)
    class_tree = np.full(fan_out.size, -1, np.int32)
    class_tree[several] = np.arange(several.size)
    if not several.size:
        return class_tree, None
    ends, parts, start = np.cumsum(fan_out[several]), [], 0
    while start < several.size:
        reach = (ends[start - 1] if start else 0) + _CHUNK
        stop = max(start + 1, int(np.searchsorted(ends, reach, side="right")))
        parts.append(_trees_of(noc, source, pointer, sink, several[start:stop]))
        start = stop
    router, ports, high = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("router", "ports", "high")
    )
    sizes = np.concatenate([np.diff(part.pointer) for part in parts])
    rows = np.concatenate([[0], np.cumsum(sizes)])
    return class_tree, Trees(np.arange(several.size, dtype=np.int32), rows, router, ports, high)


def _trees_of(noc: Noc, source: np.ndarray, pointer: np.ndarray, sink: np.ndarray, classes: np.ndarray) -> Trees:
    fan_out = pointer[classes + 1] - pointer[classes]
    ends = np.concatenate([[0], np.cumsum(fan_out)])
    delivery = np.arange(ends[-1]) + np.repeat(pointer[classes] - ends[:-1], fan_out)
    one = np.ones(classes.size, np.int64)
    burst = Burst(one * 0, source[classes], one, ends, sink[delivery])
    return build_trees(noc.mesh, burst, np.ones((classes.size, 2), np.bool_))
