"""The twin's operators without weights: products of two signals, wires, reductions, functions of the host.

Values are one step's, flat; each function says in which order.
"""

from __future__ import annotations

import numpy as np

from neurocomp.activity.host import apply_host
from neurocomp.network.graph import Network, Population
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.ops import Factor, Host, Reduce, Shape, Wiring


def product(op: Factor, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """(product, how often both operands of a multiplication were not zero). All flat and channel-first.

    Sums start from zero and run over ``inner`` from 0 up, in the operands' own arithmetic; the scale comes last.
    """
    a = left.reshape(op.batch, op.rows, op.inner)
    b = right.reshape(op.batch, op.inner, op.columns)
    total = np.zeros((op.batch, op.rows, op.columns), left.dtype)
    for k in range(op.inner):
        total += a[:, :, k, None] * b[:, None, k, :]
    met = (a != 0).sum(axis=1, dtype=np.int64) * (b != 0).sum(axis=2, dtype=np.int64)
    return (left.dtype.type(op.scale) * total).reshape(-1), int(met.sum())


def overwritten(op: Host | Reduce, values: np.ndarray, source_shape: Shape, target_shape: Shape) -> np.ndarray:
    """What a maximum over an axis or a function of the host gives, channel-last to channel-last."""
    flat = channel_first(values, source_shape).reshape(-1)
    host = isinstance(op, Host)
    result = apply_host(op, flat) if host else flat.reshape(op.before, op.axis, op.after).max(axis=1)
    return channel_last(result.reshape(target_shape), target_shape)


def wired_targets(op: Wiring | Reduce, source: int, dtype: type[np.generic]) -> tuple[np.ndarray, np.ndarray]:
    """(flat channel-first targets, weights) of one source element."""
    if isinstance(op, Wiring):
        targets = np.flatnonzero(op.index == source)
        return targets, np.ones(targets.size, dtype)
    before, after = source // (op.axis * op.after), source % op.after
    return np.array([before * op.after + after]), np.array([op.scale], dtype)


def signal_operations(network: Network, products: dict[str, int], rounds: int) -> tuple[dict[str, int], dict[str, int]]:
    """(product operations, host operations) in the order of the network; rounds: samples times steps."""
    hosted = {p.name: p.size * rounds for p in network.populations if _is_hosted(network, p)}
    return {p.name: products[p.name] for p in network.populations if p.name in products}, hosted


def _is_hosted(network: Network, population: Population) -> bool:
    return any(isinstance(p.op, Host) for p in network.incoming[population.name])
