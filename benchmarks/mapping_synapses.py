"""Synapses of a network listed one by one, for the partitioners that work on single neurons."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from neurocomp.network import Conv, Linear, Network, OneToOne, Op, Pool, Sparse


@dataclass(frozen=True, eq=False)
class Synapses:
    """Neurons numbered through all populations, channel-first. pointer, target: who hears each neuron, ascending,
    each once; rate: spikes per step of each neuron."""

    pointer: np.ndarray
    target: np.ndarray
    rate: np.ndarray

    @property
    def neurons(self) -> int:
        return self.rate.size

    @property
    def source(self) -> np.ndarray:
        return np.repeat(np.arange(self.neurons), np.diff(self.pointer))


def synapses_of(network: Network, rates: dict[str, np.ndarray]) -> Synapses:
    sizes = [p.size for p in network.populations]
    first = dict(zip((p.name for p in network.populations), np.cumsum([0, *sizes[:-1]]), strict=True))
    neurons, keys = sum(sizes), []
    for projection in network.projections:
        source, target = _pairs(projection.op, network.by_name[projection.source].shape)
        keys.append((source + first[projection.source]) * neurons + target + first[projection.target])
    source, target = np.divmod(np.unique(np.concatenate(keys)), neurons)
    pointer = np.searchsorted(source, np.arange(neurons + 1))
    return Synapses(pointer, target, np.concatenate([rates[p.name].reshape(-1) for p in network.populations]))


def split_by_population(network: Network, values: np.ndarray) -> dict[str, np.ndarray]:
    """One value per neuron as one array per population."""
    ends = np.cumsum([p.size for p in network.populations])[:-1]
    return {p.name: v.reshape(p.shape) for p, v in zip(network.populations, np.split(values, ends), strict=True)}


def _pairs(op: Op, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(op, Conv | Pool):
        return _windowed(op, shape)
    size = math.prod(shape)
    if isinstance(op, Linear):
        targets = op.weight.shape[0]
        return np.repeat(np.arange(size), targets), np.tile(np.arange(targets), size)
    if isinstance(op, OneToOne):
        return np.arange(size), np.arange(size)
    if isinstance(op, Sparse):
        return np.repeat(np.arange(size), np.diff(op.indptr)), op.indices.astype(np.int64)
    raise SystemExit(f"the benchmark lists no synapses of {type(op).__name__}")


def _windowed(op: Conv | Pool, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two spatial axes."""
    channels, height, width = shape
    out, rows, columns = op.target_shape(shape)
    groups = op.groups if isinstance(op, Conv) else channels
    target_channel, nth = np.divmod(np.arange(out * (channels // groups)), channels // groups)
    source_channel = target_channel // (out // groups) * (channels // groups) + nth
    found = []
    for taps in itertools.product(*map(range, op.kernel)):
        y, x = (
            np.arange(n) * s - p + tap * d
            for n, s, p, tap, d in zip((rows, columns), op.stride, op.padding, taps, op.dilation, strict=True)
        )
        i, j = np.flatnonzero((y >= 0) & (y < height)), np.flatnonzero((x >= 0) & (x < width))
        source = (source_channel[:, None, None] * height + y[i][:, None]) * width + x[j]
        target = (target_channel[:, None, None] * rows + i[:, None]) * columns + j
        found.append((source.reshape(-1), target.reshape(-1)))
    return np.concatenate([s for s, _ in found]), np.concatenate([t for _, t in found])
