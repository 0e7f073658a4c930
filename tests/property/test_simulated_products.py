"""Products of two signals as they are simulated, against counts one term at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from neurocomp.activity.reference import execute_reference
from neurocomp.chip.part import Cost
from neurocomp.energy.table import action_costs
from neurocomp.errors import CheckFailedError, DoesNotFitError
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.stations import is_hosted, product_home, with_stations
from neurocomp.network import Factor, Network
from neurocomp.report.build import report
from neurocomp.simulate.conserve import check_products
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.products import ProductWork, product_work
from tests.property.test_mapping import tile_labels
from tests.random_attention import attention_networks
from tests.small_chips import make_chip


def mapped(network: Network, delivery: str, neurons_max: int = 9) -> Program:
    chip = make_chip(8, 8, numeric={"delivery": delivery}, neurons_max=neurons_max)
    try:
        return map_network(with_stations(network, chip), chip, effort="fast")
    except DoesNotFitError:
        assume(False)
        raise


def inputs_of(network: Network) -> np.ndarray:
    shape = network.by_name[network.inputs[0]].shape
    return (np.random.default_rng(0).random((2, 3, *shape)) < 0.5).astype(np.float32)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=attention_networks(), delivery=st.sampled_from(["next_step", "same_step"]))
def test_tiles_form_the_terms_whose_operands_are_not_zero(network: Network, delivery: str) -> None:
    program = mapped(network, delivery)
    names = [p.source for p in program.network.projections if isinstance(p.op, Factor)]
    run = execute_reference(program.network, inputs_of(network), record=names)
    chip_steps = 6 + max(program.offsets.values())
    expected = np.zeros((chip_steps, len(program.tiles)), np.int64)
    late = delivery == "next_step"
    for population in program.network.populations:
        factors = {p.op.side: p for p in program.network.incoming[population.name] if isinstance(p.op, Factor)}
        if not factors:
            continue
        event("product")
        home = product_home(program.network, population.name)
        tile = tiles_by_element(program, population.name, home)
        for sample, step in itertools.product(range(2), range(3)):
            at = max(0, sample * 3 + step + program.offsets[home] - late)
            for element, count in enumerate(terms(run.trace, factors, sample, step)):
                expected[at, tile[element]] += count
    found = product_work(program, run.trace, chip_steps)
    assert np.array_equal(found.operations, expected.sum(axis=0))
    cores = [tile.core for tile in program.tiles]
    per_core = np.array([expected[:, [k for k, c in enumerate(cores) if c == core]].sum(axis=1)
                         for core in sorted(set(cores) - {-1})])  # fmt: skip
    assert np.array_equal(found.phase_ps, per_core.max(axis=0) * 1000)  # one nanosecond each


def tiles_by_element(program: Program, name: str, home: str) -> list[int]:
    """The tile that forms each element of a product, flat channel-first."""
    if name == home:
        return list(tile_labels(program, name))
    (step,) = program.network.outgoing[name]
    behind = tiles_by_element(program, step.target, home)
    index = getattr(step.op, "index", None)
    wires = range(len(behind)) if index is None else index
    found = {int(source): tile for source, tile in zip(wires, behind, strict=True)}
    return [found[k] for k in range(len(found))]


def terms(trace, factors, sample: int, step: int) -> list[int]:
    """Per element of a product: terms of which neither operand is zero."""
    op = factors["left"].op
    operand = {}
    for side, projection in factors.items():
        values = trace.dense(projection.source)
        at = step - projection.delay
        flat = values[sample, at] != 0 if at >= 0 else np.zeros(values.shape[2:], bool)
        operand[side] = flat.reshape(projection.op.source_form)
    return [
        sum(bool(operand["left"][b, m, k] and operand["right"][b, k, n]) for k in range(op.inner))
        for b, m, n in np.ndindex(op.batch, op.rows, op.columns)
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=attention_networks(), delivery=st.sampled_from(["next_step", "same_step"]))
def test_parts_of_the_report_sum(network: Network, delivery: str) -> None:
    program = mapped(network, delivery, 100)
    run = execute_reference(program.network, inputs_of(network))
    simulation = simulate(program, run.trace)
    result = report(program, simulation, execution=run)
    products = sum(run.product_operations.values())
    assert result.traffic.product_operations == products
    assert sum(layer.product_operations for layer in result.layers) == products
    assert sum(product.operations for product in result.signals.products) == products
    assert sum(layer.host_operations for layer in result.layers) == sum(run.host_operations.values())
    assert result.traffic.host_operations == sum(each.operations for each in result.signals.host)
    assert sum(result.energy.by_unit.values()) == result.energy.total_aj
    assert all(layer.integer_operations <= layer.effective_macs for layer in result.layers)
    hosted = [name for name in program.network.stations if is_hosted(program.network, name)]
    assert ("host_operation" in result.energy.unknown) == bool(hosted)
    values = sum(run.nonzero_counts[name].sum() for name in program.network.stations if name not in hosted)
    assert result.traffic.station_values == values


def test_terms_that_no_tile_forms_are_noticed() -> None:
    none = np.zeros(1, np.int64)
    with pytest.raises(CheckFailedError, match="product operations of all tiles and of the products' operands: 0"):
        check_products(ProductWork(none, none, none, {"attention": 3}))


def test_a_product_costs_what_the_profile_says_or_a_dense_synaptic_operation() -> None:
    chip = make_chip(2, 2)
    assert action_costs(chip)["product_operation"] == ("engines.fp.synaptic_operation.dense", 0)
    own = Cost(energy_pj=None, latency_ns=2.0)
    engine = chip.engines.fp.model_copy(update={"product_operation": own})
    priced = chip.model_copy(update={"engines": chip.engines.model_copy(update={"fp": engine})})
    assert action_costs(priced)["product_operation"] == ("engines.fp.product_operation", None)
    assert priced.engines.fp.product_cost.latency_ps == 2000
