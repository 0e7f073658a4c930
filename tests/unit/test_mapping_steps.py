"""Tiles, places, classes and usage of networks small enough to work out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.mapping.map import make_problem, map_network
from neurocomp.mapping.problem import Problem, stored_weight_bits
from neurocomp.mapping.routing.classes import find_classes
from neurocomp.mapping.routing.leaving import Entries, by_element
from neurocomp.mapping.tiling.cuts import Grid, Runs
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.limits import limits_of
from neurocomp.mapping.tiling.tile import Tiling, tile
from neurocomp.network import Integer, Linear, Neuron, OneToOne, Pool, Population, Projection
from neurocomp.network.structure import Window
from tests.mapping_problems import chain, conv, convnet, mlp, ones, random_graph, residual, with_projection
from tests.small_chips import make_chip

IN_ORDER = {"objective": "cores", "effort": "fast"}  # tiles as they come, along the curve


def tiled(network, chip) -> tuple[Problem, Tiling]:
    problem = make_problem(network, chip, {}, ())
    return problem, tile(problem)


# --- the problem ----------------------------------------------------------------------------------------


def test_paths_through_relays_are_one_edge() -> None:
    problem, _ = tiled(convnet(), make_chip())
    edges = [(e.source, e.target, e.projection, e.delays) for e in problem.edges]
    assert edges == [("in", "p0", 0, (0,)), ("p0", "p2", 2, (0,)), ("p2", "p3", 3, (0,))]
    assert problem.emitting == ("in", "p0", "p2")
    assert problem.tiled == ("p0", "p2", "p3")
    assert problem.relays == ("p1", "p3")


def test_two_paths_of_a_residual_sum_share_their_last_projection() -> None:
    problem, _ = tiled(residual(), make_chip())
    assert [(e.source, e.target, e.projection) for e in problem.edges] == [("in", "p0", 0), ("p0", "p2", 2)]
    one = Window((0, 2, 2), (1, 3, 3), ones(1, 1, 1).astype(np.int64))
    counts = problem.arrivals(2, one)["p0"].placed_in((2, 6, 6))
    assert counts.sum() == 2 * 9 + 1  # the 3x3 kernel over two channels, and the element itself
    assert counts[0, 2, 2] == 2


def test_delays_add_up_along_a_path() -> None:
    network = chain((4,), Linear(ones(4, 4)), OneToOne(), Linear(ones(4, 4)), relays=(1,))
    late = tuple(replace(p, delay=i) for i, p in enumerate(network.projections))
    problem = make_problem(replace(network, projections=late), make_chip(), {}, ())
    assert [e.delays for e in problem.edges] == [(0,), (3,)]


@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (7, 8), (3, 4), (1, 1), (16, 8)])
def test_weights_are_stored_at_the_narrowest_width_that_holds_them(bits, stored) -> None:
    network = replace(mlp(2, 2), arithmetic=Integer(weight_bits=bits))
    assert stored_weight_bits(network, make_chip()) == stored


def test_populations_listed_the_wrong_way_round_are_put_in_order() -> None:
    network = mlp(3, 4, 5)
    backwards = replace(network, populations=network.populations[::-1])
    assert tiled(backwards, make_chip())[0].tiled == ("p0", "p1")


# --- tiles ----------------------------------------------------------------------------------------------


def parts(cut: Grid) -> list[int]:
    return [edges.size - 1 for edges in cut.edges]


def test_space_is_cut_before_channels_where_inputs_would_be_replicated() -> None:
    _, tiling = tiled(chain((16, 32, 32), conv(16, 16)), make_chip(neurons_max=4096))
    assert parts(tiling.cuts["p0"]) == [1, 2, 2]  # 4 x 17 x 17 inputs heard; strips would hear 38 x 32


def test_kernels_that_fill_the_memory_force_a_cut_along_channels() -> None:
    memory = [{"name": "synapse", "size_kib": 4, "holds": ["synapses"]}]
    _, tiling = tiled(chain((64, 4, 4), conv(32, 64)), make_chip(memories=memory))
    assert parts(tiling.cuts["p0"]) == [5, 1, 1]  # 576 weights a channel: seven channels in 4 KiB


def test_without_kernel_sharing_the_same_layer_takes_many_more_tiles() -> None:
    memory = [{"name": "synapse", "size_kib": 4, "holds": ["synapses"]}]
    _, tiling = tiled(chain((64, 4, 4), conv(32, 64)), make_chip(memories=memory, kernel_sharing=False))
    synapses = 32 * 64 * (3 * 4 - 2) ** 2
    assert tiling.cuts["p0"].count >= synapses / 4096


def test_fan_in_axons_of_a_depthwise_layer_are_saved_by_cutting_channels() -> None:
    _, tiling = tiled(chain((32, 8, 8), conv(32, 32, groups=32)), make_chip(8, 8, neurons_max=64, fan_in_axons_max=64))
    assert parts(tiling.cuts["p0"]) == [32, 1, 1]


def test_readers_cut_fine_make_the_sender_finer() -> None:
    network = chain((4,), Linear(ones(40, 4)), Linear(ones(40, 40)))
    _, roomy = tiled(network, make_chip(8, 8, neurons_max=40))
    _, tight = tiled(network, make_chip(8, 8, neurons_max=40, fan_out_axons_max=20, fan_in_axons_max=None))
    assert roomy.cuts["p0"].count == 1
    assert tight.cuts["p0"].count == 2
    _, split = tiled(network, make_chip(8, 8, neurons_max=10, fan_out_axons_max=20))
    assert split.cuts["p1"].count == 4
    assert split.cuts["p0"].count == 8  # five neurons with four destinations each


def test_tables_of_synapses_are_cut_into_runs() -> None:
    _, tiling = tiled(random_graph(50, 2), make_chip(neurons_max=20))
    cut = tiling.cuts["graph"]
    assert isinstance(cut, Runs)
    assert cut.edges.tolist() == [0, 20, 40, 50]


def test_a_reshaped_one_to_one_layer_is_cut_into_tiles_with_one_source_for_each_element() -> None:
    network = chain((2, 3, 4), OneToOne(1.0, (24,)))
    _, tiling = tiled(network, make_chip(neurons_max=10))
    assert tiling.demands["p0"][:, 1].tolist() == [8, 8, 8]


def test_layers_beyond_a_linear_one_hear_everything() -> None:
    network = chain(
        (2, 4, 4), Pool("sum", (2, 2), (2, 2), (0, 0)), OneToOne(1.0, (8,)), Linear(ones(6, 8)), relays=(0, 1)
    )
    problem, tiling = tiled(network, make_chip(neurons_max=3))
    assert tiling.demands["p2"][:, 1].tolist() == [32, 32]
    assert layers_of(problem)["p2"].synapses == 6 * 32


# --- places ---------------------------------------------------------------------------------------------


def test_tiles_follow_the_curve_and_fill_a_router_before_the_next() -> None:
    program = map_network(mlp(4, 60), make_chip(2, 2, 2, neurons_max=10), **IN_ORDER)
    assert [t.core // 2 for t in program.tiles[1:]] == [0, 0, 2, 2, 3, 3]
    assert program.routers_used == 3


def test_an_assignment_is_followed_and_the_rest_goes_elsewhere() -> None:
    cores = np.arange(30).reshape(30) % 3 + 1
    program = map_network(mlp(4, 30, 8), make_chip(), assignment={"p0": cores}, **IN_ORDER)
    tiles = {(t.population, t.core): t for t in program.tiles}
    assert tiles["p0", 2].positions.tolist() == list(range(1, 30, 3))
    (last,) = [t for t in program.tiles if t.population == "p1"]
    assert last.core == 0 and last.box is not None


def test_an_assignment_is_given_channel_first_and_kept_channel_last() -> None:
    cores = np.zeros((2, 2, 3), np.int64)
    cores[1] = 5
    program = map_network(chain((2, 2, 3), OneToOne()), make_chip(), assignment={"p0": cores})
    positions = {t.core: t.positions.tolist() for t in program.tiles if t.core >= 0}
    assert positions == {0: [0, 2, 4, 6, 8, 10], 5: [1, 3, 5, 7, 9, 11]}


def test_two_populations_may_be_assigned_to_one_core() -> None:
    cores = {"p0": np.full(30, 3), "p1": np.full(8, 3)}
    program = map_network(mlp(4, 30, 8), make_chip(), assignment=cores)
    assert program.cores_used == 1
    assert program.usage.core_demand[0].tolist() == [38, 34, 30, (4 * 30 + 30 * 8) * 8]


# --- routes and usage -----------------------------------------------------------------------------------


def test_neurons_of_a_class_share_their_packets() -> None:
    program = map_network(mlp(4, 10, 20), make_chip(2, 2, neurons_max=10), **IN_ORDER)
    routes = program.routes
    assert program.routes.route_class["p0"].tolist() == [1] * 10
    assert routes.route_class["in"].tolist() == [0] * 4
    assert routes.route_class["p1"].tolist() == [-1] * 20
    assert routes.packet_ptr.tolist() == [0, 1, 3]
    assert routes.synapse_events.tolist() == [10, 10, 10]
    assert routes.synapse_projection.tolist() == [0, 1, 1]
    # p0 on core 0, p1 on cores 2 and 3 (down, then across): the tree shares the first link
    assert routes.packet_core.tolist() == [0, 2, 3]
    assert list(zip(routes.packet_hops_x.tolist(), routes.packet_hops_y.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 1),
    ]


def test_a_tree_uses_a_shared_link_once_and_unicast_once_per_packet() -> None:
    cores = {"p0": np.array([0]), "p1": np.array([2, 3])}
    links = {}
    for multicast in ("tree", "unicast"):
        program = map_network(mlp(1, 1, 2), make_chip(4, 1, multicast=multicast), assignment=cores)
        assert program.routes.link_ptr.tolist()[0] == 0
        links[multicast] = sorted(program.routes.link_id.tolist())
    assert links == {"tree": [0, 4, 8], "unicast": [0, 0, 4, 4, 8]}


def test_usage_counts_a_source_once_per_core_but_once_per_tile_too() -> None:
    network = with_projection(mlp(6, 4, 3), "in", "p1", Linear(ones(3, 6)))
    program = map_network(network, make_chip(), assignment={"p0": np.zeros(4, int), "p1": np.zeros(3, int)})
    assert program.usage.core_demand[0, 1] == 6 + 4
    assert program.usage.tile_demand[:, 1].tolist() == [0, 6, 10]
    use = {u.name: u for u in program.usage.by_limit(program.chip)}["neurons"]
    assert (use.total, use.most, use.fullest_core, use.share) == (7, 7, 0, 0.007)
    assert program.usage.fullest(program.chip) == (0, "neurons", 0.007)


def test_bytes_by_use() -> None:
    program = map_network(mlp(6, 4), make_chip(), **IN_ORDER)
    sizes = {name: size.tolist() for name, size in program.usage.bytes_by_use(program.chip).items()}
    assert sizes == {"synapses": [24.0], "neuron_state": [16.0], "axons_in": [12.0], "axons_out": [0.0]}


def test_names_of_memories_are_readable() -> None:
    memories = [{"name": "core_memory", "size_kib": 1, "holds": ["synapses"]},
                {"name": "state", "size_kib": 2, "holds": ["neuron_state"]}]  # fmt: skip
    limits = limits_of(make_chip(memories=memories)).limits
    assert [limit.name for limit in limits] == ["neurons", "core memory", "state memory"]
    assert limits[1].shown(8192) == "1.0 KiB"


# --- classes --------------------------------------------------------------------------------------------


def test_equal_counts_in_one_tile_make_a_class() -> None:
    element, code = np.array([0, 1, 2, 3, 3, 5, 6]), np.array([3, 3, 3, 3, 4, 3, 3])
    reached = by_element([Entries(element, code, np.array([1, 1, 2, 2, 1, 2, 2]))], 8, 5)
    found = find_classes(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int32), reached)
    assert found.label.tolist() == [0, 0, 1, 2, -1, 1, 3, -1]
    assert found.tile.tolist() == [0, 0, 0, 1]
    assert found.rows.items.tolist() == [3, 3, 3, 4, 3]
    assert found.events.tolist() == [1, 2, 2, 1, 2]


def test_synapses_of_several_paths_to_one_tile_are_added_up() -> None:
    one = Entries(np.array([1, 0, 1]), np.array([2, 0, 2]), np.array([5, 1, 6]))
    reached = by_element([one, Entries(np.array([1]), np.array([2]), np.array([7]))], 2, 3)
    assert reached.rows.ptr.tolist() == [0, 1, 2]
    assert reached.count.tolist() == [1, 18]


def test_a_population_that_nobody_hears_has_no_classes() -> None:
    network = mlp(3, 4)
    lonely = replace(network, populations=(*network.populations, Population("q", (4,), Neuron())),
                     projections=(*network.projections, Projection("q", "in", "q", Linear(ones(4, 3)))))  # fmt: skip
    program = map_network(lonely, make_chip())
    assert set(program.routes.route_class["q"]) == {-1}
