"""What has to share a core, against synapses unrolled one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.explain import tied
from neurocomp.mapping.explain.tied import Ties, overfull_groups
from neurocomp.mapping.map import plan_mapping
from neurocomp.mapping.problem import Problem, problem_of
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.limits import AXONS_IN, NEURONS, Limit, Limits
from neurocomp.network import Network
from tests.random_nets import networks
from tests.small_chips import make_chip
from tests.tiny_problems import least_cost, tiny
from tests.unrolled import unrolled_paths

Element = tuple[str, int]


def groups_by_hand(problem: Problem) -> list[tuple[frozenset[Element], frozenset[Element]]]:
    """(elements, the neurons that they hear) of everything that hangs together."""
    targets: dict[Element, set[Element]] = {}
    for (source, target, _), table in unrolled_paths(problem.network).items():
        for t, s in np.argwhere(table).tolist() if source not in problem.network.inputs else ():
            targets.setdefault((source, s), set()).add((target, t))
    found: list[tuple[set[Element], set[Element]]] = []
    for source, reached in targets.items():
        met = [group for group in found if group[0] & reached]
        found = [group for group in found if not group[0] & reached]
        found.append((reached.union(*(g[0] for g in met)), {source}.union(*(g[1] for g in met))))
    return [(frozenset(a), frozenset(b)) for a, b in found]


def members(part: dict[str, np.ndarray], group: int) -> list[Element]:
    return [(name, int(i)) for name, own in part.items() for i in np.flatnonzero(own == group)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=networks())
def test_groups_are_what_unrolled_synapses_tie(network: Network) -> None:
    problem = problem_of(network, make_chip(fan_out_cores_max=1))
    expected = groups_by_hand(problem)
    held, sending, count = Ties(problem).groups()
    found = [tuple(frozenset(members(part, group)) for part in (held, sending)) for group in range(count)]
    assert {pair for pair in found if len(pair[0]) > 1} == {pair for pair in expected if len(pair[0]) > 1}
    limits = Limits((Limit("neurons", (1, 0, 0, 0), 1, "neurons"),))
    worst = overfull_groups(problem, layers_of(problem), limits)
    sizes = [len(a) for a, _ in expected if len(a) > 1]
    assert max((int(g.demand[NEURONS]) for g in worst), default=0) == max(sizes, default=0)
    heard = {(len(a), len(b)) for a, b in expected}
    assert all((int(g.demand[NEURONS]), int(g.demand[AXONS_IN])) in heard for g in worst)


@pytest.mark.parametrize("seed", range(40))
def test_tiny_networks_whose_neurons_send_to_one_core_are_refused_rightly(seed) -> None:
    problem = tiny(seed)
    chip = problem.chip.model_copy(update={"core": problem.chip.core.model_copy(update={"fan_out_cores_max": 1})})
    try:
        plan_mapping(problem.network, chip, problem.pinned, problem.dead, problem.grid)
    except DoesNotFitError as error:
        assert least_cost(type(problem)(problem.network, chip, problem.grid, problem.dead, problem.pinned)) is None, (
            error
        )


def test_networks_too_large_for_a_look_are_left_to_the_search(monkeypatch) -> None:
    from tests.mapping_problems import chain, conv

    problem = problem_of(chain((1, 8, 8), conv(1, 1), conv(1, 1)), make_chip(neurons_max=40, fan_out_cores_max=1))
    layers, limits = layers_of(problem), Limits((Limit("neurons", (1, 0, 0, 0), 40, "neurons"),))
    assert [group.sizes for group in overfull_groups(problem, layers, limits)] == [{"p1": 64}]
    for name in ("_MOST_EDGES", "_MOST_ELEMENTS"):
        with monkeypatch.context() as patch:
            patch.setattr(tied, name, 100)
            assert overfull_groups(problem, layers, limits) == []
