"""Convolutions over time, step by step: what was is a delay, what will be comes from the host.

A convolution over time is one map per tap, of the signal as it was or will be some steps away, with zeros outside the
sample. Padding, convolutions and cuts that shift a sequence are followed as windows upon it (:class:`shifts.Window`)
until it has as many steps as the network again.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.operations.ops import Context, to_numpy
from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.kinds import Stream, Sum, Term, Unsupported
from neurocomp.frontend.freezing.streams.layout import Layout
from neurocomp.frontend.freezing.streams.rolling import delayed
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.shorter import Reach, length, over_steps, resized, silent_before
from neurocomp.frontend.freezing.streams.signals import Signal
from neurocomp.network.ops import Conv, Linear, OneToOne
from neurocomp.network.time_ops import look_ahead


def window_on(c: Context, x: Signal | Window) -> Window:
    """All steps of a signal; zeros lie before and behind them."""
    if isinstance(x, Window):
        return x
    axis, streams, steps = x.layout.axis_of("T"), c.arrange.streams, c.arrange.steps
    if axis is None or x.time != "all":
        raise Unsupported("its time steps lie in no axis of their own")
    count = length(c.arrange, x)
    stream = silent_before(c.arrange, x, c.path).stream

    def at(by: int) -> Stream:
        return shifted_by(streams, stream, by + steps - count, steps, f"{c.path}.shifted")

    return Window(x.layout, axis, steps, count, at, True)


def as_signal(window: Window) -> Signal | Window:
    """The signal that a window shows if it has as many steps as the network."""
    if window.count != window.steps:
        return window
    return Signal(window.at(0), "all", resized(window.layout, window.steps))


def padded(c: Context, x: Signal | Window, front: int, back: int) -> Signal | Window:
    """Steps of zeros before and behind; negative: steps that are cut off."""
    window = window_on(c, x)
    if not window.zero_outside and (front > 0 or back > 0):
        raise Unsupported("zeros are put around steps that were made of steps outside the sample")
    moved = window.moved(-front, window.count + front + back)
    return as_signal(replace(moved, zero_outside=window.zero_outside and front >= 0 and back >= 0))


def time_axis_in(x: Signal | Window, axes: int) -> int | None:
    """Which of the last ``axes`` dimensions is time, from 0; None if none is."""
    axis = x.axis if isinstance(x, Window) else x.layout.axis_of("T") if x.time == "all" else None
    first = len(x.layout.dims) - axes
    return None if axis is None or axis < first else axis - first


def conv_over_time(c: Context, x: Signal | Window, op: Conv, along: int, bias: Any) -> Signal | Window:
    """A convolution of which dimension ``along`` is time: a map of the others for each tap."""
    window = window_on(c, x)
    taps, apart = op.kernel[along], op.dilation[along]
    maps = [_Tap(c, window.layout, op, along, k, bias if k == 0 else None) for k in range(taps)]

    def combined(streams: Streams, steps: list[Stream]) -> Stream:
        parts = tuple(Term(tap.of(step)) for tap, step in zip(maps, steps, strict=True))
        return streams.sum(parts, None, parts[0].stream.shape, c.weight_path)

    reach = Reach(tuple(apart * k for k in range(taps)), op.padding[along])
    made = over_steps(c.arrange, window, reach, op.stride[along], combined, c.path)
    layout = maps[0].layout(window.at(0))
    if isinstance(made, Window):
        return as_signal(replace(made, layout=layout))
    return made.with_layout(resized(layout, length(c.arrange, made)))


class _Tap:
    """One tap of a convolution over time: a map within a step."""

    def __init__(self, c: Context, layout: Layout, op: Conv, along: int, tap: int, bias: Any) -> None:
        self.c, self.bias = c, bias
        rank, axes = len(layout.dims), len(op.kernel)
        time = rank - axes + along
        self.order = [time, *(axis for axis in range(rank) if axis != time)]
        self.moved = layout.permute(tuple(self.order))
        self.lead = rank - axes
        weight = np.ascontiguousarray(op.weight.take(tap, 2 + along))
        kept = [k for k in range(axes) if k != along]
        if kept:
            stride, padding, dilation = (tuple(v[k] for k in kept) for v in (op.stride, op.padding, op.dilation))
            self.op: Conv | Linear | OneToOne = Conv(weight, stride, padding, dilation, op.groups)
        elif op.groups == 1:
            self.op = Linear(weight)
        elif op.groups == weight.shape[0] and weight.shape[1] == 1:
            self.op = OneToOne(weight[:, 0])
        else:
            self.op = Conv(weight[..., None], (1,), (0,), (1,), op.groups)

    def of(self, stream: Stream) -> Stream:
        streams = self.c.arrange.streams
        x = Signal(stream, "all", self.moved)
        source, shape = self.c.arrange.in_order(x, self.lead, self.c.path)
        if isinstance(self.op, Conv) and len(shape) == 1:  # channels alone
            source = streams.reshaped(source, (*shape, 1))
        if isinstance(self.op, OneToOne):
            made = streams.scaled(source, np.asarray(self.op.scale), self.c.weight_path)
        else:
            made = streams.mapped(self.op, source, self.c.weight_path)
        made = streams.reshaped(made, made.shape[:1]) if len(shape) == 1 else made
        if self.bias is None:
            return made
        flat = np.repeat(to_numpy(self.bias).reshape(-1), math.prod(made.shape[1:]))
        return streams.sum((Term(made),), flat.astype(np.float32), made.shape, self.c.weight_path)

    def layout(self, stream: Stream) -> Layout:
        """Of the result, its axes in the order in which they were given."""
        made = self.moved.with_features(self.lead, self.of(stream).shape)
        return made.permute(tuple(int(k) for k in np.argsort(self.order)))


def shifted_by(streams: Streams, stream: Stream, by: int, steps: int, path: str) -> Stream:
    """The stream as it will be ``by`` steps later (negative: as it was), zero outside the sample."""
    if by == 0:
        return stream
    if abs(by) >= steps:
        return streams.zeros(stream.shape)
    constant = stream.static or (isinstance(stream, Sum) and stream.constant is not None)
    if by < 0 and not constant:
        return delayed(streams, stream, -by)
    return streams.moved(look_ahead(steps, by), stream, path)
