"""Starts in columns and joint moves with spare cores, on random hypergraphs; exchanges one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.mapping.hypergraph import part_demands, volume
from neurocomp.mapping.partition import Columns, begun
from neurocomp.mapping.partition.simple import FULL
from neurocomp.mapping.partition.task import Task, make_task
from neurocomp.mapping.placing.board import Joint
from neurocomp.mapping.placing.cost import placed_cost
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.joint import improve_jointly
from neurocomp.mapping.tiling.limits import Limit, Limits
from tests.hypergraphs import random_hypergraph, random_limits
from tests.property.test_placing_exact import fabrics, limits_with
from tests.property.test_placing_exact import random_hypergraph as placed_hypergraph

seeds = st.integers(0, 2**32 - 1)


def random_columns(rng: np.random.Generator, vertices: int) -> Columns:
    layer = np.sort(rng.integers(0, int(rng.integers(1, 5)), vertices)).astype(np.int32)
    return Columns(rng.integers(0, 4**3, vertices), layer)


@settings(max_examples=150, deadline=None)
@given(seed=seeds, layered=st.booleans())
def test_columns_are_legal_and_whole_or_nothing(seed, layered) -> None:
    rng = np.random.default_rng(seed)
    graph, limits = random_hypergraph(rng, int(rng.integers(1, 30))), random_limits(rng)
    columns = random_columns(rng, graph.vertices)
    start, most = columns.layered if layered else columns.whole, int(rng.integers(1, 12))
    if graph.is_input.all():
        return
    found, again = (begun(graph, limits, start, most_parts=most, seed=3) for _ in range(2))
    if found is None:
        assert again is None
        return
    assert again is not None
    assert found.part.tolist() == again.part.tolist()
    assert ((found.part == -1) == graph.is_input).all()
    assert found.parts <= most
    assert sorted(set(found.part[~graph.is_input].tolist())) == list(range(found.parts))
    assert limits.fits(part_demands(graph, found.part, found.parts)).all()
    assert found.volume == volume(graph, found.part, found.parts)


def filled(task: Task, order: np.ndarray) -> int:
    return task.state().fill(np.ascontiguousarray(order, np.int32), FULL)


@settings(max_examples=150, deadline=None)
@given(seed=seeds)
def test_layers_are_not_joined_where_that_takes_more_parts_than_there_are(seed) -> None:
    """What lies in no part sends nothing: such a start must not pass for the best."""
    rng = np.random.default_rng(seed)
    graph, limits = random_hypergraph(rng, int(rng.integers(2, 30))), random_limits(rng)
    columns = random_columns(rng, graph.vertices)
    if graph.is_input.all():
        return
    free = np.flatnonzero(~graph.is_input)
    order = free[np.lexsort((free, columns.curve[free], columns.layer[free]))]
    task, _ = make_task(graph, limits, free.size, None)
    apart, _ = make_task(graph, limits, filled(task, order), None)
    part = columns.layered(apart)
    assert (part[free] >= 0).all()
    by_layers = apart.state()
    by_layers.fill(np.ascontiguousarray(order, np.int32), FULL)
    assert apart.state(part).volume <= by_layers.volume


@settings(max_examples=80, deadline=None)
@given(fabric=fabrics(), seed=seeds, effort=st.sampled_from(["fast", "default"]), spare=st.integers(0, 30))
def test_spare_cores_are_usable_and_no_more_than_allowed(fabric, seed, effort, spare) -> None:
    rng = np.random.default_rng(seed)
    fabric = replace(fabric, places=int(rng.integers(1, fabric.usable.size + 1)))
    graph = placed_hypergraph(rng, int(rng.integers(2, 25)), int(rng.integers(1, 60)))
    free = int((~graph.is_input).sum())
    parts = int(rng.integers(1, min(free, fabric.places) + 1))
    part = np.concatenate([rng.permutation(np.arange(free) % parts), [-1]]).astype(np.int32)
    core, pinned = rng.permutation(fabric.usable)[:parts], np.full(graph.vertices, -1, np.int32)
    pinned[:2] = core[part[:2]] if rng.random() < 0.3 else -1
    graph = replace(graph, pinned=pinned)
    limits = limits_with(1.2, part_demands(graph, part, parts))
    before = placed_cost(graph, part, core, fabric)
    (new, cores), (same, others) = (
        improve_jointly(graph, limits, part, core, fabric, seed=seed, effort=effort, budget=20_000, spare=spare)
        for _ in range(2)
    )  # fmt: skip
    assert (new.tolist(), cores.tolist()) == (same.tolist(), others.tolist())
    assert cores.size <= min(parts + spare, fabric.places, free)
    assert np.isin(cores, fabric.usable).all()
    assert np.unique(cores).size == cores.size
    assert sorted(set(new[:-1].tolist())) == list(range(cores.size))
    assert limits.fits(part_demands(graph, new, cores.size)).all()
    assert (cores[new[pinned >= 0]] == pinned[pinned >= 0]).all()
    assert placed_cost(graph, new, cores, fabric).hops <= before.hops


def swapped(part: np.ndarray, v: int, w: int) -> np.ndarray:
    part = part.copy()
    part[[v, w]] = part[[w, v]]
    return part


@settings(max_examples=60, deadline=None)
@given(fabric=fabrics(), seed=seeds)
def test_an_exchange_is_weighed_by_what_it_changes(fabric: Fabric, seed: int) -> None:
    """Two vertices that may move, on full cores: the search ends at the cheaper of two states, and the cost that it
    kept up to date without moving anything is what walking all trees gives. Begun from the dearer state."""
    rng = np.random.default_rng(seed)
    graph = placed_hypergraph(rng, 12, 40)
    graph = replace(graph, demand=(~graph.is_input)[:, None] * np.eye(1, 4, dtype=np.int64))
    parts = min(int(rng.choice([2, 3, 4])), fabric.usable.size)
    core, full = (
        rng.permutation(fabric.usable)[:parts],
        Limits((Limit("neurons", (1, 0, 0, 0), 12 // parts, "neurons"),)),
    )
    part = np.concatenate([rng.permutation(np.arange(12) % parts), [-1]]).astype(np.int32)
    task, _ = make_task(graph, full, parts, None)
    pairs = [(v, w) for v in range(12) for w in range(v) if part[v] != part[w]]
    for v, w in [pairs[k] for k in rng.permutation(len(pairs))[:8]]:
        states = [part, swapped(part, v, w)]
        hops = [placed_cost(graph, state, core, fabric).hops for state in states]
        state = task.state(states[int(np.argmax(hops))])
        joint = Joint(fabric, state, core, np.array(sorted((v, w))))
        assert joint.cost()[0] == max(hops)
        joint.run(seed, 200_000, 0.0, 3)
        assert joint.cost()[0] == min(hops)
        assert placed_cost(graph, state.part, core, fabric).hops == min(hops)
