"""The hypergraph of random networks against the programs that its parts turn into."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.mapping.check import check_program
from neurocomp.mapping.hypergraph import AXON, Hypergraph, contracted, part_demands, sampled
from neurocomp.mapping.hypergraph.assemble import tiles_of
from neurocomp.mapping.hypergraph.atoms import Atoms, Granularity
from neurocomp.mapping.hypergraph.build import hypergraph_of
from neurocomp.mapping.map import make_problem
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program import Program
from neurocomp.mapping.rates import given_rates
from neurocomp.mapping.routing.route import route
from neurocomp.mapping.routing.usage import usage_of
from neurocomp.mapping.stations.levels import levels
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.limits import limits_of
from neurocomp.network import Network
from neurocomp.network.layout import channel_last
from tests.random_nets import networks
from tests.random_networks import mappable_networks
from tests.small_chips import make_chip
from tests.unrolled import unrolled_paths


@st.composite
def problems(draw: st.DrawFn, network: Network) -> Problem:
    """A network on a chip with room for everything; some populations may be assigned to cores."""
    chip = make_chip(
        5, 3, 2, multicast=draw(st.sampled_from(["tree", "unicast"])),
        topology=draw(st.sampled_from(["mesh", "torus"])), neurons_max=draw(st.integers(1, 100)),
        kernel_sharing=draw(st.booleans()),
        fan_out_axons_max=draw(st.none() | st.just(10**6)), noc={"input_port": [draw(st.integers(0, 4)), 1]},
    )  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    placed = [p for p in network.populations if p.neuron is not None or p.name == network.output]
    chosen = {p.name: rng.integers(0, 5, p.shape) for p in placed if draw(st.integers(0, 3)) == 0}
    return make_problem(network, chip, chosen, ())


def built(problem: Problem, data: st.DataObject) -> tuple[Hypergraph, Atoms, dict[str, np.ndarray]]:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    means = {name: rng.integers(0, 4, problem.population(name).shape) / 2 for name in problem.emitting}
    granularity = Granularity(data.draw(st.integers(1, 8)), data.draw(st.sampled_from([0, 10**6])))
    rates = given_rates(problem, means)
    layers = layers_of(problem)
    return *hypergraph_of(problem, layers, limits_of(problem.chip), rates, granularity), means


def parts_of(graph: Hypergraph, problem: Problem, data: st.DataObject) -> tuple[np.ndarray, np.ndarray]:
    """A random partition in which pinned vertices keep their cores, and the cores of its parts."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    core = rng.permutation(problem.mesh.core_slots)[: data.draw(st.integers(5, 30))]
    core = np.concatenate([np.arange(5), core[core >= 5]])  # those that may be named in an assignment
    part = rng.integers(0, core.size, graph.vertices).astype(np.int32)
    held = graph.pinned >= 0
    part[held] = graph.pinned[held]
    part[graph.is_input] = -1
    return part, core


def program_of(problem: Problem, atoms: Atoms, part: np.ndarray, core: np.ndarray) -> Program:
    tiles = tiles_of(problem, atoms, part, core)
    routes = route(problem, tiles)
    usage = usage_of(problem, layers_of(problem), tiles, routes)
    return Program(problem.network, problem.chip, tiles, routes, levels(problem), usage)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=st.one_of(networks(), mappable_networks()), data=st.data())
def test_parts_demand_what_the_program_takes_of_its_cores(network: Network, data: st.DataObject) -> None:
    problem = data.draw(problems(network))
    graph, atoms, means = built(problem, data)
    part, core = parts_of(graph, problem, data)
    program = program_of(problem, atoms, part, core)
    demand = part_demands(graph, part, core.size)
    used = np.unique(part[part >= 0])
    order = np.argsort(core[used])
    assert program.usage.cores.tolist() == core[used][order].tolist()
    assert program.usage.core_demand.tolist() == demand[used][order].tolist()
    assert not np.delete(demand, used, axis=0).any()
    assert placed_links(graph, problem, part, core) == routed_links(program, means)
    check_program_but_for_limits(program)


def check_program_but_for_limits(program: Program) -> None:
    """A random partition may overfill cores; the check is made on a chip that has room."""
    core = program.chip.core.model_copy(update={"neurons_max": 10**6})
    chip = program.chip.model_copy(update={"core": core})
    check_program(Program(program.network, chip, program.tiles, program.routes, program.offsets, program.usage))


