"""Attention of one call (``scaled_dot_product_attention``, and with it ``nn.MultiheadAttention``) in its parts.

Two products of signals on the chip, and between them a softmax over the keys, which runs on the host.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.host import softmax
from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, to_numpy
from neurocomp.frontend.freezing.operations.products import matmul
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.signals import Signal

MASKED = -1e9
"""Added where attention is masked: exp() of it is 0 in float32, as it is of the -inf that torch adds."""


@handles("aten.scaled_dot_product_attention")
def attention(
    c: Context, query: Any, key: Any, value: Any, mask: Any = None, dropout: float = 0.0, is_causal: bool = False,
    *, scale: float | None = None, enable_gqa: bool = False,
) -> Signal:  # fmt: skip
    """softmax(query @ key^T * scale + mask) @ value."""
    if dropout:
        raise Unsupported(f"dropout_p={dropout} is random; pass 0 outside training (dropout_p=p * self.training)")
    if enable_gqa:
        raise Unsupported("heads that share keys (enable_gqa); repeat the keys and values with repeat_interleave")
    query, key = need_signal(query, "the query"), need_signal(key, "the key")
    axes = len(key.layout.dims)
    turned = key.with_layout(key.layout.permute((*range(axes - 2), axes - 1, axes - 2)))
    factor = 1.0 / math.sqrt(query.layout.shape[-1]) if scale is None else float(scale)
    scores = c.arrange.times(matmul(c, query, turned), np.array(factor), c.path)
    if is_causal:
        rows, columns = scores.layout.shape[-2:]
        mask = np.tril(np.ones((rows, columns), bool))
    if mask is not None:
        scores = _masked(c, scores, mask)
    return matmul(c, softmax(c, scores, -1), value)


@handles("aten.baddbmm")
def added_to_product(c: Context, added: Any, x: Any, y: Any, *, beta: float = 1.0, alpha: float = 1.0) -> Signal:
    """A constant mask plus a product, as nn.MultiheadAttention has it where its weights are returned too."""
    product = c.arrange.times(matmul(c, x, y), np.array(float(alpha)), c.path)
    return _masked(c, product, added * beta if beta != 1.0 else added)


def _masked(c: Context, scores: Signal, mask: Any) -> Signal:
    if isinstance(mask, Signal):
        raise Unsupported("a mask that depends on the input; only constant masks can be added to attention")
    given = mask if isinstance(mask, np.ndarray) else to_numpy(mask)
    added = np.where(given, 0.0, MASKED) if given.dtype == bool else np.maximum(given, MASKED)
    if (added <= MASKED).all(-1).any():
        raise Unsupported("a row of the attention mask leaves no key, of which torch makes nan")
    return c.arrange.plus(scores, added, c.path)
