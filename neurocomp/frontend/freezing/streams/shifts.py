"""Delays written over whole sequences: the steps of a signal but the last few, with as many steps of zeros in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from neurocomp.frontend.freezing.streams.kinds import Stream, Sum, Unsupported
from neurocomp.frontend.freezing.streams.layout import Layout
from neurocomp.frontend.freezing.streams.rolling import delayed
from neurocomp.frontend.freezing.streams.signals import Arrangement, Signal

FEEDS = frozenset({"aten.cat", "aten.concat", "aten.zeros_like", "aten.new_zeros"})
"""Operations that make a delay of the first steps of a signal."""


@dataclass(frozen=True, eq=False)
class FirstSteps:
    """The first ``count`` steps of a signal, on their way into a concatenation. axis: of the time."""

    signal: Signal
    count: int
    axis: int


def shifted(arrange: Arrangement, parts: list[Any], axis: int) -> Signal:
    """Zeros, then the first steps of a signal: the signal, later by as many steps as there are zeros."""
    *zeros, last = parts
    rank = len(last.signal.layout.dims)
    if any(isinstance(part, Signal | FirstSteps) for part in zeros) or axis % rank != last.axis:
        raise Unsupported(f"only {last.count} of {arrange.steps} time steps are used")
    late = sum(int(part.shape[axis]) for part in zeros)
    if last.count + late != arrange.steps or any(bool((part != 0).any()) for part in zeros):
        raise Unsupported(f"{last.count} of {arrange.steps} time steps do not follow upon zeros")
    stream = last.signal.stream
    refuse_constants(stream)
    return Signal(delayed(arrange.streams, stream, late), "all", last.signal.layout)


def refuse_constants(stream: Stream) -> None:
    """Raises Unsupported for what a delay would have to switch on: nothing arrives before the first step."""
    if stream.static or (isinstance(stream, Sum) and stream.constant is not None):
        raise Unsupported("a signal that is not zero without input is delayed; delay what comes before its bias")


@dataclass(frozen=True, eq=False)
class Window:
    """A sequence that was shifted or has another length than the network's (temporal.py). layout: with the network's
    own steps; axis: of the time; count: how many steps it has; at: the stream that gives, at step t, its element
    t + by; zero_outside: whether what lies outside is zero."""

    layout: Layout
    axis: int
    steps: int
    count: int
    at: Callable[[int], Stream]
    zero_outside: bool

    def moved(self, by: int, count: int) -> Window:
        """The same from element ``by`` on."""
        at = self.at
        return replace(self, count=count, at=lambda more: at(by + more))
