"""Hypothesis strategies for relays behind operators without weights, as parts of random networks."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from neurocomp.network import Factor, Host, Population, Projection, Reduce, Wiring

Part = tuple[Population, list[Projection]]


def signal_part(draw: st.DrawFn, rng: np.random.Generator, sources: list[Population], k: int, integer: bool) -> Part:
    """A relay p<k> that multiplies, rearranges or reduces what some of the sources send."""
    kind = draw(st.sampled_from(["product", "product", "wiring", "join", "reduce", "host"]))
    source = draw(st.sampled_from(sources))
    delay = draw(st.sampled_from([0, 0, 1, 2]))
    if kind == "product":
        return _product(draw, source, draw(st.sampled_from(sources)), k, integer)
    if kind == "join":
        return _join(draw, rng, source, draw(st.sampled_from(sources)), k)
    if kind == "wiring":
        shape = draw(st.sampled_from([(6,), (2, 3), (2, 3, 2), (5, 1)]))
        op = Wiring(rng.integers(-1, source.size, math.prod(shape)), shape)
    elif kind == "reduce":
        before, axis, after = _cut(draw, source.size)
        shape = draw(st.sampled_from([(before, after), (before * after,)]))
        op = Reduce(
            draw(st.sampled_from(["sum", "max"] if integer else ["sum", "avg", "max"])), before, axis, after, shape
        )
    else:
        functions = ["relu", "abs"] if integer else ["relu", "gelu", "tanh", "softmax", "layer_norm"]
        function = draw(st.sampled_from(functions))
        op = Host(function, _cut(draw, source.size)[1] if function in ("softmax", "layer_norm") else 1)
    shape = op.target_shape(source.shape)
    return Population(f"p{k}", shape), [Projection(f"w{k}", source.name, f"p{k}", op, delay)]


def _cut(draw: st.DrawFn, size: int) -> tuple[int, int, int]:
    """Three factors of a number of elements."""
    first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    rest = size // first
    second = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
    return first, second, rest // second


def _product(draw: st.DrawFn, left: Population, right: Population, k: int, integer: bool) -> Part:
    batch, inner, _ = _cut(draw, math.gcd(left.size, right.size))
    rows, columns = left.size // (batch * inner), right.size // (batch * inner)
    product = (batch, rows, columns)
    shape = draw(st.sampled_from([product, (math.prod(product),), (batch * rows, columns)]))
    scale = draw(st.sampled_from([1.0, 2.0] if integer else [1.0, 0.125, 0.3]))
    sizes = (batch, rows, inner, columns, shape, scale)
    pair = [
        Projection(f"left{k}", left.name, f"p{k}", Factor("left", *sizes)),
        Projection(f"right{k}", right.name, f"p{k}", Factor("right", *sizes), draw(st.sampled_from([0, 1]))),
    ]
    return Population(f"p{k}", shape), pair if draw(st.booleans()) else pair[::-1]


def _join(draw: st.DrawFn, rng: np.random.Generator, first: Population, second: Population, k: int) -> Part:
    """A concatenation: wires from two sources to places of their own, perhaps with others on top."""
    shape = (first.size + second.size,)
    front, back = np.full(shape, -1), np.full(shape, -1)
    front[: first.size], back[first.size :] = np.arange(first.size), rng.permutation(second.size)
    projections = [
        Projection(f"front{k}", first.name, f"p{k}", Wiring(front, shape)),
        Projection(f"back{k}", second.name, f"p{k}", Wiring(back, shape)),
    ]
    if draw(st.booleans()):
        overlap = rng.integers(-1, first.size, shape)
        projections.append(Projection(f"extra{k}", first.name, f"p{k}", Wiring(overlap, shape), 1))
    return Population(f"p{k}", shape), projections
