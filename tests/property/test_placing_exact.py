"""The placer against walked trees, full recounts and exhaustive search, on random parts and fabrics."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.hypergraph import AXON, MEMORY, Hypergraph, contracted, part_demands
from neurocomp.mapping.partition.task import Bounds, make_task
from neurocomp.mapping.placing.board import Joint, board_of
from neurocomp.mapping.placing.cost import placed_cost
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.joint import improve_jointly, links_taken, recombine
from neurocomp.mapping.placing.place import METHODS, place_parts
from neurocomp.mapping.tiling.limits import Limit, Limits


def random_hypergraph(rng: np.random.Generator, vertices: int, nets: int, inputs: int = 1) -> Hypergraph:
    """Axon nets with and without their own source among the pins, and a few memory nets."""
    count = vertices + inputs
    kind = np.where(rng.random(nets) < 0.15, MEMORY, AXON).astype(np.uint8)
    pins = [np.sort(rng.permutation(vertices)[: rng.integers(1, min(6, vertices) + 1)]) for _ in range(nets)]
    axon = kind == AXON
    demand = np.zeros((count, 4), np.int64)
    demand[:vertices, 0] = rng.integers(1, 4, vertices)
    return Hypergraph(
        demand, np.arange(count) >= vertices, np.zeros(count, np.int32), np.full(count, -1, np.int32),
        np.where(axon, rng.integers(0, count, nets), -1).astype(np.int32), kind, rng.integers(1, 5, nets),
        np.where(axon, rng.integers(0, 2_000_000, nets), 0),
        np.concatenate([[0], np.cumsum([p.size for p in pins])]).astype(np.int64),
        np.concatenate([np.zeros(0, np.int32), *pins]).astype(np.int32),
    )  # fmt: skip


@st.composite
def fabrics(draw) -> Fabric:
    across, down = draw(st.sampled_from([(1, 1), (2, 1), (2, 2)]))
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    mesh = Mesh(width * across, height * down, draw(st.integers(1, 3)), draw(st.booleans()))
    dead = draw(st.sets(st.integers(0, mesh.core_slots - 1), max_size=mesh.core_slots // 3))
    usable = np.setdiff1d(np.arange(mesh.core_slots), sorted(dead))
    entry = draw(st.integers(0, mesh.routers - 1))
    return Fabric(mesh, usable, usable.size, entry, draw(st.booleans()), width, height, draw(st.integers(1, 5)))


def few_parts(rng: np.random.Generator, fabric: Fabric, most: int = 24) -> tuple[Hypergraph, int]:
    parts = int(rng.integers(1, min(most, fabric.usable.size) + 1))
    return random_hypergraph(rng, parts, int(rng.integers(0, 60))), parts


def by_hand(graph: Hypergraph, core: np.ndarray, fabric: Fabric) -> np.ndarray:
    """Traffic over each link, every net's paths walked one after the other."""
    mesh, load = fabric.mesh, np.zeros(fabric.mesh.link_slots, np.int64)
    for net in np.flatnonzero(graph.kind == AXON):
        source = graph.source[net]
        start = fabric.input_router if graph.is_input[source] else int(mesh.router_of(core[source]))
        walks = []
        for pin in graph.pin[graph.pin_ptr[net] : graph.pin_ptr[net + 1]]:
            walks += mesh.paths(np.array([start]), mesh.router_of(core[[pin]]))[1].tolist()
        for link in set(walks) if fabric.tree else walks:
            load[link] += graph.traffic[net]
    return load


@settings(max_examples=150, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32))
def test_closed_form_and_reference_agree_with_a_walk(fabric, seed) -> None:
    rng = np.random.default_rng(seed)
    graph, parts = few_parts(rng, fabric)
    core = rng.permutation(fabric.usable)[:parts]
    load = by_hand(graph, core, fabric)
    cost = placed_cost(graph, None, core, fabric)
    assert cost.load.tolist() == load.tolist()
    assert (cost.hops, cost.hottest) == ((load * fabric.link_cost).sum(), (load * fabric.link_cost).max())
    board, _ = board_of(graph, fabric, np.zeros(parts, bool))
    total, loads = board.cost(core)
    assert total == cost.hops
    assert loads.tolist() == (load * fabric.link_cost).tolist()


@settings(max_examples=60, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32), congestion=st.sampled_from([0.0, 0.5]))
def test_annealing_ends_no_higher_than_it_began_on_cores_of_its_own(fabric, seed, congestion) -> None:
    rng = np.random.default_rng(seed)
    graph, parts = few_parts(rng, fabric)
    held = rng.random(parts) < 0.2
    board, _ = board_of(graph, fabric, held)
    core = rng.permutation(fabric.usable)[:parts]

    def objective(cores: np.ndarray) -> float:
        total, load = board.cost(cores)
        return total + congestion * 1e-6 * float((load.astype(float) ** 2).sum())

    before = objective(core)
    after = board.anneal(core, False, seed, 20_000, before / parts, 3, congestion * 1e-6)
    assert objective(after) <= before * (1 + 1e-12)
    for found in (after, board.anneal(core, True, seed, 20_000, before / parts, 3)):
        assert np.isin(found, fabric.usable).all()
        assert np.unique(found).size == parts
        assert (found[held] == core[held]).all()


