"""The door to the compiled hypergraph (csrc/partition.h): checked once, then contracted, counted and partitioned."""

from __future__ import annotations

from neurocomp._core.partition import COLUMNS, HyperCore, PartitionCore
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, NEURONS, SYNAPSE_BITS

__all__ = ["ANCHORS", "COLUMNS", "MEMBERS", "WORK", "HyperCore", "PartitionCore"]

MEMBERS, WORK, ANCHORS = 4, 5, 6  # columns beyond those of limits.py, of which a part holds the sum

if (NEURONS, AXONS_IN, AXONS_OUT, SYNAPSE_BITS, DEMANDS, COLUMNS) != (0, 1, 2, 3, 4, 7):
    raise ImportError("the columns of demand here and in csrc/partition.h differ")
