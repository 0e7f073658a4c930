"""Operations that mix time steps: their operands are folded, all steps of a sample side by side as features.

A folded tensor is the whole tensor of a sample, so every operation on it means what it means in torch, and whatever
works within a step works on it. Where a neuron follows, or an operation that goes step by step, it is unfolded again.
What lies between becomes a function of all steps (network.time_ops.AllSteps), which the host computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from neurocomp.frontend.freezing.streams.kinds import (
    Concatenated,
    Folded,
    Mapped,
    MixedSamples,
    Product,
    Stream,
    Sum,
    Term,
    Unfolded,
    Unsupported,
)
from neurocomp.frontend.freezing.streams.layout import (
    Atom,
    Dim,
    Layout,
    LayoutError,
    feature_order,
    feature_size,
    of_natural_order,
)
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.shorter import length, settled
from neurocomp.frontend.freezing.streams.signals import Arrangement, Signal
from neurocomp.network.ops import Conv, Linear, OneToOne, OverTime, Reduce, ShapeMismatch, Wiring

Change = Callable[[Any], Signal]
"""Of a signal; of a window (shifts.py) where it is given all steps at once."""
PATH = "all steps"
_WORDS = {"avg": "mean", "sum": "sum"}


def folded(arrange: Arrangement, signal: Signal | Window) -> Signal:
    """The signal with its time steps among its features; a shorter sequence, too."""
    if isinstance(signal, Window):
        return _folded_window(arrange, signal)
    if signal.time == "folded":
        return signal
    signal = arrange.summed_over_time(signal)
    streams, steps, stream = arrange.streams, arrange.steps, signal.stream
    every = streams.folded(stream, steps)
    size = math.prod(stream.shape)
    if signal.time == "all":
        count = length(arrange, signal)
        if count != steps:  # the last ones
            return _folded_window(
                arrange, Window(signal.layout, 0, steps, count, lambda _: stream, True), steps - count
            )
        atom = Atom("F", steps, size, steps=True)
        dims = tuple(tuple(atom if a.kind == "T" else a for a in dim) for dim in signal.layout.dims)
        return Signal(every, "folded", Layout(dims))
    if signal.time in ("mean", "sum"):
        made = _pooled(arrange, stream, "avg" if signal.time == "mean" else "sum")
    else:  # one step, or any
        step = signal.time if isinstance(signal.time, int) else 0
        made = streams.gathered(every, (step * size + np.arange(size)).reshape(stream.shape), stream.path or PATH)
    return Signal(made, "folded", signal.layout)


def _folded_window(arrange: Arrangement, window: Window, first: int = 0) -> Signal:
    """A sequence of fewer steps than the network's, which are there from the network's step ``first`` on."""
    if window.count > window.steps:
        raise Unsupported(f"{window.count} time steps are used where there are {window.steps}")
    stream = window.at(0)
    size = math.prod(stream.shape)
    places = np.arange(first * size, (first + window.count) * size).reshape(window.count, size)
    made = arrange.streams.gathered(arrange.streams.folded(stream, window.steps), places, stream.path or PATH)
    atom = Atom("F", window.count, size)
    dims = tuple(tuple(atom if a.kind == "T" else a for a in dim) for dim in window.layout.dims)
    return Signal(made, "folded", Layout(dims).normal())


def _pooled(arrange: Arrangement, stream: Stream, kind: Literal["avg", "sum"]) -> Stream:
    """The mean or sum over all steps; of weighted sums it is that of what they are made of, weighted."""
    streams, steps = arrange.streams, arrange.steps
    if isinstance(stream, Mapped) and isinstance(stream.op, Linear | Conv | OneToOne):
        return streams.mapped(stream.op, _pooled(arrange, stream.source, kind), stream.path)
    if isinstance(stream, Sum) and not any(term.delay for term in stream.terms):
        constant = stream.constant if kind == "avg" or stream.constant is None else stream.constant * np.float32(steps)
        terms = tuple(Term(_pooled(arrange, term.stream, kind)) for term in stream.terms)
        return streams.sum(terms, constant, stream.shape, stream.path)
    form = Reduce(kind, 1, steps, math.prod(stream.shape), stream.shape)
    return streams.mapped(form, streams.folded(stream, steps), f"{stream.path or 'input'}.{_WORDS[kind]}")


def unfolded(arrange: Arrangement, signal: Signal, axis: int | None, path: str) -> Signal:
    """A folded signal step by step. axis: the one that is time; None: the features that are known to be steps.

    Raises Unsupported if there are no such features, or more than one.
    """
    if axis is not None and _repeats(signal.layout.dims[axis], arrange.steps):
        dims = [*signal.layout.dims]
        dims[axis] = ()
        every = at_every_step(arrange, signal.with_layout(Layout(tuple(dims))), path)
        dims = [*every.layout.dims]
        dims[axis] = (Atom("T", arrange.steps),)
        return Signal(every.stream, "all", Layout(tuple(dims)))
    signal = arrange.solid(signal, path)
    chosen = _marked(signal) if axis is None else [(axis, a) for a in signal.layout.dims[axis] if a.kind == "F"]
    if math.prod(a.size for _, a in chosen) != arrange.steps or (axis is None and len(chosen) != 1):
        raise Unsupported("it is not known which of its axes are time steps")
    steps = feature_order(Layout((tuple(a for _, a in chosen),))).reshape(-1)
    layout = _with_time(signal.layout, chosen, arrange.steps)
    natural = of_natural_order(layout)
    shape = tuple(size for dim in natural.dims if (size := feature_size(dim)) > 1) or (1,)
    index = steps[:, None] + feature_order(layout).reshape(1, -1)
    streams, path = arrange.streams, signal.stream.path or path
    source = streams.gathered(signal.stream, index, path)
    mixture = _by_element(source, arrange.steps)
    if mixture is not None:
        stream = streams.moved(mixture[0], streams.reshaped(mixture[1], shape), path)
    else:
        stream = streams.unfolded(source, shape, arrange.steps, path)
    return Signal(stream, "all", natural)


def _by_element(source: Stream, steps: int) -> tuple[OverTime, Stream] | None:
    """What only scales, shifts or rearranges whole steps of one stream, as a mixture element by element."""
    offset, weight = np.zeros((steps, 1)), np.eye(steps)
    while not isinstance(source, Folded):
        if isinstance(source, Sum) and len(source.terms) == 1 and source.constant is not None:
            offset = offset + weight @ np.broadcast_to(source.constant, math.prod(source.shape)).reshape(steps, -1)
            source = source.terms[0].stream
        elif isinstance(source, Mapped) and isinstance(source.op, OneToOne):
            scale = np.broadcast_to(np.asarray(source.op.scale).reshape(-1), math.prod(source.shape)).reshape(steps, -1)
            if (scale != scale[:, :1]).any():
                return None
            weight, source = weight * scale[:, 0], source.source
        elif isinstance(source, Mapped) and isinstance(source.op, Wiring):
            places = source.op.index.reshape(steps, -1)
            rows = places[:, 0] // places.shape[1]
            whole = rows[:, None] * places.shape[1] + np.arange(places.shape[1])
            if math.prod(source.source.shape) != places.size or not np.array_equal(places, whole):
                return None
            weight, source = weight @ np.eye(steps)[rows], source.source
        else:
            return None
    plain = np.array_equal(weight, np.eye(steps)) and not offset.any()
    return None if plain or (offset != offset[:, :1]).any() else (OverTime(weight, offset[:, 0]), source.source)


def _repeats(dim: Dim, steps: int) -> bool:
    """Whether a dimension only repeats the same elements, as often as there are steps."""
    return bool(dim) and all(a.kind == "F" and a.stride == 0 for a in dim) and math.prod(a.size for a in dim) == steps


def _with_time(layout: Layout, chosen: list[tuple[int, Atom]], steps: int) -> Layout:
    """The layout with a time axis in the place of the chosen features."""
    places = {id(a) for _, a in chosen}
    dims = []
    for dim in layout.dims:
        kept: list[Atom] = []
        for atom in dim:
            if atom is chosen[0][1]:
                kept.append(Atom("T", steps))
            elif id(atom) not in places:
                kept.append(atom)
        dims.append(tuple(kept))
    return Layout(tuple(dims))


def _marked(signal: Signal) -> list[tuple[int, Atom]]:
    return [(k, a) for k, dim in enumerate(signal.layout.dims) for a in dim if a.steps]


def at_every_step(arrange: Arrangement, signal: Signal, path: str) -> Signal:
    """A folded signal that has no time axis: the same at every step. Weights that come last are applied at every step:
    they need no more than one."""
    signal = arrange.natural(signal, path)
    return Signal(_repeated(arrange, signal.stream, path), "any", signal.layout)


def _repeated(arrange: Arrangement, stream: Stream, path: str) -> Stream:
    streams = arrange.streams
    if isinstance(stream, Mapped) and isinstance(stream.op, Linear | Conv | OneToOne):
        return streams.mapped(stream.op, _repeated(arrange, stream.source, path), stream.path)
    if isinstance(stream, Sum) and len(stream.terms) == 1:
        term = Term(_repeated(arrange, stream.terms[0].stream, path))
        return streams.sum((term,), stream.constant, stream.shape, stream.path)
    return streams.unfolded(stream, stream.shape, arrange.steps, stream.path or path)


def stepwise(arrange: Arrangement, signal: Signal, path: str, axis: int | None = None, always: bool = False) -> Signal:
    """A signal that is not folded: its steps where they are known or along ``axis``, else the same at every step.

    Raises Unsupported if it has several axes of steps; always: if it has none, too."""
    if signal.time != "folded":
        return signal
    marked = _marked(signal)
    if always and not marked:
        raise Unsupported("none of its axes are time steps")
    if len(marked) == 1 and axis in (None, marked[0][0]):
        return unfolded(arrange, signal, None, path)
    if axis is not None or marked:
        return unfolded(arrange, signal, axis, path)
    return at_every_step(arrange, signal, path)


def handled(
    arrange: Arrangement, call: Callable[[list[Any]], Any], arguments: list[Any], path: str, may_fold: bool
) -> Any:
    """An operation on these arguments: step by step if that goes, else, if ``may_fold``, on all steps at once."""
    refusal: Exception | None = None
    for whole, change in _ways(arrange, arguments, path, may_fold):
        try:
            return call([_changed(a, change, whole) for a in arguments])
        except MixedSamples:
            raise
        except (Unsupported, LayoutError, ShapeMismatch) as error:
            refusal = refusal or error
    raise refusal or Unsupported("")


def _ways(arrange: Arrangement, arguments: list[Any], path: str, may_fold: bool) -> Iterator[tuple[bool, Change]]:
    """Ways to give an operation its operands, and whether all steps are given at once."""
    found = list(_signals(arguments))
    signals = [s for s in found if isinstance(s, Signal)]
    some = any(s.time == "folded" for s in signals)
    if not some:
        yield False, lambda s: s
    else:
        yield False, lambda s: _apart(arrange, s, signals, path)
    if len(signals) < len(found):
        yield True, lambda s: settled(arrange, s, path) if isinstance(s, Window) else s
    timed = some or len(signals) < len(found) or any(s.time in ("all", "mean", "sum") for s in signals)
    if may_fold and arrange.steps > 1 and timed:
        yield True, lambda s: folded(arrange, s)


def _apart(arrange: Arrangement, signal: Signal, signals: list[Signal], path: str) -> Signal:
    """One of several operands: step by step if its steps are known, or those of another operand that has them; all stay
    folded if none has them."""
    timed = [s for s in signals if s.time != "any" and (s.time != "folded" or len(_marked(s)) == 1)]
    if not timed:
        return folded(arrange, signal)
    if signal.time != "folded" or len(_marked(signal)) == 1:
        return stepwise(arrange, signal, path)
    axis = _axis_like(arrange, signal, timed)
    if axis is not None:
        return unfolded(arrange, signal, axis, path)
    if _marked(signal):
        raise Unsupported("it is not known which of its axes are time steps")
    return at_every_step(arrange, signal, path)


def _axis_like(arrange: Arrangement, signal: Signal, others: list[Signal]) -> int | None:
    """The axis, counted from the last, at which another operand has its steps and this one as many features."""
    rank = len(signal.layout.dims)
    for other in others:
        for k, dim in enumerate(other.layout.dims):
            axis = k - len(other.layout.dims) + rank
            if 0 <= axis < rank and any(a.kind == "T" or a.steps for a in dim):
                here = signal.layout.dims[axis]
                if feature_size(here) == arrange.steps and all(a.kind == "F" for a in here):
                    return axis
    return None


def _signals(value: Any) -> Iterator[Signal | Window]:
    if isinstance(value, Signal | Window):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _signals(part)


def _changed(value: Any, change: Change, whole: bool) -> Any:
    if isinstance(value, Signal) or (whole and isinstance(value, Window)):
        return change(value)
    return [_changed(part, change, whole) for part in value] if isinstance(value, list | tuple) else value


def is_made_of_all_steps(stream: Stream) -> bool:
    """Whether all that a stream is made of are functions of all steps."""
    match stream:
        case Unfolded():
            return True
        case Mapped():
            return is_made_of_all_steps(stream.source)
        case Sum() | Concatenated():
            return bool(stream.terms) and all(is_made_of_all_steps(term.stream) for term in stream.terms)
        case Product():
            return is_made_of_all_steps(stream.left.stream) and is_made_of_all_steps(stream.right.stream)
    return False


def folded_in(stream: Unfolded) -> list[Folded]:
    """The folded streams that a function of all steps is made of, each once."""
    found: dict[int, Folded] = {}
    seen: set[int] = set()
    waiting: list[Stream] = [stream.source]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        match part:
            case Folded():
                found[id(part)] = part
            case Mapped():
                waiting.append(part.source)
            case Sum() | Concatenated():
                waiting += [term.stream for term in part.terms]
            case Product():
                waiting += [part.left.stream, part.right.stream]
    return list(found.values())
