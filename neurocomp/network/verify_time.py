"""What operators that mix time steps ask of the network: no loop through them, float arithmetic, a relay."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Integer, Network, Projection
from neurocomp.network.ops import OverTime


def mixes_time(network: Network) -> bool:
    """Whether any operator needs other time steps than the present one and those delayed by fixed steps."""
    return any(isinstance(p.op, OverTime) for p in network.projections)


def time_findings(network: Network) -> Iterator[Diagnostic]:
    """What is wrong with the network's mixtures of time steps."""
    for p in network.projections:
        if not isinstance(p.op, OverTime):
            continue
        malformed = [*_mixture(p, p.op)]
        yield from malformed
        if malformed:
            continue
        whole = isinstance(network.arithmetic, Integer)
        if whole and p.op.units is None and not p.op.moves:
            yield Diagnostic(p.name, "mixes time steps in a network of integer arithmetic, without units")
        if p.op.units is not None and not (whole and all(math.isfinite(unit) and unit > 0 for unit in p.op.units)):
            yield Diagnostic(p.name, f"has units {p.op.units}; only in integer arithmetic, two numbers above 0")
        if p.target == p.source or p.source in _reached(network, p.target):
            yield Diagnostic(
                p.name,
                "mixes all time steps of a signal that depends on the result",
                why="every step would have to be known before the first",
                hint="use a neuron that looks back only (a sliding PSN)",
            )


def _mixture(p: Projection, op: OverTime) -> Iterator[Diagnostic]:
    if op.offset.ndim != 1 or op.weight.shape != (op.offset.size,) * 2 or not op.offset.size:
        yield Diagnostic(p.name, f"mixes steps by weights {op.weight.shape} and offsets {op.offset.shape}")
    elif not (np.isfinite(op.weight).all() and np.isfinite(op.offset).all()):
        yield Diagnostic(p.name, "mixes steps by weights that are NaN or infinite")
    if p.delay:
        yield Diagnostic(p.name, "mixes time steps and has a delay", hint="shift the weights instead")


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
