"""Limits that a hidden partition fills exactly: parts exist, so whoever finds none has given up too early."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.mapping.hypergraph import part_demands
from neurocomp.mapping.partition import partition
from neurocomp.mapping.partition.reference import counted_demands
from neurocomp.mapping.partition.task import make_task
from neurocomp.mapping.tiling.limits import Limit, Limits
from tests.hypergraphs import random_hypergraph

UNITS = ("neurons", "axons", "axons", "bits")


def hidden(seed: int, parts: int):
    """A hypergraph and limits of which each is what the fullest of some random parts takes."""
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(parts, 40)))
    free = np.flatnonzero(~graph.is_input)
    part = np.full(graph.vertices, -1, np.int32)
    part[free] = rng.permutation(np.arange(free.size) * parts // max(1, free.size))
    most = part_demands(graph, part, parts).max(axis=0)
    rows = [tuple(int(i == k) for i in range(4)) for k in range(4)]
    chosen = [k for k in range(4) if rng.random() < 0.6] or [0]
    limits = [Limit(f"limit {k}", rows[k], max(1, int(most[k])), UNITS[k]) for k in chosen]  # type: ignore[arg-type]
    return graph, Limits(tuple(limits)), free


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(2, 6))
def test_settling_says_truly_whether_the_parts_fit(seed, parts) -> None:
    graph, limits, free = hidden(seed, parts)
    if free.size == 0:
        return
    task, _ = make_task(graph, limits, parts, None)
    states = [task.state() for _ in range(2)]
    wrong = [state.settle(300_000, seed) for state in states]
    assert wrong[0] == wrong[1]
    assert states[0].part.tolist() == states[1].part.tolist()
    assert (states[0].part[free] >= 0).all()
    demand = counted_demands(graph, states[0].part, task.parts)
    assert wrong[0] == int((~limits.fits(demand)).sum())
    assert states[0].fits() == (wrong[0] == 0)


def test_hardly_any_hidden_partition_stays_hidden() -> None:
    found = []
    for seed in range(60):
        graph, limits, free = hidden(seed, 2 + seed % 5)
        if free.size:
            fits = partition(graph, limits, most_parts=2 + seed % 5, method="settled", effort="fast")
            found.append(fits is not None)
    assert sum(found) >= 0.95 * len(found)
