"""Route classes: neurons of one tile that reach the same tiles with the same number of synapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.routing.leaving import TableReached
from neurocomp.mapping.rows import Rows, equal_rows, pointer


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of one population.

    label: int32 (elements): the class, or -1 for elements without targets; tile: source tile of each class.
    rows: codes of each class (leaving.py), ascending; events: int64, the synapse count of each.
    """

    label: np.ndarray
    tile: np.ndarray
    rows: Rows
    events: np.ndarray


def find_classes(tile_of: np.ndarray, reached: TableReached) -> Classes:
    """Classes of a population, numbered in the order of their first elements. tile_of: int (elements)."""
    rows, count = reached.rows, reached.count
    some = np.flatnonzero(rows.lengths)
    heard = Rows(np.append(rows.ptr[some], rows.ptr[-1]), rows.items)
    named = Rows(heard.ptr, heard.items.astype(np.int64) << 32 | count)
    label, first = equal_rows(named, tile_of[some])
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    first = first[order]
    labels = np.full(rows.count, -1, np.int32)
    labels[some] = rank[label]
    taken = Rows(heard.ptr, np.arange(heard.items.size)).taken(first)
    return Classes(labels, tile_of[some[first]], Rows(taken.ptr, heard.items[taken.items]), count[taken.items])


def joined(parts: Sequence[Classes]) -> tuple[np.ndarray, Rows, np.ndarray]:
    """Classes of all populations, one after the other: (source tiles, codes of each class, events)."""
    none = np.zeros(0, np.int64)
    lengths = np.concatenate([none, *(part.rows.lengths for part in parts)])
    items = np.concatenate([none, *(part.rows.items for part in parts)])
    events = np.concatenate([none, *(part.events for part in parts)])
    return np.concatenate([none, *(part.tile for part in parts)]), Rows(pointer(lengths), items), events
