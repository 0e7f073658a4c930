"""Tiny problems against every assignment of elements to cores that there is: the optimum, and every refusal."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

import numpy as np
import pytest

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.map import map_network
from neurocomp.network import Integer, Network, Neuron, Population, Projection, Sparse
from tests.small_chips import make_chip
from tests.unrolled import unrolled_paths

# 1,000 take some ten minutes of one core: NEUROCOMP_TINY_PROBLEMS=1000
PROBLEMS = int(os.environ.get("NEUROCOMP_TINY_PROBLEMS", "40"))


@dataclass(frozen=True)
class Tiny:
    network: Network
    chip: ChipSpec


def tiny(seed: int) -> Tiny:
    """Up to six neurons in two layers with feedback, on up to four cores with few axons each."""
    rng = np.random.default_rng(seed)
    sizes = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    populations = (Population("in", (2,)), *(Population(f"p{i}", (n,), Neuron()) for i, n in enumerate(sizes)))
    projections = []
    for name, source, target in (("a", "in", "p0"), ("b", "p0", "p1"), ("c", "p1", "p0"), ("d", "p1", "p1")):
        shape = {p.name: p.shape[0] for p in populations}
        table = rng.random((shape[source], shape[target])) < 0.6
        if table.any():
            indptr = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
            weight = np.ones(int(table.sum()), np.int8)
            op = Sparse(indptr, np.nonzero(table)[1], weight, (shape[target],))
            projections.append(Projection(name, source, target, op, 1))
    network = Network(populations, tuple(projections), ("in",), None, Integer(), f"tiny{seed}")
    width, height = ((2, 1), (3, 1), (2, 2))[int(rng.integers(3))]
    limit = lambda low, high: None if rng.random() < 0.4 else int(rng.integers(low, high))  # noqa: E731
    chip = make_chip(
        width, height, multicast=str(rng.choice(["tree", "unicast"])), neurons_max=int(rng.integers(1, 5)),
        fan_in_axons_max=limit(2, 7), fan_out_axons_max=limit(2, 9),
    )  # fmt: skip
    return Tiny(network, chip)


def least_hops(problem: Tiny) -> int | None:
    """Over all assignments that break no limit; None if there is none."""
    network, chip = problem.network, problem.chip
    elements = [(p.name, i) for p in network.populations if p.neuron is not None for i in range(p.size)]
    number = {element: i for i, element in enumerate(elements)}
    listeners: dict[tuple[str, int], list[int]] = {}
    for (source, target, _), table in unrolled_paths(network).items():
        for t, s in np.argwhere(table):
            listeners.setdefault((source, int(s)), []).append(number[target, int(t)])
    cores = chip.noc.width * chip.noc.height
    best = None
    for cut in itertools.product(range(cores), repeat=len(elements)):
        reached = [({cut[t] for t in to}, cut[number[e]] if e in number else None) for e, to in listeners.items()]
        if fits(chip, cut, reached):
            hops = sum(links(chip, 0 if home is None else home, goals) for goals, home in reached)
            best = hops if best is None else min(best, hops)
    return best


def fits(chip: ChipSpec, cut: tuple[int, ...], reached: list[tuple[set[int], int | None]]) -> bool:
    core = chip.core
    for c in set(cut):
        heard = sum(c in goals for goals, _ in reached)
        sent = sum(len(goals) for goals, home in reached if home == c)
        if cut.count(c) > core.neurons_max or heard > (core.fan_in_axons_max or heard):
            return False
        if sent > (core.fan_out_axons_max or sent):
            return False
    return True


def links(chip: ChipSpec, home: int, goals: set[int]) -> int:
    """Of XY paths: each once in a tree, else once per packet."""
    width, used = chip.noc.width, []
    for goal in goals:
        x, y, to_x, to_y = home % width, home // width, goal % width, goal // width
        for at in range(x, to_x, 1 if to_x > x else -1):
            used.append((at, y, to_x > x, True))
        for at in range(y, to_y, 1 if to_y > y else -1):
            used.append((to_x, at, to_y > y, False))
    return len(set(used)) if chip.noc.multicast == "tree" else len(used)


def found(problem: Tiny) -> float | None:
    try:
        program = map_network(problem.network, problem.chip, objective="traffic", effort="best")
    except DoesNotFitError:
        return None
    assert program.quality is not None
    return program.quality.hops


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[int, int | None, float | None]]:
    return [(seed, least_hops(tiny(seed)), found(tiny(seed))) for seed in range(PROBLEMS)]


def test_every_refusal_is_right_and_nothing_undercuts_the_optimum(outcomes) -> None:
    wrong = [(seed, least, hops) for seed, least, hops in outcomes if (least is None) != (hops is None)]
    assert not wrong
    assert all(hops >= least for _, least, hops in outcomes if least is not None)
    assert {least is None for _, least, _ in outcomes} == {True, False}


def test_nearly_all_are_solved_to_the_optimum(outcomes) -> None:
    solved = [hops == least for _, least, hops in outcomes if least is not None]
    assert sum(solved) >= 0.95 * len(solved), [o for o in outcomes if o[1] != o[2]]
