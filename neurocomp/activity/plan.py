"""Lays a network out for the compiled engine: channel-last weights, repeated parameters, execution order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from neurocomp.activity.plan_neuron import PlannedNeurons, plan_neurons, repeated, value_type
from neurocomp.errors import bad_input
from neurocomp.network.graph import Integer, Network, Population, Projection
from neurocomp.network.layout import channel_first_index, channel_last_index
from neurocomp.network.ops import Conv, Linear, OneToOne, Pool, Shape, Sparse, weight_of
from neurocomp.network.verify import population_order, value_order

# codes of csrc/spikes.h and csrc/network.h
LINEAR, CONV, CONV_ROW, SUM_POOL, MAX_POOL, ONE_TO_ONE, SPARSE = range(7)
INPUT, RELAY, NEURONS = range(3)

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class PlannedPopulation:
    name: str
    kind: int
    n: int
    history: int
    first: int
    last: int
    shift: int
    bias: np.ndarray | None
    neurons: PlannedNeurons | None


@dataclass(frozen=True, eq=False)
class PlannedProjection:
    """One projection; ``geometry`` names the integer fields of nc_projection that differ from zero."""

    kind: int
    source: int
    target: int
    delay: int
    n_source: int
    n_target: int
    geometry: dict[str, int]
    weight: np.ndarray | None = None
    scale: np.ndarray | None = None
    indptr: np.ndarray | None = None
    indices: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A network as the compiled engine takes it."""

    integer: bool
    populations: tuple[PlannedPopulation, ...]
    projections: tuple[PlannedProjection, ...]


def plan_network(network: Network, largest_input: float | None = None) -> Plan:
    """Lay out a verified network.

    largest_input: largest magnitude among the inputs in the network's arithmetic; None: all that the
    arithmetic allows. Raises InputError if integer sums could leave 32 bits.
    """
    order = population_order(network)
    if network.inputs:  # the engine feeds the first population
        order.remove(network.inputs[0])
        order.insert(0, network.inputs[0])
    index = {name: k for k, name in enumerate(order)}
    populations, projections = [], []
    for name in order:
        incoming = network.incoming[name]
        first = len(projections)
        projections += [_projection(network, p, index) for p in incoming]
        populations.append(_population(network, network.by_name[name], first, len(projections)))
    if isinstance(network.arithmetic, Integer):
        _check_range(network, network.arithmetic, largest_input)
    return Plan(isinstance(network.arithmetic, Integer), tuple(populations), tuple(projections))


def _population(network: Network, population: Population, first: int, last: int) -> PlannedPopulation:
    dtype = value_type(network)
    history = 1 + max((p.delay for p in network.outgoing[population.name]), default=0)
    kind = INPUT if population.name in network.inputs else RELAY if population.neuron is None else NEURONS
    shift = network.arithmetic.state_shift if isinstance(network.arithmetic, Integer) and kind == NEURONS else 0
    bias = None
    if population.bias is not None:
        bias = repeated({"bias": population.bias}, population.shape, dtype)[1]["bias"]
    neurons = plan_neurons(network, population, population.neuron) if population.neuron is not None else None
    return PlannedPopulation(population.name, kind, population.size, history, first, last, shift, bias, neurons)


def _projection(network: Network, projection: Projection, index: dict[str, int]) -> PlannedProjection:
    source, target = network.by_name[projection.source], network.by_name[projection.target]
    ends = (index[source.name], index[target.name], projection.delay, source.size, target.size)
    weight_type = np.int16 if isinstance(network.arithmetic, Integer) else np.float32
    scale_type = value_type(network)
    op = projection.op
    match op:
        case Linear(weight):
            by_source = weight.T[channel_first_index(source.shape)]
            return PlannedProjection(LINEAR, *ends, {}, weight=np.ascontiguousarray(by_source, weight_type))
        case Conv():
            kind, weight = _conv_weight(op, weight_type)
            return PlannedProjection(kind, *ends, _geometry(op, source.shape, target.shape), weight=weight)
        case Pool():
            kind = MAX_POOL if op.kind == "max" else SUM_POOL
            geometry = _geometry(op, source.shape, target.shape)
            return PlannedProjection(kind, *ends, geometry, scale=np.array([op.scale], scale_type))
        case OneToOne(scale):
            return _one_to_one(ends, np.asarray(scale, scale_type), source.shape, target.shape)
        case Sparse():
            return _sparse(ends, op, source.shape, target.shape, weight_type)


