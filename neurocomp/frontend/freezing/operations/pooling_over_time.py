"""Pooling over time steps: each step and those that follow upon it, side by side once the last of them is there."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context
from neurocomp.frontend.freezing.operations.temporal import as_signal, window_on
from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.kinds import Stream, Term, Unsupported
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.shorter import Reach, over_steps
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Reduce


def pooled_over_time(
    c: Context, x: Signal | Window, kind: Literal["avg", "max"], taps: int, stride: int, pad: int, ceil: bool = False
) -> Signal | Window:
    """The mean or maximum of ``taps`` steps, every ``stride`` steps."""
    window = window_on(c, x)
    if pad:
        raise Unsupported("it pools over steps outside the sample (padding along time)")
    if ceil and (window.count - taps) % stride:
        raise Unsupported("its last window reaches beyond the last step (ceil_mode)")

    def combined(streams: Streams, parts: list[Stream]) -> Stream:
        shape = parts[0].shape
        if kind == "avg":
            total = streams.sum(tuple(Term(part) for part in parts), None, shape, c.path)
            return streams.scaled(total, np.array([1 / taps]), c.path)
        rows = tuple(Term(streams.reshaped(part, (1, math.prod(shape)))) for part in parts)
        beside = streams.concatenated(rows, 0, f"{c.path}.steps")
        return streams.mapped(Reduce("max", 1, taps, math.prod(shape), shape), beside, c.path)

    made = over_steps(c.arrange, window, Reach(tuple(range(taps))), stride, combined, c.path)
    return as_signal(made) if isinstance(made, Window) else made
