"""Parts that hold the same piece of the map through several layers: columns, along a space-filling curve.

Where neurons hear what lies under them, a patch of the map cut through consecutive layers sends little out of itself,
and neighbouring patches are neighbours on the curve (Hilbert, Mathematische Annalen 38, 1891) as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.hypergraph.core import PartitionCore
from neurocomp.mapping.partition.task import Task

_BITS = 16  # of each coordinate
_MOST_PINS = 100_000_000  # counted while layers are joined


@dataclass(frozen=True, eq=False)
class Columns:
    """Ways to begin with columns. curve: int64 (vertices), a place along the curve. layer: int32 (vertices), numbered
    in network order."""

    curve: np.ndarray
    layer: np.ndarray

    def whole(self, task: Task, seed: int = 0) -> np.ndarray:
        """int32 (vertices): columns through all layers."""
        return self._laid(task.state(), self._order(task), np.zeros(int(self.layer.max()) + 1, np.int32))[0]

    def layered(self, task: Task, seed: int = 0) -> np.ndarray:
        """Columns through consecutive layers, each layer joined to those before it if that lowers the volume."""
        layers, state, order = int(self.layer.max()) + 1, task.state(), self._order(task)
        group = np.arange(layers, dtype=np.int32)
        part, least = self._laid(state, order, group)
        for layer in range(1, min(layers, 1 + _MOST_PINS // max(1, task.hyper.pins))):
            joined = group - (np.arange(layers) >= layer).astype(np.int32)
            found, volume = self._laid(state, order, joined)
            if volume < least:
                group, part, least = joined, found, volume
        return part

    def _order(self, task: Task) -> np.ndarray:
        """int32: the vertices to be placed, along the curve, layer after layer at one place of it."""
        return task.free[np.lexsort((task.free, self.layer[task.free], self.curve[task.free]))]

    def _laid(self, state: PartitionCore, order: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, int]:
        """Parts filled one after the other, group of layers after group, and their volume; the largest there is where
        parts do not suffice, as what is nowhere sends nothing."""
        by_group = np.argsort(group[self.layer[order]].astype(np.uint16), kind="stable")  # short numbers are counted
        part, used, volume = state.lay(np.ascontiguousarray(order[by_group], np.int32))
        return part, volume if used <= state.parts else np.iinfo(np.int64).max


def along_hilbert(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """int64: the place along Hilbert's curve of points in the unit square."""
    top = (1 << _BITS) - 1
    y, x = (np.minimum((axis * (1 << _BITS)).astype(np.int64), top) for axis in (y, x))
    place = np.zeros(x.shape, np.int64)
    for bit in range(_BITS - 1, -1, -1):
        right, down = x >> bit & 1, y >> bit & 1
        place = place << 2 | (3 * right ^ down)
        x, y = np.where(down == 0, x ^ (top * right), x), np.where(down == 0, y ^ (top * right), y)
        x, y = np.where(down == 0, y, x), np.where(down == 0, x, y)
    return place
