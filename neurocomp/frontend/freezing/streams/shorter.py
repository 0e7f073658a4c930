"""Sequences of fewer steps than the network runs: strides, slices and pooling over time leave them.

All layers of a network run equally many steps, T. A sequence of K of them takes the last ones: its element j is there
at step T - K + j, when everything that it is made of has been, so that nothing has to look ahead. Until then it is
nothing. Where that is not so by itself (a stride passes steps over, a slice begins later) the host holds back and moves
what is sent (``OverTime``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import Reading
from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.folding import keeps_zero
from neurocomp.frontend.freezing.streams.kinds import (
    Concatenated,
    Mapped,
    Output,
    Product,
    Stream,
    Sum,
    Term,
    Unsupported,
)
from neurocomp.frontend.freezing.streams.layout import Layout
from neurocomp.frontend.freezing.streams.shifts import Window
from neurocomp.frontend.freezing.streams.signals import Arrangement, Signal
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Host, Linear, OverTime, is_hosted_op

NEVER = 2**31
Combined = Callable[[Streams, list[Stream]], Stream]


@dataclass(frozen=True)
class Reach:
    """Which steps are heard together, counted from the first; pad: how many steps of zeros lie before and behind."""

    steps: tuple[int, ...]
    pad: int = 0


def length(arrange: Arrangement, signal: Signal) -> int:
    """How many steps the sequence has that a signal is."""
    has = signal.layout.size_of("T") if signal.time == "all" else None
    return arrange.steps if has is None else has


def resized(layout: Layout, count: int) -> Layout:
    """The layout with another number of time steps."""
    return Layout(tuple(tuple(replace(a, size=count) if a.kind == "T" else a for a in dim) for dim in layout.dims))


def settled(arrange: Arrangement, window: Window, path: str) -> Signal:
    """A window as a signal of its own steps, which are the network's last ones."""
    if window.count > window.steps:
        raise Unsupported(f"it makes {window.count} time steps where there are {window.steps}")
    stream = window.at(window.count - window.steps)
    return silent_before(arrange, Signal(stream, "all", resized(window.layout, window.count)), path)


def picked(arrange: Arrangement, window: Window, elements: np.ndarray, path: str) -> Signal:
    """Some elements of a window, by number, as a sequence; the host moves them. What is outside is zero."""
    steps, has = window.steps, window.count
    inside = (elements >= 0) & (elements < has)
    if has > steps or (not inside.all() and not window.zero_outside):
        raise Unsupported("zeros are put around steps that were made of steps outside the sample")
    weight = np.zeros((steps, steps), np.float32)
    weight[np.arange(steps - elements.size, steps)[inside], steps - has + elements[inside]] = 1.0
    source = window.at(has - steps)
    stream = arrange.streams.moved(OverTime(weight, np.zeros(steps, np.float32)), source, f"{path}.every")
    return Signal(stream, "all", resized(window.layout, elements.size))


def every(arrange: Arrangement, window: Window, stride: int, path: str) -> Signal:
    """Every ``stride``-th step of a window, from its first."""
    return picked(arrange, window, np.arange(0, window.count, stride), path)


def over_steps(
    arrange: Arrangement, window: Window, reach: Reach, stride: int, combined: Combined, path: str
) -> Signal | Window:
    """What ``combined`` makes of the steps that are ``reach`` away from each, at every ``stride``-th one; the first is
    that which hears none before the first, but for the zeros around."""
    before, after = reach.pad, max(reach.steps)
    count = window.count + before + reach.pad - after
    if count < 1:
        raise Unsupported(f"it takes {after + 1} of {window.count} time steps together")
    if reach.pad and not window.zero_outside:
        raise Unsupported("zeros are put around steps that were made of steps outside the sample")
    if stride == 1:

        def at(by: int) -> Stream:
            return combined(arrange.streams, [window.at(by + k - before) for k in reach.steps])

        return Window(window.layout, window.axis, window.steps, count, at, False)
    first = np.arange(0, count, stride) - before
    parts = [picked(arrange, window, first + k, path) for k in reach.steps]
    return replace(parts[0], stream=combined(arrange.streams, [part.stream for part in parts]))


