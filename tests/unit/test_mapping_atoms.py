"""Micro-tiles, nets and tiles of networks small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.mapping.hypergraph import AXON, MEMORY, Hypergraph, part_demands
from neurocomp.mapping.hypergraph.assemble import tiles_of
from neurocomp.mapping.hypergraph.atoms import Atoms, Granularity
from neurocomp.mapping.hypergraph.build import hypergraph_of
from neurocomp.mapping.map import make_problem
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.rates import uniform_rates
from neurocomp.mapping.tiling.cuts import Assigned, Grid, Runs
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.limits import limits_of
from neurocomp.network import Linear, Network, OneToOne, Pool, Sparse
from tests.mapping_problems import chain, conv, mlp, ones, random_graph, residual
from tests.random_nets import networks
from tests.small_chips import make_chip


def built(network: Network, chip, granularity=None, assignment=None) -> tuple[Problem, Hypergraph, Atoms]:
    problem = make_problem(network, chip, assignment or {}, ())
    args = (problem, layers_of(problem), limits_of(chip), uniform_rates(problem))
    return problem, *(hypergraph_of(*args) if granularity is None else hypergraph_of(*args, granularity))


def blocks(cut: Grid) -> list[int]:
    return [int(np.diff(edges).max()) for edges in cut.edges]


# --- micro-tiles ----------------------------------------------------------------------------------------


def test_channels_stay_together_and_space_is_cut_into_squares() -> None:
    pool = Pool("sum", (2, 2), (2, 2), (0, 0))
    _, _, atoms = built(chain((16, 32, 32), conv(16, 16), pool, conv(32, 16)), make_chip(8, 8, neurons_max=2048))
    assert [blocks(atoms.cuts[name]) for name in ("p0", "p1", "p2")] == [[16, 4, 4], [16, 4, 4], [32, 2, 4]]
    assert atoms.cuts["p0"].count == 64


def test_blocks_of_successive_layers_lie_over_each_other() -> None:
    pool = Pool("sum", (2, 2), (2, 2), (0, 0))
    _, graph, atoms = built(chain((16, 28, 28), conv(16, 16), pool), make_chip(8, 8, neurons_max=2048))
    assert atoms.cuts["p1"].edges[1].tolist() == [0, 4, 8, 12, 14]
    to_pool = [pins for source, _, pins in nets(graph, AXON) if graph.population[source] == 1]
    assert len(to_pool) == 49
    assert all(len(pins) == 1 for pins in to_pool)  # every block of p0 is heard by one block of p1


def test_kernels_that_fill_the_memory_cut_the_channels() -> None:
    memory = [{"name": "synapse", "size_kib": 4, "holds": ["synapses"]}]
    _, _, atoms = built(chain((64, 4, 4), conv(32, 64)), make_chip(neurons_max=1024, memories=memory))
    assert blocks(atoms.cuts["p0"])[0] == 7  # 576 weights a channel: seven channels in 4 KiB


def test_a_neuron_that_takes_more_than_a_share_is_one_piece() -> None:
    memory = [{"name": "synapse", "size_kib": 1, "holds": ["synapses"]}]
    _, _, atoms = built(mlp(200, 30), make_chip(memories=memory))
    assert atoms.cuts["p0"].count == 30


def test_tables_are_cut_into_neurons_and_beyond_a_number_into_runs() -> None:
    _, graph, atoms = built(random_graph(50, 2), make_chip(neurons_max=40))
    assert (atoms.cuts["graph"].count, graph.vertices) == (50, 50)
    _, _, atoms = built(random_graph(50, 2), make_chip(neurons_max=40), Granularity(per_core=8, single_max=49))
    assert isinstance(atoms.cuts["graph"], Runs)
    assert np.diff(atoms.cuts["graph"].edges).tolist() == [5] * 10


def test_more_pieces_to_a_core_are_smaller() -> None:
    counts = [built(mlp(8, 64), make_chip(neurons_max=32), Granularity(n))[2].cuts["p0"].count for n in (1, 4, 32, 99)]
    assert counts == [2, 8, 64, 64]


def test_what_is_assigned_to_a_core_is_one_pinned_vertex() -> None:
    cores = {"p0": np.arange(30) % 3 + 4}
    _, graph, atoms = built(mlp(4, 30, 8), make_chip(), assignment=cores)
    assert isinstance(atoms.cuts["p0"], Assigned)
    assert graph.pinned[: 1 + 3].tolist() == [-1, 4, 5, 6]
    assert (graph.pinned[4:] == -1).all()


def test_an_input_is_one_vertex_without_demands() -> None:
    _, graph, atoms = built(mlp(50, 8), make_chip())
    assert graph.is_input.tolist() == [True] + [False] * (atoms.vertices - 1)
    assert not graph.demand[0].any()
    assert graph.population.tolist() == [0] + [1] * (atoms.vertices - 1)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_no_piece_exceeds_a_core_unless_it_is_a_single_element(network, data) -> None:
    limit = lambda low, high: data.draw(st.none() | st.integers(low, high))  # noqa: E731
    memories = data.draw(st.sampled_from([[], [{"name": "m", "size_kib": 0.25, "holds": ["synapses", "axons_in"]}]]))
    chip = make_chip(
        neurons_max=data.draw(st.integers(1, 60)), fan_in_axons_max=limit(5, 200), memories=memories,
        kernel_sharing=data.draw(st.booleans()),
    )  # fmt: skip
    problem, graph, atoms = built(network, chip, Granularity(data.draw(st.integers(1, 8))))
    alone = np.cumsum(~graph.is_input) - 1
    demand = part_demands(graph, np.where(graph.is_input, -1, alone), int(alone[-1]) + 1)
    sizes = np.concatenate([atoms.sums(name, np.ones((1, 1, 1), np.int64)) for name in problem.tiled])
    assert (limits_of(chip).fits(demand) | (sizes == 1)).all()


# --- nets -----------------------------------------------------------------------------------------------


def nets(graph: Hypergraph, kind: int) -> list[tuple[int, int, list[int]]]:
    return [
        (int(graph.source[n]), int(graph.amount[n]), graph.pin[graph.pin_ptr[n] : graph.pin_ptr[n + 1]].tolist())
        for n in np.flatnonzero(graph.kind == kind)
    ]


def test_equal_elements_of_a_vertex_are_one_net() -> None:
    _, graph, _ = built(mlp(6, 4, 3), make_chip(neurons_max=2), Granularity(1))
    assert nets(graph, AXON) == [(0, 6, [1, 2]), (1, 2, [3, 4]), (2, 2, [3, 4])]
    assert graph.traffic.tolist() == [6_000_000, 2_000_000, 2_000_000]


def test_kernels_of_a_channel_are_stored_once_by_all_who_hold_it() -> None:
    _, graph, _ = built(chain((2, 4, 4), conv(2, 2)), make_chip(neurons_max=16), Granularity(2))
    bits = 2 * 2 * 9 * 8
    assert nets(graph, MEMORY) == [(-1, bits, [1, 2, 3, 4])]


def test_without_kernel_sharing_nothing_is_shared() -> None:
    network = chain((2, 4, 4), conv(2, 2))
    _, graph, _ = built(network, make_chip(neurons_max=16, kernel_sharing=False), Granularity(2))
    assert nets(graph, MEMORY) == []
    assert graph.demand[:, 3].sum() == 2 * 2 * (3 * 4 - 2) ** 2 * 8


def test_kernels_of_a_population_in_one_vertex_are_its_own() -> None:
    _, graph, _ = built(chain((2, 4, 4), conv(2, 2)), make_chip(), Granularity(1))
    assert nets(graph, MEMORY) == []
    assert graph.demand[:, 3].tolist() == [0, 2 * 2 * 9 * 8]


def test_a_residual_sum_sends_each_spike_once() -> None:
    _, graph, _ = built(residual(), make_chip(neurons_max=72), Granularity(1))
    assert [source for source, _, _ in nets(graph, AXON)] == [0, 1]
    assert [amount for _, amount, _ in nets(graph, AXON)] == [72, 72]


def test_sources_that_a_relay_does_not_hear_send_nothing() -> None:
    some = Sparse(np.array([0, 1, 1, 1, 1, 2, 2]), np.array([0, 1]), ones(2), (2,))  # elements 0 and 4 of 2 x 3
    _, graph, _ = built(chain((2, 3), some, Linear(ones(4, 2)), relays=(0,)), make_chip(neurons_max=2), Granularity(1))
    assert nets(graph, AXON) == [(0, 2, [1, 2])]


# --- back to tiles --------------------------------------------------------------------------------------


def parted(parts: int) -> tuple[Problem, Atoms, np.ndarray]:
    problem, graph, atoms = built(chain((4, 4, 4), OneToOne()), make_chip(neurons_max=32), Granularity(8))
    assert blocks(atoms.cuts["p0"]) == [4, 1, 1]
    return problem, atoms, np.where(graph.is_input, -1, (np.arange(graph.vertices) - 1) % parts).astype(np.int32)


def test_pieces_that_form_a_box_are_a_box() -> None:
    problem, atoms, part = parted(4)
    tiles = tiles_of(problem, atoms, part, np.array([3, 2, 1, 0]))
    assert [(t.population, t.core) for t in tiles] == [("in", -1), ("p0", 3), ("p0", 2), ("p0", 1), ("p0", 0)]
    assert [t.box for t in tiles[1:]] == [((0, 4), (0, 4), (x, x + 1)) for x in range(4)]


@pytest.mark.parametrize("parts", [3, 5])
def test_other_pieces_are_positions(parts) -> None:
    problem, atoms, part = parted(parts)
    tiles = tiles_of(problem, atoms, part, np.arange(parts))
    for k, tile in enumerate(tiles[1:]):
        assert tile.box is None
        pixels = np.arange(k, 16, parts)
        assert tile.positions.tolist() == (pixels[:, None] * 4 + np.arange(4)).reshape(-1).tolist()
        assert tile.positions.dtype == np.int32
