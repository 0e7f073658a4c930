"""Networks that mix time steps on a chip: the host stands between two runs, and what is behind it is later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.activity.reference import execute_reference
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.compile import compile_network, lower
from neurocomp.mapping.map import make_problem, map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations.levels import timing_mismatches
from neurocomp.network import Linear, Network, Neuron, OneToOne, OverTime, Population, Projection
from neurocomp.network.steady import mixtures_to_delays, steady_taps
from neurocomp.network.time_ops import look_ahead
from neurocomp.report.build import report
from neurocomp.report.html import to_html
from neurocomp.report.page.inference import to_page
from neurocomp.simulate.host import host_work
from neurocomp.simulate.inference import simulate
from tests.small_chips import make_chip

STEPS = 4


def network(op: OverTime, *more: Projection) -> Network:
    """in -> a -> (other steps) -> b; two neurons each."""
    weight = np.array([[0.5, 0.25], [-0.5, 1.0]], np.float32)
    return Network(
        (
            Population("in", (2,)), Population("a", (2,), Neuron(threshold=1.0)), Population("later", (2,)),
            Population("b", (2,), Neuron(v_decay=0.5, threshold=0.5)),
        ),
        (
            Projection("in-a", "in", "a", OneToOne()), Projection("time", "a", "later", op),
            Projection("later-b", "later", "b", Linear(weight)), *more,
        ),
        ("in",), "b",
    )  # fmt: skip


def inputs(samples: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (samples, STEPS, 2)).astype(np.float32)


def full() -> OverTime:
    return OverTime(np.random.default_rng(1).normal(size=(STEPS, STEPS)), np.zeros(STEPS))


def compiled(net: Network, **numeric: object) -> Program:
    chip = make_chip(numeric=numeric)
    return compile_network(net, chip, calibration=inputs(), effort="fast")


def lowered_with_ranges(net: Network, **numeric: object) -> Network:
    return lower(net, make_chip(numeric=numeric), inputs(), ranges={"later": 4.0})


@pytest.mark.parametrize(("delivery", "hop"), [("next_step", 1), ("same_step", 0)])
@pytest.mark.parametrize("ahead", [1, 2, STEPS - 1])
def test_what_lies_behind_is_later_by_the_steps_that_are_waited_for(delivery: str, hop: int, ahead: int) -> None:
    program = compiled(network(look_ahead(STEPS, ahead)), delivery=delivery)
    later = hop + ahead + 1
    assert program.offsets == {"in": 0, "a": hop, "later": later, "b": later + hop}
    assert program.mismatches == ()
    (sentence,) = [s for s in program.assumptions if s.startswith("later needs")]
    assert f"needs a up to {ahead} step" in sentence and f"{ahead + 1} steps later; latency" in sentence


@pytest.mark.parametrize(("delivery", "hop"), [("next_step", 1), ("same_step", 0)])
def test_latency_in_closed_form(delivery: str, hop: int) -> None:
    """A chip whose steps all take a microsecond: T steps, and the level of the output behind them."""
    chip = make_chip(numeric={"delivery": delivery})
    chip = chip.model_copy(update={"step": chip.step.model_copy(update={"floor_ns": 1000.0})})
    program = compile_network(network(look_ahead(STEPS, STEPS - 1)), chip, calibration=inputs(), effort="fast")
    run = execute(program.network, inputs())
    found = simulate(program, run.trace)
    depth = hop + STEPS + hop
    assert set(found.latency_ps.tolist()) == {(STEPS + depth) * 10**6}
    assert found.chip_steps == 3 * STEPS + depth and found.total_ps == found.chip_steps * 10**6
    a, later = (run.trace.populations[name].spike_count for name in ("a", "later"))
    assert found.counters.total("packet_to_host") == a
    assert found.counters.total("host_operation") == 3 * STEPS * 2 == run.host_operations["later"]
    assert 0 < later == run.trace.dense("a")[:, -1:].sum()


def test_a_mixture_of_all_steps_is_counted_on_the_host_and_named() -> None:
    net = lowered_with_ranges(network(full()))
    assert net.stations == ("later",) and net.by_name["later"].neuron is None

    program = map_network(net, make_chip(), effort="fast")
    run, twin = execute(program.network, inputs()), execute_reference(program.network, inputs())
    assert run.trace.digest == twin.trace.digest and run.host_operations == twin.host_operations
    result = report(program, simulate(program, run.trace), execution=run)
    (host,) = result.signals.host
    assert (host.name, host.function, host.waits) == ("later", f"{STEPS} steps mixed", STEPS)
    assert (host.operations, host.multiplications) == (3 * STEPS * 2, 3 * 2 * STEPS * STEPS)
    assert host.values_out == run.trace.populations["a"].spike_count
    assert host.values_in == run.trace.populations["later"].spike_count
    assert f"{STEPS} steps mixed" in result.to_text() and "4 steps mixed" in result.to_page()


def test_a_way_around_the_border_waits_or_the_report_says_that_it_cannot() -> None:
    around = Projection("around", "a", "b", OneToOne())
    net = network(look_ahead(STEPS, STEPS - 1), around)
    assert compiled(net, delay_max=STEPS).mismatches == ()
    (sentence,) = compiled(net, delay_max=STEPS - 1).mismatches
    assert "a -> b" in sentence and f"must wait {STEPS} steps" in sentence
    lowered = lower(net, make_chip(), inputs())
    problem = make_problem(lowered, make_chip(), {}, ())
    assert timing_mismatches(problem, {"in": 0, "a": 1, "later": 5, "b": 6}) == []


def test_spikes_may_cross_where_values_may_not() -> None:
    """A look ahead only moves spikes; a mixture gives real values, which no spike without payload carries."""
    plain = {"graded_spikes": False, "spike_bits": 1, "input_bits": 1}
    assert compiled(network(look_ahead(STEPS, 1)), **plain).offsets["later"] == 3

    with pytest.raises(DoesNotFitError) as caught:
        map_network(lowered_with_ranges(network(full())), make_chip(numeric=plain))
    text = str(caught.value)
    assert "later: does not fit: sends real values (12 bits), test-chip carries spikes without a value" in text
    assert "later is computed by the host, whose values have to enter the chip" in text
    assert "train with sliding PSNs" in text


@pytest.mark.parametrize("bits", [6, 8, 11])
def test_what_the_host_gives_is_as_wide_as_a_packet(bits: int) -> None:
    """12 bits, or those of the chip's packets: then it passes a register, as the run, its twin and the report know."""
    net = network(full())
    program = compiled(net, graded_spikes=True, spike_bits=bits)
    held = program.network.by_name["later"].held
    assert held is not None and held.bits == bits
    found = execute(program.network, inputs(), record=["later"])
    twin = execute_reference(program.network, inputs(), record=["later"])
    sent = found.trace.dense("later")
    assert np.abs(sent).max() <= held.limit and np.abs(sent).max() > held.limit // 4
    np.testing.assert_array_equal(sent, twin.trace.dense("later"))
    assert found.saturations == twin.saturations
    exact = execute(net, inputs(), record=["later"]).trace.dense("later")
    np.testing.assert_allclose(sent * held.unit, exact, atol=held.unit)
    assert compiled(net, graded_spikes=True, spike_bits=12).network.by_name["later"].held is None


