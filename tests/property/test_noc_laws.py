"""Laws of the network on chip that hold for every mesh, router and burst."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.fabric.burst import Burst, BurstResult
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_reference import reference_burst
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.topology import Mesh
from tests.random_bursts import bursts, noc_and_burst, nocs, routers


def assert_same(one: BurstResult, other: BurstResult) -> None:
    for name in ("arrival", "inject", "link_flits", "stall_cycles"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.drain, one.flit_hops) == (other.drain, other.flit_hops)


@settings(max_examples=60, deadline=None)
@given(noc_and_burst(), st.none() | st.integers(0, 120))
def test_compiled_model_equals_its_readable_twin(pair: tuple[Noc, Burst], until: int | None) -> None:
    noc, burst = pair
    assert_same(run_burst(noc, burst, until=until), reference_burst(noc, burst, until=until))


@settings(max_examples=40, deadline=None)
@given(noc_and_burst(), noc_and_burst())
def test_a_run_leaves_nothing_behind_for_the_next(first: tuple[Noc, Burst], second: tuple[Noc, Burst]) -> None:
    before = run_burst(*first)
    run_burst(first[0], first[1], until=7)
    run_burst(*second)
    assert_same(run_burst(*first), before)


@settings(max_examples=100, deadline=None)
@given(noc_and_burst())
def test_bound_is_never_above_cycle(pair: tuple[Noc, Burst]) -> None:
    noc, burst = pair
    low, exact = run_burst(noc, burst, fidelity="bound"), run_burst(noc, burst)
    assert low.drain <= exact.drain
    assert (low.arrival <= exact.arrival).all()
    assert (low.inject <= exact.inject).all()
    np.testing.assert_array_equal(low.link_flits, exact.link_flits)
    assert low.flit_hops == exact.flit_hops


@settings(max_examples=40, deadline=None)
@given(noc_and_burst())
def test_all_fidelities_carry_the_same_flits(pair: tuple[Noc, Burst]) -> None:
    noc, burst = pair
    event, exact = run_burst(noc, burst, fidelity="event"), run_burst(noc, burst)
    np.testing.assert_array_equal(event.link_flits, exact.link_flits)
    assert (event.arrival > burst.release[burst.packet_of_delivery]).all()


@settings(max_examples=40, deadline=None)
@given(noc_and_burst())
def test_links_carry_the_tree_of_each_packet_once(pair: tuple[Noc, Burst]) -> None:
    noc, burst = pair
    if noc.ties == "random":
        return
    mesh = noc.mesh
    tree, of = burst.packet_of_delivery, burst.packet_of_delivery
    pointer, links = mesh.paths(mesh.router_of(burst.source)[of], mesh.router_of(burst.destination))
    used = np.unique(np.repeat(tree, np.diff(pointer)) * mesh.link_slots + links)
    expected = np.bincount(used % mesh.link_slots, burst.flits[used // mesh.link_slots], mesh.link_slots)
    np.testing.assert_array_equal(run_burst(noc, burst).link_flits, expected)


@settings(max_examples=40, deadline=None)
@given(nocs().flatmap(lambda noc: st.tuples(st.just(noc), bursts(noc, multicast=False))))
def test_one_destination_is_unicast(pair: tuple[Noc, Burst]) -> None:
    noc, burst = pair
    tree = run_burst(noc, burst, multicast="tree")
    assert_same(tree, run_burst(noc, burst, multicast="unicast"))
    assert_same(tree, run_burst(noc, burst, multicast="dual-path"))


@settings(max_examples=40, deadline=None)
@given(noc_and_burst())
def test_a_packet_alone_takes_the_pipelines_and_its_flits(pair: tuple[Noc, Burst]) -> None:
    """Where buffers cover the credit's round trip, one unicast packet takes exactly the closed form."""
    noc, burst = pair
    if not burst.packets or noc.router.buffer_flits < 9 or noc.chip_size or max(noc.latency_xy) > 1:
        return
    flits = min(int(burst.flits[0]), 9)
    alone = Burst.unicast(burst.release[:1], burst.source[:1], burst.destination[:1], np.array([flits]))
    dx, dy = noc.mesh.hops(noc.mesh.router_of(alone.source), noc.mesh.router_of(alone.destination))
    hop = noc.router.pipeline + 3
    expected = int(burst.release[0]) + 5 + noc.router.pipeline + int(dx[0] + dy[0]) * hop + flits - 1
    assert run_burst(noc, alone).drain == expected


@st.composite
def meshes_and_bursts(draw: st.DrawFn) -> tuple[Noc, Burst]:
    """Where dual-path is possible."""
    mesh = Mesh(draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3)))
    noc = Noc(mesh, draw(routers(4 + mesh.cores_per_router, 2)), draw(st.integers(1, 3)))
    return noc, draw(bursts(noc, multicast=True))


@settings(max_examples=50, deadline=None)
@given(meshes_and_bursts(), st.none() | st.integers(0, 120))
def test_paths_are_those_of_the_twin(pair: tuple[Noc, Burst], until: int | None) -> None:
    noc, burst = pair
    compiled = run_burst(noc, burst, multicast="dual-path", until=until)
    assert_same(compiled, reference_burst(noc, burst, multicast="dual-path", until=until))
    if until is None:
        assert (compiled.arrival >= 0).all()


@settings(max_examples=60, deadline=None)
@given(meshes_and_bursts())
def test_links_carry_each_packets_paths_once_and_within_the_bound(pair: tuple[Noc, Burst]) -> None:
    """From each destination to the next it is a shortest way."""
    noc, burst = pair
    exact = run_burst(noc, burst, multicast="dual-path")
    low = run_burst(noc, burst, multicast="dual-path", fidelity="bound")
    event = run_burst(noc, burst, multicast="dual-path", fidelity="event")
    np.testing.assert_array_equal(low.link_flits, exact.link_flits)
    np.testing.assert_array_equal(event.link_flits, exact.link_flits)
    assert low.drain <= exact.drain
    assert (low.arrival <= exact.arrival).all()
    assert exact.link_flits.sum() == sum(int(burst.flits[p]) * edges(noc.mesh, burst, p) for p in range(burst.packets))


def edges(mesh: Mesh, burst: Burst, packet: int) -> int:
    """Links of both paths of a packet: from stop to stop as many as the routers are apart."""

    def place(router: int) -> tuple[int, int, int]:
        y, x = divmod(router, mesh.width)
        return y * mesh.width + (x if y % 2 == 0 else mesh.width - 1 - x), x, y

    here = place(int(burst.source[packet]) // mesh.cores_per_router)
    cores = burst.destination[burst.pointer[packet] : burst.pointer[packet + 1]].tolist()
    stops = sorted({place(core // mesh.cores_per_router) for core in cores})
    total = 0
    for way in ([s for s in stops if s > here], [s for s in stops if s < here][::-1]):
        for (_, ax, ay), (_, bx, by) in itertools.pairwise([here, *way]):
            total += abs(ax - bx) + abs(ay - by)
    return total
