"""Hypothesis strategies for small random operators."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from neurocomp.network import Conv, Factor, Host, Linear, OneToOne, Op, Pool, Reduce, Sparse, Wiring
from neurocomp.network.ops import window_count


@st.composite
def shapes(draw: st.DrawFn, axes: int | None = None) -> tuple[int, ...]:
    axes = draw(st.integers(1, 3)) if axes is None else axes
    return tuple(draw(st.integers(1, 6)) for _ in range(axes))


def weights(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    """Small integers, about half of them zero."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return (rng.integers(-3, 4, shape) * rng.integers(0, 2, shape)).astype(np.int8)


@st.composite
def _axis(draw: st.DrawFn, size: int, dilated: bool = True) -> tuple[int, int, int, int]:
    """(kernel, stride, padding, dilation) of which at least one window fits."""
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, 3))
    dilation = draw(st.integers(1, 3)) if dilated else 1
    if window_count(size, kernel, stride, padding, dilation) < 1:
        return 1, stride, padding, 1
    return kernel, stride, padding, dilation


@st.composite
def convs(draw: st.DrawFn, source: tuple[int, ...]) -> Conv:
    axes = [draw(_axis(size)) for size in source[1:]]
    kernel, stride, padding, dilation = (tuple(a[i] for a in axes) for i in range(4))
    groups = draw(st.sampled_from([g for g in range(1, source[0] + 1) if source[0] % g == 0]))
    c_out = groups * draw(st.integers(1, 3))
    return Conv(weights(draw, (c_out, source[0] // groups, *kernel)), stride, padding, dilation, groups)


@st.composite
def pools(draw: st.DrawFn, source: tuple[int, ...]) -> Pool:
    axes = [draw(_axis(size, dilated=False)) for size in source[1:]]
    return Pool("sum", *(tuple(a[i] for a in axes) for i in range(3)))


@st.composite
def sparses(draw: st.DrawFn, source: tuple[int, ...], target: tuple[int, ...]) -> Sparse:
    n_source, n_target = math.prod(source), math.prod(target)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    indptr = np.concatenate([[0], np.cumsum(rng.integers(0, 4, n_source))])
    indices = rng.integers(0, n_target, indptr[-1])
    return Sparse(indptr, indices, weights(draw, (int(indptr[-1]),)), target)


def _cut(draw: st.DrawFn, size: int) -> tuple[int, int, int]:
    """Three factors of a number of elements."""
    first = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    rest = size // first
    second = draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
    return first, second, rest // second


@st.composite
def factors(draw: st.DrawFn, source: tuple[int, ...]) -> Factor:
    """One operand of a product that reads a source of this shape."""
    batch, first, second = _cut(draw, math.prod(source))
    other = draw(st.integers(1, 4))
    side = draw(st.sampled_from(["left", "right"]))
    rows, inner, columns = (first, second, other) if side == "left" else (other, first, second)
    return Factor(side, batch, rows, inner, columns, (batch, rows, columns))


@st.composite
def wirings(draw: st.DrawFn, source: tuple[int, ...]) -> Wiring:
    shape = draw(shapes())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Wiring(rng.integers(-1, math.prod(source), math.prod(shape)), shape)


@st.composite
def reductions(draw: st.DrawFn, source: tuple[int, ...]) -> Reduce:
    before, axis, after = _cut(draw, math.prod(source))
    shape = draw(st.sampled_from([(before, after), (before * after,)]))
    return Reduce("sum", before, axis, after, shape)


@st.composite
def hosts(draw: st.DrawFn, source: tuple[int, ...]) -> Host:
    block, _, _ = _cut(draw, math.prod(source))
    return Host("softmax", block) if draw(st.booleans()) else Host("relu")


@st.composite
def signal_ops(draw: st.DrawFn, source: tuple[int, ...]) -> Op:
    """Operators without weights: products, wires, reductions, functions of the host."""
    return draw(st.one_of(factors(source), wirings(source), reductions(source), hosts(source)))


@st.composite
def ops(draw: st.DrawFn, source: tuple[int, ...]) -> Op:
    kinds = ["linear", "one", "reshape", "sparse"] + (["conv", "pool"] if len(source) > 1 else [])
    match draw(st.sampled_from(kinds)):
        case "linear":
            return Linear(weights(draw, (draw(st.integers(1, 6)), math.prod(source))))
        case "one":
            return OneToOne(weights(draw, (math.prod(source),)) if draw(st.booleans()) else 1.0)
        case "reshape":
            return OneToOne(1.0, (math.prod(source),))
        case "sparse":
            return draw(sparses(source, draw(shapes())))
        case "conv":
            return draw(convs(source))
        case _:
            return draw(pools(source))


@st.composite
def counts_for(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    """Small counts, along some axes the same."""
    sizes = tuple(n if draw(st.booleans()) else 1 for n in shape)
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).integers(0, 5, sizes)
