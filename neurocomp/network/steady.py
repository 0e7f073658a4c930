"""Mixtures of time steps that are the same at every step and look back only: delays, which a chip has of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurocomp.network.graph import Network, Projection
from neurocomp.network.ops import OneToOne, OverTime


def steady_taps(op: OverTime) -> np.ndarray | None:
    """Weights by how many steps they look back, if these do not differ from step to step and none looks ahead."""
    weight = op.weight
    taps = weight[:, 0]
    lag = np.subtract.outer(np.arange(op.steps), np.arange(op.steps))
    same = np.array_equal(weight, np.where(lag >= 0, taps[np.maximum(lag, 0)], 0.0))
    return taps if same and bool((op.offset == op.offset[0]).all()) else None


def mixtures_to_delays(network: Network, longest: int) -> Network:
    """The network with such mixtures as one connection for each step that they look back, if none is delayed by more
    than ``longest`` steps. Sums are added in the same order."""
    populations = {p.name: p for p in network.populations}
    projections: list[Projection] = []
    for p in network.projections:
        taps = steady_taps(p.op) if isinstance(p.op, OverTime) else None
        delays = [] if taps is None else np.flatnonzero(taps).tolist()
        if taps is None or not isinstance(p.op, OverTime) or not delays or delays[-1] > longest:
            projections.append(p)
            continue
        for delay in reversed(delays):
            name = p.name if delay == delays[-1] else f"{p.name}, {delay} steps back"
            projections.append(replace(p, name=name, op=OneToOne(float(taps[delay])), delay=delay))
        if p.op.offset[0]:
            populations[p.target] = replace(populations[p.target], bias=p.op.offset[0])
    return replace(network, populations=tuple(populations.values()), projections=tuple(projections))
