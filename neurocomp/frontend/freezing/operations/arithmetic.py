"""Element by element arithmetic: sums, factors and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.host import hosted
from neurocomp.frontend.freezing.operations.ops import Context, handles, need_signal, per_step, to_numpy
from neurocomp.frontend.freezing.operations.products import multiplied
from neurocomp.frontend.freezing.streams.kinds import Unsupported
from neurocomp.frontend.freezing.streams.signals import Signal


@handles("aten.add")
def add(c: Context, x: Any, y: Any, *, alpha: float = 1) -> Any:
    if isinstance(x, Signal) and isinstance(y, Signal):
        return c.arrange.combined(x, y, float(alpha), c.path)
    if isinstance(x, Signal):
        return c.arrange.plus(x, float(alpha) * to_numpy(y), c.path)
    scaled = y if alpha == 1 else multiply(c, y, alpha)
    return c.arrange.plus(need_signal(scaled, "the sum"), to_numpy(x), c.path)


@handles("aten.sub")
def subtract(c: Context, x: Any, y: Any, *, alpha: float = 1) -> Any:
    return add(c, x, y, alpha=-alpha)


@handles("aten.rsub")
def subtract_from(c: Context, x: Any, y: Any, alpha: float = 1) -> Any:
    return add(c, y, x, alpha=-alpha)


@handles("aten.neg")
def negate(c: Context, x: Any) -> Any:
    return multiply(c, x, -1.0)


@handles("aten.mul")
def multiply(c: Context, x: Any, y: Any) -> Any:
    if isinstance(x, Signal) and isinstance(y, Signal):
        return multiplied(c, x, y)
    if isinstance(y, Signal):
        x, y = y, x
    x = c.arrange.summed_over_time(need_signal(x, "the product"))
    return c.arrange.times(x, to_numpy(y), c.path)


@handles("aten.div")
def divide(c: Context, x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    if rounding_mode is not None:
        raise Unsupported("a division that rounds")
    if isinstance(y, Signal):
        return multiply(c, x, hosted(c, per_step(y, "a division"), "reciprocal"))
    return multiply(c, x, 1 / to_numpy(y).astype(np.float64))


@handles("aten.reciprocal")
def reciprocal(c: Context, x: Any) -> Any:
    return hosted(c, per_step(x, "a division"), "reciprocal")


@handles("aten.pow")
def power(c: Context, x: Any, exponent: Any) -> Any:
    if isinstance(exponent, Signal) or not isinstance(x, Signal):
        raise Unsupported("a power whose exponent depends on the input")
    if exponent == 2:
        return multiplied(c, x, x)
    return hosted(c, per_step(x, "a power"), "power", {"exponent": float(exponent)})


@handles("aten.square")
def square(c: Context, x: Any) -> Any:
    return multiplied(c, need_signal(x, "the operand"), x)