def limits_with(slack: float, demand: np.ndarray) -> Limits:
    """All four columns bounded a little above what the fullest part takes."""
    caps = np.ceil(demand.max(axis=0) * slack).astype(int)
    units = ("neurons", "axons", "axons", "bits")
    rows = [tuple(int(i == k) for i in range(4)) for k in range(4)]
    return Limits(tuple(Limit(f"{k}", rows[k], max(1, int(caps[k])), units[k]) for k in range(4)))  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32), effort=st.sampled_from(["fast", "default"]), swept=st.booleans())
def test_joint_moves_keep_the_limits_and_count_exactly(fabric, seed, effort, swept) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, int(rng.integers(2, 25)), int(rng.integers(1, 60)))
    free = int((~graph.is_input).sum())
    parts = int(rng.integers(1, min(free, fabric.usable.size) + 1))
    part = np.concatenate([rng.permutation(np.arange(free) % parts), [-1]]).astype(np.int32)
    pinned = np.full(graph.vertices, -1, np.int32)
    core = rng.permutation(fabric.usable)[:parts]
    if rng.random() < 0.3:
        pinned[0] = core[part[0]]
    graph = replace(graph, pinned=pinned)
    limits = limits_with(1.2, part_demands(graph, part, parts))
    before = placed_cost(graph, part, core, fabric)
    new, cores = improve_jointly(
        graph, limits, part, core, fabric, seed=seed, effort=effort, budget=50_000, swept=swept
    )
    assert links_taken(graph, limits, new, cores, fabric) == placed_cost(graph, new, cores, fabric).hops
    assert limits.fits(part_demands(graph, new, cores.size)).all()
    assert sorted(set(new[:-1].tolist())) == list(range(cores.size))
    assert new[-1] == -1
    assert np.isin(cores, core).all()
    assert pinned[0] < 0 or cores[new[0]] == pinned[0]
    assert placed_cost(graph, new, cores, fabric).hops <= before.hops


@settings(max_examples=60, deadline=None)
@given(
    fabric=fabrics(), seed=st.integers(0, 2**32), heat=st.sampled_from([0.0, 1e5]),
    steepness=st.sampled_from([0, 1e-6]), swept=st.booleans(),
)  # fmt: skip
def test_the_joint_search_counts_hops_and_loads_and_raises_neither_together(
    fabric, seed, heat, steepness, swept
) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, 20, 50)
    parts = min(7, fabric.usable.size)
    core = rng.permutation(fabric.usable)[:parts]
    part = np.concatenate([np.arange(20) % parts, [-1]]).astype(np.int32)
    limits = limits_with(1.5, part_demands(graph, part, parts))
    task, _ = make_task(graph, limits, parts, None)
    state = task.state(part)
    joint = Joint(fabric, state, core, np.arange(20))
    reached, hottest = [], math.inf
    for _ in range(2):
        (hops, load), expected = joint.cost(), placed_cost(graph, state.part, core, fabric)
        assert hops == expected.hops
        assert load.tolist() == (expected.load * fabric.link_cost).tolist()
        if swept and steepness and not fabric.mesh.torus:
            assert load.max() <= hottest
            hottest = load.max()
        reached.append(hops + steepness * float((load.astype(float) ** 2).sum()))
        joint.run(seed, 100_000, heat, 3, steepness, swept)
    assert heat > 0 or reached[1] <= reached[0] * (1 + 1e-12)


@settings(max_examples=60, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32))
def test_rows_are_what_each_vertex_would_change_alone(fabric, seed) -> None:
    rng = np.random.default_rng(seed)
    width, height = fabric.mesh.width, fabric.mesh.height
    fabric = replace(fabric, mesh=Mesh(width, height), usable=np.arange(width * height), places=width * height)
    graph = random_hypergraph(rng, 12, 40)
    parts = min(9, fabric.places)
    core = rng.permutation(fabric.usable)[:parts]
    part = np.concatenate([np.arange(12) % parts, [-1]]).astype(np.int32)
    task, _ = make_task(graph, limits_with(2, part_demands(graph, part, parts)), parts, None)
    rows = Joint(fabric, task.state(part), core, np.arange(1, 12)).rows()
    assert not rows[[0, 12]].any()
    before = placed_cost(graph, part, core, fabric).hops
    for vertex, to in itertools.product(range(1, 12), range(parts)):
        x, y = (int(a - b) + 3 for a, b in zip(spot(core[to], width), spot(core[part[vertex]], width), strict=True))
        if 0 <= x < 7 and 0 <= y < 7:
            moved = np.where(np.arange(13) == vertex, to, part)
            after = placed_cost(graph, moved, core, fabric).hops
            assert rows[vertex, x, y] == pytest.approx(after - before, rel=1e-5, abs=1e-5 * before)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), axons=st.booleans(), bits=st.booleans())
