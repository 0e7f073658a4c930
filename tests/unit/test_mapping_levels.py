"""Pipeline levels, and the sentences about what the chip cannot do as trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.mapping.explain.mismatch import capability_mismatches
from neurocomp.mapping.map import make_problem, map_network
from neurocomp.mapping.stations.levels import levels, timing_mismatches
from neurocomp.network import Float32, Integer, Linear, Network, Neuron, OneToOne, Sample
from tests.mapping_problems import chain, convnet, mlp, ones, with_projection
from tests.small_chips import make_chip


def problem_of(network: Network, **numeric):
    return make_problem(network, make_chip(numeric=numeric), {}, ())


def test_each_hop_between_placed_populations_adds_a_level_and_relays_add_none() -> None:
    assert levels(problem_of(convnet())) == {"in": 0, "p0": 1, "p2": 2, "p3": 3}


def test_the_longest_path_counts() -> None:
    network = with_projection(mlp(3, 4, 4, 4), "p0", "p2", OneToOne())
    assert levels(problem_of(network)) == {"in": 0, "p0": 1, "p1": 2, "p2": 3}
    assert timing_mismatches(problem_of(network), levels(problem_of(network))) == []


def test_a_delay_on_the_way_forward_hides_the_chips_own() -> None:
    network = mlp(3, 4, 4, 4)
    delayed = tuple(replace(p, delay={"p1": 1, "p2": 3}.get(p.target, 0)) for p in network.projections)
    problem = problem_of(replace(network, projections=delayed))
    assert levels(problem) == {"in": 0, "p0": 1, "p1": 1, "p2": 0}
    assert timing_mismatches(problem, levels(problem)) == []


def test_delivery_within_the_step_needs_no_levels() -> None:
    problem = problem_of(mlp(3, 4, 4), delivery="same_step")
    assert set(levels(problem).values()) == {0}
    assert timing_mismatches(problem, levels(problem)) == []


def test_feedback_over_several_layers_arrives_late() -> None:
    network = with_projection(mlp(3, 4, 4, 4), "p2", "p0", Linear(ones(4, 4)), delay=1)
    (sentence,) = map_network(network, make_chip(), effort="fast").mismatches
    assert sentence.startswith("spikes on p2 -> p0 (projection p2>p0) arrive 2 steps later than in the trained network")
    within_a_layer = with_projection(mlp(3, 4, 4), "p1", "p1", Linear(ones(4, 4)), delay=1)
    assert map_network(within_a_layer, make_chip(), effort="fast").mismatches == ()
    patient = with_projection(mlp(3, 4, 4, 4), "p2", "p0", Linear(ones(4, 4)), delay=3)
    assert map_network(patient, make_chip(), effort="fast").mismatches == ()


def test_a_shortcut_longer_than_the_chip_can_delay_is_told() -> None:
    network = with_projection(mlp(3, 4, 4, 4), "p0", "p2", OneToOne())
    (sentence,) = map_network(network, make_chip(numeric={"delay_max": 0}), effort="fast").mismatches
    assert "p0 -> p2" in sentence and "must wait 1 steps" in sentence and "at most 0" in sentence


def with_neuron(network: Network, neuron: Neuron) -> Network:
    populations = tuple(replace(p, neuron=neuron) if p.neuron is not None else p for p in network.populations)
    return replace(network, populations=populations)


def binary(network: Network) -> Network:
    return network.with_sample(Sample(np.zeros((1, 3), np.bool_), 4))


PLAIN = {"graded_spikes": False, "spike_bits": 1}


@pytest.mark.parametrize(
    ("network", "numeric", "expected"),
    [
        (binary(mlp(3, 4)), {}, None),
        (binary(mlp(3, 4)), PLAIN, None),
        (mlp(3, 4), PLAIN, "has spikes that carry no value, but in (real) sends values"),
        (mlp(3, 4), {"spike_bits": 8}, "has spikes of 8 bits, but in sends 16-bit values"),
        (with_neuron(binary(mlp(3, 4, 4)), Neuron(output="count", reset="subtract", max_count=7)), PLAIN,
         "carry no value, but p0 (int<3>) sends values"),
        (binary(with_neuron(mlp(3, 4), Neuron(reset="zero"))), {"resets": ["subtract"]},
         "resets by subtract, but p0 has reset 'zero'"),
        (binary(with_neuron(mlp(3, 4, 4), Neuron(reset="none"))), {},
         "resets by zero or subtract, but p0, p1 have reset 'none'"),
        (binary(with_neuron(mlp(3, 4), Neuron(reset="none", output="membrane"))), {}, None),
        (binary(with_neuron(mlp(3, 4), Neuron(i_decay=0.0))), {"synaptic_current": False},
         "has no synaptic current, which p0 has"),
        (replace(binary(mlp(3, 4)), arithmetic=Float32()), {}, "the network is still in float32"),
        (replace(binary(mlp(3, 4)), arithmetic=Float32()), {"arithmetic": "float32"}, None),
        (replace(binary(mlp(3, 4)), arithmetic=Integer(state_bits=32)), {},
         "states of 24 bits, the network asks for 32"),
        (replace(binary(mlp(3, 4)), arithmetic=Integer(decay_bits=13)), {},
         "decays of 12 bits, the network asks for 13"),
        (replace(binary(mlp(3, 4)), arithmetic=Integer(weight_bits=16)), {},
         "weights of at most 8 bits, the network has 16"),
    ],
)  # fmt: skip
def test_what_the_chip_cannot_do_is_said(network, numeric, expected) -> None:
    found = capability_mismatches(problem_of(network, **numeric))
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("test-chip: ")
        assert expected in found[0]


def test_a_crossbar_holds_few_different_weights() -> None:
    weight = np.arange(-2, 4, dtype=np.int8).reshape(2, 3)
    network = binary(chain((3,), Linear(weight)))
    crossbar = {"axons": 256, "neurons": 256, "axon_types": 4}
    chip = make_chip(neurons_max=256, fan_in_axons_max=256, weight_bits=[1], crossbar=crossbar)
    (sentence,) = capability_mismatches(make_problem(network, chip, {}, ()))
    assert "one weight for each of 4 axon types; a layer here has 5 different weights" in sentence


def test_long_lists_of_layers_are_shortened() -> None:
    network = binary(with_neuron(mlp(3, 4, 4, 4, 4, 4), Neuron(reset="none")))
    (sentence,) = capability_mismatches(problem_of(network))
    assert "p0, p1, p2 and 2 more have reset" in sentence


def test_assumptions_name_the_input_port_and_the_readout() -> None:
    program = map_network(convnet(), make_chip(noc={"input_port": [1, 2]}), effort="fast")
    assert any("router (1, 2)" in a for a in program.assumptions)
    assert any("readout p3 takes accumulators" in a for a in program.assumptions)
