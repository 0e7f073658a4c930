"""Products, wires and reductions as the legality check sees them; shares no code with the mapper."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import payload_bits
from neurocomp.network.graph import Network, Projection
from neurocomp.network.kinds import value_kinds
from neurocomp.network.ops import Factor, Host, Mixture, Reduce, Wiring

SignalOp = Factor | Wiring | Reduce | Host | Mixture


def pulled_back(op: SignalOp, source_shape: tuple[int, ...], values: np.ndarray) -> np.ndarray:
    """For each source element the sum of ``values`` (of the targets) over what it is joined to."""
    flat = values.reshape(-1)
    if isinstance(op, Wiring):
        sums = np.zeros(int(np.prod(source_shape)), values.dtype)
        np.add.at(sums, op.index[op.index >= 0], flat[op.index >= 0])
        return sums.reshape(source_shape)
    if isinstance(op, Factor):
        grid = flat.reshape(op.batch, op.rows, op.columns)
        if op.side == "left":
            each = np.broadcast_to(grid.sum(axis=2, dtype=values.dtype)[:, :, None], (op.batch, op.rows, op.inner))
        else:
            each = np.broadcast_to(grid.sum(axis=1, dtype=values.dtype)[:, None], (op.batch, op.inner, op.columns))
        return each.reshape(source_shape)
    if isinstance(op, Reduce):
        return np.repeat(flat.reshape(op.before, 1, op.after), op.axis, axis=1).reshape(source_shape)
    raise TypeError(f"{type(op).__name__} joins nothing on the chip")


def pushed_on(op: SignalOp, values: np.ndarray, target_shape: tuple[int, ...]) -> np.ndarray:
    """For each target element the sum of ``values`` (of the sources) over its synapses; operands are none."""
    if isinstance(op, Wiring):
        return np.where(op.index >= 0, values.reshape(-1)[op.index], 0).reshape(target_shape)
    if isinstance(op, Reduce):
        return values.reshape(op.before, op.axis, op.after).sum(axis=1).reshape(target_shape)
    return np.zeros(target_shape, np.int64)


def brings_operands(network: Network, projection: Projection) -> bool:
    """Whether what arrives by a projection is multiplied where it ends; network: as it is placed."""
    while not isinstance(projection.op, Factor):
        source = network.by_name[projection.source]
        before = list(network.incoming[source.name])
        passed = source.neuron is None and source.name not in network.inputs
        if not passed or not (len(before) == 1 or any(isinstance(p.op, Factor) for p in before)):
            return False
        projection = before[0]
    return True


def operand_bits(program: Program) -> np.ndarray:
    """int64 (tiles): bits of the operands that each tile keeps, from the routes."""
    network, routes = program.placed, program.routes
    bits = np.zeros(len(program.tiles), np.int64)
    operand = np.array([brings_operands(network, p) for p in network.projections] + [False])
    if not operand.any():
        return bits
    kinds = value_kinds(program.network)
    wide = np.zeros(routes.classes, np.int64)
    for name, label in routes.route_class.items():
        wide[label[label >= 0]] = max(1, payload_bits(program.network, name, kinds[name]))
    of_packet = np.repeat(np.arange(routes.classes), np.diff(routes.packet_ptr))
    of_synapse = np.repeat(of_packet, np.diff(routes.synapse_ptr))
    kept = operand[routes.synapse_projection]
    np.add.at(bits, routes.synapse_tile[kept], (routes.class_sizes * wide)[of_synapse[kept]])
    return bits
