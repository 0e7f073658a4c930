"""Timing with a network in which packets wait: the compiled kernel against its readable twin, and laws that hold for
every router, mesh and network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.activity.trace import SpikeTrace
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import CheckFailedError, InputError
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.network import Network
from neurocomp.simulate.conserve import check_conservation
from neurocomp.simulate.engines.event import machine_tables
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.reference import reference_steps
from neurocomp.simulate.simulation import Simulation
from tests.differential.test_timing import columns
from tests.random_networks import inputs_for, mappable_networks
from tests.small_chips import make_chip

HOP = {"energy_pj": 1.0, "latency_ns": 2.0}


@st.composite
def chips(draw: st.DrawFn) -> ChipSpec:
    """Small chips of every shape, with cores that send packets faster than a link takes them."""
    topology = draw(st.sampled_from(["mesh", "torus"]))
    flits = draw(st.integers(1, 2))
    vcs = draw(st.integers(2 if topology == "torus" else 1, 4))
    router = {
        "vcs": vcs, "buffer_flits": draw(st.integers(flits, 5)), "routing_delay": draw(st.integers(0, 1)),
        "credit_delay": draw(st.integers(0, 2)), "speculative": draw(st.booleans()),
        "input_speedup": draw(st.integers(1, min(vcs, 2))),
    }  # fmt: skip
    noc: dict[str, Any] = {
        "flits_per_spike": flits, "router": router, "hop_east_west": HOP, "link_flit_ns": 1.0,
        "hop_north_south": {"energy_pj": 1.0, "latency_ns": draw(st.sampled_from([2.0, 7.3]))},
        "clock_ns": draw(st.sampled_from([None, 1.0, 1.3])),
    }  # fmt: skip
    shape = draw(st.sampled_from([(3, 2, 1), (2, 2, 2), (4, 1, 2), (1, 3, 2)]))
    return make_chip(*shape, topology=topology, multicast=draw(st.sampled_from(["unicast", "tree"])), noc=noc)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Program, SpikeTrace]:
    network, chip, seed = draw(mappable_networks()), draw(chips()), draw(st.integers(0, 99))
    program = spread(network, chip, seed)
    return program, execute(network, inputs_for(network, 1, 2, seed)).trace


def spread(network: Network, chip: ChipSpec, seed: int) -> Program:
    """At random over all cores, so that packets cross and queue."""
    rng = np.random.default_rng(seed)
    tiled = [p for p in network.populations if p.neuron is not None]
    return map_network(network, chip, assignment={p.name: rng.integers(0, chip.cores, p.shape) for p in tiled})


@settings(max_examples=15, deadline=None)
@given(runs())
def test_compiled_timing_equals_the_twin(run: tuple[Program, SpikeTrace]) -> None:
    program, trace = run
    series = simulate(program, trace, "cycle").series
    np.testing.assert_array_equal(columns(series), reference_steps(program, machine_tables(program, "cycle"), trace))


@settings(max_examples=25, deadline=None)
@given(runs())
def test_the_bound_is_never_above_the_others_and_parts_are_within_a_step(run: tuple[Program, SpikeTrace]) -> None:
    found = {fidelity: simulate(*run, fidelity) for fidelity in ("bound", "event", "cycle")}
    bound = found["bound"]
    for fidelity, other in found.items():
        for name in ("total_ps", "generate_ps", "process_ps", "link_ps", "latency_ps"):
            assert (getattr(bound.series, name) <= getattr(other.series, name)).all(), (fidelity, name)
        assert bound.counters == other.counters
        np.testing.assert_array_equal(bound.link_flits, other.link_flits)
        assert_parts_within(other)
    assert not bound.series.stall_ps.any() and bound.link_stalls is None


def assert_parts_within(simulation: Simulation) -> None:
    series, latency = simulation.series, simulation.packet_latency
    assert (series.routing_ps <= series.work_ps).all()
    assert (series.queue_ps >= 0).all() and (series.stall_ps >= 0).all()
    half, most = latency.quantile_ps(0.5), latency.quantile_ps(0.99)
    assert 0 <= half <= most <= latency.quantile_ps(1.0) == latency.longest_ps
    assert latency.packets == int(series.packets.sum())


@settings(max_examples=6, deadline=None)
@given(mappable_networks(), chips(), st.integers(0, 99))
def test_any_number_of_threads_gives_the_same_result(network: Network, chip: ChipSpec, seed: int) -> None:
    program = spread(network, chip, seed)
    trace = execute(network, inputs_for(network, 40, 4, seed)).trace
    alone = simulate(program, trace, "cycle")
    for threads in (2, 5):
        other = simulate(program, trace, "cycle", threads=threads)
        assert columns(other.series).tobytes() == columns(alone.series).tobytes()
        for name in ("link_flits", "link_stalls", "core_busy_ps"):
            assert getattr(other, name).tobytes() == getattr(alone, name).tobytes()
        assert other.packet_latency.counts.tobytes() == alone.packet_latency.counts.tobytes()


def crowded(**noc: Any) -> tuple[Program, SpikeTrace]:
    """Three cores whose 16 neurons all fire at once and reach every neuron of two cores."""
    from tests.mapping_problems import mlp

    hops = {"hop_east_west": HOP, "hop_north_south": HOP}
    chip = make_chip(3, 2, noc={"router": "lean", "clock_ns": 1.0, **hops, **noc}, numeric={"delivery": "same_step"})
    network = mlp(16, 48, 32)
    rng = np.arange(48) % 3
    program = map_network(network, chip, assignment={"p0": rng, "p1": 3 + np.arange(32) % 2})
    return program, execute(network, np.ones((1, 3, 16), np.float32) * 100).trace


def both(**noc: Any) -> tuple[Simulation, Simulation]:
    program, trace = crowded(**noc)
    return simulate(program, trace, "bound"), simulate(program, trace)


def test_packets_that_share_links_wait() -> None:
    bound, cycle = both()
    assert (bound.fidelity, cycle.fidelity) == ("bound", "cycle")
    assert cycle.total_ps > bound.total_ps
    assert cycle.packet_latency.quantile_ps(0.99) > bound.packet_latency.quantile_ps(0.99)
    assert cycle.link_stalls is not None and cycle.link_stalls.sum() > 0


def test_a_long_hop_is_waited_for_once_not_by_every_packet() -> None:
    """Without a clock the hop's time is in the links: it delays packets, and does not slow them down."""
    slow = {"hop_east_west": {"energy_pj": 1.0, "latency_ns": 40.0}, "link_flit_ns": 1.0, "clock_ns": None}
    bound, cycle = both(router={"vcs": 1, "buffer_flits": 128, "speculative": True}, **slow)
    waited = cycle.total_ps - bound.total_ps
    assert 0 <= waited < 40_000


