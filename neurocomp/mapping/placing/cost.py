"""What a placement costs, link by link: the reference that the search in C is measured against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurocomp.mapping.hypergraph import AXON, Hypergraph
from neurocomp.mapping.placing.fabric import Fabric

_CHUNK = 1_000_000  # hops expanded at once


class PlacedCost(NamedTuple):
    """hops: traffic times the cost of the links that it takes, over all nets. hottest: the largest traffic times
    cost of one link. load: int64 (link_slots), traffic over each link. Traffic is in the unit of the hypergraph."""

    hops: int
    hottest: int
    load: np.ndarray


def placed_cost(graph: Hypergraph, part: np.ndarray | None, core: np.ndarray, fabric: Fabric) -> PlacedCost:
    """The cost of parts on cores, every tree walked.

    part: int (vertices), -1 for inputs; None: every vertex but the inputs is a part of its own, in order, as
    ``contracted`` leaves them. core: int64 (parts).
    """
    mesh = fabric.mesh
    nets = np.flatnonzero((graph.kind == AXON) & (graph.traffic > 0))
    home = _cores(graph, part, core)
    sender = home[graph.source[nets]]
    source = np.where(sender < 0, fabric.input_router, mesh.router_of(sender))
    load = np.zeros(mesh.link_slots, np.int64)
    pointer, target = _targets(graph, nets, home, fabric)
    reach = np.concatenate([[0], np.cumsum(sum(mesh.hops(np.repeat(source, np.diff(pointer)), target)))])[pointer]
    start = 0
    while start < nets.size:
        stop = max(start + 1, int(np.searchsorted(reach, reach[start] + _CHUNK, side="right")) - 1)
        first, last = pointer[start], pointer[stop]
        ends, links = _walked(fabric, source[start:stop], pointer[start : stop + 1] - first, target[first:last])
        np.add.at(load, links, np.repeat(graph.traffic[nets[start:stop]], np.diff(ends)))
        start = stop
    weighted = load * fabric.link_cost
    return PlacedCost(int(weighted.sum()), int(weighted.max(initial=0)), load)


def _cores(graph: Hypergraph, part: np.ndarray | None, core: np.ndarray) -> np.ndarray:
    """int64 (vertices): the core of each, -1 for inputs."""
    home = np.full(graph.vertices, -1, np.int64)
    placed = ~graph.is_input
    home[placed] = core if part is None else np.asarray(core, np.int64)[np.asarray(part)[placed]]
    return home


def _targets(graph: Hypergraph, nets: np.ndarray, home: np.ndarray, fabric: Fabric) -> tuple[np.ndarray, np.ndarray]:
    """(pointer, routers): where each net has to go, once per core, or once per router if it travels as a tree."""
    mesh = fabric.mesh
    length = np.diff(graph.pin_ptr)[nets]
    ends = np.concatenate([[0], np.cumsum(length)])
    at = np.arange(ends[-1]) + np.repeat(graph.pin_ptr[:-1][nets] - ends[:-1], length)
    target = home[graph.pin[at]]
    if fabric.tree:
        target = mesh.router_of(target)
    key = np.unique(np.repeat(np.arange(nets.size), length) * mesh.core_slots + target)
    net, target = np.divmod(key, mesh.core_slots)
    pointer = np.searchsorted(net, np.arange(nets.size + 1))
    return pointer, target if fabric.tree else np.asarray(mesh.router_of(target))


def _walked(
    fabric: Fabric, source: np.ndarray, pointer: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if fabric.tree:
        return fabric.mesh.trees(source, pointer, target)
    ends, links = fabric.mesh.paths(np.repeat(source, np.diff(pointer)), target)
    return ends[pointer], links
