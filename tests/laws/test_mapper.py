"""Laws for every tiler, placer and router, whichever algorithm it uses. Add new ones to the lists below.

They say that a result is legal and the same every time; they do not say that it is good.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.map import make_problem, map_network
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import INPUT_PORT, Routes
from neurocomp.mapping.routing.route import route
from neurocomp.mapping.tiling.tile import Tiling, tile
from neurocomp.network import Network, Population
from tests.mapping_problems import chain, conv, convnet, mlp, random_graph, residual
from tests.small_chips import make_chip

TILERS: list[Callable[[Problem], Tiling]] = [tile]
PLACERS: list[Callable[..., Placement]] = [place]
ROUTERS: list[Callable[..., Routes]] = [route]
NETWORKS = {n.name: n for n in (mlp(20, 30, 10), convnet(), residual(), random_graph(60, 5))}
MEMORY = [{"name": "sram", "size_kib": 2, "holds": ["synapses", "neuron_state", "axons_in", "axons_out"]}]

tilers = pytest.mark.parametrize("tiler", TILERS)
placers = pytest.mark.parametrize("placer", PLACERS)
routers = pytest.mark.parametrize("router", ROUTERS)
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def problem_of(network: Network, chip: ChipSpec, forbidden: tuple[int, ...] = ()) -> Problem:
    return make_problem(network, chip, {}, forbidden)


@pytest.fixture
def nothing() -> Network:
    """An input that leads nowhere."""
    return Network((Population("in", (3,)),), (), ("in",), None)


@tilers
@networks
def test_every_element_is_in_one_tile_within_the_limits(tiler, network) -> None:
    problem = problem_of(network, make_chip(6, 6, neurons_max=16, memories=MEMORY))
    tiling = tiler(problem)
    assert not tiling.stuck
    for name in problem.tiled:
        shape = problem.shape(name)
        counted = np.zeros(shape[1:] + shape[:1], np.int64)
        for piece in tiling.cuts[name].pieces():
            if piece.box is None:
                counted.reshape(-1)[piece.positions] += 1
            else:
                c, y, x = (slice(a, b) for a, b in piece.box)
                counted[y, x, c] += 1
        assert (counted == 1).all()
        assert tiling.demands[name].shape == (tiling.cuts[name].count, 4)
        assert tiling.limits.fits(tiling.demands[name]).all()


@tilers
def test_a_layer_that_fills_one_core_to_the_brim_is_one_tile_and_two_beyond(tiler) -> None:
    for neurons_max, tiles in ((64, 1), (63, 2)):
        tiling = tiler(problem_of(chain((1, 8, 8), conv(1, 1)), make_chip(neurons_max=neurons_max)))
        assert tiling.cuts["p0"].count == tiles


@tilers
def test_a_neuron_that_fits_no_core_is_named(tiler) -> None:
    tiling = tiler(problem_of(mlp(50, 4, 4), make_chip(fan_in_axons_max=49)))
    assert list(tiling.stuck) == ["p0"]


@tilers
def test_tiling_nothing_gives_no_tiles(tiler, nothing) -> None:
    assert tiler(problem_of(nothing, make_chip())).tiles == 0


@placers
@networks
def test_tiles_stay_off_dead_cores_and_within_the_chip(placer, network) -> None:
    dead = (0, 1, 2, 7)
    problem = problem_of(network, make_chip(6, 6, neurons_max=16), dead)
    placement = placer(problem, tile(problem))
    cores = [t.core for t in placement.tiles if t.core != INPUT_PORT]
    assert not set(cores) & set(dead)
    assert all(0 <= core < 36 for core in cores)
    assert [t.population for t in placement.tiles if t.core == INPUT_PORT] == list(network.inputs)


@placers
def test_all_cores_but_the_dead_ones_can_be_filled_and_no_more(placer) -> None:
    network, chip = mlp(4, 150), make_chip(4, 4, neurons_max=10)
    full = problem_of(network, chip, (3,))
    placement = placer(full, tile(full))
    assert sorted({t.core for t in placement.tiles} - {INPUT_PORT}) == [c for c in range(16) if c != 3]
    beyond = problem_of(network, chip, (3, 4))
    placement = placer(beyond, tile(beyond))
    assert not placement.fits
    assert placement.cores_needed == 15


@placers
def test_tiles_share_cores_where_cores_are_short(placer) -> None:
    network = chain((2, 4, 4), *(conv(2, 2) for _ in range(6)))
    problem = problem_of(network, make_chip(2, 1, neurons_max=96))
    tiling = tile(problem)
    assert tiling.tiles == 6
    placement = placer(problem, tiling)
    held = {core: sum(t.size for t in placement.tiles if t.core == core) for core in (0, 1)}
    assert held == {0: 96, 1: 96}


@placers
def test_a_chip_with_fewer_cores_than_places_is_respected(placer) -> None:
    problem = problem_of(mlp(4, 40), make_chip(4, 4, neurons_max=10, count=4))
    assert placer(problem, tile(problem)).cores_needed == 4
    problem = problem_of(mlp(4, 41), make_chip(4, 4, neurons_max=10, count=4))
    assert not placer(problem, tile(problem)).fits


@placers
def test_placing_nothing_takes_no_cores(placer, nothing) -> None:
    problem = problem_of(nothing, make_chip())
    placement = placer(problem, tile(problem))
    assert placement.cores_needed == 0
    assert [t.core for t in placement.tiles] == [INPUT_PORT]


@routers
@networks
@pytest.mark.parametrize("multicast", ["tree", "unicast"])
def test_routes_count_every_synapse_and_name_only_cores_with_tiles(router, network, multicast) -> None:
    problem = problem_of(network, make_chip(6, 6, neurons_max=16, multicast=multicast))
    placement = place(problem, tile(problem))
    routes = router(problem, placement.tiles)
    per_class = np.add.reduceat(routes.synapse_events.astype(np.int64), routes.synapse_ptr[routes.packet_ptr[:-1]])
    expected = sum(layer.synapses for layer in tile(problem).layers.values())
    assert int((per_class * routes.class_sizes).sum()) == expected
    assert set(routes.packet_core.tolist()) <= {t.core for t in placement.tiles}
    if multicast == "unicast":
        packets = np.add.reduceat(routes.packet_hops_x + routes.packet_hops_y, routes.packet_ptr[:-1])
        assert np.diff(routes.link_ptr).tolist() == packets.tolist()


@routers
def test_routing_nothing_gives_no_packets(router, nothing) -> None:
    problem = problem_of(nothing, make_chip())
    routes = router(problem, place(problem, tile(problem)).tiles)
    assert (routes.classes, routes.packets, routes.link_id.size) == (0, 0, 0)
    assert routes.route_class["in"].tolist() == [-1, -1, -1]


@networks
def test_the_same_problem_gives_the_same_program(network, tmp_path) -> None:
    chip = make_chip(6, 6, neurons_max=16)
    for name in ("a", "b"):
        map_network(network, chip, seed=3, effort="fast").save(tmp_path / name)
    for file in ("program.json", "program.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_order_of_sets_and_dictionaries_does_not_matter(tmp_path) -> None:
    code = (
        "import sys\n"
        "from tests.mapping_problems import residual\n"
        "from tests.small_chips import make_chip\n"
        "from neurocomp.mapping.map import map_network\n"
        "chip = make_chip(6, 6, neurons_max=16)\n"
        "map_network(residual(), chip, forbidden_cores=(9, 3, 14), time_budget_s=0.01).save(sys.argv[1])\n"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], check=True, env=environment)
    for file in ("program.json", "program.npz"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_the_whole_mapper_maps_nothing_onto_nothing(nothing) -> None:
    program = map_network(nothing, make_chip())
    assert program.cores_used == 0
    assert program.offsets == {"in": 0}


@networks
def test_an_impossible_problem_is_refused(network) -> None:
    with pytest.raises(DoesNotFitError):
        map_network(network, make_chip(1, 1, neurons_max=2))
