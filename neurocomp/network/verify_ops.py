"""What the operators ask of their surroundings: the two factors of a product, functions of the host, maxima."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Integer, Network, Projection
from neurocomp.network.ops import AllSteps, Factor, Host, OverTime, Reduce, Wiring, needs_relay, stands_alone
from neurocomp.network.signal_ops import HOST_BLOCKWISE, HOST_FUNCTIONS, REDUCTIONS, SIDES

# what the 32-bit states of integer arithmetic hold without rounding
HOST_IN_INTEGERS = ("abs", "clamp", "relu", "sign")
_NAMES = {Host: "a host function", OverTime: "a mixture of time steps", AllSteps: "a function of all time steps"}


def operator_findings(network: Network, projection: Projection) -> Iterator[Diagnostic]:
    """What is wrong with one projection's operator, apart from shapes and weights."""
    op, name, target = projection.op, projection.name, network.by_name[projection.target]
    if stands_alone(op) and not isinstance(op, AllSteps) and len(network.incoming[target.name]) > 1:
        what = _NAMES.get(type(op), "a maximum")
        yield Diagnostic(name, f"{what} cannot be added to what other projections bring to the same population")
    if needs_relay(op) and (target.neuron is not None or target.bias is not None):
        what = _NAMES.get(type(op), "a product of two signals")
        has = "neurons" if target.neuron is not None else "a bias"
        yield Diagnostic(
            name,
            f"brings {what} to {target.name}, which has {has}",
            hint="let a relay without bias receive it, and project from there",
        )
    whole = isinstance(network.arithmetic, Integer)
    if isinstance(op, Factor):
        yield from _factor(op, name, whole)
    elif isinstance(op, Host):
        yield from _host(op, name, whole)
    elif isinstance(op, Reduce):
        yield from _reduction(op, name, whole)
    elif isinstance(op, Wiring) and len(op.shape) < 1:
        yield Diagnostic(name, "wires to a population without axes")


def products(network: Network) -> Iterator[Diagnostic]:
    """Every population with an incoming factor must have exactly one left and one right, of the same sizes."""
    for population in network.populations:
        arriving = network.incoming[population.name]
        factors = [p.op for p in arriving if isinstance(p.op, Factor)]
        if not factors:
            continue
        sides = sorted(f.side for f in factors)
        if sides != ["left", "right"] or len(arriving) != 2:
            others = len(arriving) - len(factors)
            yield Diagnostic(
                population.name,
                f"receives {sides.count('left')} left and {sides.count('right')} right factors"
                + (f" and {others} other projections" if others else ""),
                why="a product of two signals is one left and one right factor and nothing else",
            )
            continue
        first, second = factors
        for field in ("batch", "rows", "inner", "columns", "shape", "scale"):
            one, other = getattr(first, field), getattr(second, field)
            if one != other:
                yield Diagnostic(population.name, f"multiplies factors of different {field}: {one} and {other}")


def _factor(op: Factor, name: str, whole: bool) -> Iterator[Diagnostic]:
    if op.side not in SIDES:
        yield Diagnostic(name, f"is a factor of side {op.side!r}; left or right is needed")
    if not math.isfinite(op.scale):
        yield Diagnostic(name, f"has a scale of {op.scale}")
    elif whole and op.scale != int(op.scale):
        yield Diagnostic(name, f"has a scale of {op.scale} in a network of integer arithmetic")


def _reduction(op: Reduce, name: str, whole: bool) -> Iterator[Diagnostic]:
    if op.kind not in REDUCTIONS:
        yield Diagnostic(name, f"reduces by {op.kind!r}; one of {', '.join(REDUCTIONS)} is needed")
    elif whole and op.kind == "avg":
        yield Diagnostic(name, "is an average in a network of integer arithmetic")


def _host(op: Host, name: str, whole: bool) -> Iterator[Diagnostic]:
    known = HOST_FUNCTIONS.get(op.function)
    if known is None:
        hint = f"known are {', '.join(sorted(HOST_FUNCTIONS))}"
        yield Diagnostic(name, f"is a function {op.function!r} of the host, which is not known", hint=hint)
        return
    if op.units is None and whole and op.function not in HOST_IN_INTEGERS:
        yield Diagnostic(name, f"is {op.function} in a network of integer arithmetic, without units")
    if op.units is not None and not (whole and all(math.isfinite(unit) and unit > 0 for unit in op.units)):
        yield Diagnostic(name, f"has units {op.units}; only in integer arithmetic, two numbers above 0")
    if op.function not in HOST_BLOCKWISE and op.block != 1:
        yield Diagnostic(name, f"is {op.function}, element by element, yet has blocks of {op.block}")
    yield from _host_parameters(op, name, known)


def _host_parameters(op: Host, name: str, known: dict[str, float | None]) -> Iterator[Diagnostic]:
    for key, default in known.items():
        if default is None and key not in op.parameters:
            yield Diagnostic(name, f"is {op.function} without its parameter {key}")
    for key, value in op.parameters.items():
        array = np.asarray(value)
        if key not in known:
            yield Diagnostic(name, f"is {op.function}, which has no parameter {key}")
        elif array.dtype.kind not in "fiu" or np.isnan(array).any():
            yield Diagnostic(name, f"parameter {key} of {op.function} is not a number")
        elif array.ndim and array.shape != (op.block,):
            shape = array.shape
            yield Diagnostic(name, f"parameter {key} of {op.function} has shape {shape} for blocks of {op.block}")
