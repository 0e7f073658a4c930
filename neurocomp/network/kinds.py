"""What travels on an edge: binary spikes, ternary, small integers or real values.

The kind decides whether a synaptic operation is an accumulate (AC) or a multiply-accumulate (MAC) and how
many bits a packet carries. It is propagated from the neurons' outputs; a run can only narrow it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Factor, Host, OneToOne, Op, OverTime, Pool, Reduce, Wiring
from neurocomp.network.verify import population_order, value_order


@dataclass(frozen=True)
class ValueKind:
    """name: binary (0, 1), ternary (-1, 0, 1), int (0 .. largest, or -largest .. largest if signed) or real; largest:
    greatest magnitude of an int kind, 1 for binary and ternary, 0 (meaningless) for real."""

    name: Literal["binary", "ternary", "int", "real"]
    largest: int = 1
    signed: bool = False

    @property
    def bits(self) -> int:
        """Bits of payload besides the address: 0 for binary spikes, 32 for real values."""
        if self.name == "real":
            return 32
        return 0 if self.name == "binary" else self.largest.bit_length() + (self.name == "ternary" or self.signed)

    @property
    def accumulates_only(self) -> bool:
        """Whether a synaptic operation on it is an accumulate (AC); otherwise it is a MAC (NeuroBench 2.3)."""
        return self.name in ("binary", "ternary")

    def __str__(self) -> str:
        return f"{'signed ' if self.signed else ''}int<{self.bits}>" if self.name == "int" else self.name


BINARY = ValueKind("binary")
TERNARY = ValueKind("ternary")
REAL = ValueKind("real", 0)


def value_kinds(network: Network) -> dict[str, ValueKind]:
    """The kind of every population's output. Inputs count as real unless the stored sample shows otherwise."""
    neurons = [p.name for p in network.populations if p.neuron is not None]  # theirs follow from nothing else
    kinds: dict[str, ValueKind] = {}
    for name in (*neurons, *value_order(network)):
        kinds[name] = _kind_of(network, network.by_name[name], kinds)
    return {name: kinds[name] for name in population_order(network)}


def kind_of_values(values: np.ndarray) -> ValueKind:
    """The narrowest kind that holds these values."""
    if values.dtype == np.bool_:
        return BINARY
    if values.size == 0 or not np.array_equal(values, np.trunc(values)):
        return REAL
    low, high = int(values.min()), int(values.max())
    if low >= 0:
        return BINARY if high <= 1 else ValueKind("int", high)
    return TERNARY if (low, high) == (-1, 1) or (low, high) == (-1, 0) else REAL


def _kind_of(network: Network, population: Population, known: dict[str, ValueKind]) -> ValueKind:
    if population.name in network.inputs:
        sample = network.sample  # only its own values, fed as they are, say what will arrive
        fed = None if sample is None or sample.encoding not in ("direct", "temporal") else sample.inputs
        return REAL if fed is None else kind_of_values(fed)
    if population.neuron is not None:
        return _of_neuron(population.neuron)
    if population.bias is not None and np.any(population.bias):
        return REAL
    # a relay closes no loop, so its sources come before it in the order
    incoming = network.incoming[population.name]
    if incoming and isinstance(incoming[0].op, Factor):
        return _product_of(incoming[0].op, [known.get(p.source, REAL) for p in incoming])
    arriving = [_through(p, known.get(p.source, REAL)) for p in incoming]
    return _widest_of(arriving) if _never_meet([p.op for p in incoming]) else _sum_of(arriving)


def _of_neuron(neuron: Neuron) -> ValueKind:
    if neuron.output in ("membrane", "graded"):
        return REAL
    if neuron.output == "ternary":
        return TERNARY
    return BINARY if neuron.output == "binary" else ValueKind("int", neuron.max_count, neuron.signed)


def _through(projection: Projection, kind: ValueKind) -> ValueKind:
    op = projection.op
    if isinstance(op, OneToOne) and np.isscalar(op.scale) and op.scale == 1.0:
        return kind
    if isinstance(op, OverTime):
        return kind if op.moves else REAL
    if isinstance(op, Wiring) or (isinstance(op, Pool | Reduce) and op.kind == "max"):
        return kind
    if isinstance(op, Pool | Reduce) and op.kind == "sum" and kind.name != "real":
        return _whole(kind.largest * (op.axis if isinstance(op, Reduce) else math.prod(op.kernel)), [kind])
    return _of_host(op, kind) if isinstance(op, Host) else REAL


def _of_host(op: Host, kind: ValueKind) -> ValueKind:
    """Rectifying keeps whole numbers whole; all other functions of the host give real values."""
    if op.function not in ("relu", "abs") or kind.name == "real":
        return REAL
    return _whole(kind.largest, [])


def _whole(largest: int, parts: list[ValueKind]) -> ValueKind:
    """Whole numbers of at most this magnitude, negative ones too if any of what they are made of has them."""
    if any(k.signed or k.name == "ternary" for k in parts):
        return TERNARY if largest <= 1 else ValueKind("int", largest, signed=True)
    return BINARY if largest <= 1 else ValueKind("int", largest)


def _product_of(op: Factor, operands: list[ValueKind]) -> ValueKind:
    """What a product of two signals gives: at most the product of both maxima, once per element summed over."""
    if op.scale != 1 or any(k.name == "real" for k in operands):
        return REAL
    return _whole(op.inner * math.prod(k.largest for k in operands), operands)


def _never_meet(ops: list[Op]) -> bool:
    """Whether all operators are wires and no two of them reach the same element (a concatenation)."""
    wired = [op.index >= 0 for op in ops if isinstance(op, Wiring)]
    return len(wired) == len(ops) > 1 and int(np.sum(wired, axis=0).max(initial=0)) <= 1


def _widest_of(kinds: list[ValueKind]) -> ValueKind:
    """The kind that holds values of all of these side by side."""
    if any(k.name == "real" for k in kinds):
        return REAL
    return _whole(max(k.largest for k in kinds), kinds)


def _sum_of(kinds: list[ValueKind]) -> ValueKind:
    if len(kinds) == 1:
        return kinds[0]
    if not kinds or any(k.name == "real" for k in kinds):
        return REAL
    return _whole(sum(k.largest for k in kinds), kinds)
