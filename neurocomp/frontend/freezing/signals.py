"""A tensor of the exported graph as what it stands for: a stream, at some time, in some arrangement of axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurocomp.frontend.freezing.layout import Atom, Layout, LayoutError, constant_features, feature_order
from neurocomp.frontend.freezing.streams import Mapped, Stream, Streams, Sum, Term, Unsupported
from neurocomp.network.ops import Shape

Time = int | Literal["any", "all", "mean", "sum"]
"""At which step: a number; any, for what never changes; all steps along a time axis; their mean or their sum."""


@dataclass(frozen=True, eq=False)
class Signal:
    """One tensor. layout: how its dimensions are made of time, batch and the stream's features."""

    stream: Stream
    time: Time
    layout: Layout

    def with_layout(self, layout: Layout) -> Signal:
        return replace(self, layout=layout)


@dataclass(frozen=True, eq=False)
class Slots:
    """A tensor of zeros that the time loop fills step by step (``out[t] = spikes``). axis: the time axis."""

    axis: int
    size: int
    filled: dict[int, Signal]


class Arrangement:
    """Operations on signals that only need streams and layouts. steps: how many time steps there are."""

    def __init__(self, streams: Streams, steps: int) -> None:
        self.streams = streams
        self.steps = steps

    def in_order(self, signal: Signal, lead: int, path: str) -> tuple[Stream, Shape]:
        """The stream of a signal with its features as the dimensions after ``lead`` have them, and their shape.

        Reorders (a relay with one synapse each) where the tensor's order is not that of the stream.
        """
        layout = signal.layout
        shape = layout.feature_dims(lead)
        if shape is not None:
            return self.streams.reshaped(signal.stream, shape), shape
        before = [atom for dim in layout.dims[:lead] for atom in dim]
        after = [atom for dim in layout.dims[lead:] for atom in dim]
        if any(a.kind == "F" for a in before) or any(a.kind != "F" and a.size > 1 for a in after):
            raise LayoutError(f"time, batch and features of a tensor of shape {layout.shape} are mixed")
        index = feature_order(layout).reshape(layout.shape[lead:])
        return self.streams.gathered(signal.stream, index, path), index.shape

    def combined(self, one: Signal, other: Signal, sign: float, path: str) -> Signal:
        """one + sign * other, element by element."""
        one, other = self._aligned(one, other)
        time, back_one, back_other = common_time(one.time, other.time)
        second = self.streams.scaled(other.stream, np.array([sign]), path)
        terms = (Term(one.stream, back_one), Term(second, back_other))
        return Signal(self.streams.sum(terms, None, one.stream.shape, path), time, one.layout)

    def plus(self, signal: Signal, array: np.ndarray, path: str) -> Signal:
        """signal + constant."""
        signal, flat = self._constant(signal, array)
        if signal.time == "sum":
            flat = flat / self.steps
        stream = signal.stream
        total = self.streams.sum((Term(stream),), flat.astype(np.float32), stream.shape, path)
        return replace(signal, stream=total)

    def times(self, signal: Signal, array: np.ndarray, path: str) -> Signal:
        """signal * constant."""
        signal, flat = self._constant(signal, array)
        return replace(signal, stream=self.streams.scaled(signal.stream, flat, path))

    def stacked(self, signals: list[Signal], axis: int) -> Signal:
        """One signal per step, in order, joined along a new time axis."""
        for t, signal in enumerate(signals):
            if signal.layout != signals[0].layout or signal.time not in (t, "any"):
                raise Unsupported("tensors are stacked that are not the same quantity at steps 0, 1, 2, ...")
        if len(signals) != self.steps:
            raise Unsupported(f"{len(signals)} tensors are stacked where there are {self.steps} time steps")
        stream = rolled(self.streams, [(signal.stream, signal.time) for signal in signals])
        return Signal(stream, "all", signals[0].layout.inserted(axis, (Atom("T", self.steps),)))

    def at_step(self, signal: Signal, axis: int, step: int) -> Signal:
        """The signal at one step; ``axis`` must be its time axis."""
        return Signal(signal.stream, step % self.steps, signal.layout.without(axis))

    def summed_over_time(self, signal: Signal) -> Signal:
        """A signal that a loop has added up over all steps becomes the sum over time of the one quantity."""
        stream = signal.stream
        if not isinstance(stream, Sum) or stream.constant is not None:
            return signal
        if signal.time != self.steps - 1 or self.steps < 2:
            return signal
        flat = flat_terms(stream)
        first = flat[0].stream
        delays = sorted(term.delay for term in flat)
        if delays != list(range(self.steps)) or any(term.stream is not first for term in flat):
            return signal
        return Signal(first, "sum", signal.layout)

    def _aligned(self, one: Signal, other: Signal) -> tuple[Signal, Signal]:
        """Both signals in the layout of the larger; a static one may lack the time axis."""
        if len(one.layout.dims) < len(other.layout.dims):
            other, one = self._aligned(other, one)
            return one, other
        missing = len(one.layout.dims) - len(other.layout.dims)
        padded = ((),) * missing + other.layout.dims
        for mine, theirs in zip(one.layout.dims, padded, strict=True):
            static_in_time = other.time == "any" and not theirs and all(a.kind == "T" for a in mine)
            if mine != theirs and not static_in_time:
                if one.layout.shape == tuple(Layout(padded).shape):
                    return self._reordered(one, other)
                raise Unsupported(
                    f"tensors of shapes {one.layout.shape} and {other.layout.shape} are combined by broadcasting"
                )
        # the same elements may have got another feature shape on the way
        stream = self.streams.reshaped(other.stream, one.stream.shape)
        return one, Signal(stream, other.time, one.layout)

    def _reordered(self, one: Signal, other: Signal) -> tuple[Signal, Signal]:
        """Two tensors of the same shape whose features lie in different orders: both put in tensor order."""
        lead = one.layout.lead()
        if one.layout.dims[:lead] != other.layout.dims[:lead]:
            raise Unsupported("tensors with time and batch in different places are combined")
        result = []
        for signal in (one, other):
            stream, shape = self.in_order(signal, lead, signal.stream.path)
            result.append(Signal(stream, signal.time, signal.layout.with_features(lead, shape)))
        return result[0], self._aligned(result[0], result[1])[1]

    def _constant(self, signal: Signal, array: np.ndarray) -> tuple[Signal, np.ndarray]:
        """A constant operand as one number or one per feature of the signal's stream (float64)."""
        array = np.asarray(array, np.float64)
        if array.size == 1:
            return signal, array.reshape(1)
        if len(np.broadcast_shapes(array.shape, signal.layout.shape)) != len(signal.layout.dims):
            raise Unsupported(f"a constant of shape {array.shape} enlarges a tensor of shape {signal.layout.shape}")
        flat = constant_features(array, signal.layout)
        if flat is None:
            raise Unsupported("a constant that differs between steps or samples is combined with a signal")
        return signal, flat


