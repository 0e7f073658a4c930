"""What is done otherwise on large networks, on small ones that are taken for large."""

from __future__ import annotations

import numpy as np
import pytest

from neurocomp.errors import DoesNotFitError
from neurocomp.mapping import fewest_links
from neurocomp.mapping import map as mapper
from neurocomp.mapping import plan as plan_module
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.clustered import Clusters
from neurocomp.mapping.explain import refusals
from neurocomp.mapping.fewest_links import takes_more_links
from neurocomp.mapping.map import map_plan, plan_mapping
from neurocomp.mapping.place import place
from neurocomp.mapping.plan import PER_CORE
from neurocomp.mapping.profile import profile_of
from neurocomp.mapping.program import Program
from neurocomp.mapping.routing.figures import figures_of
from neurocomp.mapping.routing.route import route
from neurocomp.network import Network
from tests.mapping_problems import convnet, random_graph
from tests.small_chips import make_chip

TRAFFIC = Choices("traffic")


def mapped(network: Network, choices: Choices = TRAFFIC) -> Program:
    return map_plan(plan_mapping(network, make_chip(6, 6, neurons_max=24)), choices)


def cores_of(program: Program) -> list[tuple[int, bytes]]:
    return [(tile.core, repr((tile.population, tile.box)).encode() + np.asarray(tile.positions).tobytes())
            for tile in program.tiles]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 50, 10**6])
@pytest.mark.parametrize("seed", range(3))
def test_links_are_known_to_be_too_many_exactly_where_they_are(chunk, seed, monkeypatch) -> None:
    monkeypatch.setattr(fewest_links, "_CHUNK", chunk)
    plan = plan_mapping(random_graph(300, 5, seed), make_chip(6, 6, neurons_max=24))
    problem, profile = plan.problem, profile_of(plan.problem, None)
    built = Clusters(problem, plan.tiling, profile, TRAFFIC).built(PER_CORE)
    tiles = place(problem, plan.tiling).tiles
    hops = figures_of(problem, tiles, route(problem, tiles), profile).hops
    assert takes_more_links(problem, *built, tiles, hops - 1, whole=False)
    assert not takes_more_links(problem, *built, tiles, hops, whole=False)


def test_nothing_is_said_of_pieces_that_tiles_may_cut_or_of_packets_to_every_core() -> None:
    for network, multicast in ((convnet(), "tree"), (random_graph(300, 5), "unicast")):
        plan = plan_mapping(network, make_chip(8, 8, neurons_max=64, multicast=multicast))
        built = Clusters(plan.problem, plan.tiling, profile_of(plan.problem, None), TRAFFIC).built(PER_CORE)
        assert not takes_more_links(plan.problem, *built, place(plan.problem, plan.tiling).tiles, 0, whole=False)


@pytest.mark.parametrize("seed", range(2))
def test_network_order_that_waits_for_something_better_loses_nothing(seed, monkeypatch) -> None:
    network = random_graph(300, 6, seed)
    monkeypatch.setattr(plan_module, "_LARGE_PINS", 100)
    large = mapped(network)
    monkeypatch.setattr(plan_module, "_HUGE", 100)
    huge, again, fast = mapped(network), mapped(network), mapped(network, Choices("traffic", "fast"))
    assert cores_of(huge) == cores_of(again)
    assert [t.hops is None for t in huge.quality.trials if "network order" in t.name] == [True]
    assert [t.hops for t in fast.quality.trials if "network order" in t.name] == [fast.quality.hops]
    assert max(large.quality.hops, huge.quality.hops) < fast.quality.hops


def test_neurons_that_hear_too_much_are_named_before_a_large_network_is_cut(monkeypatch) -> None:
    chip = make_chip(6, 6, neurons_max=24, fan_in_max=4)
    with pytest.raises(DoesNotFitError) as usual:
        plan_mapping(convnet(), chip)
    monkeypatch.setattr(refusals, "_MANY", 1)
    monkeypatch.setattr(mapper, "tile", lambda *_: pytest.fail("it was cut"))
    with pytest.raises(DoesNotFitError) as early:
        plan_mapping(convnet(), chip)
    said = [d for d in early.value.diagnostics if "synapses" in d.what]
    assert said and said == list(early.value.diagnostics)
    assert set(said) <= set(usual.value.diagnostics)


def test_columns_of_large_networks_are_refined_and_placed_once(monkeypatch) -> None:
    monkeypatch.setattr(plan_module, "_LARGE", 10)
    program = mapped(convnet())
    routed = [trial.name for trial in program.quality.trials if trial.hops is not None]
    assert routed == ["columns by layers, refined, moved jointly"]
    energetic = [trial.name for trial in mapped(convnet(), Choices("energy")).quality.trials]
    assert "columns by layers, refined" in energetic
    assert not [name for name in energetic if "columns" in name and "default placement" in name]
    assert program.quality.hops <= mapped(convnet(), Choices("traffic", "fast")).quality.hops
