"""Hypothesis strategies for small random networks with products of two signals, wires, maxima and host functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from neurocomp.network import (
    Conv,
    Factor,
    Host,
    Network,
    Neuron,
    OneToOne,
    Op,
    Pool,
    Population,
    Projection,
    Reduce,
    Wiring,
)
from neurocomp.network.verify import verify


@dataclass
class Builder:
    """Populations and projections as they are added."""

    draw: st.DrawFn
    rng: np.random.Generator
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)

    def add(self, shape: tuple[int, ...], *arriving: tuple[str, Op], neuron: Neuron | None = None) -> str:
        name = f"p{len(self.populations)}"
        self.populations.append(Population(name, shape, neuron))
        for source, op in arriving:
            delay = self.draw(st.sampled_from([0, 0, 0, 1]))
            self.projections.append(Projection(f"{source}-{name}-{len(self.projections)}", source, name, op, delay))
        return name

    def neurons(self, source: str, channels: int, tokens: int) -> str:
        """Spiking neurons behind a 1x1 convolution."""
        weight = self.rng.normal(size=(channels, self.shape(source)[0], 1)).astype(np.float32)
        threshold = float(self.rng.uniform(0.2, 1))
        return self.add(
            (channels, tokens), (source, Conv(weight, (1,), (0,), (1,))), neuron=Neuron(threshold=threshold)
        )

    def shape(self, name: str) -> tuple[int, ...]:
        return next(p.shape for p in self.populations if p.name == name)

    def network(self) -> Network:
        last = self.populations[-1].name
        return verify(Network(tuple(self.populations), tuple(self.projections), (self.populations[0].name,), last))


@st.composite
def attention_networks(draw: st.DrawFn) -> Network:
    """Tokens, one or two blocks of attention or masks with a residual sum, and a readout."""
    build = Builder(draw, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    heads, depth, tokens = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    build.add((2, tokens))
    stream = build.neurons("p0", heads * depth, tokens)
    for _ in range(draw(st.integers(1, 2))):
        block = draw(st.sampled_from([_attention, _mask, _maximum, _hosted]))
        out = block(build, stream, heads, depth, tokens)
        stream = build.add((heads * depth, tokens), (stream, OneToOne()), (out, OneToOne()))
    build.neurons(stream, draw(st.integers(1, 4)), tokens)
    return build.network()


def _attention(build: Builder, stream: str, heads: int, depth: int, tokens: int) -> str:
    """(q k^T) v, or q (k^T v), and neurons."""
    number = np.arange(heads * depth * tokens).reshape(heads, depth, tokens)
    tall = number.transpose(0, 2, 1)  # (heads, tokens, depth)
    q, k, v = (build.neurons(stream, heads * depth, tokens) for _ in range(3))
    if build.draw(st.booleans()):
        k = q
    scores_first = build.draw(st.booleans())
    if scores_first:
        first = _product(build, (q, tall), (k, number), heads, (tokens, depth, tokens))
        second = _product(build, (first, None), (v, tall), heads, (tokens, tokens, depth))
    else:
        first = _product(build, (k, number), (v, tall), heads, (depth, tokens, depth))
        second = _product(build, (q, tall), (first, None), heads, (tokens, depth, depth))
    joined = np.arange(heads * depth * tokens).reshape(heads, tokens, depth).transpose(0, 2, 1)
    wired = build.add((heads * depth, tokens), (second, Wiring(joined, (heads * depth, tokens))))
    return build.add((heads * depth, tokens), (wired, OneToOne(0.25)), neuron=Neuron(threshold=0.5))


def _product(
    build: Builder, left: tuple[str, np.ndarray | None], right: tuple[str, np.ndarray | None], batch: int,
    sizes: tuple[int, int, int],
) -> str:  # fmt: skip
    rows, inner, columns = sizes
    shape = (batch, rows, columns)
    ends = []
    for (source, index), form in ((left, (batch, rows, inner)), (right, (batch, inner, columns))):
        ends.append(source if index is None else build.add(form, (source, Wiring(index, form))))
    factors = (Factor(side, batch, *sizes, shape) for side in ("left", "right"))
    return build.add(shape, *zip(ends, factors, strict=True))


def _mask(build: Builder, stream: str, heads: int, depth: int, tokens: int) -> str:
    """Keys where some channel of the queries spikes (QKFormer)."""
    channels = heads * depth
    q, k = (build.neurons(stream, channels, tokens) for _ in range(2))
    summed = build.add((tokens,), (q, Reduce("sum", 1, channels, tokens, (tokens,))))
    chosen = build.add((tokens,), (summed, OneToOne()), neuron=Neuron(threshold=1.0))
    spread = np.broadcast_to(np.arange(tokens), (channels, tokens))
    mask = build.add((channels, tokens), (chosen, Wiring(spread, (channels, tokens))))
    factors: Iterator[Op] = (Factor(side, channels * tokens, 1, 1, 1, (channels, tokens)) for side in ("left", "right"))
    return build.add((channels, tokens), *zip((mask, k), factors, strict=True))


def _maximum(build: Builder, stream: str, heads: int, depth: int, tokens: int) -> str:
    """The largest of neighbouring sums, before neurons."""
    channels = heads * depth
    weight = build.rng.normal(size=(channels, channels, 1)).astype(np.float32)
    sums = build.add((channels, tokens), (stream, Conv(weight, (1,), (0,), (1,))))
    most = build.add((channels, tokens), (sums, Pool("max", (3,), (1,), (1,))))
    return build.add((channels, tokens), (most, OneToOne()), neuron=Neuron(threshold=0.5))


def _hosted(build: Builder, stream: str, heads: int, depth: int, tokens: int) -> str:
    """Channels normalised on the host, token by token."""
    channels = heads * depth
    by_token = build.add((tokens, channels), (stream, Wiring(np.arange(channels * tokens).reshape(channels, tokens).T,
                                                              (tokens, channels))))  # fmt: skip
    soft = build.add((tokens, channels), (by_token, Host("softmax", channels)))
    back = build.add((channels, tokens), (soft, Wiring(np.arange(channels * tokens).reshape(tokens, channels).T,
                                                        (channels, tokens))))  # fmt: skip
    return build.neurons(back, channels, tokens)