def common_time(one: Time, other: Time) -> tuple[Time, int, int]:
    """The time of a combination of two signals, and how many steps each of them then lies back."""
    if one == other or other == "any":
        return one, 0, 0
    if one == "any":
        return other, 0, 0
    if isinstance(one, int) and isinstance(other, int):
        last = max(one, other)
        return last, last - one, last - other
    raise Unsupported("a single step is combined with the whole sequence or with an average over time")


def delayed(streams: Streams, stream: Stream, steps: int) -> Stream:
    """The stream as it was ``steps`` steps ago. What is the same at every step was no different then."""
    if steps < 0:
        raise Unsupported("a step uses a value of a later step")
    if steps == 0 or stream.static:
        return stream
    if isinstance(stream, Sum):
        terms = tuple(Term(t.stream, t.delay + steps * (not t.stream.static)) for t in stream.terms)
        return streams.sum(terms, stream.constant, stream.shape, stream.path)
    return streams.sum((Term(stream, steps),), None, stream.shape, stream.path)


def rolled(streams: Streams, copies: list[tuple[Stream, Time]]) -> Stream:
    """The one stream of which the copies are steps 0, 1, 2, ...

    The last copy is the model; an earlier copy must be the same, less what reaches back before the first step.
    Raises Unsupported if they are not: the loop then does not do the same thing at every step.
    """
    aligned = [
        delayed(streams, stream, t - time) if isinstance(time, int) else stream
        for t, (stream, time) in enumerate(copies)
    ]
    model = aligned[-1]
    for t, copy in enumerate(aligned):
        if copy is not model and not _same_at(model, copy, t):
            raise Unsupported(f"step {t} of the time loop does something else than step {len(copies) - 1}")
    return model


def flat_terms(stream: Stream, delay: int = 0) -> list[Term]:
    """The terms of nested sums; a stream that is no sum is its own only term."""
    if not isinstance(stream, Sum):
        return [Term(stream, delay)]
    return [inner for term in stream.terms for inner in flat_terms(term.stream, delay + term.delay)]


def _same_at(model: Stream, copy: Stream, t: int) -> bool:
    """Whether the model, at step t with nothing before step 0, is what the copy is."""
    mine, my_constant = _known_at(model, t)
    theirs, their_constant = _known_at(copy, t)
    if not np.allclose(my_constant, their_constant, rtol=1e-6, atol=1e-7):
        return False
    for term in list(mine):
        twin = next((o for o in theirs if o.stream is term.stream and o.delay == term.delay), None)
        if twin is not None:
            mine.remove(term)
            theirs.remove(twin)
    if len(mine) != len(theirs):
        return False
    return all(_same_map(a, b, t) for a, b in zip(mine, theirs, strict=True))


def _same_map(model: Term, copy: Term, t: int) -> bool:
    a, b = model.stream, copy.stream
    if not isinstance(a, Mapped) or not isinstance(b, Mapped) or model.delay != copy.delay or a.shape != b.shape:
        return False
    return type(a.op) is type(b.op) and a.path == b.path and _same_at(a.source, b.source, t - model.delay)


def _known_at(stream: Stream, t: int, delay: int = 0) -> tuple[list[Term], np.ndarray]:
    """Terms that are not before the first step, and the constant, of nested sums at step t."""
    if not isinstance(stream, Sum):
        gone = isinstance(stream, Mapped) and _vanishes(stream.source, t - delay)
        return ([] if gone else [Term(stream, delay)]), np.zeros(1, np.float32)
    constant = np.zeros(1, np.float32) if stream.constant is None else stream.constant
    terms: list[Term] = []
    for term in stream.terms:
        if delay + term.delay <= t:
            inner, more = _known_at(term.stream, t, delay + term.delay)
            terms += inner
            constant = constant + more
    return terms, constant


def _vanishes(stream: Stream, t: int) -> bool:
    """Whether all of a stream lies before the first step."""
    terms, constant = _known_at(stream, t)
    return not terms and not constant.any()
