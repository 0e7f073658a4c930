"""Routing: the packets, synaptic events and links that one spike of every neuron causes.

Packets go X first, then Y. On chips that send trees a spike uses each link of the union of its paths once;
on others it sends a packet of its own to each destination core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neurocomp.fabric.links import links_of
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import Routes, Tile, tile_labels, tile_window
from neurocomp.mapping.reach.paths import paths_into
from neurocomp.mapping.routing.boxes import boxes_of
from neurocomp.mapping.routing.classes import Classes, find_classes, joined
from neurocomp.mapping.routing.leaving import (
    BoxesReached,
    ListedReached,
    TableReached,
    WindowReached,
    by_element,
    mark_segments,
    product_entries,
    products,
    reached,
    table_entries,
    window_entries,
)
from neurocomp.mapping.rows import Rows, counted_rows
from neurocomp.network.layout import channel_last_index
from neurocomp.network.ops import Sparse
from neurocomp.network.structure import Corner

_MOST_BOXES = 16  # per tile, on average; a population in more pieces than that is followed tile by tile


def route(problem: Problem, tiles: Sequence[Tile], seed: int = 0) -> Routes:
    """Routes of every emitting population. Deterministic; ``seed`` is for routers that search."""
    codes = _Codes(problem, tiles)
    leaving = _leaving(problem, tiles, codes)
    parts, labels, base = [], {}, 0
    for name in problem.emitting:
        part, label = _classes(problem.shape(name), codes, name, leaving.pop(name))
        labels[name] = np.where(label >= 0, label + np.int32(base), np.int32(-1)).astype(np.int32)
        base += part.tile.size
        parts.append(part)
    source_tile, rows, events = joined(parts)
    tile, projection = codes.split(rows.items)
    core = codes.core[tile]
    number = np.repeat(np.arange(rows.count), rows.lengths)
    fresh = np.flatnonzero(np.diff(number * np.int64(problem.mesh.core_slots + 1) + core, prepend=-1))
    packet_core = core[fresh]
    packet_ptr = np.searchsorted(number[fresh], np.arange(base + 1)).astype(np.int64)
    source = _routers(problem, codes.core[source_tile])
    destination = problem.mesh.router_of(packet_core)
    hops_x, hops_y = problem.mesh.hops(source[number[fresh]], destination)
    link_ptr, link_id = links_of(problem.mesh, problem.chip.noc.multicast == "tree", source, packet_ptr, destination)
    return Routes(
        labels, packet_ptr, packet_core.astype(np.int32), hops_x.astype(np.int32), hops_y.astype(np.int32),
        np.append(fresh, number.size).astype(np.int64), tile.astype(np.int32), projection.astype(np.int32),
        events.astype(np.int32), link_ptr, link_id,
    )  # fmt: skip


def _routers(problem: Problem, cores: np.ndarray) -> np.ndarray:
    """Routers of cores; inputs enter at the input port."""
    return np.where(cores < 0, problem.input_router, problem.mesh.router_of(cores))


class _Codes:
    """Numbers for (target tile, projection) that ascend with the core, then the tile, then the projection.

    core: int64 (tiles); of: for each population with tiles int32 (elements), channel-last, the tile of each.
    """

    def __init__(self, problem: Problem, tiles: Sequence[Tile]) -> None:
        self.core = np.array([tile.core for tile in tiles], np.int64)
        self.projections = max(1, len(problem.network.projections))
        self.tile_at = np.argsort(self.core, kind="stable")
        self.rank = np.empty_like(self.tile_at)
        self.rank[self.tile_at] = np.arange(len(tiles))
        self.count = len(tiles) * self.projections
        self.of = tile_labels(tiles, problem.shape)

    def code(self, tile: np.ndarray | int, projection: int) -> np.ndarray:
        return self.rank[tile] * self.projections + projection

    def split(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(tiles, projections)."""
        rank, projection = np.divmod(code, self.projections)
        return self.tile_at[rank], projection


@dataclass(eq=False)
class _Leaving:
    """All that leaves one population."""

    boxes: list[BoxesReached] = field(default_factory=list)
    windows: list[WindowReached | ListedReached] = field(default_factory=list)
    tables: list[TableReached] = field(default_factory=list)


def _leaving(problem: Problem, tiles: Sequence[Tile], codes: _Codes) -> dict[str, _Leaving]:
    """What each emitting population sends to each tile."""
    leaving = {name: _Leaving() for name in problem.emitting}
    numbers: dict[str, list[int]] = {}
    for number, tile in enumerate(tiles):
        numbers.setdefault(tile.population, []).append(number)
    for name in problem.tiled:
        boxes = None
        for index in problem.indexed[name]:
            step = problem.network.projections[index]
            if isinstance(step.op, Sparse) and problem.emits(step.source):
                leaving[step.source].tables.append(_table(problem, index, step.op, codes))
                continue
            paths = paths_into(problem, index)
            if paths is not None and boxes is None:
                c, y, x = problem.shape(name)
                boxes = boxes_of(codes.of[name].reshape(y, x, c))
            if paths is not None and boxes is not None and boxes[0].size <= _MOST_BOXES * len(numbers[name]):
                for path in paths:
                    leaving[path.source].boxes.append(BoxesReached(path, codes.code(boxes[0], index), boxes[1]))
                continue
            for number in numbers[name]:
                window = tile_window(tiles[number], problem.shape(name))
                for source, counts in problem.arrivals(index, window).items():
                    leaving[source].windows.append(reached(int(codes.code(number, index)), counts))
    return leaving


def _table(problem: Problem, index: int, op: Sparse, codes: _Codes) -> TableReached:
    """A table of synapses as counts per (source element, target tile), elements channel-last."""
    step = problem.network.projections[index]
    tile = codes.of[step.target][channel_last_index(problem.shape(step.target))]
    code = codes.code(tile, index).astype(np.int32)  # by target
    shape = problem.shape(step.source)
    ptr, items = op.indptr.copy(), code[op.indices]
    if shape[0] > 1 and shape[1] * shape[2] > 1:  # from channel-first to channel-last
        rows = Rows(ptr, items).taken(np.argsort(channel_last_index(shape)))
        ptr, items = rows.ptr, rows.items
    return TableReached(*counted_rows(ptr, items, codes.count))


def _classes(shape: Corner, codes: _Codes, name: str, leaving: _Leaving) -> tuple[Classes, np.ndarray]:
    """The classes of a population and the class of every element, channel-last."""
    channels, height, width = shape
    tiles = codes.of[name].reshape(height, width, channels)
    if leaving.tables and not leaving.boxes and not leaving.windows and len(leaving.tables) == 1:
        found = find_classes(tiles.reshape(-1), leaving.tables[0])
        return found, found.label
    boxes = [products(boxes) for boxes in leaving.boxes]
    starts = np.zeros(channels + 1, bool)
    starts[0] = True
    starts[1:channels] = bool(leaving.tables) or (tiles[:, :, 1:] != tiles[:, :, :-1]).any(axis=(0, 1))
    for part in (*boxes, *leaving.windows):
        mark_segments(starts, part)
    first = np.flatnonzero(starts[:channels])
    entries = [product_entries(part, first, shape) for part in boxes]
    entries += [window_entries(part, first, shape) for part in leaving.windows]
    entries += [table_entries(part) for part in leaving.tables]
    own = np.ascontiguousarray(tiles[:, :, first]).reshape(-1)
    found = find_classes(own, by_element(entries, own.size, codes.count))
    label = np.repeat(found.label.reshape(height, width, -1), np.diff(np.append(first, channels)), axis=2)
    return found, label.reshape(-1)
