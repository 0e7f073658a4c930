"""What mixtures of time steps cost the host, and what they are made of."""

from __future__ import annotations

import numpy as np

from neurocomp.network.graph import Network
from neurocomp.network.ops import AllSteps, Factor, Mixture, OverTime, weight_of
from neurocomp.network.structure import fan_out, total
from neurocomp.network.text import named_parts


def mixtures_told(network: Network) -> list[str]:
    """What the host does with time steps, a sentence for each population that it gives."""
    found = {}
    for p in network.projections:
        if isinstance(p.op, AllSteps):
            what = " and ".join(named_parts(p.op))
            found[p.target] = f"{p.target}: the host computes {what} over all {p.op.steps} time steps, between two runs"
        elif isinstance(p.op, OverTime) and p.op.moves:
            when = f"up to {p.op.ahead} steps later" if p.op.ahead else "some steps before"
            found[p.target] = f"{p.target}: what {p.source} sends {when} comes from the host, which keeps it meanwhile"
        elif isinstance(p.op, OverTime):
            found[p.target] = f"{p.target}: the host mixes {p.op.steps} time steps of {p.source}, element by element"
    return list(found.values())


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