def test_nets_that_change_nothing_are_left_out(seed, axons, bits) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, 12, 40)
    counted = Limit("counted", (1, int(axons), 0, int(bits)), 100, "units")
    task, _ = make_task(graph, Limits((counted,)), 4, None)
    left = task.felt().hyper.net_arrays()
    kept = np.where(graph.kind == MEMORY, bits, (graph.traffic > 0) | axons)
    assert left[2].tolist() == graph.source[kept].tolist()
    assert left[5].tolist() == graph.traffic[kept].tolist()
    assert left[1].tolist() == graph.pin[np.repeat(kept, np.diff(graph.pin_ptr))].tolist()


def spot(core: int, width: int) -> tuple[int, int]:
    return int(core) % width, int(core) // width


@settings(max_examples=40, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32), pins=st.booleans())
def test_what_is_made_of_several_results_is_legal_and_no_dearer_than_the_best(fabric, seed, pins) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 17))
    graph = random_hypergraph(rng, count, 40)
    parts = int(rng.integers(1, min(8, count, fabric.usable.size) + 1))
    part = np.concatenate([rng.permutation(np.arange(count) % parts), [-1]]).astype(np.int32)
    core = rng.permutation(fabric.usable)[:parts]
    pinned = np.full(graph.vertices, -1, np.int32)
    pinned[0] = core[part[0]] if pins else -1
    graph = replace(graph, pinned=pinned)
    limits = limits_with(1.2, part_demands(graph, part, parts))
    found = []
    for one in range(int(rng.integers(1, 4))):  # on other cores each, which may be more than vertices in all
        begun = core if pins else rng.permutation(fabric.usable)[:parts]
        found.append(improve_jointly(graph, limits, part, begun, fabric, seed=one, budget=5_000, spare=2))
    new, cores = recombine(graph, limits, found, fabric, seed=seed, budget=50_000)
    assert limits.fits(part_demands(graph, new, cores.size)).all()
    assert sorted(set(new[:-1].tolist())) == list(range(cores.size))
    assert np.isin(cores, np.concatenate([own for _, own in found])).all()
    assert pinned[0] < 0 or cores[new[0]] == pinned[0]
    least = min(placed_cost(graph, *one, fabric).hops for one in found)
    assert placed_cost(graph, new, cores, fabric).hops <= least


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_balance_is_kept(seed) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, 24, 60, inputs=0)
    fabric = Fabric(Mesh(3, 2), np.arange(6), 6)
    limits = Limits((Limit("neurons", (1, 0, 0, 0), 1000, "neurons"),))
    part, core = (np.arange(24) % 6).astype(np.int32), np.arange(6)
    new, cores = improve_jointly(graph, limits, part, core, fabric, seed=seed, budget=200_000, bounds=Bounds(3, 5))
    held = np.bincount(new)
    assert cores.tolist() == list(range(6))
    assert held.size == 6
    assert held.min() >= 3
    assert held.max() <= 5
    assert placed_cost(graph, new, cores, fabric).hops <= placed_cost(graph, part, core, fabric).hops


@pytest.mark.parametrize("tree", [True, False], ids=["tree", "unicast"])
def test_the_default_effort_finds_the_optimum_of_tiny_problems(tree) -> None:
    """Against every placement of up to six parts on a mesh of 2 x 4, in at least 95 of 100 cases."""
    fabric = Fabric(Mesh(4, 2), np.arange(8), 8, tree=tree)
    found, cases = 0, 40
    for seed in range(cases):
        rng = np.random.default_rng(seed)
        graph = random_hypergraph(rng, 5, 12)
        board, _ = board_of(graph, fabric, np.zeros(5, bool))
        least = min(board.cost(np.array(cores))[0] for cores in itertools.permutations(range(8), 5))
        core = place_parts(graph, fabric, method=METHODS[seed % 2], seed=seed, effort="default", congestion=0.0)
        assert core is not None
        found += placed_cost(graph, None, core, fabric).hops == least
    assert found >= 0.95 * cases


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_more_effort_is_never_worse(seed) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, 30, 80)
    fabric = Fabric(Mesh(6, 6), np.arange(36), 36)
    for method in METHODS:
        fast, default = (
            placed_cost(graph, None, place_parts(graph, fabric, method=method, seed=seed, effort=effort), fabric)
            for effort in ("fast", "default")
        )
        assert default.hops <= fast.hops


@settings(max_examples=40, deadline=None)
@given(fabric=fabrics(), seed=st.integers(0, 2**32))
def test_parts_of_a_partition_cost_the_same_as_their_vertices(fabric, seed) -> None:
    rng = np.random.default_rng(seed)
    graph = random_hypergraph(rng, 30, 60)
    parts = min(9, fabric.usable.size)
    part = np.concatenate([rng.integers(0, parts, 30), [-1]]).astype(np.int32)
    core = rng.permutation(fabric.usable)[:parts]
    whole, small = placed_cost(graph, part, core, fabric), contracted(graph, part, parts)
    assert placed_cost(small, None, core, fabric).load.tolist() == whole.load.tolist()
