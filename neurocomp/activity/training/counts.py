"""How many multiply-accumulates the three phases of a training step take, with and without zeros."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.activity.training.trace import LayerTrace, TrainingTrace
from neurocomp.network.graph import Network, Projection
from neurocomp.network.structure import fan_in, fan_out, synapse_count, total


@dataclass(frozen=True)
class OperationCounts:
    """One projection's multiply-accumulates over a batch; synapses onto the padding are none.

    dense: of each of FP, BP and WG if nothing is skipped. forward: FP where the source sent something (WG that looks
    at the source alone takes as many). backward: BP where a gradient arrived. gradient: WG where both did.
    """

    dense: int
    forward: int
    backward: int
    gradient: int


def operation_counts(network: Network, trace: TrainingTrace) -> dict[str, OperationCounts]:
    """By projection with weights, counted from the operator's structure and the trace, not synapse by synapse."""
    return {p.name: _counts(network, trace.layers[p.name], p) for p in network.projections if p.name in trace.layers}


def _counts(network: Network, layer: LayerTrace, projection: Projection) -> OperationCounts:
    op, source = projection.op, network.by_name[projection.source].shape
    target = network.by_name[projection.target].shape
    sent, arrived = layer.sent.dense(), layer.arrived.dense()
    one = np.ones((1,) * len(target), np.int64)
    rows = sent.shape[0] * sent.shape[1]
    both = 0
    for x, g in zip(sent.reshape(rows, *source), arrived.reshape(rows, *target), strict=True):
        if x.any() and g.any():
            both += total(fan_out(op, source, g.astype(np.int64)) * x, source)
    return OperationCounts(
        dense=synapse_count(op, source) * rows,
        forward=int((sent * fan_out(op, source, one)).sum()),
        backward=int((arrived * fan_in(op, source)).sum()),
        gradient=both,
    )
