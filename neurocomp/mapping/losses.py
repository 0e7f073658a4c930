"""Weights of which rounding to the chip's integers left little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.network.graph import Float32, Integer, Network
from neurocomp.network.ops import Conv, Linear, OneToOne, Sparse

WEIGHTS_LOST = 0.1  # an error of a weight, as a fraction of the projection's largest, that is worth a warning


def weight_losses(before: Network, after: Network) -> tuple[str, ...]:
    """A sentence for each projection that lost much: more than half of its weights that are not zero, or more than a
    tenth of its largest weight somewhere.

    before: the float network as it is rounded; after: the same in integers. The scale of each row of weights is
    the one that fits best, so that scales per channel are told from errors.
    """
    if not isinstance(before.arithmetic, Float32) or not isinstance(after.arithmetic, Integer):
        return ()
    whole = {p.name: p.op for p in after.projections}
    return tuple(
        sentence
        for p in before.projections
        for sentence in _lost(p.name, p.op, whole.get(p.name))
    )  # fmt: skip


def _lost(name: str, exact: object, whole: object) -> Iterator[str]:
    if isinstance(exact, OneToOne) and isinstance(whole, OneToOne) and np.any(exact.scale) and not np.any(whole.scale):
        yield f"the factor of {name} becomes zero on the chip: nothing of what it brings arrives"
    if not isinstance(exact, Linear | Conv | Sparse) or not isinstance(whole, Linear | Conv | Sparse):
        return
    if exact.weight.shape != whole.weight.shape:
        return
    held = int(np.count_nonzero(exact.weight))
    gone = int(np.count_nonzero((exact.weight != 0) & (whole.weight == 0)))
    if held and gone == held:
        yield f"all {held:,} weights of {name} are zero on the chip"
    elif 2 * gone > held:
        yield f"{gone:,} of {held:,} weights of {name} become zero on the chip"
    elif (error := _error(exact, whole)) > WEIGHTS_LOST:
        yield f"weights of {name} are off by up to {100 * error:.0f} % of the largest of them on the chip"


def _error(exact: Linear | Conv | Sparse, whole: Linear | Conv | Sparse) -> float:
    """The largest error of a weight, as a fraction of the largest weight."""
    rows = exact.weight.shape[0] if exact.weight.ndim > 1 else 1
    real = exact.weight.astype(np.float64).reshape(rows, -1)
    counted = whole.weight.astype(np.float64).reshape(rows, -1)
    sizes = np.einsum("ij,ij->i", counted, counted)
    scale = np.einsum("ij,ij->i", real, counted) / np.where(sizes > 0, sizes, 1.0)
    top = float(np.abs(real).max(initial=0.0))
    return float(np.abs(real - scale[:, None] * counted).max(initial=0.0)) / top if top else 0.0
