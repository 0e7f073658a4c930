"""Cores for parts: what does not fit, what is pinned, several chips, and what the search is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.map import make_problem
from neurocomp.mapping.placing import nets as placed
from neurocomp.mapping.placing import place
from neurocomp.mapping.placing.board import board_of
from neurocomp.mapping.placing.cost import placed_cost
from neurocomp.mapping.placing.fabric import Fabric, fabric_of
from neurocomp.mapping.placing.joint import improve_jointly
from neurocomp.mapping.placing.place import EFFORTS, METHODS, place_best, place_parts
from neurocomp.mapping.placing.start import eigenvectors
from neurocomp.mapping.tiling.limits import Limit, Limits
from tests.mapping_problems import mlp
from tests.small_chips import make_chip

methods = pytest.mark.parametrize("method", METHODS)


def hypergraph(vertices: int, nets: list[tuple[int, list[int], int]], inputs: int = 0) -> Hypergraph:
    """nets: (source, pins, traffic); inputs are the last vertices."""
    count = vertices + inputs
    demand = np.zeros((count, 4), np.int64)
    demand[:vertices, 0] = 1
    return Hypergraph(
        demand, np.arange(count) >= vertices, np.zeros(count, np.int32), np.full(count, -1, np.int32),
        np.array([s for s, _, _ in nets], np.int32), np.zeros(len(nets), np.uint8), np.ones(len(nets), np.int64),
        np.array([t for _, _, t in nets], np.int64),
        np.cumsum([0, *(len(p) for _, p, _ in nets)]).astype(np.int64),
        np.array([v for _, p, _ in nets for v in p], np.int32),
    )  # fmt: skip


def chain(parts: int, traffic: int = 10) -> Hypergraph:
    return hypergraph(parts, [(i, [i + 1], traffic) for i in range(parts - 1)])


def square(side: int, per_router: int = 1) -> Fabric:
    mesh = Mesh(side, side, per_router)
    return Fabric(mesh, np.arange(mesh.core_slots), mesh.core_slots)


@methods
@pytest.mark.parametrize("effort", EFFORTS)
def test_nothing_and_almost_nothing(method, effort) -> None:
    lone = hypergraph(1, [(1, [0], 5)], inputs=1)
    cases = [(hypergraph(0, []), 1), (hypergraph(1, []), 1), (hypergraph(2, []), 2), (lone, 2)]
    for graph, side in cases:
        fabric = square(side)
        core = place_parts(graph, fabric, method=method, effort=effort)
        assert core is not None
        assert core.dtype == np.int64
        assert np.unique(core).size == core.size == (~graph.is_input).sum()
        assert np.isin(core, fabric.usable).all()
        assert placed_cost(graph, None, core, fabric).hops == 0


@methods
def test_as_many_parts_as_cores_fit_and_one_more_does_not(method) -> None:
    core = place_parts(chain(9), square(3), method=method)
    assert core is not None
    assert sorted(core) == list(range(9))
    assert placed_cost(chain(9), None, core, square(3)).hops == 80
    assert place_parts(chain(10), square(3), method=method) is None
    few = Fabric(Mesh(3, 3), np.arange(9), 4)
    assert place_parts(chain(4), few, method=method) is not None
    assert place_parts(chain(5), few, method=method) is None


@methods
def test_pinned_parts_stay_and_dead_cores_stay_empty(method) -> None:
    graph = chain(6)
    pinned = np.array([-1, 8, -1, -1, 0, -1], np.int32)
    fabric = Fabric(Mesh(3, 3), np.array([0, 1, 3, 5, 6, 7, 8]), 7)
    core = place_parts(replace(graph, pinned=pinned), fabric, method=method)
    assert core is not None
    assert (core[1], core[4]) == (8, 0)
    assert not set(core.tolist()) & {2, 4}
    for wrong in ([8, 8, -1, -1, -1, -1], [4, -1, -1, -1, -1, -1]):
        assert place_parts(replace(graph, pinned=np.array(wrong, np.int32)), fabric, method=method) is None


@methods
def test_the_same_seed_gives_the_same_cores(method) -> None:
    rng = np.random.default_rng(3)
    graph = hypergraph(30, [(int(rng.integers(30)), np.unique(rng.integers(0, 30, 3)).tolist(), 7) for _ in range(60)])
    first, second = (place_parts(graph, square(6), method=method, seed=5, effort="fast") for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.tolist() == second.tolist()


def test_unknown_words_are_named() -> None:
    with pytest.raises(InputError, match="curve, spectral"):
        place_parts(chain(3), square(2), method="guess")  # type: ignore[arg-type]


def test_the_second_eigenvector_of_a_chain_is_its_order() -> None:
    board, _ = board_of(chain(40), square(7), np.zeros(40, bool))
    x, _ = eigenvectors(board)
    steps = np.diff(x)
    assert (steps > 0).all() or (steps < 0).all()
    # cos(pi k / 39): the normalised Laplacian's own solution on a path
    assert np.abs(x) == pytest.approx(np.abs(np.cos(np.pi * np.arange(40) / 39)), abs=1e-6)


@methods
@pytest.mark.parametrize("torus", [False, True])
def test_a_single_part_lies_where_its_inputs_take_the_fewest_links(method, torus) -> None:
    graph = hypergraph(1, [(1, [0], 5)], inputs=1)
    usable = np.arange(0, 20, 3)
    fabrics = [Fabric(Mesh(5, 4, torus=torus), usable, usable.size, port) for port in range(20)]
    if not torus:
        more = {"chip_width": 5, "chip_height": 2, "boundary_cost": 9}
        fabrics += [Fabric(Mesh(5, 4), usable, usable.size, port, **more) for port in range(20)]
    for fabric in fabrics:
        every = [placed_cost(graph, None, np.array([core]), fabric).hops for core in fabric.usable]
        assert (5 * fabric.entry_cost(fabric.usable)).tolist() == every
        core = place_parts(graph, fabric, method=method)
        assert core is not None and placed_cost(graph, None, core, fabric).hops == min(every)
        stays = place_parts(replace(graph, pinned=np.array([usable[2], -1], np.int32)), fabric, method=method)
        assert stays is not None and stays.tolist() == [usable[2]]


def test_congestion_cools_the_hottest_link() -> None:
    hottest = {0.0: 0, 2.0: 0}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        nets = [(i, [32 + int(j) for j in rng.permutation(32)[:6]], int(rng.integers(10, 1000))) for i in range(32)]
        graph, fabric = hypergraph(64, nets), square(8)
        for congestion in hottest:
            core = place_parts(graph, fabric, method="curve", seed=seed, effort="fast", congestion=congestion)
            hottest[congestion] += placed_cost(graph, None, core, fabric).hottest
    assert hottest[2.0] < 0.95 * hottest[0.0]


def test_a_link_between_chips_costs_what_it_is_said_to_cost() -> None:
    fabric = Fabric(Mesh(4, 1), np.arange(4), 4, chip_width=2, chip_height=1, boundary_cost=10)
    assert fabric.column_cost.tolist() == [1, 10, 1, 10]
    cost = placed_cost(chain(2, 3), None, np.array([0, 3]), fabric)
    assert (cost.hops, cost.hottest) == (3 * 12, 30)
    assert cost.load.sum() == 9
    core = place_parts(chain(4), fabric)
    assert core is not None
    assert placed_cost(chain(4), None, core, fabric).hops == 120


def test_the_fabric_of_a_chip_and_of_a_grid_of_chips() -> None:
    chip = make_chip(4, 2, 2, count=12, noc={"input_port": [1, 1]})
    problem = make_problem(mlp(4, 4), chip, {}, (3, 5))
    one = fabric_of(problem)
    assert one.usable.size == 14
    assert one.places == 12
    assert one.input_router == 5
    assert not set(one.usable.tolist()) & {3, 5}
    many = fabric_of(problem, (2, 2), boundary_cost=4)
    assert (many.mesh.width, many.mesh.height) == (8, 4)
    assert many.places == many.usable.size == 4 * 12
    assert many.input_router == 9
    assert many.column_cost.tolist() == [1, 1, 1, 4, 1, 1, 1, 4]
    assert many.row_cost.tolist() == [1, 4, 1, 4]
    y, x = np.divmod(many.mesh.router_of(many.core_order), 8)
    chip_of = y // 2 * 2 + x // 4
    assert (np.bincount(chip_of) == 12).all()
    assert np.count_nonzero(np.diff(chip_of)) == 3  # one chip after the other


@pytest.mark.parametrize("tree", [True, False])
def test_the_best_of_all_methods_is_that_of_the_exact_costs(tree) -> None:
    rng = np.random.default_rng(3)
    nets = [(v, np.unique(rng.integers(0, 14, 3)).tolist(), int(rng.integers(1, 50))) for v in range(14)]
    graph, fabric = hypergraph(14, nets), replace(square(5), tree=tree)
    each = [place_parts(graph, fabric, method=method, seed=2, effort="fast") for method in METHODS]
    costs = [placed_cost(graph, None, core, fabric)[:2] for core in each]
    best = place_best(graph, fabric, seed=2, effort="fast")
    assert best.tolist() == each[costs.index(min(costs))].tolist()
    assert place_best(graph, square(3)) is None


def test_joint_moves_bring_a_stray_vertex_home() -> None:
    """Two clusters of four; one vertex of each lies on the other's core, and both cores are full: only a swap helps."""
    nets = [(v, [w for w in range(8) if w != v and w // 4 == v // 4], 10) for v in range(8)]
    graph = hypergraph(8, nets)
    limits = Limits((Limit("neurons", (1, 0, 0, 0), 4, "neurons"),))
    part = np.array([0, 0, 0, 1, 0, 1, 1, 1], np.int32)
    new, core = improve_jointly(graph, limits, part, np.array([0, 3]), square(2), effort="fast")
    assert placed_cost(graph, new, core, square(2)).hops == 0
    assert np.bincount(new).tolist() == [4, 4]


def test_joint_moves_drop_a_part_that_ends_empty_and_leave_what_is_too_full() -> None:
    graph = hypergraph(3, [(0, [1, 2], 10)])
    roomy = Limits((Limit("neurons", (1, 0, 0, 0), 3, "neurons"),))
    part, core = np.array([0, 1, 2], np.int32), np.array([5, 1, 7])
    new, cores = improve_jointly(graph, roomy, part, core, square(3), effort="fast")
    assert new.tolist() == [0, 0, 0]
    assert cores.size == 1
    tight = Limits((Limit("neurons", (1, 0, 0, 0), 0, "neurons"),))
    new, cores = improve_jointly(graph, tight, part, core, square(3))
    assert (new.tolist(), cores.tolist()) == (part.tolist(), core.tolist())


@pytest.mark.parametrize("halvings", [0, 3])
def test_nets_between_parts_are_the_same_by_a_table_of_pairs_or_by_sorting(halvings, monkeypatch) -> None:
    rng = np.random.default_rng(halvings)
    drawn = [(int(rng.integers(0, 9)), np.flatnonzero(rng.random(7) < 0.4).tolist(), i % 4) for i in range(50)]
    found = []
    for dense in (0, 10**9):
        monkeypatch.setattr(placed, "_DENSE", dense)
        found.append(placed.placed_nets(hypergraph(7, drawn, inputs=2), halvings))
    table, ordered = found
    assert all(np.array_equal(getattr(table, name), value) for name, value in vars(ordered).items())
    expected = np.zeros((7, 7), np.int64)
    for source, pins, traffic in drawn:
        for pin in (p for p in pins if p != source and source < 7):
            expected[[source, pin], [pin, source]] += -(-traffic >> halvings)
    a, b = expected.nonzero()
    assert np.array_equal(table.flow, expected[a, b])
    assert np.array_equal(table.flow_other, b)
    for part in range(7):
        nets = [e for e in range(table.source.size) if part in (table.source[e], *_pins(table, e))]
        assert np.array_equal(table.touch[table.touch_ptr[part] : table.touch_ptr[part + 1]], nets)


def _pins(nets: placed.PlacedNets, net: int) -> list[int]:
    return nets.pin[nets.pin_ptr[net] : nets.pin_ptr[net + 1]].tolist()


def test_the_method_for_very_many_nets_is_chosen_by_a_sample_of_them(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    graph = hypergraph(16, [(i % 16, [(i + k) % 16 for k in (1, 4)], int(rng.integers(1, 9))) for i in range(200)])
    each = [place_parts(graph, square(4), method=method, effort="fast") for method in METHODS]
    monkeypatch.setattr(place, "_MOST_PINS", 100)
    for pins in (100, 400):
        monkeypatch.setattr(place, "_SAMPLE_PINS", pins)
        found = place_best(graph, square(4), effort="fast")
        assert any(np.array_equal(found, core) for core in each)
        assert np.array_equal(found, place_best(graph, square(4), effort="fast"))
