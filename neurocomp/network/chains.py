"""Linear operators in a row, and when their product is better than they are.

A product is better if it has fewer synapses than there are paths. Where kernels are shared it must not need many more
weights either: a matrix of low rank stays two factors, a wide kernel in front of a small one stays apart from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.network.graph import Projection
from neurocomp.network.linear_maps import MOST_WEIGHTS, in_front_of_matrix, of_windows
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Shape, Sparse, Wiring
from neurocomp.network.scaled_weights import is_exact
from neurocomp.network.structure import fan_in, fan_out, synapse_count, total

MOST_MORE = 5
"""Times the weights of the factors that a product with windows may need; 1x1, 3x3 of each channel, 1x1: 4.5."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Relays in a row. arriving: the projection into each; leaving: those that leave the last one."""

    relays: tuple[str, ...]
    arriving: tuple[Projection, ...]
    leaving: tuple[Projection, ...]

    def ops(self, last: Projection) -> tuple[Op, ...]:
        return (*(p.op for p in self.arriving), last.op)


@dataclass(frozen=True)
class Worth:
    """What decides whether a product is worth it. tables: whether every synapse is stored by itself. weight_bits: what
    weights will be rounded to; None for not at all."""

    tables: bool = False
    weight_bits: int | None = None


@dataclass(frozen=True, eq=False)
class Composed:
    """One operator for several in a row. reads: where not all sources are read, those that are."""

    op: Linear | Conv
    reads: Wiring | None = None

    @property
    def weight(self) -> np.ndarray:
        return self.op.weight

    def whole(self) -> Composed:
        return replace(self, op=replace(self.op, weight=np.rint(self.op.weight).astype(np.int16)))


def may_gather(chain: Chain, source: Shape, tables: bool) -> bool:
    """Whether several paths may lead from one element to another, and products can be small enough: what is cheap to
    see beforehand."""
    gathers = False
    for last in chain.leaving:
        shape, spread = source, False
        for op in chain.ops(last):
            gathers |= spread and int(fan_in(op, shape).max(initial=0)) > 1
            spread |= int(fan_out(op, shape, np.ones(1, np.int64)).max(initial=0)) > 1
            shape = op.target_shape(shape)
        if isinstance(last.op, Linear) and not tables and math.prod(shape) * math.prod(source) > MOST_WEIGHTS:
            return False
    return gathers


def composed_chain(ops: tuple[Op, ...], source: Shape) -> Composed | None:
    """The product of operators; None if no operator holds it, or it would be too large."""
    product = _product(ops, source)
    if product is None:
        return None
    product = replace(product, weight=product.weight.astype(np.float32))
    return _reading(product, ops, source) if isinstance(product, Linear) else Composed(product)


def _product(ops: tuple[Op, ...], source: Shape) -> Linear | Conv | None:
    """As a matrix, if the last operator is one, or as a convolution."""
    shapes = [source]
    for op in ops[:-1]:
        shapes.append(op.target_shape(shapes[-1]))
    last = ops[-1]
    if isinstance(last, Linear):
        matrix: Linear | None = last
        for op, shape in zip(reversed(ops[:-1]), reversed(shapes[:-1]), strict=True):
            matrix = None if matrix is None else in_front_of_matrix(op, matrix, shape)
        return matrix
    weighing = [op for op in ops if not _is_plain(op)]
    windows = [op for op in weighing if isinstance(op, Conv | Pool)]
    if len(windows) < len(weighing):
        return None
    product: Conv | Pool | None = None
    for op in windows:
        product = op if product is None else of_windows(product, op, source)
        if product is None:
            return None
    scale = math.prod(float(op.scale) for op in ops if isinstance(op, OneToOne))
    return replace(product, weight=product.weight * scale) if isinstance(product, Conv) else None


def _is_plain(op: Op) -> bool:
    """Whether it hands every element on to its own place, times one number."""
    return isinstance(op, OneToOne) and op.shape is None and not isinstance(op.scale, np.ndarray)


def _reading(matrix: Linear, ops: tuple[Op, ...], source: Shape) -> Composed:
    """The matrix without sources that no path leads from."""
    counts = np.ones(1, np.int64)
    shapes = [source]
    for op in ops[:-1]:
        shapes.append(op.target_shape(shapes[-1]))
    for op, shape in zip(reversed(ops), reversed(shapes), strict=True):
        counts = np.minimum(fan_out(op, shape, counts), 1)
    read = np.flatnonzero(np.broadcast_to(counts, source))
    if read.size == math.prod(source):
        return Composed(matrix)
    return Composed(Linear(matrix.weight[:, read]), Wiring(read, (read.size,)))


def gains(chain: Chain, products: tuple[Composed, ...], source: Shape, worth: Worth) -> bool:
    """Whether the products have fewer synapses than the chain has paths and, where kernels are shared, neither too many
    weights nor such that are rounded though those of the chain are not."""
    pairs = paths = more = less = 0
    for last, product in zip(chain.leaving, products, strict=True):
        ops, shape, counts = chain.ops(last), source, np.ones(1, np.int64)
        for op in ops:
            counts, shape = fan_in(op, shape, counts), op.target_shape(shape)
        paths += total(counts, shape)
        pairs += synapse_count(product.op, source if product.reads is None else product.reads.shape)
        more += product.weight.size
    every = [*(p.op for p in chain.arriving), *(p.op for p in chain.leaving)]
    less = sum(op.weight.size for op in every if isinstance(op, Linear | Conv | Sparse))
    matrices = all(isinstance(op, Linear) for op in every)
    if pairs >= paths or worth.tables:
        return pairs < paths
    return more <= (1 if matrices else MOST_MORE) * less and not _rounds(every, products, worth.weight_bits)


def _rounds(factors: list[Op], products: tuple[Composed, ...], weight_bits: int | None) -> bool:
    if weight_bits is None:
        return False
    most = 2 ** (weight_bits - 1) - 1
    kept = all(is_exact(op.weight, most) for op in factors if isinstance(op, Linear | Conv | Sparse))
    return kept and not all(is_exact(product.weight, most) for product in products)
