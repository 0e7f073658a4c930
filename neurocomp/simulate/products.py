"""Products of two signals: how many operations each tile does in each step, from the spikes of both operands.

A core keeps the operands of its part of a product and, once those of a step are complete, adds up the terms of which
neither operand is zero: one product operation each. So many operations do not depend on the order of arrivals. They
are counted by multiplying the operands' non-zero patterns as matrices, a step at a time, never synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurocomp.activity.trace import SpikeTrace, unpack
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import Operand, is_product, operands_of, product_home
from neurocomp.mapping.stations.wires import Wire, wire_index, wires_into
from neurocomp.network.layout import channel_last_index

_CHUNK = 1 << 24  # elements of a product at once


@dataclass(frozen=True, eq=False)
class ProductWork:
    """operations: int64 (tiles), of the run. phase_ps: int64 (chip steps), how long the core with most of them takes
    in each step; core_ps: int64 (cores of the chip), of the run. expected: operations of every product, counted from
    the totals of its operands, without tiles."""

    operations: np.ndarray
    phase_ps: np.ndarray
    core_ps: np.ndarray
    expected: dict[str, int]


def product_work(program: Program, trace: SpikeTrace, chip_steps: int) -> ProductWork:
    """The operations of all products of a program on a trace of its own network."""
    core = np.array([tile.core for tile in program.tiles], np.int64)
    operations, core_ps = np.zeros(core.size, np.int64), np.zeros(program.mesh.core_slots, np.int64)
    latency_ps = program.chip.engines.fp.product_cost.latency_ps
    expected: dict[str, int] = {}
    used = np.unique(core[_product_tiles(program)]) if products_of(program) else core[:0]
    by_step = np.zeros((chip_steps, used.size), np.int64)
    for name in products_of(program):
        expected[name] = 0
        home = product_home(program.network, name)
        # on chips that deliver in the next step operands are complete a step before the result is sent
        late = program.offsets.get(home, 0) - (program.chip.numeric.delivery == "next_step")
        label = _tile_of_elements(program, name, home)
        for start, left, right in _operands(program, name, trace):
            tiles, counts = _by_tile(left, right, label)
            operations[tiles] += counts.sum(axis=0)
            expected[name] += int((left.sum(axis=2, dtype=np.int64) * right.sum(axis=3, dtype=np.int64)).sum())
            rows = np.maximum(np.arange(start, start + len(counts)) + late, 0)
            place = np.searchsorted(used, core[tiles])
            np.add.at(by_step, (rows[:, None], place[None, :]), counts)
    core_ps[used] = by_step.sum(axis=0) * latency_ps
    return ProductWork(operations, by_step.max(axis=1, initial=0) * latency_ps, core_ps, expected)


def products_of(program: Program) -> tuple[str, ...]:
    """Products of two signals, in network order."""
    return tuple(p.name for p in program.network.populations if is_product(program.network, p.name))


def _product_tiles(program: Program) -> np.ndarray:
    homes = {product_home(program.network, name) for name in products_of(program)}
    return np.flatnonzero([tile.population in homes for tile in program.tiles])


def _tile_of_elements(program: Program, name: str, home: str) -> np.ndarray:
    """int64, flat channel-first: the tile that forms each element of a product."""
    network = program.network
    shape = network.by_name[home].shape
    label = program.tile_of[home][channel_last_index(shape)].astype(np.int64)
    way: list[np.ndarray] = []
    while name != home:
        (step,) = network.outgoing[name]
        index = wire_index(step.op, network.by_name[step.target].size)
        if index is None:
            raise ValueError(f"{name} is not wired to {home}")
        way.append(index)
        name = step.target
    for index in reversed(way):
        before = np.full(int(index.max(initial=-1)) + 1, -1, np.int64)
        before[index[index >= 0]] = label[index >= 0]
        label = before
    return label


def _operands(program: Program, name: str, trace: SpikeTrace) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(first step, left, right): which elements of the operands are not zero, bool (steps, batch, ...), some steps of
    the run at a time."""
    network = program.network
    left, right = operands_of(network, name)
    wires = _wires(program, left), _wires(program, right)
    op = left.op
    size = max(op.batch * op.rows * max(op.columns, op.inner), op.batch * op.inner * op.columns)
    samples, group = trace.samples, max(1, _CHUNK // (size * trace.steps))
    for first in range(0, samples, group):
        last = min(samples, first + group)
        rows = (last - first) * trace.steps
        yield (
            first * trace.steps,
            _nonzero(trace, wires[0], first, last).reshape(rows, *left.op.source_form),
            _nonzero(trace, wires[1], first, last).reshape(rows, *right.op.source_form),
        )


def _wires(program: Program, operand: Operand) -> list[Wire]:
    """Where the elements of an operand come from, as places in the traces of their sources."""
    network, projection = program.network, operand.projection
    found = wires_into(network, projection.source, frozenset(network.stations)) or ()
    return [
        Wire(w.source, _channel_last(w.index, network.by_name[w.source].shape), w.delay + projection.delay)
        for w in found
    ]


def _channel_last(index: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The same elements by their place in a trace."""
    return np.where(index >= 0, channel_last_index(shape)[np.maximum(index, 0)], -1)


def _nonzero(trace: SpikeTrace, wires: list[Wire], first: int, last: int) -> np.ndarray:
    """bool (samples, steps, elements)."""
    found = np.zeros((last - first, trace.steps, wires[0].index.size), np.bool_)
    for wire in wires:
        if wire.delay >= trace.steps:
            continue
        population = trace.populations[wire.source]
        spikes = unpack(population.spikes[first:last, : trace.steps - wire.delay], population.size)
        there = np.flatnonzero(wire.index >= 0)
        found[:, wire.delay :, there] |= spikes[:, :, wire.index[there]]
    return found


def _by_tile(left: np.ndarray, right: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(tiles, int64 (steps, tiles)): operations of each tile. left: (steps, batch, rows, inner); right: (steps, batch,
    inner, columns)."""
    order = np.argsort(label, kind="stable")
    tiles, at = np.unique(label[order], return_index=True)
    found = np.zeros((len(left), tiles.size), np.int64)
    for step, operands in enumerate(zip(_words(left), _words(right.swapaxes(2, 3)), strict=True)):
        found[step] = np.add.reduceat(_coincidences(*operands).reshape(-1)[order], at, dtype=np.int64)
    return tiles, found


def _words(bits: np.ndarray) -> np.ndarray:
    """uint64: the last axis, 64 to a word."""
    packed = np.packbits(bits, axis=-1)
    padded = np.zeros((*packed.shape[:-1], -(-packed.shape[-1] // 8) * 8), np.uint8)
    padded[..., : packed.shape[-1]] = packed
    return padded.view(np.uint64)


def _coincidences(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """int32 (batch, rows, columns): how many bits both have. left: (batch, rows, words); right: (batch, columns,
    words)."""
    found = np.zeros((left.shape[0], left.shape[1], right.shape[1]), np.int32)
    for word in range(left.shape[2]):
        found += np.bitwise_count(left[:, :, None, word] & right[:, None, :, word])
    return found