def placed_links(graph: Hypergraph, problem: Problem, part: np.ndarray, core: np.ndarray) -> int:
    """Traffic times links of all axon nets, in millionths of a spike."""
    total, tree = 0, problem.chip.noc.multicast == "tree"
    for net in np.flatnonzero(graph.kind == AXON):
        pins = graph.pin[graph.pin_ptr[net] : graph.pin_ptr[net + 1]]
        cores = np.unique(core[part[pins]])
        source = graph.source[net]
        start = problem.input_router if part[source] < 0 else problem.mesh.router_of(core[part[source]])
        goals = problem.mesh.router_of(cores)
        _, links = problem.mesh.paths(np.full(goals.size, start), goals)
        total += int(graph.traffic[net]) * (np.unique(links).size if tree else links.size)
    return total


def routed_links(program: Program, means: dict[str, np.ndarray]) -> int:
    links = np.append(np.diff(program.routes.link_ptr), 0)
    total = 0
    for name, label in program.routes.route_class.items():
        rate = channel_last(np.rint(means[name] * 1e6).astype(np.int64), program.network.by_name[name].shape)
        total += int((rate * links[label]).sum())
    return total


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_nets_are_the_unrolled_network_with_equal_elements_as_one(network: Network, data: st.DataObject) -> None:
    problem = data.draw(problems(network))
    graph, atoms, means = built(problem, data)
    reached: dict[str, list[set[int]]] = {n: [set() for _ in range(network.by_name[n].size)] for n in problem.emitting}
    for (source, target, _), table in unrolled_paths(network).items():
        label = atoms.flat_labels(target)
        for t, s in np.argwhere(table):
            reached[source][s].add(int(label[t]))
    expected: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for name, elements in reached.items():
        own = atoms.flat_labels(name) if name in atoms.cuts else None
        for element, vertices in enumerate(elements):
            if vertices:
                entry = expected.setdefault((int(own[element]), tuple(sorted(vertices))), [0, 0])
                entry[0] += 1
                entry[1] += int(np.rint(means[name].reshape(-1)[element] * 1e6))
    nets = np.flatnonzero(graph.kind == AXON)
    found = {
        (int(graph.source[n]), tuple(graph.pin[graph.pin_ptr[n] : graph.pin_ptr[n + 1]].tolist())):
        [int(graph.amount[n]), int(graph.traffic[n])] for n in nets
    }  # fmt: skip
    assert len(found) == nets.size
    assert found == expected


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), data=st.data())
def test_putting_parts_together_twice_demands_the_same_axons(network: Network, data: st.DataObject) -> None:
    problem = data.draw(problems(network))
    graph, _, _ = built(problem, data)
    part, core = parts_of(graph, problem, data)
    smaller = contracted(graph, part, core.size)
    again = np.where(smaller.is_input, -1, np.arange(smaller.vertices))
    axons = part_demands(smaller, again, core.size)[:, 1:3] - smaller.demand[~smaller.is_input][:, 1:3]
    assert axons.tolist() == part_demands(graph, part, core.size)[:, 1:3].tolist()


@given(lengths=st.lists(st.integers(1, 4), max_size=40), most=st.integers(0, 120), seed=st.integers(0, 3))
def test_a_sample_keeps_nets_whole_and_memory_always(lengths, most, seed) -> None:
    rng, count = np.random.default_rng(seed), len(lengths)
    kind = rng.integers(0, 2, count).astype(np.uint8)
    ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    pin = np.concatenate([np.zeros(0, np.int64), *(np.arange(n) for n in lengths)]).astype(np.int32)
    graph = Hypergraph(
        np.zeros((4, 4), np.int64), np.zeros(4, bool), np.zeros(4, np.int32), np.full(4, -1, np.int32),
        np.where(kind == AXON, 0, -1).astype(np.int32), kind, np.arange(count), np.arange(count), ptr, pin,
    )  # fmt: skip
    found = sampled(graph, most, seed)
    assert found is graph if pin.size <= most else (found.amount == np.sort(found.amount)).all()
    assert np.array_equal(found.amount, sampled(graph, most, seed).amount)
    assert np.isin(np.flatnonzero(kind != AXON), found.amount).all()
    for e, net in enumerate(found.amount):
        assert np.array_equal(found.pin[found.pin_ptr[e] : found.pin_ptr[e + 1]], np.arange(lengths[net]))
        assert (found.kind[e], found.traffic[e]) == (kind[net], net)
