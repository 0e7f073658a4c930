"""An unrolled time loop rolled back up: of the T copies of a step, the one that they are all an instance of.

Streams are interned (streams.py), so most copies are already the same object. What is left is the beginning: at
step 0 there is no step before, where the last copy has its recurrent terms. The last copy with everything that
lies before the first step taken away (:func:`started`) must be the copy.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from neurocomp.frontend.freezing.streams import Streams
from neurocomp.frontend.freezing.streams.folding import close_operators
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
from neurocomp.network.ops import OneToOne, OverTime

Time = int | Literal["any", "all", "mean", "sum", "folded"]
"""At which step: a number; any, for what never changes; all steps along a time axis; their mean or their sum; folded:
the stream's features are those of all steps (allsteps.py)."""


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

    Raises Unsupported if there is none, with the step and the operation that differ: the loop then does not do
    the same thing at every step.
    """
    aligned = [
        delayed(streams, stream, t - time) if isinstance(time, int) else stream
        for t, (stream, time) in enumerate(copies)
    ]
    found = _first_difference(streams, aligned[-1], aligned)
    if not found:
        return aligned[-1]
    # what a function makes of the nothing before the first step is not nothing: its operand must be delayed, not it
    inner = [inward(streams, copy, 0, {}) for copy in aligned]
    if _first_difference(streams, inner[-1], inner):
        raise Unsupported(found)
    return inner[-1]


def _first_difference(streams: Streams, model: Stream, copies: list[Stream]) -> str:
    for t, copy in enumerate(copies):
        found = "" if copy is model else difference(streams, started(streams, model, t), copy)
        if found and t < len(copies) - 1:
            return f"step {t} of the time loop does something else than step {len(copies) - 1}: {found}"
    return ""


def inward(streams: Streams, stream: Stream, delay: int, known: dict[tuple[int, int], Stream]) -> Stream:
    """The stream as it was ``delay`` steps ago, with the delays at the neurons and inputs that it is made of."""
    if stream.static:
        return stream
    key = (id(stream), delay)
    if key not in known:
        known[key] = _moved_inward(streams, stream, delay, known)
    return known[key]


def _moved_inward(streams: Streams, stream: Stream, delay: int, known: dict[tuple[int, int], Stream]) -> Stream:
    def at(term: Term) -> Term:
        return Term(inward(streams, term.stream, delay + term.delay, known))

    match stream:
        case Mapped() if isinstance(stream.op, OverTime):
            return delayed(streams, stream, delay)
        case Mapped():
            return _remapped(streams, stream, inward(streams, stream.source, delay, known))
        case Sum():
            return streams.sum(tuple(at(t) for t in stream.terms), stream.constant, stream.shape, stream.path)
        case Concatenated():
            return streams.concatenated(tuple(at(t) for t in stream.terms), stream.axis, stream.path)
        case Product():
            return streams.product(at(stream.left), at(stream.right), stream.form, stream.shape, stream.path)
    return delayed(streams, stream, delay)


def _remapped(streams: Streams, stream: Mapped, source: Stream) -> Stream:
    """The same map of another source; a factor goes into what is in front of it now."""
    op = stream.op
    if isinstance(op, OneToOne) and op.shape is None:
        return streams.scaled(source, np.asarray(op.scale, np.float64), stream.path)
    return streams.mapped(op, source, stream.path)


def flat_sum(stream: Stream, delay: int = 0) -> tuple[list[Term], np.ndarray | None]:
    """The terms and the constant of nested sums; a stream that is no sum is its own only term."""
    if not isinstance(stream, Sum):
        return [Term(stream, delay)], None
    terms: list[Term] = []
    constant = stream.constant
    for term in stream.terms:
        inner, more = flat_sum(term.stream, delay + term.delay)
        terms += inner
        constant = more if constant is None else constant if more is None else constant + more
    return terms, constant


def started(streams: Streams, stream: Stream, t: int) -> Stream:
    """What a stream is at step t, where nothing was before step 0."""
    return _started(streams, stream, t, {})


def _started(streams: Streams, stream: Stream, t: int, known: dict[tuple[int, int], Stream]) -> Stream:
    key = (id(stream), t)
    if key not in known:
        known[key] = _built(streams, stream, t, known)
    return known[key]


def _built(streams: Streams, stream: Stream, t: int, known: dict[tuple[int, int], Stream]) -> Stream:
    def at(term: Term) -> Term:
        if term.delay > t:
            return Term(streams.zeros(term.stream.shape))
        return Term(_started(streams, term.stream, t - term.delay, known), term.delay)

    match stream:
        case Mapped() if isinstance(stream.op, OverTime):
            return stream
        case Mapped():
            source = _started(streams, stream.source, t, known)
            return stream if source is stream.source else _remapped(streams, stream, source)
        case Sum():
            terms = tuple(at(term) for term in stream.terms)
            if all(a.stream is b.stream for a, b in zip(terms, stream.terms, strict=True)):
                return stream
            return streams.sum(terms, stream.constant, stream.shape, stream.path)
        case Concatenated():
            return streams.concatenated(tuple(at(term) for term in stream.terms), stream.axis, stream.path)
        case Product():
            return streams.product(at(stream.left), at(stream.right), stream.form, stream.shape, stream.path)
    return stream


def difference(streams: Streams, model: Stream, copy: Stream) -> str:
    """Where two streams first differ, in words; empty if they are the same up to the rounding of constants."""
    if model is copy:
        return ""
    if type(model) is not type(copy) or model.shape != copy.shape:
        return f"{_named(copy)} where the last step has {_named(model)}"
    match model, copy:
        case Mapped(), Mapped():
            if streams.op_key(model.op) != streams.op_key(copy.op) and not close_operators(model.op, copy.op):
                return f"{_named(copy)} has other weights than {_named(model)} of the last step"
            return difference(streams, model.source, copy.source)
        case Sum(), Sum():
            return _other_terms(streams, model.terms, copy.terms, model.path) or _other_constant(model, copy)
        case Concatenated(), Concatenated():
            return _other_terms(streams, model.terms, copy.terms, model.path)
        case Product(), Product():
            return _other_terms(streams, (model.left, model.right), (copy.left, copy.right), model.path)
    return f"{_named(copy)} where the last step has {_named(model)}"


def _other_terms(streams: Streams, mine: tuple[Term, ...], theirs: tuple[Term, ...], path: str) -> str:
    if len(mine) != len(theirs):
        return f"it adds {len(theirs)} signals in {path or 'the network'} where the last step adds {len(mine)}"
    for a, b in zip(mine, theirs, strict=True):
        if a.delay != b.delay:
            return f"{_named(b.stream)} is taken from {b.delay} steps before, by the last step from {a.delay}"
        found = difference(streams, a.stream, b.stream)
        if found:
            return found
    return ""


def _other_constant(model: Sum, copy: Sum) -> str:
    one, other = (np.zeros(1) if s.constant is None else s.constant for s in (model, copy))
    if np.allclose(one, other, rtol=1e-6, atol=1e-7):
        return ""
    return f"another constant is added in {_named(model)}"


def _named(stream: Stream) -> str:
    """A stream as messages name it."""
    if isinstance(stream, Output):
        return f"the {stream.port} of {stream.path}"
    if isinstance(stream, Mapped):
        return stream.path
    if isinstance(stream, Sum) and not stream.terms:
        return "a constant"
    kind = {"Input": "the input", "Sum": "a sum", "Product": "a product", "Concatenated": "a joined tensor"}
    name = kind.get(type(stream).__name__, "what all steps make")
    return f"{name} in {stream.path}" if stream.path and name != "the input" else name
