"""Synaptic memory of each tile, counted from the network: every synapse, or every weight once where the chip
shares kernels. Part of the legality check; shares no code with the mapper."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.check.signals import brings_operands, operand_bits
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import Tile
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse, Wiring


def stored_bits(program: Program) -> list[int]:
    """Bits of synaptic memory per tile: every synapse, or every weight once where the chip shares kernels."""
    operands = operand_bits(program)
    if program.chip.core.kernel_sharing:
        heard = _synapses_per_element(program)
        shared = [_shared_bits(program, tile, heard) if tile.core >= 0 else 0 for tile in program.tiles]
        return (np.array(shared, np.int64) + operands).tolist()
    width, index = program.usage.weight_bits, program.chip.core.synapse_index_bits
    routes = program.routes
    of_packet = np.repeat(np.arange(routes.classes), np.diff(routes.packet_ptr))
    of_synapse = np.repeat(of_packet, np.diff(routes.synapse_ptr))
    indexed = np.array([_goes_through_table(program, k) for k in range(len(program.placed.projections))] + [False])
    each = np.where(indexed[routes.synapse_projection], width + index, width)
    multiplied = np.array([brings_operands(program.placed, p) for p in program.placed.projections] + [False])
    each = np.where(multiplied[routes.synapse_projection], 0, each)
    bits = operands.copy()
    np.add.at(bits, routes.synapse_tile, routes.class_sizes[of_synapse] * routes.synapse_events * each)
    return bits.tolist()


def _goes_through_table(program: Program, index: int) -> bool:
    projection = program.placed.projections[index]
    if isinstance(projection.op, Sparse):
        return True
    source = program.placed.by_name[projection.source]
    before = [k for k, p in enumerate(program.placed.projections) if p.target == source.name]
    return source.neuron is None and any(_goes_through_table(program, k) for k in before)


@dataclass(frozen=True)
class _Part:
    """Elements of one population. channels: distinct ones; size: how many elements; positions: makes their
    channel-last positions, where they are needed."""

    channels: np.ndarray
    size: int
    positions: Callable[[], np.ndarray]


def _synapses_per_element(program: Program) -> dict[str, np.ndarray]:
    """Per projection that is a table: int64 (targets), channel-last, the synapses of each target."""
    found = {}
    for projection in program.placed.projections:
        if isinstance(projection.op, Sparse):
            shape = program.placed.by_name[projection.target].shape
            counts = np.bincount(projection.op.indices, minlength=int(np.prod(shape))).reshape(shape)
            found[projection.name] = np.moveaxis(counts, 0, -1).reshape(-1)
    return found


def _shared_bits(program: Program, tile: Tile, heard: dict[str, np.ndarray]) -> int:
    """Kernels of the tile's channels, matrix rows and synapses of its elements. What lies before a relay counts
    for the channels and elements that the relay keeps apart, otherwise as a whole."""
    shape = program.placed.by_name[tile.population].shape
    channels = _channels_of(tile.positions, shape[0]) if tile.box is None else np.arange(*tile.box[0])
    part = _Part(channels, tile.size, lambda: tile.channel_last_positions(shape).astype(np.int64))
    return _bits_into(program, tile.population, part, heard)


def _channels_of(positions: np.ndarray | None, channels: int) -> np.ndarray:
    """The channels of channel-last positions, ascending, each once."""
    held = np.zeros(channels, bool)
    held[np.asarray(positions) % channels] = True
    return np.flatnonzero(held)


def _bits_into(program: Program, name: str, part: _Part, heard: dict[str, np.ndarray]) -> int:
    width, index, network = program.usage.weight_bits, program.chip.core.synapse_index_bits, program.placed
    total, shape = 0, network.by_name[name].shape
    for projection in network.incoming[name]:
        op, source = projection.op, network.by_name[projection.source]
        if brings_operands(network, projection):
            continue
        if isinstance(op, Conv):
            total += part.channels.size * math.prod(op.weight.shape[1:]) * width
        elif isinstance(op, Linear):
            total += part.size * op.weight.shape[1] * width
        elif isinstance(op, Sparse):
            total += int(heard[projection.name][part.positions()].sum()) * (width + index)
        else:
            total += width * (part.size if isinstance(op, OneToOne) and isinstance(op.scale, np.ndarray) else 1)
        if source.neuron is None and source.name not in network.inputs:
            total += _bits_into(program, source.name, _needed(op, part, shape, source.shape), heard)
    return total


def _needed(op: Op, part: _Part, shape: Shape, source: Shape) -> _Part:
    """The relay's elements of which the operators before it are stored."""
    size, channels = int(np.prod(source)), source[0]
    if isinstance(op, OneToOne) and source == shape:
        return part
    if isinstance(op, OneToOne):
        number = np.moveaxis(np.arange(size).reshape(shape), 0, -1).reshape(-1)[part.positions()]
        place = np.empty(size, np.int64)
        place[np.moveaxis(np.arange(size).reshape(source), 0, -1).reshape(-1)] = np.arange(size)
        return _Part(np.unique(place[number] % channels), number.size, lambda: place[number])
    if isinstance(op, Wiring):
        number = op.index[np.moveaxis(np.arange(op.index.size).reshape(shape), 0, -1).reshape(-1)[part.positions()]]
        number = np.unique(number[number >= 0])
        place = np.moveaxis(np.arange(size).reshape(source), 0, -1).reshape(-1).argsort()[number]
        return _Part(np.unique(place % channels), number.size, lambda: np.sort(place))
    if isinstance(op, Pool):
        return _Part(part.channels, part.channels.size * (size // channels),
                     lambda: (np.arange(size // channels)[:, None] * channels + part.channels).reshape(-1))  # fmt: skip
    return _Part(np.arange(channels), size, lambda: np.arange(size))
