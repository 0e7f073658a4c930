"""The network on chip in cases whose answer is known in closed form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.fabric.burst import Burst
from neurocomp.fabric.noc import Noc
from neurocomp.fabric.noc_run import run_burst
from neurocomp.fabric.noc_traffic import Stream, load_point, traffic
from neurocomp.fabric.router import ROUTERS, Router, find_router
from neurocomp.fabric.topology import EAST, Mesh


def packets(*rows: tuple[int, int, int, int]) -> Burst:
    """(release, source, destination, flits) each."""
    return Burst.unicast(*np.array(rows).T)


def crowd(noc: Noc, per_core: int, flits: int = 1) -> Burst:
    rng = np.random.default_rng(3)
    source = np.repeat(np.arange(noc.mesh.core_slots), per_core)
    return Burst.unicast(
        np.zeros(source.size), source, rng.integers(0, noc.mesh.core_slots, source.size), np.full(source.size, flits)
    )


@pytest.mark.parametrize(
    ("router", "zero_load"),
    [
        ("lean", lambda d: 5 + 3 * d),
        ("sana", lambda d: 6 + 4 * d),
        ("std", lambda d: 7 + 5 * d),
        ("fast", lambda d: 5 + 3 * d),
    ],
)
def test_zero_load_latency_of_the_presets(router: str, zero_load) -> None:
    noc = Noc(Mesh(8, 8), ROUTERS[router])
    for destination in (0, 1, 9, 63):
        hops = destination % 8 + destination // 8
        assert run_burst(noc, packets((10, 0, destination, 1))).arrival.tolist() == [10 + zero_load(hops)]


def test_no_packets_no_time() -> None:
    empty = Burst(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(1), np.zeros(0))
    for fidelity in ("bound", "event", "cycle"):
        result = run_burst(Noc(Mesh(2, 2), ROUTERS["std"]), empty, fidelity=fidelity)
        assert (result.drain, result.flit_hops, result.arrival.size) == (-1, 0, 0)


def test_one_core_takes_one_flit_per_cycle() -> None:
    noc = Noc(Mesh(4, 4), ROUTERS["std"])
    everyone = Burst.unicast(np.zeros(160), np.repeat(np.arange(16), 10), np.full(160, 5), np.full(160, 3))
    assert 480 <= run_burst(noc, everyone).drain <= 480 + 40


def test_a_short_buffer_slows_a_long_packet_to_the_credits_round_trip() -> None:
    noc = Noc(Mesh(2, 1), Router(1, 1, 0, 1, True))
    short = run_burst(noc, packets((0, 0, 1, 1))).drain
    assert run_burst(noc, packets((0, 0, 1, 11))).drain - short == 10 * 6


def test_boundary_links_add_their_latency_and_pass_a_flit_per_interval() -> None:
    one_chip = Noc(Mesh(4, 1), Router(2, 64))
    two_chips = Noc(Mesh(4, 1), Router(2, 64), chip_size=(2, 1), boundary_latency=30, boundary_interval=7)
    single, long = packets((0, 0, 3, 1)), packets((0, 0, 3, 12))
    assert run_burst(two_chips, single).drain - run_burst(one_chip, single).drain == 29
    # at the two routers behind it the head waits two cycles for route and VC, the last flit does not
    assert run_burst(two_chips, long).drain - run_burst(two_chips, single).drain == 11 * 7 - 2 * 2
    inside = packets((0, 0, 1, 12))
    assert run_burst(two_chips, inside).drain == run_burst(one_chip, inside).drain


def test_axes_may_differ_in_latency() -> None:
    noc = Noc(Mesh(3, 3), ROUTERS["std"], link_latency=(2, 5))
    plain = Noc(Mesh(3, 3), ROUTERS["std"])
    assert run_burst(noc, packets((0, 0, 8, 1))).drain - run_burst(plain, packets((0, 0, 8, 1))).drain == 2 * 1 + 2 * 4


def test_a_torus_goes_the_shorter_way() -> None:
    noc = Noc(Mesh(8, 1, torus=True), ROUTERS["std"])
    assert run_burst(noc, packets((0, 0, 7, 1))).drain == 7 + 5


def test_ties_on_a_torus_use_both_ways_or_one() -> None:
    burst = Burst.unicast(np.arange(64) * 100, np.zeros(64), np.full(64, 4), np.ones(64))
    mesh = Mesh(8, 1, torus=True)
    assert run_burst(Noc(mesh, ROUTERS["std"]), burst).link_flits[EAST] == 64
    assert 16 < run_burst(Noc(mesh, ROUTERS["std"], ties="random"), burst).link_flits[EAST] < 48


def test_an_odd_vc_of_a_torus_belongs_to_one_half() -> None:
    """Shared by packets that cross the dateline and others, its buffers can form a ring in which each waits for the
    next."""
    noc = Noc(Mesh(8, 2, 2, torus=True), Router(3, 2, 0, 1))
    rng = np.random.default_rng(510)
    source, destination = rng.integers(0, 32, (2, 383))
    burst = Burst.unicast(rng.integers(0, 5, 383), source, destination, rng.integers(1, 10, 383))
    assert (run_burst(noc, burst).arrival > 0).all()


def test_a_tree_sends_once_over_shared_links_and_is_not_slower() -> None:
    noc = Noc(Mesh(8, 8), ROUTERS["std"])
    burst = Burst(
        np.zeros(8), np.arange(8) * 8, np.ones(8), np.arange(9) * 8, np.tile(np.arange(7, 64, 8), 8)
    )  # each row's first core to the whole last column
    tree, copies = run_burst(noc, burst), run_burst(noc, burst, multicast="unicast")
    assert tree.link_flits.sum() == 8 * (7 + 7)
    assert copies.link_flits.sum() == sum(7 + abs(a - b) for a in range(8) for b in range(8))
    assert tree.drain < copies.drain
    assert (copies.inject == 0).all()


def test_waiting_in_the_source_is_reported() -> None:
    result = run_burst(Noc(Mesh(2, 1), ROUTERS["std"]), packets((5, 0, 1, 4), (5, 0, 1, 4), (100, 0, 1, 1)))
    assert result.inject.tolist() == [5, 9, 100]


def test_stalls_are_zero_without_contention_and_not_with_it() -> None:
    noc = Noc(Mesh(8, 1), ROUTERS["std"])
    assert run_burst(noc, packets((0, 0, 7, 1))).stall_cycles.sum() == 0
    assert run_burst(noc, packets(*[(0, k, 7, 4) for k in range(7)])).stall_cycles.sum() > 0
    assert run_burst(noc, packets((0, 0, 7, 2), (5, 6, 7, 1))).stall_cycles.min() == 0


def test_a_stopped_run_says_what_has_not_arrived() -> None:
    noc = Noc(Mesh(2, 1), ROUTERS["std"])
    result = run_burst(noc, packets((0, 0, 1, 1), (500, 0, 1, 1)), until=100)
    assert result.arrival.tolist() == [12, -1]
    assert result.inject.tolist() == [0, -1]


def test_threads_do_not_change_results() -> None:
    nocs = [Noc(Mesh(4, 4), ROUTERS[name]) for name in ("lean", "fast")] * 4
    jobs = [(noc, crowd(noc, 20 + k)) for k, noc in enumerate(nocs)]
    alone = [run_burst(*job).arrival.tobytes() for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        assert [result.arrival.tobytes() for result in pool.map(lambda job: run_burst(*job), jobs)] == alone


def test_event_says_where_it_does_not_hold() -> None:
    many, few = 20, 3
    for name, torus, per_core, holds in (
        ("lean", False, many, False),
        ("lean", False, few, True),
        ("std", False, many, True),
        ("std", True, many, False),
    ):
        noc = Noc(Mesh(4, 4, torus=torus), ROUTERS[name])
        assert run_burst(noc, crowd(noc, per_core), fidelity="event").within_domain is holds


def test_traffic_has_the_load_that_was_asked_for() -> None:
    noc = Noc(Mesh(4, 4), ROUTERS["fast"])
    burst = traffic(noc, (Stream("uniform", 0.75), Stream("hotspot", 0.25, core=3)), 0.4, flits=2, cycles=4000)
    assert burst.flits.sum() / (16 * 4000) == pytest.approx(0.4, rel=0.03)
    assert (burst.destination[burst.traffic_class == 1] == 3).all()
    point = load_point(noc, "neighbor", 0.3, warmup=500, measure=500)
    assert point.accepted == pytest.approx(0.3, rel=0.05)
    assert load_point(noc, "bitcomp", 1.0, warmup=500, measure=500).latency_mean is None


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Noc(Mesh(4, 4, torus=True), ROUTERS["lean"]), "a torus needs two VCs"),
        (lambda: Noc(Mesh(4, 4, 8), ROUTERS["fast"]), "12 inputs of 8 VCs"),
        (lambda: Noc(Mesh(4, 4), ROUTERS["lean"], link_latency=0), "must be 1 to 1000 cycles"),
        (lambda: Router(0, 4), "router.vcs: is 0"),
        (lambda: Router(2, 4, input_speedup=3), "router.input_speedup: is 3, and must be between 1 and 2"),
        (lambda: find_router("slow"), "no preset is called 'slow'"),
        (lambda: packets((0, 0, 1, 0)), "1 to 4096 flits"),
        (lambda: packets((-1, 0, 1, 1)), "must not be negative"),
        (lambda: Burst([0], [0], [1], [0, 2], [3, 1]), "ascending"),
        (lambda: Burst([0], [0], [1], [0, 0], []), "at least one destination"),
        (lambda: run_burst(Noc(Mesh(2, 2), ROUTERS["std"]), packets((0, 0, 4, 1))), "cores must be 0 to 3"),
        (lambda: run_burst(Noc(Mesh(2, 2), ROUTERS["std"]), packets((0, 0, 1, 1)), fidelity="exact"), "none of bound"),
        (
            lambda: run_burst(Noc(Mesh(2, 2), ROUTERS["std"]), Burst([0], [0], [9], [0, 2], [1, 2])),
            "longer than a router",
        ),
        (lambda: traffic(Noc(Mesh(2, 3), ROUTERS["std"]), "transpose", 0.1), "as many rows as columns"),
        (lambda: traffic(Noc(Mesh(2, 2), ROUTERS["std"]), "random", 0.1), "none of uniform"),
    ],
)
def test_messages(build, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()
