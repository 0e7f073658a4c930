"""Routing: the packets, synaptic events and links that one spike of every neuron causes.

Packets go X first, then Y. On chips that send trees a spike uses each link of the union of its paths once;
on others it sends a packet of its own to each destination core.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurocomp.mapping.classes import Outgoing, Pairs, find_classes, joined
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program import Routes, Tile, tile_window
from neurocomp.network.layout import channel_last_index
from neurocomp.network.ops import Sparse

_CHUNK = 1_000_000  # hops expanded at once


def route(problem: Problem, tiles: Sequence[Tile], seed: int = 0) -> Routes:
    """Routes of every emitting population. Deterministic; ``seed`` is for routers that search."""
    tile_of = _tile_labels(problem, tiles)
    outgoing = _outgoing(problem, tiles, tile_of)
    parts = [find_classes(problem.shape(name), tile_of[name], outgoing[name]) for name in problem.emitting]
    source_tile, number, tile, projection, events = joined(parts)
    labels, base = {}, 0
    for name, part in zip(problem.emitting, parts, strict=True):
        labels[name] = np.where(part.label >= 0, part.label + np.int32(base), np.int32(-1)).astype(np.int32)
        base += part.tile.size
    core_of_tile = np.array([t.core for t in tiles], np.int64)
    core = core_of_tile[tile]
    order = np.lexsort((projection, tile, core, number))
    number, core = number[order], core[order]
    fresh = np.flatnonzero(np.diff(number * (problem.mesh.core_slots + 1) + core, prepend=-1))
    packet_class, packet_core = number[fresh], core[fresh]
    packet_ptr = np.searchsorted(packet_class, np.arange(base + 1))
    source = _routers(problem, core_of_tile[source_tile])
    destination = problem.mesh.router_of(packet_core)
    hops_x, hops_y = problem.mesh.hops(source[packet_class], destination)
    link_ptr, link_id = _links(problem, source, packet_ptr, destination)
    return Routes(
        labels, packet_ptr.astype(np.int64), packet_core.astype(np.int32), hops_x.astype(np.int32),
        hops_y.astype(np.int32), np.append(fresh, number.size).astype(np.int64), tile[order].astype(np.int32),
        projection[order].astype(np.int32), events[order].astype(np.int32), link_ptr, link_id,
    )  # fmt: skip


def _routers(problem: Problem, cores: np.ndarray) -> np.ndarray:
    """Routers of cores; inputs enter at the input port."""
    return np.where(cores < 0, problem.input_router, problem.mesh.router_of(cores))


def _tile_labels(problem: Problem, tiles: Sequence[Tile]) -> dict[str, np.ndarray]:
    """Per population int32 (elements), channel-last: the index of the tile that holds each element."""
    labels = {}
    for name in {tile.population: None for tile in tiles}:
        c, y, x = problem.shape(name)
        labels[name] = np.full((y, x, c), -1, np.int32)
    for index, tile in enumerate(tiles):
        array = labels[tile.population]
        if tile.box is None:
            array.reshape(-1)[tile.positions] = index
        else:
            c, y, x = (slice(a, b) for a, b in tile.box)
            array[y, x, c] = index
    return {name: array.reshape(-1) for name, array in labels.items()}


def _outgoing(problem: Problem, tiles: Sequence[Tile], tile_of: dict[str, np.ndarray]) -> dict[str, Outgoing]:
    """What each emitting population sends to each tile."""
    outgoing = {name: Outgoing() for name in problem.emitting}
    for name in problem.tiled:
        for index in problem.indexed[name]:
            step = problem.network.projections[index]
            if isinstance(step.op, Sparse) and problem.emits(step.source):
                outgoing[step.source].pairs.append(_pairs(problem, index, step.op, tile_of[name]))
    for number, tile in enumerate(tiles):
        if tile.core < 0:
            continue
        window = tile_window(tile, problem.shape(tile.population))
        for index in problem.indexed[tile.population]:
            step = problem.network.projections[index]
            if isinstance(step.op, Sparse) and problem.emits(step.source):
                continue
            for source, counts in problem.arrivals(index, window).items():
                outgoing[source].windows.append((number, index, counts))
    return outgoing


def _pairs(problem: Problem, index: int, op: Sparse, tile_of: np.ndarray) -> Pairs:
    """A table of synapses as counts per (source element, target tile)."""
    step = problem.network.projections[index]
    target_tile = tile_of[channel_last_index(problem.shape(step.target))][op.indices].astype(np.int64)
    position = channel_last_index(problem.shape(step.source))[
        np.repeat(np.arange(op.indptr.size - 1), np.diff(op.indptr))
    ]
    tiles = int(target_tile.max(initial=0)) + 1
    key, count = np.unique(position * tiles + target_tile, return_counts=True)
    element, tile = np.divmod(key, tiles)
    return Pairs(index, element, tile, count)


def _links(
    problem: Problem, source: np.ndarray, packet_ptr: np.ndarray, destination: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(pointer int64, links int32) of every class, some classes at a time to bound memory."""
    mesh, tree = problem.mesh, problem.chip.noc.multicast == "tree"
    packets = np.repeat(np.arange(source.size), np.diff(packet_ptr))
    length = sum(mesh.hops(source[packets], destination)) if destination.size else np.zeros(0, np.int64)
    reach = np.concatenate([[0], np.cumsum(length)])[packet_ptr]
    counts, links, start = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], 0
    while start < source.size:
        stop = max(start + 1, int(np.searchsorted(reach, reach[start] + _CHUNK, side="right")) - 1)
        stop = min(stop, source.size)
        first, last = packet_ptr[start], packet_ptr[stop]
        part, pointer = destination[first:last], packet_ptr[start : stop + 1] - first
        if tree:
            ends, found = mesh.trees(source[start:stop], pointer, part)
        else:
            path_ends, found = mesh.paths(source[packets[first:last]], part)
            ends = path_ends[pointer]
        counts.append(np.diff(ends))
        links.append(found.astype(np.int32))
        start = stop
    return np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64), np.concatenate(links)
