"""The door to the placer's compiled core: parts and cores, ready to be searched."""

from __future__ import annotations

import numpy as np

from neurocomp._core.placing import Board, Joint
from neurocomp.mapping.hypergraph import AXON, Hypergraph
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.nets import PlacedNets, placed_nets

__all__ = ["Board", "Joint", "board_of"]

_LARGEST_SUM = 2.0**62


def board_of(clustered: Hypergraph, fabric: Fabric, held: np.ndarray) -> tuple[Board, PlacedNets]:
    """held: bool (parts), stays where it is. Traffic is halved until no sum of it over links can overflow."""
    axons = clustered.kind == AXON
    reach = float(fabric.column_cost.sum() + fabric.row_cost.sum())
    largest = float((clustered.traffic[axons] * np.diff(clustered.pin_ptr)[axons].astype(float)).sum()) * reach
    halvings = 0
    while largest / 2.0**halvings + axons.sum() * reach > _LARGEST_SUM:
        halvings += 1
    nets = placed_nets(clustered, halvings)
    return Board(fabric, nets, held), nets
