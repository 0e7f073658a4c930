"""Columns along Hilbert's curve, by hand and element by element; who may use spare cores and longer joint search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurocomp.fabric.topology import Mesh
from neurocomp.mapping import clustered
from neurocomp.mapping.choices import OBJECTIVES, Choices
from neurocomp.mapping.clustered import Clusters, Layout
from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE
from neurocomp.mapping.map import map_network, plan_mapping
from neurocomp.mapping.partition import along_hilbert
from neurocomp.mapping.placing.chains import Chains, Found
from neurocomp.mapping.placing.cost import placed_cost
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.joint import improve_jointly
from neurocomp.mapping.profile import profile_of
from neurocomp.network import Linear, Network, Pool
from tests.hypergraphs import limits, unit_graph
from tests.mapping_problems import chain, conv, convnet, mlp, ones
from tests.small_chips import make_chip
from tests.unit.test_placing import chain as chain_of_parts
from tests.unit.test_placing import square

DEAD = (0, 5, 14)


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The middles of the cells of a map, as shares of it."""
    y, x = np.indices((height, width)).reshape(2, -1)
    return (y + 0.5) / height, (x + 0.5) / width


def maps() -> Network:
    pool = Pool("sum", (2, 2), (2, 2), (0, 0))
    return chain((2, 12, 12), conv(6, 2), pool, conv(8, 6), Linear(ones(10, 288)), relays=(1,), name="maps")


def clusters_of(network: Network, objective: str = "traffic", **wishes: Any) -> Clusters:
    plan = plan_mapping(network, make_chip(6, 6, neurons_max=64), **wishes)
    return Clusters(plan.problem, plan.tiling, profile_of(plan.problem, None), Choices(objective))


# --- the curve ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [2**k for k in range(7)])
def test_the_curve_goes_from_neighbour_to_neighbour(side) -> None:
    order = np.argsort(along_hilbert(*grid(side, side)))
    y, x = np.divmod(order, side)
    assert (np.abs(np.diff(y)) + np.abs(np.diff(x)) == 1).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (7, 1), (3, 5), (28, 28), (34, 17), (100, 3)])
def test_every_pixel_has_a_place_of_its_own(height, width) -> None:
    assert np.unique(along_hilbert(*grid(height, width))).size == height * width


def test_a_quarter_of_the_map_is_a_quarter_of_the_curve() -> None:
    y, x = grid(12, 20)
    place = along_hilbert(y, x)
    assert place.dtype == np.int64
    for quarter in range(4):
        inside = (y >= 0.5) * 2 + (x >= 0.5) == quarter
        assert np.unique(place[inside] >> 30).size == 1


