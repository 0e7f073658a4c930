"""Tiny problems against every assignment of elements to cores that there is: the optimum, and every refusal."""

from __future__ import annotations

import os

import pytest

from neurocomp.errors import DoesNotFitError
from neurocomp.mapping.map import map_network
from tests.tiny_problems import ACROSS, Tiny, least_cost, tiny

# a thousand take some two minutes of one core
PROBLEMS = int(os.environ.get("NEUROCOMP_TINY_PROBLEMS", "100"))
FIRST = int(os.environ.get("NEUROCOMP_TINY_FIRST", "0"))
EFFORT = os.environ.get("NEUROCOMP_TINY_EFFORT", "default")


def found(problem: Tiny) -> float | None:
    try:
        program = map_network(
            problem.network, problem.chip, objective="traffic", effort=EFFORT, chips=problem.grid,
            forbidden_cores=problem.dead, assignment=problem.pinned,
        )  # fmt: skip
    except DoesNotFitError:
        return None
    assert program.quality is not None
    return program.quality.hops + (ACROSS - 1) * program.quality.between_chips


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[int, int | None, float | None]]:
    return [(seed, least_cost(tiny(seed)), found(tiny(seed))) for seed in range(FIRST, FIRST + PROBLEMS)]


def test_every_refusal_is_right_and_nothing_undercuts_the_optimum(outcomes) -> None:
    wrong = [(seed, least, hops) for seed, least, hops in outcomes if (least is None) != (hops is None)]
    assert not wrong
    assert all(hops >= least for _, least, hops in outcomes if least is not None)
    assert {least is None for _, least, _ in outcomes} == {True, False}


def test_nearly_all_are_solved_to_the_optimum(outcomes) -> None:
    solved = [hops == least for _, least, hops in outcomes if least is not None]
    assert sum(solved) >= 0.95 * len(solved), [o for o in outcomes if o[1] != o[2]]
