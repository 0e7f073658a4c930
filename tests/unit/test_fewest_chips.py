"""How many chips ``--chips auto`` takes."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.errors import DoesNotFitError
from neurocomp.mapping import fewest_chips
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.map import map_network, map_plan, plan_mapping
from neurocomp.mapping.portfolio import Portfolio
from neurocomp.network import Integer, Network, Neuron, Population, Projection, Sparse
from tests.mapping_problems import mlp, random_graph
from tests.small_chips import make_chip


def side_by_side(*sizes: int) -> Network:
    """Populations that one input reaches."""
    tables = [Sparse(np.array([0, n]), np.arange(n), np.ones(n, np.int8), (n,)) for n in sizes]
    layers = [Population(f"p{i}", (n,), Neuron()) for i, n in enumerate(sizes)]
    steps = [Projection(f"w{i}", "in", f"p{i}", table) for i, table in enumerate(tables)]
    return Network((Population("in", (1,)), *layers), tuple(steps), ("in",), None, Integer(), "many")


@pytest.mark.parametrize("effort", ["fast", "default"])
def test_tiles_that_share_cores_take_no_chip_each(effort) -> None:
    program = map_network(mlp(4, 8, 8, 8, 8), make_chip(1, 1, neurons_max=16), chips="auto", effort=effort)
    assert program.chips == (2, 1)


def test_parts_are_sought_where_network_order_takes_more() -> None:
    network, chip = side_by_side(3, 3, 2, 2), make_chip(1, 1, neurons_max=5)
    assert map_network(network, chip, chips="auto", effort="fast").chips == (2, 1)


@pytest.mark.parametrize(("limit", "most"), [("_SOUGHT", 9), ("_CORES", 1), ("_TRIES", 0)])
def test_no_parts_are_sought_for_larger_networks(limit, most, monkeypatch) -> None:
    monkeypatch.setattr(fewest_chips, limit, most)
    network, chip = side_by_side(3, 3, 2, 2), make_chip(1, 1, neurons_max=5)
    assert map_network(network, chip, chips="auto", effort="fast").chips == (3, 1)


def test_where_the_search_fails_on_fewer_chips_those_of_the_tiles_remain(monkeypatch) -> None:
    network, chip = side_by_side(3, 3, 2, 2), make_chip(1, 1, neurons_max=5)
    plan = plan_mapping(network, chip, chips="auto")
    assert plan.problem.chips == (2, 1) and plan.roomier is not None and plan.roomier.chips == (3, 1)
    search = Portfolio.search
    monkeypatch.setattr(Portfolio, "search", lambda self: search(self) if self.problem.chips != (2, 1) else None)
    assert map_plan(plan, Choices(effort="fast")).chips == (3, 1)


def test_methods_that_take_long_are_left_out_where_there_are_many_pins(monkeypatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(fewest_chips, "partition", lambda *_, method, **__: tried.append(method))
    for most in (fewest_chips._PINS, 1):
        monkeypatch.setattr(fewest_chips, "_PINS", most)
        plan = plan_mapping(side_by_side(3, 3, 2, 2), make_chip(1, 1, neurons_max=5), chips="auto")
        assert plan.problem.chips == (3, 1) and plan.roomier is None
    assert tried == ["natural", "multilevel", "natural"]


def test_where_a_single_neuron_fits_no_core_that_is_said() -> None:
    with pytest.raises(DoesNotFitError, match="a single neuron needs 300 fan-in axons"):
        plan_mapping(mlp(300, 10, 8), make_chip(1, 1, neurons_max=10, fan_in_axons_max=256), chips="auto")


def test_where_there_are_no_tiles_parts_are_sought_too() -> None:
    network, chip = random_graph(60, 30), make_chip(1, 1, neurons_max=10, fan_out_axons_max=60)
    program = map_network(network, chip, chips="auto", effort="fast")
    assert program.cores_used <= np.prod(program.chips)


def test_cores_that_were_named_lie_on_the_grid() -> None:
    for core, chips in ((3, (1, 1)), (5, (2, 1)), (9, (3, 1))):
        pins = {"p0": np.full(8, core)}
        program = map_network(mlp(4, 8, 8), make_chip(2, 2), chips="auto", effort="fast", assignment=pins)
        assert program.chips == chips and core in program.usage.cores