def steady(steps: int, taps: list[float], offset: float = 0.0) -> OverTime:
    weight = sum(tap * np.eye(steps, k=-k) for k, tap in enumerate(taps))
    return OverTime(weight, np.full(steps, offset))


def test_what_is_the_same_at_every_step_and_looks_back_is_delays() -> None:
    """As a sliding PSN has it: no host, no waiting, the same sums."""
    for op in (steady(STEPS, [0.5, 0.0, 0.25], 0.125), look_ahead(STEPS, -2)):
        net = network(op)
        delayed = mixtures_to_delays(net, 2)
        assert sorted(p.delay for p in delayed.incoming["later"]) == ([0, 2] if op.offset.any() else [2])
        ours, given = (execute(n, inputs(), record=["later"]).trace for n in (delayed, net))
        np.testing.assert_array_equal(ours.dense("later"), given.dense("later"))
        np.testing.assert_array_equal(ours.dense("b"), given.dense("b"))
        program = compiled(net)
        assert program.offsets["b"] <= 2 and "later" not in program.network.stations and program.mismatches == ()
        assert mixtures_to_delays(net, 1).projections == net.projections


def test_what_differs_from_step_to_step_or_looks_ahead_is_no_delay() -> None:
    uneven = OverTime(np.tril(np.arange(1.0, 17.0).reshape(4, 4)), np.zeros(4))
    assert steady_taps(uneven) is None and steady_taps(look_ahead(4, 1)) is None
    assert steady_taps(OverTime(np.eye(4), np.arange(4.0))) is None
    np.testing.assert_array_equal(steady_taps(steady(4, [1.0, 2.0])), [1.0, 2.0, 0.0, 0.0])


def test_inputs_at_other_steps_come_from_the_host_as_inputs_do() -> None:
    """Nothing leaves the chip for them, and values that the chip takes as inputs it takes later as well."""
    net = network(look_ahead(STEPS, 1))
    moved = tuple(
        replace(p, source="in", op=look_ahead(STEPS, 1)) if p.name == "time" else p for p in net.projections
    )  # fmt: skip
    net = replace(net, projections=moved, output="b")
    given = np.random.default_rng(2).normal(size=(2, STEPS, 2)).astype(np.float32)
    chip = make_chip(numeric={"graded_spikes": False, "spike_bits": 1})
    program = compile_network(net, chip, calibration=given, effort="fast")
    assert program.offsets == {"in": 0, "a": 1, "later": 2, "b": 3}
    assert [m for m in program.mismatches if "later" in m] != []  # as for any input of values on this chip
    run = execute(program.network, given)
    work = host_work(program, run.trace)
    assert work.arriving == {"later": 0} and not work.sent.any()
    simulate(program, run.trace)


def test_a_report_says_that_the_hosts_energy_and_time_are_unknown() -> None:
    program = compiled(network(full()), graded_spikes=True, spike_bits=8)
    run = execute(program.network, inputs())
    result = report(program, simulate(program, run.trace), execution=run)
    assert "host" in result.energy.unknown_units and result.energy.by_unit["host"] == 0
    assert any("the time that the host takes for what it computes is not known" in text for text in result.warnings)
    lines = [line.split() for line in result.to_text().splitlines()]
    assert ["host", "unknown", "and", "not", "in", "the", "total"] in lines
    assert next(line for line in lines if line[:1] == ["latency"])[1] == ">="
    assert next(line for line in lines if line[:1] == ["throughput"])[1] == "<="
    assert "<td>latency</td><td>&gt;= " in to_html(result)
    assert "time, which is not known" in to_page(result) and "≥ " in to_page(result).partition("Latency")[2][:200]
