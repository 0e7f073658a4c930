"""Laws for the whole search: more effort is never worse, bounds hold, the same seed gives the same program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurocomp.activity.execute import execute
from neurocomp.errors import InputError
from neurocomp.mapping.choices import OBJECTIVES, Choices
from neurocomp.mapping.map import map_network
from neurocomp.mapping.program import Program
from neurocomp.mapping.quality import Quality
from neurocomp.simulate.inference import simulate
from tests.mapping_problems import chain, conv, convnet, mlp, random_graph, residual
from tests.small_chips import make_chip

NETWORKS = {n.name: n for n in (mlp(20, 30, 10), convnet(), residual(), random_graph(60, 5))}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def quality(program: Program) -> Quality:
    if program.quality is None:
        raise AssertionError("the mapper says how good its programs are")
    return program.quality


def measure(program: Program, objective: str) -> float:
    found = quality(program)
    return {
        "energy": found.energy_pj, "traffic": found.hops, "step-time": found.step_ns, "cores": found.cores,
    }[objective]  # fmt: skip


SMALL = (mlp(6, 8, 4), chain((1, 4, 4), conv(2, 1), conv(1, 2)), random_graph(20, 3))


@pytest.mark.parametrize(
    ("network", "objective"), [*((SMALL[0], o) for o in OBJECTIVES), (SMALL[1], "energy"), (SMALL[2], "traffic")]
)
def test_more_effort_is_never_worse(network, objective) -> None:
    chip = make_chip(3, 2, 2, neurons_max=5)
    brief = {"objective": objective, "time_budget_s": 0.01}
    found = [map_network(network, chip, effort=e, **brief) for e in ("fast", "default", "best")]
    values = [measure(program, objective) for program in found]
    assert values[0] >= values[1] >= values[2]
    tried = [[trial.name for trial in quality(program).trials] for program in found]
    assert tried[1][: len(tried[0])] == tried[0] and tried[2][: len(tried[1])] == tried[1]


def test_each_objective_is_best_at_what_it_asks_for() -> None:
    network, chip = mlp(20, 30, 10), make_chip(4, 4, 2, neurons_max=24)
    found = {o: map_network(network, chip, objective=o, time_budget_s=0.01) for o in OBJECTIVES}
    for objective in ("traffic", "cores"):
        assert measure(found[objective], objective) <= min(measure(p, objective) for p in found.values())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_network_of_one_tile_lies_at_its_inputs(objective) -> None:
    program = map_network(mlp(6, 1), make_chip(4, 3, noc={"input_port": [3, 2]}), objective=objective)
    assert quality(program).hops == 0


@networks
@pytest.mark.parametrize("multicast", ["tree", "unicast"])
def test_no_mapping_undercuts_the_bounds(network, multicast) -> None:
    chip = make_chip(8, 8, neurons_max=8, multicast=multicast)
    for objective in ("traffic", "cores"):
        found = quality(map_network(network, chip, objective=objective, effort="fast"))
        assert found.cores >= found.cores_bound > 1
        assert found.packets >= found.packets_bound >= (1 if network.inputs else 0)
        assert found.hops >= found.hops_bound
        assert found.hops_ratio is None or found.hops_ratio >= 1


@pytest.mark.parametrize("network", [residual(), random_graph(60, 5)], ids=lambda n: n.name)
def test_the_same_seed_gives_the_same_program_whatever_else_ran(network, tmp_path) -> None:
    chip = make_chip(6, 6, neurons_max=16)
    for name in ("a", "b"):
        map_network(network, chip, seed=3, time_budget_s=0.01).save(tmp_path / name)
        map_network(mlp(5, 5), chip)
    for file in ("program.json", "program.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_mean_step_of_a_simulation_is_not_below_the_bound() -> None:
    chip = make_chip(4, 4, 2, neurons_max=24, multicast="unicast")
    network = mlp(20, 30, 10)
    run = execute(network, np.ones((2, 5, 20), np.float32))
    program = map_network(network, chip, activity=run.trace)
    series = simulate(program, run.trace).series.total_ps
    steps = run.trace.samples * run.trace.steps
    assert quality(program).activity == "mean rates of a run of 2 samples x 5 steps"
    assert quality(program).step_ns * 1e3 * steps <= series.sum()
    assert quality(program).step_ns * 1e3 * steps > series.sum() / 3


def test_work_is_spread_where_steps_wait_for_cores() -> None:
    chip = make_chip(4, 4, neurons_max=200)
    packed = quality(map_network(mlp(50, 160, 40), chip, objective="cores"))
    quick = quality(map_network(mlp(50, 160, 40), chip, objective="step-time"))
    assert packed.cores == 1
    assert quick.cores > 8
    assert quick.step_ns < packed.step_ns / 4


def test_rates_decide_what_is_kept_together() -> None:
    """Two pairs of layers that cannot all lie on one core: the pair that talks shares one."""
    network, chip = mlp(4, 10, 10, 10, 10), make_chip(4, 4, neurons_max=20)
    home = {}
    for busy in ("p0", "p1"):
        quiet = dict.fromkeys(("in", "p0", "p1", "p2"), 0.01)
        program = map_network(network, chip, objective="traffic", activity=quiet | {busy: 5.0})
        home[busy] = {t.population: t.core for t in program.tiles if t.core >= 0}
    assert home["p0"]["p0"] == home["p0"]["p1"]
    assert home["p1"]["p1"] == home["p1"]["p2"]


def test_what_the_natural_order_cannot_do_another_candidate_can() -> None:
    """Layers of 9, 3, 9, 3 and 9 neurons on three cores of 12: only 9 and 3 together fill a core exactly."""
    network, chip = mlp(2, 9, 9, 9, 3, 3, 3), make_chip(3, 1, neurons_max=12)
    program = map_network(network, chip, effort="fast")
    assert program.cores_used == 3


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"objective": "speed"}, "no objective 'speed'"),
        ({"effort": "bst"}, "did you mean best"),
        ({"seed": -1}, "seed: is -1"),
        ({"time_budget_s": -1.0}, "time budget: is -1.0"),
        ({"activity": {"nobody": 1.0}}, "is no population that sends spikes"),
        ({"activity": {"p0": -1.0}}, "lie outside 0"),
        ({"chips": (0, 1)}, "0 x 1 chips cannot be joined"),
    ],
)
def test_wrong_wishes_are_named(wish, message) -> None:
    with pytest.raises(InputError, match=message):
        map_network(mlp(4, 5), make_chip(), **wish)


def test_all_wrong_choices_are_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Choices("speed", "bst", -1, float("inf"))
    assert len(caught.value.diagnostics) == 4


def test_a_quality_is_read_back_as_it_was_written() -> None:
    from neurocomp.mapping.quality import quality_from_tree

    found = quality(map_network(mlp(4, 30, 5), make_chip(neurons_max=10)))
    assert quality_from_tree(found.to_tree()) == found
    with pytest.raises(ValueError, match="no objective"):
        quality_from_tree(replace(found, objective="x").to_tree())
