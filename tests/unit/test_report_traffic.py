"""Packets, their copies and the links they cross, in the words and numbers of a report: they add up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.quality import quality_from_tree
from neurocomp.mapping.wishes import pinned
from neurocomp.network import Linear
from neurocomp.report import units
from neurocomp.report.build import report
from neurocomp.report.compare import compare
from neurocomp.report.mapping import mapping_lines
from neurocomp.report.model import Result
from neurocomp.report.saved import read_result
from neurocomp.report.traffic import TrafficFacts, traffic_sentence
from neurocomp.simulate.inference import simulate
from tests.mapping_problems import chain, mlp
from tests.reports import made_up
from tests.small_chips import make_chip

DESCRIBED = {"chip_link": {"latency_ns": 8.0, "flit_ns": 4.0, "energy_pj": None}}
STEPS = 5


def reported(
    cores: dict[str, tuple[int, ...]],
    multicast: str = "unicast",
    chips: tuple[int, int] = (1, 1),
    noc: dict[str, Any] | None = None,
) -> tuple[Program, Result]:
    """Four inputs, eight neurons and eight neurons, fully connected; one sample, inputs in every step. Chips of 2 x 1
    cores, inputs enter at the first."""
    network, chip = mlp(4, 8, 8), make_chip(2, 1, multicast=multicast, noc=noc)
    run = execute(network, np.ones((1, STEPS, 4), np.float32))
    program = map_network(
        network, chip, activity=run.trace, effort="fast", chips=chips, assignment=pinned(network, cores)
    )
    run = execute(program.network, np.ones((1, STEPS, 4), np.float32))
    return program, report(program, simulate(program, run.trace), execution=run)


@pytest.mark.parametrize("noc", [DESCRIBED, None], ids=["priced", "not described"])
@pytest.mark.parametrize("multicast", ["unicast", "tree"])
def test_hops_and_crossings_are_all_links_covered_by_routes(multicast: str, noc: dict[str, Any] | None) -> None:
    """Cores 1 and 2 are neighbours on two chips; core 3 is the far end of the second."""
    program, result = reported({"p0": (1,), "p1": (2, 3)}, multicast, (2, 1), noc)
    flits = np.array(result.routing.link_flits)
    traffic = result.traffic
    assert traffic.hops + traffic.chip_crossings == traffic.links_crossed == flits.sum()
    assert traffic.chip_crossings == flits[0, 1, 0] > 0  # the only link between the two, eastwards
    quality = program.quality
    assert quality is not None and quality.between_chips * STEPS == pytest.approx(traffic.chip_crossings, rel=1e-5)
    written = json.loads(result.to_json())["traffic"]["run_total"]
    assert (written["hops"], written["chip_crossings"]) == (traffic.hops, traffic.chip_crossings)


def test_crossings_are_said_in_text_and_on_the_page() -> None:
    _, result = reported({"p0": (1,), "p1": (2,)}, chips=(2, 1), noc=DESCRIBED)
    inside, across = result.traffic.hops, result.traffic.chip_crossings
    said = f"{inside} links between routers of a chip and {across} from chip to chip"
    assert said in " ".join(result.to_text().split()) and said in result.to_page()
    alone = made_up()
    assert "chip to chip" not in alone.to_text() + alone.to_page()


def test_a_comparison_counts_crossings_among_links(tmp_path) -> None:
    _, result = reported({"p0": (1,), "p1": (2,)}, chips=(2, 1), noc=DESCRIBED)
    (tmp_path / "result.json").write_text(result.to_json())
    links = {m.name: m.values for m in compare([read_result(tmp_path)], [tmp_path]).measures}["links crossed"]
    assert links == (result.traffic.hops + result.traffic.chip_crossings,) and result.traffic.chip_crossings > 0
    tree = json.loads(result.to_json())
    del tree["traffic"]["run_total"]["chip_crossings"]  # as versions before wrote it
    (tmp_path / "result.json").write_text(json.dumps(tree))
    assert read_result(tmp_path).traffic.run_total.links_crossed == result.traffic.hops


def test_a_packet_that_routers_copy_is_one_packet_and_several_copies() -> None:
    """Four inputs reach cores 0 and 1; neurons of core 0 reach both cores, those of core 1 none."""
    program, result = reported({"p0": (0,), "p1": (0, 1)}, "tree")
    traffic, quality = result.traffic, program.quality
    spikes = result.traffic.spikes - sum(layer.spikes for layer in result.layers if layer.name == "p1")
    assert traffic.packets_sent == spikes > 0
    assert traffic.packets_injected == 4 * STEPS
    assert traffic.packets_received == 2 * spikes + 4 * STEPS
    assert traffic.links_crossed == spikes
    assert quality is not None and quality.packets_sent is not None
    assert quality.packets == quality.packets_sent == pytest.approx((spikes + 4 * STEPS) / STEPS, rel=1e-5)


def test_links_of_a_packet_and_of_a_copy_are_told_apart() -> None:
    """Packets from core 0 to cores 1 to 3 of a line cross three links, one for each copy."""
    program, result = reported({"p0": (0,), "p1": (1, 2, 3)}, "tree", (2, 1))
    quality = program.quality
    assert quality is not None
    inputs, spikes = 4, result.layers[1].spikes / STEPS
    assert quality.packets_sent == pytest.approx(inputs + spikes, rel=1e-5)
    assert quality.packets == pytest.approx(inputs + 3 * spikes, rel=1e-5)
    assert quality.hops == pytest.approx(3 * spikes, rel=1e-5)
    assert quality.links_per_packet == pytest.approx(3 * spikes / (inputs + spikes), rel=1e-5)
    assert quality.mean_hops == pytest.approx(3 * spikes / (inputs + 3 * spikes), rel=1e-5)
    text = " ".join(" ".join(mapping_lines(result)).split())
    assert f"A packet to other cores crosses {quality.links_per_packet:.3g} links on average" in text
    assert f"that is {quality.mean_hops:.3g} for each copy delivered" in text
    for said in ("packets sent to other cores", "copies delivered to other cores"):
        assert said in text and said in result.to_page()
    written = json.loads(result.to_json())["mapping"]
    assert written["links_per_packet"] == quality.links_per_packet and written["mean_hops"] == quality.mean_hops


def test_without_copies_there_is_one_meaning_of_packet() -> None:
    program, result = reported({"p0": (0,), "p1": (1,)})
    quality, traffic = program.quality, result.traffic
    assert quality is not None and quality.packets_sent == quality.packets
    assert quality.links_per_packet == quality.mean_hops
    assert traffic.packets_received == traffic.packets_sent + traffic.packets_injected
    text = result.to_text()
    assert "copies" not in text.replace("copies of packets", "") and "each is delivered to one core" in text


def test_the_sentence_names_what_there_is() -> None:
    facts = TrafficFacts(1, 1, 1, 40, 60, 90, 3, packets_to_host=4, packets_injected=20, chip_crossings=6)
    assert traffic_sentence(facts, 2, (2, 1)) == (
        "Per inference cores send 20 packets, 10 enter at the input port, 2 more go to the host; each is delivered to "
        "one core. They cross 45 links between routers of a chip and 3 from chip to chip; what stays on its core is "
        "counted and crosses none."
    )
    copied = traffic_sentence(replace(facts, packets_received=100, packets_to_host=0), 2, (1, 1))
    assert "routers copy them, and 50 copies are delivered. They cross 45 links between routers, each link" in copied


def test_programs_of_before_do_not_know_how_many_packets_were_sent() -> None:
    program, result = reported({"p0": (0,), "p1": (1,)}, "tree")
    assert program.quality is not None
    tree = program.quality.to_tree()
    del tree["packets_sent"]
    old = quality_from_tree(tree)
    assert old.packets_sent is None and old.links_per_packet is None and old.packets == program.quality.packets
    text = " ".join(mapping_lines(replace(result, mapping=old)))
    assert "copies delivered to other cores" in text and "packets sent" not in text


# --- time -----------------------------------------------------------------------------------------------


def test_the_bound_on_time_is_compared_with_the_time_that_it_bounds() -> None:
    """Two chip steps of seven fill and empty the pipeline, so that the mean chip step lies below the bound."""
    program, result = reported({"p0": (0,), "p1": (1,)})
    quality, timing = program.quality, json.loads(result.to_json())["timing"]
    assert quality is not None and result.timing.chip_steps > STEPS
    assert timing["step_ns"]["mean"] < quality.step_ns <= timing["time_step_ns"]
    assert timing["time_step_ns"] * STEPS == pytest.approx(result.timing.total_ps / 1e3)
    said = f"The run takes {units.time(timing['time_step_ns'] * 1e3)} per time step"
    assert said[1:] in result.to_text() and said in result.to_page()
    text = " ".join(" ".join(mapping_lines(result)).split())
    assert "mean step" not in text and "time with this activity, at least" in text
    assert f"This {said[4:]}, with the chip steps that empty the pipeline" in text


def test_what_is_not_updated_is_not_in_the_bound() -> None:
    """A read-out that nothing reaches: its accumulators are looked at in every step, and not updated."""
    silent = np.zeros((1, STEPS, 4), np.float32)
    network = chain((4,), Linear(np.ones((3, 4), np.int8)), relays=(0,))
    run = execute(network, silent)
    program = map_network(network, make_chip(2, 1), activity=run.trace, effort="fast")
    simulation = simulate(program, run.trace)
    assert program.quality is not None
    assert simulation.counters.total("neuron_update") == 0
    assert program.quality.step_ns * 1e3 * simulation.chip_steps == simulation.total_ps
