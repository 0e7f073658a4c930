"""Volume, demands and gains counted plainly from parts: the readable twin of csrc/partition_state.c and _gain.c."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.hypergraph import AXON, Hypergraph
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, SYNAPSE_BITS, Limits


def _pairs(graph: Hypergraph, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(net, part) of every part with a pin of a net, each once; vertices that are nowhere are left out."""
    held = np.asarray(part, np.int64)[graph.pin]
    pairs = np.stack([graph.net_of_pin.astype(np.int64), held], axis=1)[held >= 0]
    net, with_pin = np.unique(pairs, axis=0).T
    return net, with_pin


def _home(graph: Hypergraph, part: np.ndarray) -> np.ndarray:
    """int64 (nets): the part that sends, or -1."""
    return np.where(graph.source >= 0, np.asarray(part, np.int64)[graph.source], -1)


def counted_demands(graph: Hypergraph, part: np.ndarray, parts: int) -> np.ndarray:
    """int64 (parts, 4)."""
    result = np.zeros((parts, DEMANDS), np.int64)
    placed = np.asarray(part) >= 0
    np.add.at(result, np.asarray(part)[placed], graph.demand[placed])
    net, held = _pairs(graph, part)
    axon = graph.kind[net] == AXON
    np.add.at(result[:, AXONS_IN], held[axon], graph.amount[net[axon]])
    np.add.at(result[:, SYNAPSE_BITS], held[~axon], graph.amount[net[~axon]])
    sender = _home(graph, part)[net]
    sends = axon & (sender >= 0)  # inputs come from outside and need no table
    np.add.at(result[:, AXONS_OUT], sender[sends], graph.amount[net[sends]])
    return result


def counted_volume(graph: Hypergraph, part: np.ndarray) -> int:
    """Each net's traffic times the parts with a pin, other than the sender's."""
    net, held = _pairs(graph, part)
    return int(graph.traffic[net[held != _home(graph, part)[net]]].sum())


def counted_gain(
    graph: Hypergraph, limits: Limits, part: np.ndarray, parts: int, move: tuple[int, int]
) -> tuple[int, bool]:
    """(what the move of a vertex to a part takes from the volume, whether no limit is exceeded further by it)."""
    after = np.array(part)
    after[move[0]] = move[1]
    used = limits.used(counted_demands(graph, part, parts))
    then = limits.used(counted_demands(graph, after, parts))
    allowed = ((then <= limits.capacities) | (then <= used)).all()
    return counted_volume(graph, part) - counted_volume(graph, after), bool(allowed)