def test_full_queues_keep_their_cores() -> None:
    program, trace = crowded(router={"vcs": 1, "buffer_flits": 1}, clock_ns=50.0, link_flit_ns=50.0)
    cycle = simulate(program, trace, "cycle")
    assert cycle.series.stall_ps.max() > 0 and cycle.series.queue_ps.max() > 0
    assert (cycle.core_busy_ps <= cycle.total_ps).all()


def test_reservation_says_for_how_many_steps_it_does_not_hold() -> None:
    program, trace = crowded()
    few_vcs, many = simulate(program, trace, "event"), crowded(router="std")
    assert few_vcs.doubtful_steps > 0
    assert simulate(*many, "event").doubtful_steps == 0
    assert simulate(program, trace, "cycle").doubtful_steps == 0


def test_several_chips_pay_for_the_links_between_them() -> None:
    link = {"latency_ns": 30.0, "flit_ns": 4.0, "energy_pj": 50.0}
    program, trace = crowded(chip_link=link)
    assert simulate(program, trace).counters.total("hop_chip_link") == 0
    noc = program.chip.noc.model_copy(update={"width": 3, "height": 1})
    split = replace(program, chip=program.chip.model_copy(update={"noc": noc}), chips=(1, 2))
    bound, cycle = simulate(split, trace, "bound"), simulate(split, trace, "cycle")
    whole = simulate(program, trace, "bound").counters
    assert bound.counters.total("hop_chip_link") == whole.total("hop_north_south") > 0
    assert bound.counters.total("hop_east_west") == whole.total("hop_east_west")
    assert cycle.counters == bound.counters
    assert bound.series.latency_ps.max() >= 30_000
    assert cycle.total_ps >= bound.total_ps
    expected = reference_steps(split, machine_tables(split, "cycle"), trace)
    np.testing.assert_array_equal(columns(cycle.series), expected)


def test_flits_that_the_network_loses_are_found() -> None:
    program, trace = crowded()
    tables = machine_tables(program, "cycle")
    from neurocomp.simulate import inference

    results, totals = inference.run_steps(tables, program, trace, trace.steps, 1, None)
    flits = inference.flits_of_links(tables, totals, program)
    check_conservation(program, trace, totals, results, flits)
    totals.network_flits[np.flatnonzero(totals.network_flits)[0]] -= 1
    with pytest.raises(CheckFailedError, match="flits over link"):
        check_conservation(program, trace, totals, results, flits)


def test_a_fidelity_that_is_none_and_a_profile_without_routers() -> None:
    program, trace = crowded()
    with pytest.raises(InputError, match="noc: 'exact' is none of bound, event, cycle"):
        simulate(program, trace, "exact")  # type: ignore[arg-type]
    plain = replace(program, chip=make_chip(3, 2, numeric={"delivery": "same_step"}))
    assert simulate(plain, trace).fidelity == "bound"
    for fidelity in ("cycle", "event"):
        with pytest.raises(InputError, match="the profile says nothing about its routers"):
            simulate(plain, trace, fidelity)
