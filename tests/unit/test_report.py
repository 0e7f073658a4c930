"""The answer as a whole: parts make totals, origins cover it, nothing depends on threads or order."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import neurocomp
from neurocomp.chip.load import parse_chip
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.errors import InputError
from neurocomp.report import units
from neurocomp.report.build import report
from neurocomp.report.neurobench import network_digest
from tests.chip_text import tiny
from tests.reports import GOLDEN, HOSTILE, made_up, small_chip, small_result, small_run

KNOWN = ("hop_north_south: {energy_pj: null", "hop_north_south: {energy_pj: 4.2")
ROUTER = (
    "input_port: [0, 1]",
    "input_port: [0, 1]\n  router: {value: lean, source: paper, kind: measured}\n  clock_ns: 2",
)


@pytest.fixture(scope="module")
def result():
    return small_result()


# --- sums -----------------------------------------------------------------------------------------------


def test_energy_parts_sum_to_the_total_exactly(result) -> None:
    energy = result.energy
    assert sum(energy.by_unit.values()) == energy.total_aj > 0
    assert sum(energy.static.values()) == energy.by_unit["static"]
    assert sum(energy.by_kind.values()) == energy.total_aj
    assert sum(energy.dynamic_by_kind.values()) == energy.total_aj - energy.by_unit["static"]
    layers = sum(layer.energy_aj for layer in result.layers)
    assert layers + energy.chip_wide_aj + energy.by_unit["static"] == energy.total_aj
    for unit in ("synapse", "neuron", "memory"):
        assert sum(layer.energy[unit] for layer in result.layers) == energy.by_unit[unit]


def test_time_parts_sum_to_the_total_exactly(result) -> None:
    timing = result.timing
    assert sum(bound.time_ps for bound in timing.bounds) == timing.total_ps > 0
    assert sum(bound.steps for bound in timing.bounds) == timing.chip_steps
    assert all(bound.time_ps >= 0 for bound in timing.bounds)
    assert timing.latency_min_ps * 3 <= timing.latency_total_ps <= timing.latency_max_ps * 3
    assert timing.busiest_core_ps <= timing.total_ps


def test_routing_and_compute_sum_to_the_total_exactly(result) -> None:
    routed = small_result(small_chip(ROUTER))
    for found in (result, routed):
        routing, timing = found.routing, found.timing
        assert [part.part for part in routing.parts] == ["compute", "routing", "barrier or tick"]
        assert sum(part.time_ps for part in routing.parts) == timing.total_ps
        assert sum(part.steps for part in routing.parts) == timing.chip_steps
        assert routing.packets == found.traffic.packets_received
        assert 0 < routing.packet_p50_ps <= routing.packet_p99_ps <= routing.packet_max_ps
        flits = np.array(routing.link_flits)
        assert (flits.max(), flits.sum()) == (found.traffic.busiest_link_flits, found.traffic.hops)
        assert routing.links[0].flits == found.traffic.busiest_link_flits
    assert result.run.fidelity == result.routing.fidelity == "bound" and result.routing.link_stalls is None
    assert routed.run.fidelity == routed.routing.fidelity == "cycle" and routed.routing.link_stalls is not None
    assert result.routing.links[0].utilisation is None and 0 < routed.routing.links[0].utilisation < 1


def test_the_router_is_a_value_in_use_where_packets_wait(result) -> None:
    values = {value.path: value for value in small_result(small_chip(ROUTER)).values}
    assert (values["noc.router"].value, values["noc.router"].kind) == ("lean", "measured")
    assert "noc.clock_ns" in values
    assert not any(value.path.startswith("noc.router") for value in result.values)


def test_what_is_not_modelled_depends_on_the_fidelity(result) -> None:
    assert "so routing time is a lower bound" in result.not_modelled[0]
    assert "queues in which cores keep packets" in small_result(small_chip(ROUTER)).not_modelled[0]


def test_reservation_where_it_does_not_hold_is_a_warning() -> None:
    program, _, execution = small_run(small_chip(ROUTER))
    event = neurocomp.simulate(program, execution.trace, "event")
    warnings = report(program, event, execution=execution).warnings
    assert event.doubtful_steps > 0
    assert any(f"not to hold for {event.doubtful_steps} of 14" in text for text in warnings)


def test_layers_sum_to_the_totals(result) -> None:
    traffic, layers = result.traffic, result.layers
    assert sum(layer.spikes for layer in layers if layer.role == "neurons") == traffic.spikes
    assert sum(layer.synaptic_events for layer in layers) == traffic.synaptic_events
    assert sum(layer.neuron_updates for layer in layers) == traffic.neuron_updates
    assert sum(layer.effective_macs for layer in layers) == result.neurobench.effective_macs
    assert sum(layer.dense_operations for layer in layers) == result.neurobench.dense_operations


def test_what_lies_where(result) -> None:
    assert [layer.name for layer in result.layers] == ["input", "conv", "output"]
    assert [layer.role for layer in result.layers] == ["input", "neurons", "neurons"]
    assert result.layers[0].cores == 0 and result.layers[1].cores >= 3  # 256 neurons, at most 100 in a core
    assert result.fit.neurons == 266
    assert result.fit.fullest.share == max(limit.share for limit in result.fit.limits) <= 1
    assert result.network.weights == 4 * 9 + 10 * 64
    assert result.network.footprint_bytes == 4 * result.network.weights
    assert result.mapped.footprint_bytes == result.network.weights  # eight bits each
    assert result.run.seed == 7 and result.run.encoding == "rate"


def test_latency_counts_the_depth_of_the_pipeline(result) -> None:
    assert result.timing.steps_per_inference == 4 + 2
    assert result.timing.chip_steps == 3 * 4 + 2


def test_accuracy_compares_with_labels_and_with_float(result) -> None:
    accuracy = result.accuracy
    assert accuracy.samples == 3
    network = small_network()
    floating = neurocomp.execute(network, small_inputs(3)).predictions
    assert accuracy.correct_in_float == int((floating == 0).sum())


def test_nothing_to_compare_with() -> None:
    program, simulation, execution = small_run(small_chip())
    assert report(program, simulation, execution=execution).accuracy is None


def test_ties_of_all_outputs_are_said_beside_the_accuracy(result) -> None:
    assert "all outputs are equal" not in result.to_text()
    silent = replace(result, accuracy=replace(result.accuracy, tied=3))
    assert "all outputs are equal in every sample: accuracy and agreement mean nothing" in silent.to_text()
    some = replace(result, accuracy=replace(result.accuracy, tied=1))
    assert "in 1 of 3 samples all outputs are equal; the first class is taken there" in some.to_text()
    output = np.zeros((2, 3, 4), np.float32)
    output[0, 1, 2] = 1
    _, _, execution = small_run(small_chip())
    assert replace(execution, output=output).ties == 1
    assert replace(execution, output=None).ties == replace(execution, output=output[..., :1]).ties == 0


def test_weights_that_rounding_took_are_a_warning_above_the_figures() -> None:
    program, simulation, execution = small_run(small_chip())
    last = program.network.projections[-1]
    gone = replace(last, op=replace(last.op, weight=np.zeros_like(last.op.weight)))
    network = replace(program.network, projections=(*program.network.projections[:-1], gone))
    lost = report(replace(program, network=network), simulation, execution=execution, network=small_network())
    sentence = f"weights of {last.name} are zero on the chip"
    assert any(sentence in warning for warning in lost.warnings)
    assert any(sentence in mismatch for mismatch in lost.mismatches)
    assert sentence in lost.to_text().partition("Per inference")[0].replace("\n ", "")
    kept = report(program, simulation, execution=execution, network=small_network())
    assert not any("weights of" in sentence for sentence in (*kept.warnings, *kept.mismatches))


# --- origins --------------------------------------------------------------------------------------------


def test_unknown_costs_make_a_lower_bound(result) -> None:
    assert result.energy.unknown == ("barrier", "hop_north_south")
    assert result.energy.is_lower_bound
    assert "energy is a lower bound" in result.warnings[0]
    assert ">=" in result.to_text()
    assert not any(value.path == "noc.hop_north_south.energy_pj" for value in result.values)


def test_known_costs_make_none() -> None:
    barrier = ("  floor_ns: 1500", "  floor_ns: 1500\n  barrier_energy_pj: 9")
    result = small_result(small_chip(KNOWN, barrier))
    assert not result.energy.is_lower_bound
    assert result.energy.chip_wide_aj == 9_000_000 * result.timing.chip_steps
    assert ">=" not in result.to_text()


def test_values_in_use_carry_their_origin(result) -> None:
    values = {value.path: value for value in result.values}
    assert values["engines.fp.synaptic_operation.conv.energy_pj"].kind == "derived"
    assert values["engines.fp.synaptic_operation.conv.energy_pj"].source_key == "paper"
    assert values["core.neurons_max"].note == "counted"
    assert values["core.weight_bits"].value == "4 8"
    assert "engines.fp.synaptic_operation.sparse.energy_pj" not in values  # no sparse projection here


def test_a_floor_that_never_binds_is_not_in_use() -> None:
    low = {v.path for v in small_result(small_chip(("floor_ns: 1500", "floor_ns: 1"))).values}
    high = {v.path for v in small_result(small_chip(("floor_ns: 1500", "floor_ns: 1000000"))).values}
    assert "step.floor_ns" not in low and "step.barrier_ns.4" in low
    assert "step.floor_ns" in high and "step.barrier_ns.4" not in high


def test_everything_silent_is_said() -> None:
    program, _, _ = small_run(small_chip())
    quiet = neurocomp.execute(program.network, np.zeros((1, 2, 1, 8, 8), np.float32))
    result = neurocomp.report(program, neurocomp.simulate(program, quiet.trace), execution=quiet)
    assert result.warnings[-2].startswith("no neuron of conv, output ever spikes on these inputs; ")
    assert result.warnings[-1] == "all inputs are zero"
    assert result.traffic.synaptic_events == 0 and "per event" not in result.to_text()


# --- determinism ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 3])
def test_same_bytes_for_any_number_of_threads(result, threads: int) -> None:
    other = small_result(threads=threads)
    assert other.to_json() == result.to_json()
    assert other.to_text() == result.to_text()


def test_digest_is_of_the_function_not_of_the_name() -> None:
    network = small_network()
    assert network_digest(network) == network_digest(replace(network, name="other", origin="elsewhere"))
    projections = network.projections
    weight = projections[2].op.weight.copy()
    weight[0, 0] += 1
    changed = replace(projections[2], op=replace(projections[2].op, weight=weight))
    assert network_digest(network) != network_digest(replace(network, projections=(*projections[:2], changed)))


# --- forms ----------------------------------------------------------------------------------------------


def test_text_is_as_the_golden_file_says() -> None:
    assert made_up().to_text() == (GOLDEN / "report.txt").read_text(encoding="utf-8"), "see tests/reports.py"


def test_json_is_as_the_golden_file_says() -> None:
    assert made_up().to_json() == (GOLDEN / "result.json").read_text(encoding="utf-8"), "see tests/reports.py"


def test_json_is_stable_and_exact(result) -> None:
    tree = json.loads(result.to_json())
    assert tree["schema"] == "neurocomp/result/1"
    assert list(tree)[:3] == ["schema", "neurocomp_version", "fits"]
    total = tree["energy"]["run_total"]
    assert sum(total["by_unit_aj"].values()) == total["energy_aj"] == result.energy.total_aj
    assert tree["per_inference"]["energy_pj"] == pytest.approx(total["energy_aj"] / 3e6)
    assert sum(tree["energy"]["per_inference_pj"].values()) == pytest.approx(tree["per_inference"]["energy_pj"])


@pytest.mark.parametrize("form", ["to_text", "to_json", "_repr_html_"])
def test_names_from_files_do_no_harm(form: str) -> None:
    text = getattr(made_up(), form)()
    assert not any(c in text for c in "\x1b\r\u202e")
    assert HOSTILE not in text


def test_html_is_escaped() -> None:
    made = made_up()
    layers = (replace(made.layers[0], name="<script>alert(1)</script>"), *made.layers[1:])
    html = replace(made, layers=layers, network=replace(made.network, name="<b>"))._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "&lt;b&gt;" in html


def test_text_keeps_to_its_width() -> None:
    for line in made_up().to_text().splitlines():
        assert len(line) <= 112, line


def test_repr_tells_the_answer(result) -> None:
    assert repr(result).startswith("Result('small' on tiny: ")
    assert units.energy(result.energy.total_aj / 3).endswith("J")


# --- misuse ---------------------------------------------------------------------------------------------


def test_runs_that_do_not_belong_together() -> None:
    program, simulation, execution = small_run(small_chip())
    other = neurocomp.execute(program.network, small_inputs(2))
    with pytest.raises(InputError, match="execution: is a run of 2 samples x 4 steps; the simulation has 3 x 4"):
        report(program, simulation, execution=other)
    with pytest.raises(InputError, match="float_execution: is a run of 2"):
        report(program, simulation, execution=execution, float_execution=other)
    with pytest.raises(InputError, match=r"labels: have shape \(2,\); one for each of 3 samples"):
        report(program, simulation, execution=execution, labels=np.zeros(2))


def test_a_link_of_unknown_speed_is_an_assumption(result) -> None:
    assert any("how long a flit occupies a link is unknown" in text for text in result.assumptions)
    known = small_result(parse_chip(tiny(("value: 1024", "value: 100"), ("link_flit_ns: null", "link_flit_ns: 1"))))
    assert not any("flit occupies" in text for text in known.assumptions)
