"""What every partitioning method must keep, whatever it is."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.partition import METHODS, Bounds, Effort, Partition, available, partition
from neurocomp.mapping.partition.reference import counted_demands, counted_volume
from neurocomp.mapping.partition.task import Task
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, Limits
from tests.hypergraphs import least_volume, limits, local_graph, random_hypergraph, random_limits, unit_graph

HERE = [method for method in METHODS if available(method)]
QUICK = Effort(anneal=10**5, cycles=2, most_sweeps=20)
SEEDS = st.integers(0, 2**32 - 1)

each_method = pytest.mark.parametrize("method", HERE)


def ring(count: int) -> Hypergraph:
    """Each neuron sends to the next."""
    return unit_graph(count, np.arange(count), (np.arange(count) + 1) % count)


def check(graph: Hypergraph, bounds: Limits, most_parts: int, found: Partition) -> None:
    placed = ~graph.is_input
    assert found.part.dtype == np.int32 and (found.part[~placed] == -1).all()
    used, first = np.unique(found.part[placed], return_index=True)
    assert used.tolist() == list(range(found.parts)) and found.parts <= most_parts
    assert (np.diff(first) > 0).all()
    assert bounds.fits(counted_demands(graph, found.part, found.parts)).all()
    assert found.volume == counted_volume(graph, found.part)
    held = graph.pinned >= 0
    pairs = {(int(p), int(c)) for p, c in zip(found.part[held], graph.pinned[held], strict=True)}
    assert len(pairs) == len({p for p, _ in pairs}) == len({c for _, c in pairs})


@each_method
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_what_is_found_is_legal_and_depends_on_the_seed_alone(method: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(1, 30)), pinned=rng.random() < 0.3)
    bounds, most = random_limits(rng), int(rng.integers(1, 20))
    found = partition(graph, bounds, most_parts=most, method=method, seed=seed, effort=QUICK)
    again = partition(graph, bounds, most_parts=most, method=method, seed=seed, effort=QUICK)
    assert (found is None) == (again is None)
    if found is not None and again is not None:
        check(graph, bounds, most, found)
        assert found.part.tobytes() == again.part.tobytes()


@each_method
def test_nothing_to_part(method: str) -> None:
    inputs = Hypergraph(
        np.zeros((2, 4), np.int64), np.ones(2, bool), np.zeros(2, np.int32), np.full(2, -1, np.int32),
        np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64),
        np.zeros(1, np.int64), np.zeros(0, np.int32),
    )  # fmt: skip
    for most in (0, 4):
        found = partition(inputs, limits(4), most_parts=most, method=method)
        assert found is not None and (found.parts, found.volume, found.part.tolist()) == (0, 0, [-1, -1])


@each_method
@pytest.mark.parametrize(
    "bounds", [limits(0), limits(9, axons_in=0), limits(9, axons_out=0), limits(9, bits=4)], ids=str
)
def test_a_vertex_that_no_part_holds(method: str, bounds: Limits) -> None:
    assert partition(ring(6), bounds, most_parts=6, method=method) is None


@each_method
def test_one_part_too_few(method: str) -> None:
    assert partition(ring(13), limits(4), most_parts=3, method=method) is None
    assert partition(ring(13), limits(4), most_parts=0, method=method) is None


@each_method
@pytest.mark.parametrize("effort", ["fast", "default"])
def test_every_part_full_to_the_edge(method: str, effort: str) -> None:
    graph = local_graph(8)
    found = partition(graph, limits(16), most_parts=4, method=method, effort=effort)
    assert found is not None
    check(graph, limits(16), 4, found)
    assert np.bincount(found.part).tolist() == [16] * 4


@each_method
def test_more_parts_than_vertices_and_a_part_for_all(method: str) -> None:
    whole = partition(ring(7), limits(7), most_parts=1, method=method)
    assert whole is not None and (whole.parts, whole.volume) == (1, 0)
    split = partition(ring(7), limits(1), most_parts=1000, method=method)
    assert split is not None and (split.parts, split.volume) == (7, 7_000_000)


@each_method
def test_pins_keep_their_cores_together_and_apart(method: str) -> None:
    graph = local_graph(6)
    pinned = np.full(36, -1, np.int32)
    pinned[[0, 7, 20]], pinned[[5, 30]] = 4, 2
    graph = replace(graph, pinned=pinned.copy())
    found = partition(graph, limits(20), most_parts=3, method=method)
    assert found is not None
    check(graph, limits(20), 3, found)
    pinned[:21] = 4
    crowded = replace(graph, pinned=pinned)
    assert partition(crowded, limits(20), most_parts=3, method=method) is None


@each_method
def test_bounds_on_members_and_work(method: str) -> None:
    graph = local_graph(8)
    work = np.where(np.arange(64) < 16, 10, 1)
    bounds = Bounds(least_vertices=13, most_vertices=19, work=work, most_work=60)
    found = partition(graph, limits(64), most_parts=4, method=method, bounds=bounds)
    assert found is not None and found.parts == 4
    members = np.bincount(found.part)
    assert members.min() >= 13 and members.max() <= 19
    assert np.bincount(found.part, work).max() <= 60
    assert partition(graph, limits(64), most_parts=4, method=method, bounds=Bounds(least_vertices=17)) is None


@each_method
@pytest.mark.parametrize("effort", ["fast", "default", "best"])
def test_refinement_comes_near_a_known_optimum(method: str, effort: str) -> None:
    """64 neurons in a ring, shuffled: parts of 16 cut it four times."""
    order = np.random.default_rng(3).permutation(64)
    graph = unit_graph(64, order, np.roll(order, -1))
    found = partition(graph, limits(16), most_parts=4, method=method, effort=effort)
    assert found is not None
    assert found.volume <= {"fast": 30, "default": 12, "best": 8}[effort] * 1_000_000


def test_tiny_problems_are_solved_to_the_optimum() -> None:
    solved = refused = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        graph, bounds = random_hypergraph(rng, int(rng.integers(4, 8))), random_limits(rng)
        most = int(rng.integers(2, 5))
        optimum = least_volume(graph, bounds, most)
        proved = partition(graph, bounds, most_parts=most, effort="best")
        searched = partition(graph, bounds, most_parts=most, effort="default")
        assert (None if proved is None else proved.volume) == optimum
        refused += optimum is None
        solved += optimum is not None and searched is not None and searched.volume == optimum
    assert solved >= 0.95 * (60 - refused) and refused < 30


def test_a_search_by_a_sample_of_the_nets_ends_in_legal_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done for hypergraphs too large to be searched as a whole, on a small one."""
    monkeypatch.setattr("neurocomp.mapping.partition._MOST_PINS", 500)
    monkeypatch.setattr("neurocomp.mapping.partition._SAMPLE_PINS", 400)
    graph, bounds = local_graph(16), limits(32, axons_in=120)
    assert graph.pin.size > 500
    found = partition(graph, bounds, most_parts=10, seed=5)
    again = partition(graph, bounds, most_parts=10, seed=5)
    unsorted = partition(graph, bounds, most_parts=10, method="natural", effort=Effort(descent=0))
    assert found is not None and again is not None and unsorted is not None
    check(graph, bounds, 10, found)
    assert found.part.tobytes() == again.part.tobytes()
    assert found.volume < unsorted.volume


@pytest.mark.parametrize("bounds", [limits(16), limits(16, bits=4000), limits(16, axons_in=120)], ids=str)
def test_coarse_levels_know_a_sample_of_the_nets_unless_limits_count_them(
    bounds: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["neurocomp.mapping.partition.multilevel"]
    monkeypatch.setattr(module, "_SAMPLED", 2)
    sampled: list[int] = []
    thinned = Task.thinned

    def noted(task: Task, most_pins: int, seed: int) -> Task:
        sampled.append(most_pins)
        return thinned(task, most_pins, seed)

    monkeypatch.setattr(Task, "thinned", noted)
    graph, effort = local_graph(20, seed=3), Effort(starts=(4,), settled=0.01, sample=200)
    found = partition(graph, bounds, most_parts=80, effort=effort, seed=1)
    again = partition(graph, bounds, most_parts=80, effort=effort, seed=1)
    assert found is not None and again is not None
    check(graph, bounds, 80, found)
    assert found.part.tobytes() == again.part.tobytes()
    assert bool(sampled) == (not bounds.weights[:, [AXONS_IN, AXONS_OUT]].any())