def test_the_edges_of_the_map_are_on_the_curve() -> None:
    place = along_hilbert(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert np.unique(place).size == 4
    assert place.min() == 0
    assert place.max() == 4**16 - 1


# --- what lies where ------------------------------------------------------------------------------------


def test_places_are_the_means_of_the_elements() -> None:
    for network in (maps(), convnet(), chain((3, 5, 9), conv(4, 3), conv(2, 4, stride=2))):
        atoms = clusters_of(network).built(8)[1]
        assert atoms.places is not None
        layer = atoms.layer
        for number, (name, cut) in enumerate(atoms.cuts.items()):
            channels, height, width = atoms.shapes[name]
            label, (row, column) = atoms.labels(name), grid(height, width)
            assert (layer[label] == number).all()
            for place, mean in zip(atoms.places, (row, column), strict=True):
                means = np.bincount(label, np.repeat(mean, channels)) / np.maximum(1, np.bincount(label))
                assert place[label] == pytest.approx(means[label] if cut.count > 1 else 0.5)


def test_without_maps_and_with_assigned_layers_there_are_no_columns() -> None:
    assert clusters_of(mlp(20, 30, 10)).built(8)[1].places is None
    assert clusters_of(maps()).has_columns
    pinned = {"p3": np.full(10, 7)}
    for clusters in (clusters_of(mlp(20, 30, 10)), clusters_of(maps(), assignment=pinned)):
        assert not clusters.has_columns
        assert list(clusters.columns()) == []


def test_pinned_layers_stay_and_dead_cores_stay_empty() -> None:
    chip = make_chip(6, 6, neurons_max=64)
    program = map_network(
        convnet(),
        chip,
        assignment={"p3": np.full(10, 7)},
        forbidden_cores=DEAD,
        objective="traffic",
        time_budget_s=0.01,
    )
    assert {tile.core for tile in program.tiles if tile.population == "p3"} == {7}
    assert not set(DEAD) & {tile.core for tile in program.tiles}


# --- columns as layouts ---------------------------------------------------------------------------------


def elements_by_core(clusters: Clusters, layout: Layout) -> dict[int, int]:
    """Neurons on each core, after every element of every population was found on one."""
    tiles = clusters.tiles(layout)
    assert tiles is not None
    held: dict[int, int] = {}
    for name in clusters.problem.tiled:
        shape = clusters.problem.shape(name)
        mine = [tile for tile in tiles if tile.population == name]
        found = np.concatenate([tile.channel_last_positions(shape) for tile in mine])
        assert np.sort(found).tolist() == list(range(int(np.prod(shape))))
        for tile in mine:
            held[tile.core] = held.get(tile.core, 0) + tile.size
    return held


@pytest.mark.parametrize("network", [maps(), convnet()], ids=lambda network: network.name)
def test_every_element_is_placed_once_on_a_core_that_works_and_holds_it(network) -> None:
    clusters = clusters_of(network, forbidden_cores=DEAD)
    layouts = list(clusters.columns())
    assert {layout.name.split(" of ")[0] for layout in layouts} == {"columns", "columns by layers"}
    for layout in [*layouts, *(clusters.joined(layout, "fast") for layout in layouts)]:
        held = elements_by_core(clusters, layout)
        assert not set(DEAD) & set(held)
        assert max(held.values()) <= 64
        assert all(0 <= core < 36 for core in held)


def test_the_same_problem_gives_the_same_columns() -> None:
    first, second = (list(clusters_of(maps()).columns()) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.part is None) == (other.part is None)
        assert np.array_equal(one.part, other.part)  # type: ignore[arg-type]
        assert np.array_equal(one.core, other.core)  # type: ignore[arg-type]


# --- spare cores and patience ---------------------------------------------------------------------------


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_only_traffic_alone_gets_spare_cores_and_patience(objective, monkeypatch) -> None:
    seen = []

    def recorded(graph: Any, limits: Any, part: np.ndarray, core: np.ndarray, *_: Any, **given: Any) -> Any:
        seen.append((core.size, given["spare"], given["patience"]))
        return part, core

    monkeypatch.setattr(clustered, "improve_jointly", recorded)
    clusters = clusters_of(maps(), objective)
    for layout in clusters.columns():
        clusters.joined(layout, "default")
    assert len(seen) == 4
    for cores, spare, patience in seen:
        assert (spare, patience) == ((1 + cores // 8, 4) if objective == "traffic" else (0, 1))


def test_the_fewest_cores_stay_the_fewest() -> None:
    program = map_network(convnet(), make_chip(4, 4, neurons_max=100), objective="cores", time_budget_s=0.01)
    assert program.quality is not None
    assert program.quality.cores == min(trial.cores for trial in program.quality.trials if trial.cores is not None)


@pytest.mark.parametrize(("spare", "hops"), [(0, 6), (1, 2), (9, 2)])
def test_spare_cores_are_the_closest_ones_and_taken_where_that_saves_hops(spare, hops) -> None:
    """Vertex 1 hears 0 and 2, whose cores are full, from a core that 3 is pinned to; core 1 lies between them."""
    graph = unit_graph(4, np.array([0, 2]), np.array([1, 1]), pinned=np.array([0, -1, 2, 7], np.int32))
    graph = replace(graph, demand=np.array([2, 1, 2, 1])[:, None] * np.eye(1, 4, dtype=np.int64))
    fabric = Fabric(Mesh(3, 3), np.array([0, 1, 2, 7, 8]), 5)
    part, core = np.array([0, 1, 2, 1], np.int32), np.array([0, 7, 2])
    new, cores = improve_jointly(graph, limits(2), part, core, fabric, spare=spare)
    assert placed_cost(graph, new, cores, fabric).hops == hops * TRAFFIC_PER_SPIKE
    assert cores[new].tolist() == [0, 1 if spare else 7, 2, 7]


def test_parts_of_one_vertex_each_have_no_use_for_spare_cores() -> None:
    parts, cores = np.arange(3, dtype=np.int32), np.array([0, 4, 8])
    part, core = improve_jointly(chain_of_parts(3), limits(1), parts, cores, square(3), spare=1)
    assert sorted(part.tolist()) == [0, 1, 2]
    assert core.tolist() == [0, 4, 8]


@pytest.mark.parametrize("neurons_max", [1, 4])
def test_traffic_alone_maps_networks_of_a_few_pieces(neurons_max) -> None:
    program = map_network(mlp(6, 4, 3), make_chip(4, 4, neurons_max=neurons_max), objective="traffic")
    assert program.quality is not None
    assert program.quality.cores >= -(-7 // neurons_max)


def looks_of_chains(monkeypatch, **given: Any) -> tuple[int, ...]:
    """What each chain may look at."""
    seen: list[int] = []

    def noted(self: Chains, start: Found, heat: float, looks: int, seed: int, steepness: float = 0.0) -> Found:
        seen.append(looks)
        return start

    monkeypatch.setattr(Chains, "anneal", noted)
    side = 40
    graph = unit_graph(side * side, np.arange(side * side), np.roll(np.arange(side * side), 1))
    part, core = (np.arange(side * side) % 4).astype(np.int32), np.arange(4)
    improve_jointly(graph, limits(side * side), part, core, square(2), cools=False, **given)
    return tuple(seen)


def test_patience_multiplies_all_but_the_first_descent(monkeypatch) -> None:
    pins = 1600
    assert looks_of_chains(monkeypatch) == (3_000_000 + 20 * pins, 40_000_000 + 100 * pins)
    assert looks_of_chains(monkeypatch, patience=2) == (3_000_000 + 20 * pins, 80_000_000 + 100 * pins)
    assert looks_of_chains(monkeypatch, patience=8)[1] == 50_000 * pins + 100 * pins  # that solves so small a problem


@pytest.mark.parametrize("patience", [1, 8])
def test_a_budget_holds_whatever_the_patience(monkeypatch, patience) -> None:
    looks = looks_of_chains(monkeypatch, patience=patience, budget=1_000_000, effort="best")
    assert len(looks) == 6
    assert 999_990 <= sum(looks) <= 1_000_000