def silent_before(arrange: Arrangement, signal: Signal, path: str) -> Signal:
    """The signal with nothing in the steps before its own.

    Constants come from a neuron that begins to fire with the sequence; anything else the host holds back.
    """
    late, stream = arrange.steps - length(arrange, signal), signal.stream
    if not late or begin(stream, arrange.begins) >= late:
        return signal
    begun = _begun(arrange, stream, late, path)
    if begun is not None:
        return replace(signal, stream=begun)
    mask = np.diag((np.arange(arrange.steps) >= late).astype(np.float32))
    op = OverTime(mask, np.zeros(arrange.steps, np.float32))
    return replace(signal, stream=arrange.streams.moved(op, stream, f"{path}.late"))


def _begun(arrange: Arrangement, stream: Stream, late: int, path: str) -> Stream | None:
    """A stream that differs from nothing before step ``late`` by constants alone, without these; None for others."""
    if begin(stream, arrange.begins) >= late:
        return stream
    if isinstance(stream, Mapped) and not is_hosted_op(stream.op):
        source = _begun(arrange, stream.source, late, path)
        return None if source is None else arrange.streams.mapped(stream.op, source, stream.path)
    if not isinstance(stream, Sum):
        return None
    terms = []
    for term in stream.terms:
        part = _begun(arrange, term.stream, max(late - term.delay, 0), path)
        if part is None or (term.delay and part is not term.stream):
            return None
        terms.append(Term(part, term.delay))
    if stream.constant is not None:
        arrange.begins[-late] = late
        flat = np.broadcast_to(stream.constant, (int(np.prod(stream.shape)),)).astype(np.float32)
        fires = arrange.streams.output(-late, "spike", (1,), clock_name(late))
        bias = arrange.streams.mapped(Linear(flat[:, None].copy()), fires, f"{stream.path or path}.bias")
        terms.append(Term(arrange.streams.reshaped(bias, stream.shape)))
    return arrange.streams.sum(tuple(terms), None, stream.shape, stream.path)


def clock_name(late: int) -> str:
    return f"from step {late} on"


def clock(late: int) -> Neuron:
    """A neuron that fires at every step from step ``late`` on, given 1 at each."""
    return Neuron(threshold=late + 1.0, reset="none")


def begin(stream: Stream, begins: dict[int, int]) -> int:
    """The first step at which a stream may be more than nothing. begins: of neurons, by their number."""
    match stream:
        case Output():
            return begins.get(stream.key, 0)
        case Mapped():
            return _of_mapped(stream, begin(stream.source, begins))
        case Sum():
            return 0 if stream.constant is not None else _first(stream.terms, begins)
        case Concatenated():
            return _first(stream.terms, begins)
        case Product():
            return max(_first((stream.left,), begins), _first((stream.right,), begins))
    return 0


def _first(terms: tuple[Term, ...], begins: dict[int, int]) -> int:
    return min((term.delay + begin(term.stream, begins) for term in terms), default=NEVER)


def _of_mapped(stream: Mapped, source: int) -> int:
    if isinstance(stream.op, OverTime):
        heard = stream.op.weight[:, source:].any(axis=1) | (stream.op.offset != 0)
        return int(heard.argmax()) if heard.any() else NEVER
    return 0 if isinstance(stream.op, Host) and not keeps_zero(stream.op) else source


def begins_late(reading: Reading, late: int) -> None:
    """Raises Unsupported for a neuron that does not stay as it is while nothing arrives."""
    neuron = reading.neuron
    if reading.over_time is not None:
        return  # without a memory, and what it hears before can be chosen (emit.py)
    loop = reading.recurrence is not None and reading.recurrence.bias is not None
    if late and (loop or not _rests(neuron)):
        what = "its connection to itself has a bias" if loop else "its membrane moves while nothing arrives"
        raise Unsupported(
            f"its sequence is {late} steps shorter than the network's, which it would have to wait for, and {what}; "
            "shorten the sequence in front of the network, in what makes the input"
        )


def _rests(neuron: Neuron) -> bool:
    p = {name: np.asarray(value, np.float32) for name, value in neuron.parameters().items()}
    if any(name in p and np.any(p[name] != 0) for name in ("a_init", "v_exp")):
        return False
    v = p["v_init"]
    if neuron.v_square is not None and v.any():
        return False
    same = np.all(p["v_decay"] * v + p["v_gain"] * p["leak"] == v)
    above = neuron.output != "membrane" and np.any(v >= p["threshold"])
    below = neuron.signed or neuron.output == "ternary"
    drives = (neuron.i_from_v is not None or neuron.a_from_v is not None) and v.any()
    floor = neuron.v_min is not None and np.any(v < p["v_min"])
    return bool(same and not above and not drives and not floor and not (below and v.any()))
