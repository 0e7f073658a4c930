"""The door to the compiled hypergraph: checked once, then contracted, counted and partitioned in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurocomp._core.partition import COLUMNS, HyperCore, PartitionCore
from neurocomp.mapping.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS

if TYPE_CHECKING:
    from neurocomp.mapping.hypergraph import Hypergraph

__all__ = ["ANCHORS", "MEMBERS", "WORK", "HyperCore", "PartitionCore", "compiled", "demands_and_volume"]

MEMBERS, WORK, ANCHORS = 4, 5, 6  # columns beyond those of limits.py, of which a part holds the sum

if (NEURONS, AXONS_IN, AXONS_OUT, SYNAPSE_BITS, DEMANDS, COLUMNS) != (0, 1, 2, 3, 4, 7):
    raise ImportError("the columns of demand here and in csrc/partition.h differ")


def compiled(graph: Hypergraph, work: np.ndarray | None = None) -> HyperCore:
    """The hypergraph in C. work: int64 (vertices), the additional column WORK. MEMBERS is 1 for every vertex."""
    weight = np.zeros((graph.vertices, COLUMNS), np.int64)
    weight[:, :DEMANDS] = graph.demand
    weight[:, MEMBERS] = 1
    if work is not None:
        weight[:, WORK] = work
    weight[graph.is_input] = 0
    return HyperCore(
        np.ascontiguousarray(graph.pin_ptr, np.int64), np.ascontiguousarray(graph.pin, np.int32),
        np.ascontiguousarray(graph.source, np.int32), np.ascontiguousarray(graph.kind, np.uint8),
        np.ascontiguousarray(graph.amount, np.int64), np.ascontiguousarray(graph.traffic, np.int64),
        np.ascontiguousarray(graph.is_input, np.uint8), weight,
    )  # fmt: skip


def demands_and_volume(graph: Hypergraph, part: np.ndarray, parts: int) -> tuple[np.ndarray, int]:
    """int64 (parts, 4) demands, and the volume, of parts counted once from nothing."""
    if parts == 0:
        return np.zeros((0, DEMANDS), np.int64), 0
    free = np.zeros((1, COLUMNS), np.int64)
    core = PartitionCore(compiled(graph), parts, free, np.zeros(1, np.int64), 0, np.ascontiguousarray(part, np.int32))
    return core.demand[:, :DEMANDS].copy(), core.volume
