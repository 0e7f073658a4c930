"""The partitioner in C against its readable twin: volume, demands, gains; drawing vertices together changes nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.mapping.hypergraph import AXON, Hypergraph, coarsened, compiled, contracted, part_demands, volume
from neurocomp.mapping.hypergraph.core import COLUMNS, HyperCore, PartitionCore
from neurocomp.mapping.partition.reference import counted_demands, counted_gain, counted_volume
from neurocomp.mapping.tiling.limits import DEMANDS, Limits
from tests.hypergraphs import random_hypergraph, random_limits

SEEDS = st.integers(0, 2**32 - 1)


def core_of(graph: Hypergraph, bounds: Limits, part: np.ndarray, parts: int) -> PartitionCore:
    weights = np.zeros((len(bounds.limits), COLUMNS), np.int64)
    weights[:, :DEMANDS] = bounds.weights
    return PartitionCore(compiled(graph), parts, weights, bounds.capacities, 0, part)


def random_parts(rng: np.random.Generator, graph: Hypergraph, parts: int, nowhere: bool = False) -> np.ndarray:
    part = rng.integers(-1 if nowhere else 0, parts, graph.vertices).astype(np.int32)
    part[graph.is_input] = -1
    return part


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, parts=st.integers(1, 6))
def test_moves_keep_volume_and_demands_exact(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    graph, bounds = random_hypergraph(rng, int(rng.integers(1, 15))), random_limits(rng)
    core = core_of(graph, bounds, random_parts(rng, graph, parts, nowhere=True), parts)
    for vertex in rng.choice(np.flatnonzero(~graph.is_input), 30) if not graph.is_input.all() else []:
        core.move(int(vertex), int(rng.integers(-1, parts)))
        assert core.volume == counted_volume(graph, core.part)
        assert core.demand[:, :DEMANDS].tolist() == counted_demands(graph, core.part, parts).tolist()


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, parts=st.integers(2, 5))
def test_gains_and_permissions_are_those_of_a_recount(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    graph, bounds = random_hypergraph(rng, int(rng.integers(2, 12))), random_limits(rng)
    part = random_parts(rng, graph, parts)
    core = core_of(graph, bounds, part, parts)
    for vertex in np.flatnonzero(~graph.is_input):
        for to in set(range(parts)) - {int(part[vertex])}:
            assert core.gain(int(vertex), to) == counted_gain(graph, bounds, part, parts, (int(vertex), to))


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, parts=st.integers(1, 4))
def test_groups_have_the_volume_and_demands_of_their_vertices(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(1, 15)), pinned=True)
    groups = int(rng.integers(parts, parts + 6))
    group = random_parts(rng, graph, groups)
    part_of_group = rng.integers(0, parts, groups).astype(np.int32)
    part = np.where(graph.is_input, -1, part_of_group[group]).astype(np.int32)
    inputs = np.full(int(graph.is_input.sum()), -1, np.int32)
    small, again = coarsened(graph, group, groups), np.concatenate([part_of_group, inputs])
    assert counted_volume(small, again) == counted_volume(graph, part)
    assert counted_demands(small, again, parts).tolist() == counted_demands(graph, part, parts).tolist()
    placed = contracted(graph, group, groups)
    assert placed.demand[:groups].tolist() == counted_demands(graph, group, groups).tolist()
    assert counted_volume(placed, again) == counted_volume(graph, part)
    assert (placed.kind == AXON).all()


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_equal_nets_become_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(1, 15)))
    group = random_parts(rng, graph, 3)
    small = coarsened(graph, group, 3)
    names = {
        (int(small.source[e]), int(small.kind[e]), *small.pin[small.pin_ptr[e] : small.pin_ptr[e + 1]].tolist())
        for e in range(small.nets)
    }
    assert len(names) == small.nets
    assert int(small.traffic.sum()) <= int(graph.traffic.sum())


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, parts=st.integers(1, 6))
def test_counts_in_c_are_the_twins(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(1, 15)))
    part = random_parts(rng, graph, parts)
    assert volume(graph, part, parts) == counted_volume(graph, part)
    assert part_demands(graph, part, parts).tolist() == counted_demands(graph, part, parts).tolist()


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_each_vertex_alone_demands_what_is_counted(seed: int) -> None:
    """What ``alone`` says is a lower bound, and what the vertex demands when everything lies in one part with it."""
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(1, 10)))
    core: HyperCore = compiled(graph)
    free = np.flatnonzero(~graph.is_input)
    part = np.full(graph.vertices, -1, np.int32)
    part[free] = np.arange(free.size)
    alone = core.alone()[free, :DEMANDS]
    apart = counted_demands(graph, part, max(1, free.size))[: free.size]
    assert (alone <= apart).all()
    assert alone[:, [0, 1, 3]].tolist() == apart[:, [0, 1, 3]].tolist()
