"""How much work joint moves of large networks spend in heat."""

from __future__ import annotations

from neurocomp.mapping.placing.joint import _sweeps

PINS = 1000


def test_heat_is_left_out_where_the_work_is_below_one_sweep_in_it() -> None:
    heats = {per_pin: [heat for heat, _ in _sweeps("default", per_pin * PINS, PINS, 1)] for per_pin in (119, 121)}
    assert heats == {119: [0.0], 121: [0.5]}


def test_a_budget_is_shared_by_all_sweeps_and_none_changes_nothing() -> None:
    assert _sweeps("default", None, PINS, 2) == [(0.5, 300 * PINS)]
    assert sum(looks for _, looks in _sweeps("best", 43 * PINS, PINS, 1)) <= 43 * PINS