def _conv_weight(op: Conv, dtype: type) -> tuple[int, np.ndarray]:
    """(out, in / groups, ky, kx) -> (in, ky, kx, out / groups); along x reversed if one spike reaches a whole row."""
    weight = op.weight.reshape(*op.weight.shape[:2], 1, -1) if op.weight.ndim == 3 else op.weight
    c_out, per_group, kh, kw = weight.shape
    grouped = weight.reshape(op.groups, c_out // op.groups, per_group, kh, kw)
    by_source = grouped.transpose(0, 2, 3, 4, 1).reshape(op.groups * per_group, kh, kw, c_out // op.groups)
    if op.groups == 1 and op.stride[-1] == 1 and op.dilation[-1] == 1:
        return CONV_ROW, np.ascontiguousarray(by_source[:, :, ::-1], dtype)
    return CONV, np.ascontiguousarray(by_source, dtype)


def _geometry(op: Conv | Pool, source: Shape, target: Shape) -> dict[str, int]:
    def two(values: Shape, fill: int) -> Shape:
        return values if len(values) == 2 else (fill, *values)

    (h_in, w_in), (h_out, w_out) = two(source[1:], 1), two(target[1:], 1)
    geometry = {"c_in": source[0], "h_in": h_in, "w_in": w_in, "c_out": target[0], "h_out": h_out, "w_out": w_out}
    geometry["kh"], geometry["kw"] = two(op.kernel, 1)
    geometry["stride_y"], geometry["stride_x"] = two(op.stride, 1)
    geometry["pad_y"], geometry["pad_x"] = two(op.padding, 0)
    geometry["dilation_y"], geometry["dilation_x"] = two(op.dilation, 1)
    geometry["groups"] = op.groups if isinstance(op, Conv) else 1
    return geometry


Ends = tuple[int, int, int, int, int]


def _one_to_one(ends: Ends, scale: np.ndarray, source: Shape, target: Shape) -> PlannedProjection:
    from_source = channel_first_index(source)
    indices = channel_last_index(target)[from_source].astype(np.int32)
    identity = np.array_equal(indices, np.arange(indices.size))
    scale = scale.reshape(-1)[from_source] if scale.ndim else scale.reshape(1)
    return PlannedProjection(
        ONE_TO_ONE, *ends, {}, scale=np.ascontiguousarray(scale), indices=None if identity else indices
    )


def _sparse(ends: Ends, op: Sparse, source: Shape, target: Shape, weight_type: type) -> PlannedProjection:
    rows = channel_first_index(source)
    counts = np.diff(op.indptr)[rows]
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    picked = np.repeat(op.indptr[:-1][rows] - indptr[:-1], counts) + np.arange(indptr[-1])
    return PlannedProjection(
        SPARSE,
        *ends,
        {},
        weight=np.ascontiguousarray(op.weight[picked], weight_type),
        indptr=indptr,
        indices=np.ascontiguousarray(channel_last_index(target)[op.indices[picked]], np.int32),
    )


def _check_range(network: Network, arithmetic: Integer, largest_input: float | None) -> None:
    """Integer sums are kept in 32 bits; refuse a network in which the largest possible sum would not fit."""
    fed = 2.0 ** (arithmetic.input_bits - 1) if largest_input is None else largest_input
    largest: dict[str, float] = dict.fromkeys(network.inputs, fed)
    for name in value_order(network):
        if name in network.inputs:
            continue
        population = network.by_name[name]
        total = float(np.max(np.abs(population.bias))) if population.bias is not None else 0.0
        shift = arithmetic.state_shift if population.neuron is not None else 0
        for p in network.incoming[name]:
            total += largest.get(p.source, _largest_output(network, arithmetic, p.source)) * _largest_gain(p) * 2**shift
        if total >= 2**31:
            raise bad_input(
                name,
                f"weighted sums may reach {total:.3g}, beyond 32-bit integers",
                hint="use fewer weight bits or a coarser input scale",
            )
        largest[name] = total if population.neuron is None else _largest_output(network, arithmetic, name)
    for p in network.projections:
        weight = weight_of(p.op)
        if weight is not None and weight.size and max(abs(int(weight.min())), abs(int(weight.max()))) > 32767:
            raise bad_input(p.name, "has integer weights beyond 16 bits", hint="use fewer weight bits")


def _largest_output(network: Network, arithmetic: Integer, name: str) -> float:
    population = network.by_name[name]
    if population.neuron is not None and population.neuron.output in ("membrane", "graded"):
        return 2.0 ** (arithmetic.state_bits - 1)
    return float(population.neuron.max_count) if population.neuron is not None else 2.0**31


def _largest_gain(projection: Projection) -> float:
    """The largest sum of magnitudes of the weights into one target element (an upper bound)."""
    op = projection.op
    match op:
        case Linear(weight):
            return float(np.abs(weight.astype(np.float64)).sum(axis=1).max())
        case Conv(weight):
            return float(np.abs(weight.astype(np.float64)).reshape(weight.shape[0], -1).sum(axis=1).max())
        case Pool():
            return float(np.prod(op.kernel)) if op.kind == "sum" else 1.0
        case OneToOne(scale):
            return float(np.max(np.abs(scale)))
        case Sparse():
            sums = np.bincount(op.indices, np.abs(op.weight.astype(np.float64)), int(np.prod(op.shape)))
            return float(sums.max()) if sums.size else 0.0
