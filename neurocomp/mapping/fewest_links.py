"""Whether tiles on cores take more links than a mapping that is known: found out net by net, and no further than that.

Routing and counting a mapping of a hundred million synapses takes minutes and many gigabytes, the links of a part of
its nets a second; and no net takes less than none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurocomp.fabric.links import link_counts
from neurocomp.mapping.hypergraph import AXON, Hypergraph
from neurocomp.mapping.hypergraph.atoms import Atoms
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import Tile
from neurocomp.mapping.tiling.limits import NEURONS

_CHUNK = 4_000_000  # pins at once


def takes_more_links(
    problem: Problem, graph: Hypergraph, atoms: Atoms, tiles: Sequence[Tile], known: int, *, whole: bool
) -> bool:
    """Whether the tiles take more than ``known`` links, in units of 1 / TRAFFIC_PER_SPIKE; False where that is not
    known: for vertices of several elements, unless tiles are known not to cut them (whole), and where every core gets a
    packet of its own."""
    if problem.chip.noc.multicast != "tree" or not (whole or int(graph.demand[:, NEURONS].max(initial=0)) <= 1):
        return False
    router = _routers(problem, graph, atoms, tiles)
    ptr, total, start = graph.pin_ptr, 0, 0
    while start < graph.nets and total <= known:
        stop = max(start + 1, int(np.searchsorted(ptr, ptr[start] + _CHUNK, side="right")) - 1)
        nets = np.arange(start, stop)[graph.kind[start:stop] == AXON]  # those of memory come last
        if nets.size == 0:
            break
        stop = int(nets[-1]) + 1
        to = router[graph.pin[ptr[start] : ptr[stop]]]
        links = link_counts(
            problem.mesh, True, router[graph.source[start:stop]], ptr[start : stop + 1] - ptr[start], to
        )
        total += int((links * graph.traffic[start:stop]).sum())
        start = stop
    return total > known


def _routers(problem: Problem, graph: Hypergraph, atoms: Atoms, tiles: Sequence[Tile]) -> np.ndarray:
    """int32 (vertices): where each lies; inputs at the input port."""
    router = np.full(graph.vertices, problem.input_router, np.int32)
    labels = {name: atoms.labels(name) for name in atoms.cuts}
    for tile in tiles:
        if tile.core >= 0:
            members = tile.part_of(labels[tile.population], problem.shape(tile.population))
            router[members] = problem.mesh.router_of(np.array(tile.core))
    return router
