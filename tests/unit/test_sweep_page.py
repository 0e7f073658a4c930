"""The HTML page of a sweep."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from neurocomp.sweep.outcome import Outcome
from neurocomp.sweep.page import to_page
from neurocomp.sweep.tables import summary
from tests.sweeps import outcome, space

NASTY = "<script>alert(1)</script>$x_"


def many(count: int) -> list[Outcome]:
    return [
        outcome(k, {"energy_pj": 1.0 + k % 7, "latency_ns": 1000.0 / (1 + k), "accuracy": 0.5}, x=k, effort=NASTY)
        for k in range(count)
    ]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_a_page_holds_counts_front_effects_and_reasons() -> None:
    outcomes = [*many(60), outcome(90, {}, "does not fit", x=1), outcome(91, {}, "does not fit", x=2)]
    page = to_page(space(constraints={"energy_pj": {"most": 3}}), outcomes)
    text = text_of(page)
    for part in (
        "Sweep of n on 1 chip", "62 60 ok 2 does not fit", "Within the constraints 27", "energy_pj at most 3",
        "Best energy_pj 1", "What energy_pj depends on", "What latency_ns depends on",
        "Points without figures", "does not fit 2 too small",
    ):  # fmt: skip
        assert part in text, part
    assert page.count("<svg") == 4, "a cloud, parallel coordinates, and means for each objective"
    assert page == to_page(space(constraints={"energy_pj": {"most": 3}}), outcomes)
    assert len(page) < 1_000_000 and not re.search(r"(src|href)=.(?!#)", page)


def test_amounts_have_units_and_a_single_parameter_its_values() -> None:
    outcomes = [outcome(k, {"energy_pj": 2e6 * (1 + k), "latency_ns": 9e3 - k}, x=8 - k) for k in range(3)]
    page = to_page(space(), outcomes)
    text = text_of(page)
    assert "2 uJ" in text and "8.998 us" in text and "e+0" not in text
    assert [page.count(f">{x}</text>") >= 2 for x in (6, 7, 8)] == [True] * 3, "under the means of both objectives"
    assert "x 6 to 8" in text
    two = [replace(o, point=replace(o.point, settings=(*o.point.settings, ("y", k)))) for k, o in enumerate(outcomes)]
    assert "from a parameter&#x27;s first" in to_page(space(), two) or "from a parameter's first" in to_page(
        space(), two
    )


def test_a_summary_tells_whole_reasons() -> None:
    reason = "training.sparsity: " + "is a long story, " * 12 + "which has an end"
    refused = replace(outcome(90, {}, "bad input", x=1), reason=reason)
    told = summary([*many(3), refused], {"energy_pj": "min"}, {})
    assert reason in " ".join(told.split()) and max(map(len, told.splitlines())) <= 110


def test_names_are_text() -> None:
    outcomes = [outcome(k, {"energy_pj": 1.0 + k, "latency_ns": 9.0 - k}, **{NASTY: k}) for k in range(4)]
    page = to_page(space(networks=[NASTY], chips=["c"]), outcomes)
    assert "<script" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_sweeps(count: int) -> None:
    text = text_of(to_page(space(), many(count)))
    assert ("No point has all objectives" in text) == (count == 0)


def test_a_large_sweep_stays_a_small_page() -> None:
    front = [outcome(k, {"energy_pj": float(k), "latency_ns": 400.0 - k}, x=k) for k in range(400)]
    others = [outcome(k, {"energy_pj": 1e5 + k, "latency_ns": 1e5}, x=k) for k in range(10_000)]
    page = to_page(space(), [*front, *others])
    assert len(page) < 1_000_000 and "All 400 points of the front" in page


def test_one_objective_has_no_cloud() -> None:
    page = to_page(space(objectives={"energy_pj": "min"}), many(10))
    assert page.count("<svg") == 1 and "of all points" not in page
