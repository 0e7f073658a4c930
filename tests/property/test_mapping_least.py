"""Counts that refuse a network before it is looked at are never more than what the layers take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurocomp.chip.catalog import load_chip, profile_names
from neurocomp.errors import DoesNotFitError, InputError, ResourceLimitError
from neurocomp.mapping.compile import lower
from neurocomp.mapping.explain import least, refusals
from neurocomp.mapping.explain.bounds import demand_of_one
from neurocomp.mapping.explain.least import counts_by_layer, hungriest, largest_tied
from neurocomp.mapping.map import map_network, plan_mapping
from neurocomp.mapping.problem import Problem, problem_of, stored_weight_bits
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.limits import SYNAPSE_BITS
from neurocomp.network import Network
from tests.random_nets import networks
from tests.small_chips import make_chip
from tests.tiny_problems import least_cost, tiny
from tests.unrolled import unrolled_paths

CHIPS = [name for name in profile_names() if load_chip(name).core.layer_cores is None]


def bits(problem: Problem, direct: bool = False) -> dict[str, int]:
    core = problem.chip.core
    counts = counts_by_layer(problem, core.kernel_sharing, direct)
    return {n: int(c.demand(problem.weight_bits, core.synapse_index_bits)[SYNAPSE_BITS]) for n, c in counts.items()}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), sharing=st.booleans())
def test_counts_and_single_neurons_are_lower_bounds(network: Network, sharing: bool) -> None:
    problem = problem_of(network, make_chip(kernel_sharing=sharing))
    layers, taken = layers_of(problem), bits(problem)
    sources: dict[str, np.ndarray] = {}
    for (_, target, _), table in unrolled_paths(network).items():
        sources[target] = sources.get(target, 0) + table.sum(axis=1)
    for name, layer in layers.items():
        assert taken[name] <= layer.stored.all_bits(layer.shape)
        one = hungriest(problem, name)
        assert one.synapses <= np.max(sources.get(name, np.zeros(1)))
        assert one.synapses <= int(layer.fan_in.max())
        most = math.prod(layer.shape) and int(np.broadcast_to(layer.stored.per_element, layer.shape).max())
        whole = most + int(layer.stored.per_channel.max()) + layer.stored.constant
        assert one.demand[SYNAPSE_BITS] <= whole
        assert (demand_of_one(problem, layer)[SYNAPSE_BITS]) <= whole or layer.operand_bits


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks(), name=st.sampled_from(CHIPS))
def test_lowering_takes_nothing_from_what_is_counted_before_it(network: Network, name: str) -> None:
    chip = load_chip(name)
    try:
        lowered = problem_of(lower(network, chip), chip)
    except InputError:
        return
    raw = Problem(network, chip, weight_bits=stored_weight_bits(network, chip))
    layers = layers_of(lowered)
    assert set(raw.tiled) <= set(layers)
    for layer, amount in bits(raw, direct=True).items():
        one = hungriest(raw, layer)
        one = one if chip.core.kernel_sharing else one.merged(raw.weight_bits)
        assert one.synapses <= int(layers[layer].fan_in.max())
        assert one.demand[SYNAPSE_BITS] <= layers[layer].stored.all_bits(layers[layer].shape)
        assert raw.population(layer).size <= math.prod(layers[layer].shape)
        assert amount <= layers[layer].stored.all_bits(layers[layer].shape)


@pytest.mark.parametrize("seed", range(60))
def test_tiny_networks_taken_for_long_ones_are_refused_rightly(seed, monkeypatch) -> None:
    monkeypatch.setattr(least, "_SYNAPSES", -1)
    problem = tiny(seed)
    try:
        plan_mapping(problem.network, problem.chip, problem.pinned, problem.dead, problem.grid)
    except DoesNotFitError as error:
        assert least_cost(problem) is None, error


def test_long_networks_are_refused_by_all_that_counts_prove(monkeypatch) -> None:
    from tests.mapping_problems import random_graph

    memory = [{"name": "weights", "size_kib": 0.03125, "holds": ["synapses"]}]
    chip = make_chip(2, 2, neurons_max=10, fan_in_max=25, memories=memory)
    monkeypatch.setattr(least, "_SYNAPSES", 100)
    monkeypatch.setattr("neurocomp.mapping.map.layers_of", None)  # must not get that far
    with pytest.raises(DoesNotFitError) as caught:
        map_network(random_graph(60, 30), chip)
    many, single, total = caught.value.diagnostics
    assert many.where == single.where == "graph"
    assert many.what.endswith("test-chip allows 25") and single.what.startswith("a single neuron needs ")
    assert single.why.startswith("no mapping exists") and total.why.startswith("no mapping exists")
    assert total.what == "needs at least 113 cores; 4 are available"
    assert "60 neurons in total, the 4 cores have 40" in total.why
    assert "29 such chips" in total.hint and "or more" in total.hint and "28 times smaller" in total.hint


def test_more_neurons_than_are_mapped_at_once_stay_a_limit_of_resources(monkeypatch) -> None:
    from tests.mapping_problems import mlp

    monkeypatch.setattr(refusals, "_MOST_NEURONS", 100)
    with pytest.raises(ResourceLimitError):
        refusals.refuse_unlowered(mlp(4, 200), make_chip(), (), (1, 1))


@pytest.mark.parametrize("seed", range(5))
def test_targets_that_share_sources_hang_together(seed) -> None:
    from tests.mapping_problems import random_graph

    table = random_graph(80, 2, seed).projections[0].op
    groups = [{t} for t in range(80)]
    for a, b in zip(table.indices[::2], table.indices[1::2], strict=True):
        joined = next(g for g in groups if a in g) | next(g for g in groups if b in g)
        groups = [g for g in groups if not g & joined] + [joined]
    assert largest_tied(table) == max(map(len, groups))


def test_a_long_table_whose_targets_have_to_share_a_core_is_refused_before_it_is_turned(monkeypatch) -> None:
    from tests.mapping_problems import random_graph

    monkeypatch.setattr(least, "_SYNAPSES", 100)
    monkeypatch.setattr("neurocomp.mapping.map.layers_of", None)
    with pytest.raises(DoesNotFitError) as caught:
        map_network(random_graph(100, 4), make_chip(8, 8, neurons_max=20, fan_out_cores_max=1))
    (found,) = caught.value.diagnostics
    assert "truenorth" not in str(found.hint)
    assert found.what.startswith("at least ") and found.what.endswith("lie on one core; a core has 20")
    assert found.why.startswith("no mapping exists: on test-chip a neuron sends to 1 core")
