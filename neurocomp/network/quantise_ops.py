"""Projections in integers: weights in units of the target's sums, or integers that pass as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.network.graph import Network, Projection
from neurocomp.network.ops import (
    AllSteps,
    Conv,
    Factor,
    Host,
    Linear,
    OneToOne,
    Op,
    OverTime,
    Pool,
    Reduce,
    Shape,
    Sparse,
    Wiring,
)
from neurocomp.network.scaled_weights import in_steps
from neurocomp.network.units import KEEPING, UNIT_ONE, Unit, Units, is_unchanged


@dataclass(frozen=True, eq=False)
class Rounded:
    """weight_error: largest error of a weight, as a fraction of the largest weight; factor_error: relative error of the
    whole factor by which something without weights of its own enters; exponent: weights are multiples of 2 to it."""

    projection: Projection
    weight_error: float = 0.0
    factor_error: float = 0.0
    exponent: int = 0


def rounded_projection(network: Network, p: Projection, units: Units) -> Rounded:
    """A projection of a float network in integers."""
    if units.is_relay_of_its_sources(p.target):
        return Rounded(replace(p, op=_passing(p.op, p, units)))
    if units.is_shared(p):
        return Rounded(replace(p, op=_passing(p.op, p, units)))
    source = network.by_name[p.source].shape
    op, factor = p.op, units.sent(p.source)
    if isinstance(op, OneToOne):
        return _one_to_one(p, op, factor / units.of(p.target), network.by_name[p.target].shape)
    weighted = op if isinstance(op, Linear | Conv | Sparse) else _with_weights(op, source)
    whole, error, exponent = _rounded(weighted, factor, units.of(p.target), units.largest)
    has_own = isinstance(op, Linear | Conv | Sparse)
    return Rounded(replace(p, op=whole), error if has_own else 0.0, 0.0 if has_own else error, exponent)


def _passing(op: Op, p: Projection, units: Units) -> Op:
    """An operator through which integers pass, the change of unit left to the units."""
    match op:
        case Factor():
            return replace(op, scale=math.copysign(1.0, op.scale))
        case Pool() | Reduce() if op.kind == "avg":
            return replace(op, kind="sum")
        case OneToOne(scale):
            return replace(op, scale=round(float(scale)) if is_unchanged(op) else 1)
        case Host():
            return _host(op, p, units)
        case AllSteps() | OverTime() if isinstance(op, AllSteps) or not op.moves:
            return replace(op, units=(units.sent(p.source), units.host[p.target]))
        case _:
            return op


def _host(op: Host, p: Projection, units: Units) -> Op:
    if op.function == "clamp":
        unit = units.sent(p.source)
        limits = {key: np.rint(np.asarray(value) / unit) for key, value in op.parameters.items()}
        return replace(op, parameters={k: v if v.ndim else float(v) for k, v in limits.items()})
    if op.function in KEEPING or op.function in UNIT_ONE:
        return op
    return replace(op, units=(units.sent(p.source), units.host[p.target]))


def _one_to_one(p: Projection, op: OneToOne, ratio: Unit, shape: Shape) -> Rounded:
    exact = np.asarray(op.scale, np.float64) * (ratio if np.ndim(ratio) == 0 else 1.0)
    whole = np.rint(exact)
    top = float(np.abs(exact).max(initial=0.0))
    error = float(np.abs(whole - exact).max(initial=0.0)) / top if top else 0.0
    if not exact.ndim:
        signed = float(whole - exact) / top if top else 0.0
        return Rounded(replace(p, op=OneToOne(int(whole), op.shape)), 0.0, signed)
    return Rounded(replace(p, op=OneToOne(whole.astype(np.int32), op.shape)), error)


def _rounded(op: Linear | Conv | Sparse, factor: float, unit: Unit, largest: int) -> tuple[Op, float, int]:
    """(operator with whole weights, largest error as a fraction of the largest weight, exponent of the weights)."""
    whole, error, exponent = in_steps(op.weight, np.asarray(unit) / factor, largest)
    return replace(op, weight=whole), error, exponent


def _with_weights(op: Op, source: Shape) -> Conv | Sparse:
    """What has no weights, as synapses of weight 1 (or that of an average), so that it can enter another unit."""
    match op:
        case Pool():
            ones = np.full((source[0], 1, *op.kernel), op.scale, np.float32)
            return Conv(ones, op.stride, op.padding, op.dilation, groups=source[0])
        case Wiring():
            wired = np.flatnonzero(op.index >= 0)
            starts = op.index[wired]
            order = np.argsort(starts, kind="stable")
            indptr = np.searchsorted(starts[order], np.arange(math.prod(source) + 1))
            return Sparse(indptr, wired[order], np.ones(wired.size, np.float32), op.shape)
        case Reduce():
            elements = np.arange(math.prod(source))
            targets = elements // (op.axis * op.after) * op.after + elements % op.after
            weight = np.full(elements.size, op.scale, np.float32)
            return Sparse(np.arange(elements.size + 1), targets, weight, op.shape)
        case _:
            raise TypeError(f"{type(op).__name__} has no form with weights")
