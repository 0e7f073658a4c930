"""The mapping problem as a hypergraph: what is placed (vertices) and what travels between it (nets).

A vertex is a micro-tile, a small box of one population, or a single neuron. A net joins equal source neurons:
they sit in one vertex and are heard by the same vertices, so wherever those lie, each spike of the net sends
one packet to every distinct core among them. Partitioners and placers see nothing but this; what a core has
to hold follows from it exactly (``part_demands``), shared kernels and shared axons included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurocomp.mapping.limits import AXONS_IN, AXONS_OUT, DEMANDS, SYNAPSE_BITS, Limits
from neurocomp.network.ops import frozen_array

AXON, MEMORY = 0, 1
TRAFFIC_PER_SPIKE = 1_000_000  # traffic is an integer, so that sums do not depend on their order


@dataclass(frozen=True, eq=False)
class Hypergraph:
    """Vertices and nets; all arrays are frozen.

    demand: int64 (vertices, 4), columns as in limits.py: what a vertex takes whatever it shares a core with.
    is_input: bool (vertices): enters at the input port and takes no core.
    population: int32 (vertices): index of the population it belongs to.
    pinned: int32 (vertices): the core that the user chose, or -1.
    source: int32 (nets): the sending vertex; -1 for MEMORY. kind: uint8 (nets). AXON: a part with a pin takes
    ``amount`` fan-in axons, the sender's part ``amount`` fan-out axons for each distinct part with a pin.
    MEMORY: a part with a pin stores ``amount`` bits, once. pin_ptr int64 (nets + 1), pin int32: listening
    vertices of each net, ascending, each once. traffic: int64 (nets): spikes per step of the whole net, in
    units of 1 / TRAFFIC_PER_SPIKE; 0 for MEMORY.
    """

    demand: np.ndarray
    is_input: np.ndarray
    population: np.ndarray
    pinned: np.ndarray
    source: np.ndarray
    kind: np.ndarray
    amount: np.ndarray
    traffic: np.ndarray
    pin_ptr: np.ndarray
    pin: np.ndarray

    def __post_init__(self) -> None:
        for name, value in tuple(vars(self).items()):
            object.__setattr__(self, name, frozen_array(value))

    @property
    def vertices(self) -> int:
        return self.is_input.size

    @property
    def nets(self) -> int:
        return self.source.size

    @cached_property
    def net_of_pin(self) -> np.ndarray:
        """int32 (pins)."""
        return np.repeat(np.arange(self.nets, dtype=np.int32), np.diff(self.pin_ptr))


def contracted(graph: Hypergraph, part: np.ndarray, parts: int) -> Hypergraph:
    """The hypergraph of the parts: one vertex per part, then one for each input vertex, nets between them merged.

    part: int32 (vertices), 0 to parts - 1, and -1 for inputs. Nets with equal sender, listeners and kind
    become one. ``demand`` of the result is that of ``part_demands``, ``pinned`` the pin of any member.
    """
    label = np.asarray(part, np.int64).copy()
    inputs = np.flatnonzero(graph.is_input)
    label[inputs] = parts + np.arange(inputs.size)
    count = parts + inputs.size
    key = graph.net_of_pin.astype(np.int64) * count + label[graph.pin]
    net, vertex = np.divmod(np.unique(key), count)
    axons = graph.kind[net] == AXON
    net, vertex = net[axons], vertex[axons]
    source = np.where(graph.source >= 0, label[graph.source], -1)
    return _merged(graph, part, parts, source, net, vertex)


def _merged(
    graph: Hypergraph, part: np.ndarray, parts: int, source: np.ndarray, net: np.ndarray, vertex: np.ndarray
) -> Hypergraph:
    inputs = np.flatnonzero(graph.is_input)
    pointer = np.searchsorted(net, np.arange(graph.nets + 1))
    groups: dict[tuple[int, bytes], int] = {}
    leader = np.full(graph.nets, -1, np.int64)
    first = []
    for index in np.flatnonzero(np.diff(pointer)):
        name = (int(source[index]), vertex[pointer[index] : pointer[index + 1]].tobytes())
        if name not in groups:
            groups[name] = len(first)
            first.append(index)
        leader[index] = groups[name]
    known = leader >= 0
    first_net = np.array(first, np.int64)
    sums = np.zeros((2, len(first)), np.int64)
    np.add.at(sums[0], leader[known], graph.amount[known])
    np.add.at(sums[1], leader[known], graph.traffic[known])
    length = np.diff(pointer)[first_net]
    ends = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    at = np.arange(ends[-1]) + np.repeat(pointer[first_net] - ends[:-1], length)
    population = np.full(parts + inputs.size, -1, np.int32)
    pinned = np.full(parts + inputs.size, -1, np.int32)
    placed = ~graph.is_input
    population[part[placed][::-1]] = graph.population[placed][::-1]
    population[parts:] = graph.population[inputs]
    held = placed & (graph.pinned >= 0)
    pinned[part[held]] = graph.pinned[held]
    demand = np.concatenate([part_demands(graph, part, parts), np.zeros((inputs.size, DEMANDS), np.int64)])
    return Hypergraph(
        demand, np.arange(parts + inputs.size) >= parts, population, pinned, source[first_net].astype(np.int32),
        np.zeros(first_net.size, np.uint8), sums[0], sums[1], ends, vertex[at].astype(np.int32),
    )  # fmt: skip


def part_demands(graph: Hypergraph, part: np.ndarray, parts: int) -> np.ndarray:
    """int64 (parts, 4): what each part takes of a core, exactly, counted from nothing but ``part``."""
    part = np.asarray(part, np.int64)
    result = np.zeros((parts, DEMANDS), np.int64)
    np.add.at(result, part[~graph.is_input], graph.demand[~graph.is_input])
    net, held = np.divmod(np.unique(graph.net_of_pin.astype(np.int64) * parts + part[graph.pin]), max(1, parts))
    axon = graph.kind[net] == AXON
    np.add.at(result[:, AXONS_IN], held[axon], graph.amount[net[axon]])
    np.add.at(result[:, SYNAPSE_BITS], held[~axon], graph.amount[net[~axon]])
    sender = np.where(graph.source[net] >= 0, part[graph.source[net]], -1)
    sends = axon & (sender >= 0)  # inputs come from outside and need no table
    np.add.at(result[:, AXONS_OUT], sender[sends], graph.amount[net[sends]])
    return result


def overfull(graph: Hypergraph, part: np.ndarray, parts: int, limits: Limits) -> np.ndarray:
    """int64: the parts that no core holds."""
    return np.flatnonzero(~limits.fits(part_demands(graph, part, parts)))
