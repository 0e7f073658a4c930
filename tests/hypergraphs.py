"""Random small hypergraphs and limits for the partitioner's tests, and the best partition by trying all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.mapping.hypergraph import AXON, MEMORY, Hypergraph
from neurocomp.mapping.partition.reference import counted_demands, counted_volume
from neurocomp.mapping.tiling.limits import Limit, Limits


def random_hypergraph(rng: np.random.Generator, vertices: int, *, pinned: bool = False) -> Hypergraph:
    """Axon and memory nets of 0 to 5 pins, some from inputs, some of which hear themselves, some without traffic."""
    nets = int(rng.integers(0, 3 * vertices + 1))
    is_input = rng.random(vertices) < 0.15
    free = np.flatnonzero(~is_input)
    kind = np.where(rng.random(nets) < 0.2, MEMORY, AXON).astype(np.uint8)
    pins = [np.sort(rng.choice(free, min(int(rng.integers(0, 6)), free.size), replace=False)) for _ in range(nets)]
    demand = rng.integers(0, 4, (vertices, 4))
    demand[:, 0] += 1
    demand[is_input] = 0
    core = np.full(vertices, -1, np.int32)
    if pinned and free.size:
        some = rng.choice(free, min(int(rng.integers(1, 4)), free.size), replace=False)
        core[some] = rng.choice([3, 8], some.size)
    return Hypergraph(
        demand=demand,
        is_input=is_input,
        population=np.zeros(vertices, np.int32),
        pinned=core,
        source=np.where(kind == MEMORY, -1, rng.integers(0, max(1, vertices), nets)).astype(np.int32),
        kind=kind,
        amount=rng.integers(1, 4, nets),
        traffic=np.where((kind == MEMORY) | (rng.random(nets) < 0.1), 0, rng.integers(1, 1000, nets)),
        pin_ptr=np.concatenate([[0], np.cumsum([p.size for p in pins])]).astype(np.int64),
        pin=np.concatenate([np.zeros(0, np.int64), *pins]).astype(np.int32),
    )


def unit_graph(vertices: int, source: np.ndarray, target: np.ndarray, pinned: np.ndarray | None = None) -> Hypergraph:
    """One neuron per vertex, one net of one spike per step for each neuron that sends."""
    keys = np.unique(np.asarray(source, np.int64) * vertices + target)
    sender, listener = np.divmod(keys, max(1, vertices))
    senders, first = np.unique(sender, return_index=True)
    none = np.full(vertices, -1, np.int32)
    return Hypergraph(
        demand=np.eye(1, 4, dtype=np.int64).repeat(vertices, axis=0),
        is_input=np.zeros(vertices, bool),
        population=np.zeros(vertices, np.int32),
        pinned=none if pinned is None else pinned,
        source=senders.astype(np.int32),
        kind=np.zeros(senders.size, np.uint8),
        amount=np.ones(senders.size, np.int64),
        traffic=np.full(senders.size, 1_000_000),
        pin_ptr=np.append(first, listener.size).astype(np.int64),
        pin=listener.astype(np.int32),
    )


def local_graph(side: int, seed: int = 0) -> Hypergraph:
    """A torus of neurons that hear their neighbours and a few far ones, in shuffled order."""
    rng = np.random.default_rng(seed)
    count = side * side
    source = np.repeat(np.arange(count), 8)
    y, x = np.divmod(source, side)
    near = (y + rng.integers(-1, 2, source.size)) % side * side + (x + rng.integers(-1, 2, source.size)) % side
    target = np.where(rng.random(source.size) < 0.1, rng.integers(0, count, source.size), near)
    order = rng.permutation(count)
    return unit_graph(count, order[source], order[target])


def limits(neurons: int, axons_in: int | None = None, axons_out: int | None = None, bits: int | None = None) -> Limits:
    rows = [Limit("neurons", (1, 0, 0, 0), neurons, "neurons")]
    if axons_in is not None:
        rows.append(Limit("fan-in axons", (0, 1, 0, 0), axons_in, "axons"))
    if axons_out is not None:
        rows.append(Limit("fan-out axons", (0, 0, 1, 0), axons_out, "axons"))
    if bits is not None:
        rows.append(Limit("memory", (2, 3, 1, 1), bits, "bits"))
    return Limits(tuple(rows))


def random_limits(rng: np.random.Generator) -> Limits:
    def perhaps(low: int, high: int) -> int | None:
        return int(rng.integers(low, high)) if rng.random() < 0.5 else None

    return limits(int(rng.integers(4, 20)), perhaps(5, 40), perhaps(5, 40), perhaps(60, 300))


def set_partitions(count: int, most: int) -> Iterator[np.ndarray]:
    """Every way to put ``count`` things into at most ``most`` unnamed parts."""
    part = np.zeros(count, np.int32)

    def extend(k: int, used: int) -> Iterator[np.ndarray]:
        if k == count:
            yield part
            return
        for p in range(min(used + 1, most)):
            part[k] = p
            yield from extend(k + 1, max(used, p + 1))

    yield from extend(0, 0)


def least_volume(graph: Hypergraph, bounds: Limits, most_parts: int) -> int | None:
    """The volume of the best partition, found by counting them all; None if there is none. Pins are not looked at."""
    free = np.flatnonzero(~graph.is_input)
    part = np.full(graph.vertices, -1, np.int32)
    best: int | None = None
    for choice in set_partitions(free.size, most_parts):
        part[free] = choice
        volume = counted_volume(graph, part)
        if best is not None and volume >= best:
            continue
        if bounds.fits(counted_demands(graph, part, max(1, most_parts))).all():
            best = volume
    return best
