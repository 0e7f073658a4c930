"""What mixtures of time steps cost the host, and what they are made of."""

from __future__ import annotations

import numpy as np

from neurocomp.network.graph import Network
from neurocomp.network.ops import AllSteps, Factor, Mixture, OverTime, weight_of
from neurocomp.network.structure import fan_out, total


def elements_of(op: Mixture, elements: int) -> int:
    """Values that the host computes for one sample; elements: of the target at one step."""
    if isinstance(op, OverTime):
        return op.steps * elements
    return sum(p.size for p in op.function.populations if p.name not in op.function.inputs)


def multiplications_of(op: Mixture, elements: int) -> int:
    """Multiplications by weights that are not zero, and terms of products, for one sample; none where values are only
    moved."""
    if isinstance(op, AllSteps):
        return _in_network(op.function)
    return 0 if op.moves else int(np.count_nonzero(op.weight)) * elements


def _in_network(network: Network) -> int:
    found = 0
    for p in network.projections:
        source = network.by_name[p.source].shape
        if isinstance(p.op, Factor):
            found += p.op.batch * p.op.rows * p.op.inner * p.op.columns * (p.op.side == "left")
        elif weight_of(p.op) is not None:
            ones = np.ones((1,) * len(p.op.target_shape(source)), np.int64)
            found += total(fan_out(p.op, source, ones, nonzero=True), source)
    return found
