"""What operators that mix time steps ask of the network: no loop through them, units in integers, a relay."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Float32, Integer, Network, Projection
from neurocomp.network.ops import AllSteps, Mixture, OverTime


def mixes_time(network: Network) -> bool:
    """Whether any operator needs other time steps than the present one and those delayed by fixed steps."""
    return any(isinstance(p.op, Mixture) for p in network.projections)


def time_findings(network: Network) -> Iterator[Diagnostic]:
    """What is wrong with the network's mixtures of time steps."""
    for p in network.projections:
        if not isinstance(p.op, Mixture):
            continue
        malformed = [*(_mixture(p, p.op) if isinstance(p.op, OverTime) else _function(network, p, p.op))]
        yield from malformed
        if malformed:
            continue
        yield from _units(network, p, p.op)
        if p.delay:
            yield Diagnostic(p.name, "mixes time steps and has a delay", hint="shift the weights instead")
        if p.target == p.source or p.source in _reached(network, p.target):
            yield Diagnostic(
                p.name,
                "mixes all time steps of a signal that depends on the result",
                why="every step would have to be known before the first",
                hint="use a neuron that looks back only (a sliding PSN)",
            )


def _units(network: Network, p: Projection, op: Mixture) -> Iterator[Diagnostic]:
    whole = isinstance(network.arithmetic, Integer)
    if whole and op.units is None and not (isinstance(op, OverTime) and op.moves):
        yield Diagnostic(p.name, "mixes time steps in a network of integer arithmetic, without units")
    if op.units is not None and not (whole and all(math.isfinite(unit) and unit > 0 for unit in op.units)):
        yield Diagnostic(p.name, f"has units {op.units}; only in integer arithmetic, two numbers above 0")


def _mixture(p: Projection, op: OverTime) -> Iterator[Diagnostic]:
    if op.offset.ndim != 1 or op.weight.shape != (op.offset.size,) * 2 or not op.offset.size:
        yield Diagnostic(p.name, f"mixes steps by weights {op.weight.shape} and offsets {op.offset.shape}")
    elif not (np.isfinite(op.weight).all() and np.isfinite(op.offset).all()):
        yield Diagnostic(p.name, "mixes steps by weights that are NaN or infinite")


def _function(network: Network, p: Projection, op: AllSteps) -> Iterator[Diagnostic]:
    """A function of all steps is a network of relays, and each of its inputs is fed once."""
    if op.steps < 1:
        yield Diagnostic(p.name, f"is a function of {op.steps} time steps")
    arriving = network.incoming[p.target]
    same = all(isinstance(q.op, AllSteps) and (q.op.function, q.op.steps, q.op.shape) == _kept(op) for q in arriving)
    ports = [q.op.port for q in arriving if isinstance(q.op, AllSteps)]
    if not same or sorted(ports) != sorted(op.function.inputs):
        what = f"is a function of {', '.join(op.function.inputs)}, and what arrives at {p.target} is not just these"
        yield Diagnostic(p.name, what)
    inside = op.function
    if not isinstance(inside.arithmetic, Float32) or any(q.neuron is not None for q in inside.populations):
        yield Diagnostic(p.name, "is a function of all steps with neurons or integers inside")
    if any(q.delay or isinstance(q.op, Mixture) for q in inside.projections):
        yield Diagnostic(p.name, "is a function of all steps that has delays or mixes steps itself")


def _kept(op: AllSteps) -> tuple[Network, int, tuple[int, ...]]:
    return op.function, op.steps, op.shape


def _reached(network: Network, start: str) -> set[str]:
    """Populations that anything sent by ``start`` can reach, however late."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for p in network.outgoing[waiting.pop()]:
            if p.target not in seen:
                seen.add(p.target)
                waiting.append(p.target)
    return seen
