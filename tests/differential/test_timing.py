"""The compiled timing kernel gives, number for number, what the readable twin gives; the laws of a step hold."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.commands.small_network import small_inputs, small_network
from neurocomp.energy.table import tabulate
from neurocomp.errors import InputError, ResourceLimitError
from neurocomp.mapping.compile import compile_network
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.network import Network
from neurocomp.simulate.engines.event import machine_tables
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.reference import reference_steps
from neurocomp.simulate.simulation import StepSeries
from tests.random_networks import inputs_for, mappable_networks

CHIPS = st.sampled_from(["loihi", "loihi2", "generic"])


def program_for(network: Network, chip_name: str, seed: int) -> Program:
    """The network spread at random over six cores, so that packets cross and queue."""
    rng = np.random.default_rng(seed)
    cores = rng.choice(load_chip(chip_name).cores, 6, replace=False)
    tiled = [p for p in network.populations if p.neuron is not None]
    assignment = {p.name: cores[rng.integers(0, 6, p.shape)] for p in tiled}
    return map_network(network, load_chip(chip_name), assignment=assignment)


def columns(series: StepSeries) -> np.ndarray:
    """All of a series but the totals, side by side."""
    return np.stack([getattr(series, field.name) for field in fields(series)[1:]], axis=1)


@settings(max_examples=60, deadline=None)
@given(mappable_networks(), CHIPS, st.integers(0, 99))
def test_compiled_timing_equals_the_twin(network, chip_name, seed):
    program = program_for(network, chip_name, seed)
    trace = execute(network, inputs_for(network, 2, 3, seed)).trace
    series = simulate(program, trace, "bound").series
    expected = reference_steps(program, machine_tables(program), trace)
    np.testing.assert_array_equal(columns(series), expected)


@settings(max_examples=15, deadline=None)
@given(mappable_networks(), CHIPS, st.integers(0, 99))
def test_any_number_of_threads_gives_the_same_counts_and_times(network, chip_name, seed):
    program = program_for(network, chip_name, seed)
    trace = execute(network, inputs_for(network, 40, 4, seed)).trace
    alone = simulate(program, trace, "bound")
    for threads in (2, 5):
        other = simulate(program, trace, "bound", threads=threads)
        assert other.counters == alone.counters
        assert other.series.total_ps.tobytes() == alone.series.total_ps.tobytes()
        assert other.core_busy_ps.tobytes() == alone.core_busy_ps.tobytes()


@settings(max_examples=30, deadline=None)
@given(mappable_networks(), CHIPS, st.integers(0, 99))
def test_energy_parts_add_up_and_a_step_is_no_shorter_than_its_parts(network, chip_name, seed):
    program = program_for(network, chip_name, seed)
    simulation = simulate(program, execute(network, inputs_for(network, 2, 3, seed)).trace)
    table = tabulate(simulation, program.chip, program.cores_used)
    assert sum(table.by_unit().values()) == table.total_aj
    assert (
        sum(sum(units.values()) for units in table.by_layer().values()) + sum(table.static_aj.values())
        == table.total_aj
    )
    assert sum(table.by_core().values()) + sum(table.static_aj.values()) == table.total_aj
    series = simulation.series
    for part in (series.generate_ps, series.process_ps, series.link_ps):
        assert (series.total_ps >= part).all()
    assert (series.total_ps >= program.chip.step.least_ps).all()
    assert (simulation.latency_ps >= simulation.steps * program.chip.step.least_ps).all()


def test_the_trace_of_the_trained_network_is_not_taken_for_the_chips():
    network = small_network()
    program = compile_network(network, load_chip("generic"), calibration=small_inputs())
    with pytest.raises(InputError, match="comes from a network in other arithmetic"):
        simulate(program, execute(network, small_inputs()).trace)
    with pytest.raises(InputError, match="pass the trace of an execution"):
        simulate(program, execute(program.network, small_inputs()))


def test_times_beyond_64_bits_are_refused_not_wrapped():
    chip = load_chip("loihi")
    slow = chip.engines.fp.neuron_access.model_copy(update={"latency_ns": 1e12})  # a thousand times a profile's most
    engine = chip.engines.fp.model_copy(update={"neuron_access": slow})
    chip = chip.model_copy(update={"engines": chip.engines.model_copy(update={"fp": engine})})
    program = compile_network(small_network(), chip, calibration=small_inputs())
    many = np.repeat(small_inputs(), 60, axis=0)
    with pytest.raises(ResourceLimitError, match="64-bit picoseconds"):
        simulate(program, execute(program.network, many).trace, "bound")
