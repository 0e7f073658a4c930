"""What each tiled population asks of the cores that hold it, before it is cut: sources, synapses, memory.

Computed forward through the relays, once; the search for tiles then only looks at sums over boxes.

Synaptic memory follows the chip's ``kernel_sharing``. With it a tile stores the weights of every operator on
its paths in factored form: the kernels of its output channels once, the rows of a fully connected matrix,
every synapse of a sparse one with its index. Without it every composed synapse is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.reach import Reach, identity, merged
from neurocomp.mapping.reach.through import through
from neurocomp.network.graph import Projection
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse, Wiring
from neurocomp.network.structure import Corner, arriving, fan_in, total, whole


@dataclass(frozen=True, eq=False)
class Stored:
    """Bits of synaptic memory: for each channel present in a tile, for each element, and once per tile.

    per_channel: int64 (channels or 1,); per_element: int64, broadcastable to the population's map.
    """

    per_channel: np.ndarray
    per_element: np.ndarray
    constant: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.per_channel + other.per_channel, self.per_element + other.per_element, self.constant + other.constant
        )

    def all_bits(self, shape: Corner) -> int:
        """Bits of the whole population in a single tile."""
        return self.constant + total(self.per_channel, shape[:1]) + total(self.per_element, shape)


NOTHING = Stored(np.zeros(1, np.int64), np.zeros((1, 1, 1), np.int64))


@dataclass(frozen=True, eq=False)
class Layer:
    """The demands of one tiled population.

    reaches: per emitting population what its elements listen to; fan_in: synapses of each element, int64
    broadcastable to ``shape``; synapses: all of them. operand_bits: of populations that are multiplied here, the bits
    of synaptic memory in which a tile keeps each of their elements that it hears.
    """

    name: str
    shape: Corner
    reaches: dict[str, tuple[Reach, ...]]
    stored: Stored
    fan_in: np.ndarray
    operand_bits: dict[str, int] = field(default_factory=dict)

    @property
    def synapses(self) -> int:
        return total(self.fan_in, self.shape)


@dataclass(frozen=True, eq=False)
class _Incoming:
    """What arrives at a population: dense and sparse are composed synapses per element (int64, broadcastable)."""

    reaches: dict[str, tuple[Reach, ...]]
    stored: Stored
    dense: np.ndarray
    sparse: np.ndarray


def layers_of(problem: Problem) -> dict[str, Layer]:
    """The demands of every tiled population, by name, in network order."""
    known: dict[str, _Incoming] = {}
    for name in problem.emitting:
        known[name] = _emitted(problem, name)
    for relay in problem.relays:
        known[relay] = _arriving(problem, relay, known)
    layers = {}
    for name in problem.tiled:
        shape = problem.shape(name)
        arriving = known[name] if not problem.emits(name) else _arriving(problem, name, known)
        fan = whole(problem.population(name).shape, arriving.dense + arriving.sparse).counts
        memory = _memory(problem, name, arriving)
        layers[name] = Layer(name, shape, arriving.reaches, memory, fan, _operand_bits(problem, name))
    return layers


def _operand_bits(problem: Problem, name: str) -> dict[str, int]:
    bits: dict[str, int] = {}
    for edge in problem.edges_into[name] if problem.operands else ():
        if edge.projection in problem.operands:
            bits[edge.source] = bits.get(edge.source, 0) + problem.operand_bits(edge.source)
    return bits


def _emitted(problem: Problem, name: str) -> _Incoming:
    one = np.ones((1,) * len(problem.population(name).shape), np.int64)
    return _Incoming({name: (identity(problem.shape(name)),)}, NOTHING, one, np.zeros_like(one))


def _arriving(problem: Problem, name: str, known: dict[str, _Incoming]) -> _Incoming:
    """The sum over the projections into a population."""
    network, target = problem.network, problem.shape(name)
    reaches: dict[str, list[Reach]] = {}
    stored = NOTHING
    zero = np.zeros((1,) * len(problem.population(name).shape), np.int64)
    dense, sparse = zero, zero
    for index in problem.indexed[name]:
        projection = network.projections[index]
        source, shape = known[projection.source], network.by_name[projection.source].shape
        for emitter, parts in source.reaches.items():
            reaches.setdefault(emitter, []).extend(through(projection.op, shape, part) for part in parts)
        if index in problem.operands:  # multiplied with each other: no synapses, see operand_bits
            continue
        stored = stored + _passed_on(projection.op, shape, source.stored) + _own(problem, projection, target)
        from_dense = fan_in(projection.op, shape, source.dense)
        if isinstance(projection.op, Sparse):
            sparse = sparse + from_dense
        else:
            dense = dense + from_dense
        if source.sparse.any():
            sparse = sparse + fan_in(projection.op, shape, source.sparse)
    ordered = {e: merged(reaches[e], target) for e in sorted(reaches, key=problem.rank.__getitem__)}
    return _Incoming(ordered, stored, dense, sparse)


def _memory(problem: Problem, name: str, arriving: _Incoming) -> Stored:
    core = problem.chip.core
    if core.kernel_sharing:
        return arriving.stored
    bits = problem.weight_bits
    per_element = arriving.dense * bits + arriving.sparse * (bits + core.synapse_index_bits)
    return Stored(NOTHING.per_channel, whole(problem.population(name).shape, per_element).counts)


def _passed_on(op: Op, source_shape: Shape, stored: Stored) -> Stored:
    """Memory of the operators before a relay, seen from behind the next operator."""
    if stored is NOTHING:
        return stored
    source, target = whole(source_shape).stop, whole(op.target_shape(source_shape)).stop
    if isinstance(op, OneToOne) and source == target:
        return stored
    if isinstance(op, OneToOne) and not stored.per_channel.any():
        return Stored(stored.per_channel, np.broadcast_to(stored.per_element, source).reshape(target), stored.constant)
    if isinstance(op, Wiring):
        moved = _rewired(op, stored, source, target)
        if moved is not None:
            return moved
    if isinstance(op, Pool) and not stored.per_element.any():
        return Stored(stored.per_channel, NOTHING.per_element, stored.constant)
    return Stored(NOTHING.per_channel, NOTHING.per_element, stored.all_bits(source))


def _rewired(op: Wiring, stored: Stored, source: Corner, target: Corner) -> Stored | None:
    """Memory by the wires' targets, if each of their channels is made of one channel of the source."""
    index = op.index.reshape(target[0], -1)
    per_channel = stored.per_channel
    if per_channel.any():
        channel = np.where(index >= 0, index // (source[1] * source[2]), -1)
        highest = channel.max(axis=1)
        if (np.where(channel >= 0, channel, highest[:, None]) != highest[:, None]).any():
            return None
        per_channel = np.where(highest >= 0, np.broadcast_to(per_channel, source[:1])[highest], 0)
    per_element = stored.per_element
    if per_element.any():
        flat = np.broadcast_to(per_element, source).reshape(-1)
        per_element = np.where(index >= 0, flat[np.maximum(index, 0)], 0).reshape(target)
    return Stored(per_channel, per_element, stored.constant)


def _own(problem: Problem, projection: Projection, target: Corner) -> Stored:
    """Memory of one operator's weights, kernels shared. A pool or an identity stores a single weight."""
    op, bits = projection.op, problem.weight_bits
    per_channel, per_element, constant = NOTHING.per_channel, NOTHING.per_element, 0
    match op:
        case Conv():
            per_channel = np.full(1, op.weight[0].size * bits, np.int64)
        case Linear():
            per_element = np.full((1, 1, 1), op.weight.shape[1] * bits, np.int64)
        case Sparse():
            each = bits + problem.chip.core.synapse_index_bits
            per_element = arriving(op, np.ones(1, np.int64)).reshape(target) * each
        case OneToOne() if isinstance(op.scale, np.ndarray):
            per_element = np.full((1, 1, 1), bits, np.int64)
        case _:
            constant = bits
    return Stored(per_channel, per_element, constant)
