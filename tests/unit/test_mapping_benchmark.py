"""The mapper's benchmark: its networks are those that it says, its judge counts right, its baselines are legal."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import hysmap
from benchmarks.hysmap_networks import JOBS, MAPPERS, generated, published, published_synapses, stored
from benchmarks.mapping import cores_of
from benchmarks.mapping_baselines import IN_ORDER, PARTITIONED, RONZANI, mapped_by
from benchmarks.mapping_cases import CASES, Case, network_of, rates_of, side_of
from benchmarks.mapping_graphs import full_scale_synapses, local_graph
from benchmarks.mapping_networks import LAYERED, Layers, convolution
from benchmarks.mapping_placements import Flow, force_directed, hilbert_slots, unicast_cost
from benchmarks.mapping_scaling import exponent
from benchmarks.mapping_traffic import traffic
from neurocomp.mapping.map import map_network
from neurocomp.network import Conv, Linear, Network, Neuron, OneToOne, Pool, Population, Projection, Sparse
from tests.small_chips import make_chip
from tests.unrolled import unroll


def small_network() -> Network:
    """Every operator, two projections from one population, a feedback."""
    layers = Layers("small", 2, 6, 5)
    layers.conv(4)
    first = layers.conv(4, stride=2)
    layers.depthwise()
    layers.join(first, layers.last, OneToOne())
    layers.add(convolution(4, 8, 5, groups=2))
    layers.pool()
    layers.linear(6)
    pointer = np.array([0, 2, 2, 5, 6, 6, 6])
    layers.join(layers.last, first, Sparse(pointer, [0, 7, 3, 5, 11, 1], np.zeros(6, np.int8), (4, 3, 3)))
    return layers.network()


def walked(network: Network, core: dict, rates: dict, width: int) -> tuple[float, float, float]:
    """(hops, hottest link, packets) by following every path of every neuron."""
    load: dict[tuple, float] = {}
    packets = 0.0
    for population in network.populations:
        heard = [set() for _ in range(population.size)]
        for projection in network.outgoing[population.name]:
            target, source = np.nonzero(unroll(projection.op, population.shape))
            for t, s in zip(core[projection.target].reshape(-1)[target], source, strict=True):
                heard[s].add(int(t))
        for own, rate, cores in zip(core[population.name].flat, rates[population.name].flat, heard, strict=True):
            packets += rate * len(cores - {int(own)})
            for link in {link for c in cores for link in path(int(own), c, width)}:
                load[link] = load.get(link, 0.0) + rate
    return sum(load.values()), max(load.values()), packets


def path(source: int, target: int, width: int) -> list[tuple[int, int]]:
    at, links = source, []
    while at != target:
        apart = target % width - at % width
        step = (1 if apart > 0 else -1) if apart else (width if target > at else -width)
        links.append((at, at + step))
        at += step
    return links


@pytest.mark.parametrize("seed", range(4))
def test_the_judge_counts_what_walking_every_path_counts(seed):
    network, width = small_network(), 4
    rng = np.random.default_rng(seed)
    core = {p.name: rng.integers(0, 3 + 4 * seed, p.shape) for p in network.populations}
    rates = {p.name: rng.random(p.shape) for p in network.populations}
    found = traffic(network, core, rates, width)
    assert (found.hops, found.hottest, found.packets) == pytest.approx(walked(network, core, rates, width))


def test_the_judge_counts_what_a_program_says_of_itself():
    network = small_network()
    chip = make_chip(6, 6, neurons_max=20)
    program = map_network(network, chip)
    core = cores_of(program)
    ones = {p.name: np.ones(p.shape) for p in network.populations}
    links = np.repeat(program.routes.class_sizes, np.diff(program.routes.link_ptr))
    found = traffic(network, core, ones, 6)
    assert found.hops == links.sum()
    assert found.hottest == np.bincount(program.routes.link_id, links).max()
    assert found.cores == program.cores_used


def synapses(network: Network) -> int:
    """Padding is not clipped, as in the sizes that papers state."""
    each = {Conv: lambda op: op.weight[0].size, Pool: lambda op: int(np.prod(op.kernel)), OneToOne: lambda op: 1}
    total = 0
    for p in network.projections:
        if isinstance(p.op, Linear | Sparse):
            total += p.op.weight.size
        else:
            total += network.by_name[p.target].size * each[type(p.op)](p.op)
    return total


@pytest.mark.parametrize(
    ("name", "neurons", "count"),
    [
        ("mlp10", 992, 130_816), ("lenet", 10_798, 700_840), ("nmnist", 36_994, 2_218_176),
        ("mobilenet", 37_002, 870_656), ("vgg11", 186_378, 153_156_608), ("vgg16", 15_237_608, 15_476_385_792),
        ("resnet50", 9_962_984, 4_095_105_024), ("spikformer", 23_634_664, 75_663_065_088),
    ],
)  # fmt: skip
def test_layered_networks_have_the_published_sizes(name, neurons, count):
    network = LAYERED[name]()
    assert network.neuron_count == neurons
    assert synapses(network) == count


def test_graphs_have_the_published_sizes():
    assert round(full_scale_synapses()) == 298_880_969
    for name, neurons, count in (("pd", 7717, 2.85e6), ("local10k", 10_000, 8.8e4), ("er10k", 10_000, 2.0e5)):
        network = network_of(CASES[name])
        assert network.neuron_count == neurons
        assert synapses(network) == pytest.approx(count, rel=0.005)


def test_a_local_graph_is_local_and_the_same_every_time():
    first, again = (local_graph(32, 10).projections[0].op for _ in range(2))
    assert np.array_equal(first.indices, again.indices)
    assert (np.bincount(first.indices, minlength=1024) > 0).all()


@pytest.mark.parametrize(
    ("case", "side"), [("mlp10", 8), ("local10k", 7), ("vgg16", 63), ("vgg16-1024", 126), ("nmnist", 13)]
)
def test_meshes_are_the_smallest_squares_with_five_percent_to_spare(case, side):
    network = network_of(CASES[case])
    assert side_of(CASES[case], network) == side


def test_rates_are_lognormal_or_published():
    rates = rates_of(network_of(CASES["local10k"]))["neurons"]
    assert rates.mean() == pytest.approx(0.05, rel=1e-9)
    assert rates_of(network_of(Case("pd", 256)))["L4e"][0] == 4.45e-3


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_stored_hysmap_networks_are_those_of_the_published_jobs(job):
    graph = stored(job)
    assert graph.rate_hz.size == job.neurons
    assert graph.target.size == published_synapses(job)
    source = np.repeat(np.arange(job.neurons), np.diff(graph.pointer))
    assert (source != graph.target).all()
    assert np.unique(source * job.neurons + graph.target).size == graph.target.size
    assert job.least * job.side**2 <= job.neurons <= job.most * job.side**2
    assert set(published(job)) == set(MAPPERS)


@pytest.mark.parametrize("job", JOBS[:3], ids=lambda job: job.name)
def test_hysmap_networks_are_drawn_as_published(job):
    drawn, graph = generated(job), stored(job)
    assert np.array_equal(drawn.pointer, graph.pointer)
    assert np.array_equal(drawn.target, graph.target)
    assert drawn.rate_hz == pytest.approx(graph.rate_hz, rel=1e-12)


@pytest.mark.parametrize("name", [*IN_ORDER, *PARTITIONED, RONZANI])
def test_baselines_keep_the_cap_and_use_no_core_twice(name, monkeypatch):
    if name == "SNEAP-like":
        pytest.importorskip("pymetis")
        monkeypatch.setattr("benchmarks.mapping_placements.SWAPS", 2000)
    if name == RONZANI:
        pytest.importorskip("scipy")
    case = Case("small", 16)
    network = small_network()
    rates = rates_of(network)
    core = mapped_by(name, case, network, rates)
    held = np.bincount(np.concatenate([c.reshape(-1) for c in core.values()]))
    assert {n: c.shape for n, c in core.items()} == {p.name: p.shape for p in network.populations}
    assert held.max() <= case.cap
    assert held.size <= side_of(case, network) ** 2


def test_forces_keep_a_chain_and_untangle_a_shuffled_one():
    """Parts that talk only to the next one, laid out along the curve, have one hop each; forces keep it."""
    along = hilbert_slots(4)
    a = np.arange(15)
    flow = Flow(16, np.concatenate([a, a + 1]), np.concatenate([a + 1, a]), np.ones(30))
    order = np.lexsort((flow.b, flow.a))
    flow = Flow(16, flow.a[order], flow.b[order], flow.weight[order])
    assert unicast_cost(flow, along, 4) == 15
    assert unicast_cost(flow, force_directed(flow, along, 4), 4) == 15
    shuffled = np.random.default_rng(0).permutation(16)
    assert unicast_cost(flow, force_directed(flow, shuffled, 4), 4) < 0.8 * unicast_cost(flow, shuffled, 4)


def test_hysmap_jobs_keep_their_balance_and_are_counted_as_the_judge_counts(monkeypatch):
    pytest.importorskip("pymetis")
    monkeypatch.setattr("benchmarks.hysmap.BUDGET", 100_000)
    job = JOBS[0]
    graph = stored(job)
    core = hysmap.mapped(job, graph, "fast", 0)
    held = np.bincount(core, minlength=job.side**2)
    assert job.least <= held.min()
    assert held.max() <= job.most
    weights = np.zeros(graph.target.size, np.int8)
    projection = Projection("p", "n", "n", Sparse(graph.pointer, graph.target, weights, (job.neurons,)), delay=1)
    network = Network((Population("n", (job.neurons,), Neuron()),), (projection,), (), None)
    judged = traffic(network, {"n": core}, {"n": graph.rate_hz}, job.side)
    assert hysmap.walked(graph, core, job.side) == pytest.approx(judged.hops)


def test_exponents_are_slopes_of_logarithms() -> None:
    found = [{"neurons": n, "cores": 2 * n, "cpu_s": 3.0 * n**1.5} for n in (10, 40, 90)]
    assert exponent(found, "neurons") == pytest.approx(1.5)
    assert exponent(found, "cores") == pytest.approx(1.5)
    assert np.isnan(exponent(found[:1], "neurons"))
