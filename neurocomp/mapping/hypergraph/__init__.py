"""The mapping problem as a hypergraph: what is placed (vertices) and what travels between it (nets).

A vertex is a micro-tile, a small box of one population, or a single neuron. A net joins equal source neurons:
they sit in one vertex and are heard by the same vertices, so wherever those lie, each spike of the net sends
one packet to every distinct core among them. Partitioners and placers see nothing but this; what a core has
to hold follows from it exactly (``part_demands``), shared kernels and shared axons included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurocomp.mapping.hypergraph.core import COLUMNS, MEMBERS, WORK, HyperCore, PartitionCore
from neurocomp.mapping.tiling.limits import DEMANDS
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


def contracted(graph: Hypergraph, part: np.ndarray, parts: int) -> Hypergraph:
    """The hypergraph of the parts, for placing them: one vertex per part, then one for each input vertex.

    part: int32 (vertices), 0 to parts - 1, and -1 for inputs. Nets with equal sender and listeners become one;
    memory nets, which send nothing, vanish. ``demand`` of the result is *complete*, that of ``part_demands``: it
    is what a core needs for the part, shared memory and axons of the remaining nets included. To partition
    further, use ``coarsened``. ``population`` and ``pinned`` are those of a member.
    """
    nets = between(graph, part, parts)
    demand = nets.demand.copy()
    demand[:parts] = part_demands(graph, part, parts)
    return replace(nets, demand=demand)


def between(graph: Hypergraph, part: np.ndarray, parts: int) -> Hypergraph:
    """The same without demands, which are left zero: what placers look at."""
    nets, _ = _drawn_together(graph, _labels(graph, part, parts), parts, fold=False)
    axon = nets.kind == AXON
    return nets if axon.all() else _kept(nets, axon)


def sampled(graph: Hypergraph, most_pins: int, seed: int) -> Hypergraph:
    """The graph with a random sample of its axon nets, of about so many pins; if it has no more than that, as it is."""
    if graph.pin.size <= most_pins:
        return graph
    return _kept(graph, drawn(np.diff(graph.pin_ptr), graph.kind != AXON, most_pins, seed))


def drawn(length: np.ndarray, always: np.ndarray, most_pins: int, seed: int) -> np.ndarray:
    """bool (nets): a random sample with about so many pins in all, and those that are wanted always."""
    share = most_pins / max(1, int(length.sum()))
    return (np.random.default_rng(seed).random(length.size) < share) | always


def _kept(graph: Hypergraph, kept: np.ndarray) -> Hypergraph:
    """The graph with the marked nets alone."""
    length = np.diff(graph.pin_ptr)
    return replace(
        graph, source=graph.source[kept], kind=graph.kind[kept], amount=graph.amount[kept],
        traffic=graph.traffic[kept], pin_ptr=np.concatenate([[0], np.cumsum(length[kept])]),
        pin=graph.pin[np.repeat(kept, length)],
    )  # fmt: skip


def coarsened(graph: Hypergraph, group: np.ndarray, groups: int) -> Hypergraph:
    """The hypergraph of groups of vertices, for partitioning them: the same volume and demands whatever the parts.

    group: int32 (vertices), 0 to groups - 1, and -1 for inputs, which follow the groups as in ``contracted``.
    ``demand`` of the result is *additive*: what a group takes whatever it shares a core with, which now
    includes the nets that lie within it. All others, of both kinds, stay nets.
    """
    nets, weight = _drawn_together(graph, _labels(graph, group, groups), groups, fold=True)
    return replace(nets, demand=weight[:, :DEMANDS])


def _labels(graph: Hypergraph, part: np.ndarray, parts: int) -> np.ndarray:
    label = np.array(part, np.int32)
    inputs = np.flatnonzero(graph.is_input)
    label[inputs] = parts + np.arange(inputs.size)
    return label


def _drawn_together(graph: Hypergraph, label: np.ndarray, parts: int, fold: bool) -> tuple[Hypergraph, np.ndarray]:
    """The nets between groups, with demands left empty, and what nc_hyper_contract says that groups weigh."""
    count = parts + int(graph.is_input.sum())
    pin_ptr, pin, source, kind, amount, traffic, weight = compiled(graph).contract(label, count, fold)
    population = np.full(count, -1, np.int32)
    pinned = np.full(count, -1, np.int32)
    population[label[::-1]] = graph.population[::-1]
    held = graph.pinned >= 0
    pinned[label[held]] = graph.pinned[held]
    is_input = np.arange(count) >= parts
    none = np.zeros((count, DEMANDS), np.int64)
    return Hypergraph(none, is_input, population, pinned, source, kind, amount, traffic, pin_ptr, pin), weight


def part_demands(graph: Hypergraph, part: np.ndarray, parts: int) -> np.ndarray:
    """int64 (parts, 4): what each part takes of a core, exactly. part as in ``contracted``."""
    return demands_and_volume(graph, part, parts)[0]


def volume(graph: Hypergraph, part: np.ndarray, parts: int) -> int:
    """Spikes per step to other parts, in units of 1 / TRAFFIC_PER_SPIKE: each net's traffic goes to every part
    with a pin but the sender's."""
    return demands_and_volume(graph, part, parts)[1]
