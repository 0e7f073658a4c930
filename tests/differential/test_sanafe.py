"""Agreement with the closest peer, SANA-FE 2.2.9, on the DVS network that ships with it (1000 steps).

Only the package's data file is read. The peer's own figures are in ../shared/reference/sanafe.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.dvs_network import data_file, dvs_network, tutorial_assignment, without_axon_limits
from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.table import tabulate
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.map import map_network
from neurocomp.simulate.inference import simulate

FIRED = 365_277  # sanafe's tutorial 5, per 1000 steps


@pytest.fixture(scope="module")
def network():
    path = data_file()
    if path is None:
        pytest.skip("needs the data file of the sanafe package")
    return dvs_network(path)


@pytest.fixture(scope="module")
def run(network):
    """(execution, program, simulation) with every synapse at the cost the peer's network uses, the dense one."""
    chip = _all_synapses_dense(without_axon_limits(load_chip("loihi")))
    execution = execute(network, steps=1000)
    program = map_network(network, chip, assignment=tutorial_assignment(network))
    return execution, program, simulate(program, execution.trace)


def _all_synapses_dense(chip: ChipSpec) -> ChipSpec:
    operation = chip.engines.fp.synaptic_operation
    operation = operation.model_copy(update={"conv": operation.dense, "sparse": operation.dense})
    engine = chip.engines.fp.model_copy(update={"synaptic_operation": operation})
    return chip.model_copy(update={"engines": chip.engines.model_copy(update={"fp": engine})})


def test_as_many_neurons_fire_as_in_the_peers_tutorial(run):
    assert int(run[2].series.spikes.sum()) == FIRED


def test_every_step_fires_as_many_neurons(run, shared):
    with np.load(shared / "reference" / "sanafe" / "dvs_detailed_1000.npz") as peer:
        np.testing.assert_array_equal(run[2].series.spikes, peer["fired"])


def test_packets_hops_and_synaptic_events_are_the_peers(run, shared):
    counters = run[2].counters
    with np.load(shared / "reference" / "sanafe" / "dvs_detailed_1000.npz") as peer:
        events = counters.total("synaptic_operation.conv") + counters.total("synaptic_operation.dense")
        assert events == int(peer["spikes"].sum()) == 51_549_374
        assert counters.total("hop_east_west") + counters.total("hop_north_south") == int(peer["hops"].sum())
    assert counters.total("packet_out") == counters.total("packet_in") == 2_482_643


def test_energy_is_the_peers_where_definitions_agree(run, shared):
    """Routing and synapses to rounding. Neurons to 1e-4: the peer also counts an update where arriving weights
    cancel to exactly zero, we count one where membrane, input or bias is not zero."""
    _, program, simulation = run
    units = tabulate(simulation, program.chip, program.cores_used).by_unit()
    with np.load(shared / "reference" / "sanafe" / "dvs_detailed_1000.npz") as peer:
        assert units["routing"] / 1e18 == pytest.approx(peer["network_energy"].sum(), rel=1e-9)
        assert units["synapse"] / 1e18 == pytest.approx(peer["synapse_energy"].sum(), rel=1e-9)
        assert units["neuron"] / 1e18 == pytest.approx(peer["soma_energy"].sum(), rel=1e-4)


def test_time_lies_near_the_peers_congestion_model(run, shared):
    """Different models of waiting: within 2 % over all steps (measured: 0.8 %)."""
    with np.load(shared / "reference" / "sanafe" / "dvs_detailed_1000.npz") as peer:
        assert run[2].total_ps / 1e12 == pytest.approx(peer["sim_time"].sum(), rel=0.02)


def test_the_tutorials_mapping_would_not_fit_the_real_chip(network):
    with pytest.raises(DoesNotFitError, match="14,400 fan-out axons"):
        map_network(network, load_chip("loihi"), assignment=tutorial_assignment(network))
