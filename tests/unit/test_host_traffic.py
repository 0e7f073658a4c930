"""Values on their way to functions that the host computes: packets and links, counted by hand."""

from __future__ import annotations

import numpy as np

from neurocomp.activity.execute import execute
from neurocomp.mapping.map import map_network
from neurocomp.mapping.stations import with_stations
from neurocomp.network import Host, Linear, Network, Neuron, OneToOne, Population, Projection, Wiring
from neurocomp.report.build import report
from neurocomp.simulate.host import host_work
from neurocomp.simulate.inference import simulate
from tests.small_chips import FREE, make_chip

TWICE = np.array([0, 1, 1, 2])  # the host reads element 1 twice, and never element 3


def network() -> Network:
    """Four neurons of which each passes on its input; the host reads three of them."""
    return Network(
        (
            Population("in", (4,)), Population("a", (4,), Neuron(threshold=1.0)), Population("read", (4,)),
            Population("soft", (4,)), Population("out", (2,)),
        ),
        (
            Projection("in-a", "in", "a", OneToOne()), Projection("wires", "a", "read", Wiring(TWICE, (4,))),
            Projection("soft", "read", "soft", Host("softmax", 4)),
            Projection("soft-out", "soft", "out", Linear(np.ones((2, 4), np.float32))),
        ),
        ("in",), "out",
    )  # fmt: skip


def test_packets_to_the_port_cross_the_links_between() -> None:
    link = {"latency_ns": 1.0, "flit_ns": 1.0, "energy_pj": 2.0}
    chip = make_chip(2, 2, noc={"chip_link": link, "hop_east_west": {**FREE, "energy_pj": 1.0}})
    where = {"a": np.array([0, 1, 7, 6])}  # routers (0, 0), (1, 0), (3, 1) and (2, 1) of two chips side by side
    program = map_network(with_stations(network(), chip), chip, assignment=where, effort="fast", chips=(2, 1))
    inputs = np.zeros((1, 3, 4), np.float32)
    inputs[0, 0], inputs[0, 1, 1:3] = 1, 1
    run = execute(program.network, inputs)
    work = host_work(program, run.trace)
    by_core = {t.core: k for k, t in enumerate(program.tiles) if t.population == "a"}
    assert {core: int(work.sent[k]) for core, k in by_core.items()} == {0: 1, 1: 2, 6: 0, 7: 2}
    assert {core: int(work.hops_x[k]) for core, k in by_core.items()} == {0: 0, 1: 2, 6: 0, 7: 4}
    assert {core: int(work.hops_y[k]) for core, k in by_core.items()} == {0: 0, 1: 0, 6: 0, 7: 2}
    assert {core: int(work.between_chips[k]) for core, k in by_core.items()} == {0: 0, 1: 0, 6: 0, 7: 2}
    assert (work.operations, work.arriving) == ({"soft": 12}, {"soft": 5})
    counters = simulate(program, run.trace).counters
    assert counters.total("packet_to_host") == 5 and counters.total("host_operation") == 12
    assert counters.by_layer("hop_chip_link")["a"] == 2


def test_borders_are_crossed_whether_or_not_the_profile_describes_their_links() -> None:
    """Where it does not, they cost what other links cost, and are counted as crossings all the same."""
    chip = make_chip(2, 2)
    where = {"a": np.array([0, 1, 7, 6])}
    program = map_network(with_stations(network(), chip), chip, assignment=where, effort="fast", chips=(2, 1))
    inputs = np.zeros((1, 3, 4), np.float32)
    inputs[0, 0], inputs[0, 1, 1:3] = 1, 1
    run = execute(program.network, inputs)
    work, simulation = host_work(program, run.trace), simulate(program, run.trace)
    assert (int(work.hops_x.sum()), int(work.hops_y.sum()), int(work.between_chips.sum())) == (8, 2, 0)
    assert work.crossings == 2
    found = report(program, simulation, execution=run).traffic
    on_routes = simulation.link_flits[program.mesh.leaves_chip(np.arange(simulation.link_flits.size), (2, 2))].sum()
    assert found.chip_crossings == on_routes + 2
    assert found.links_crossed == simulation.link_flits.sum() + 10
