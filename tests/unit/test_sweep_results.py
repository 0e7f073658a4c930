"""Fronts and effects of outcomes, and the store that keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.errors import InputError
from neurocomp.sweep.outcome import Outcome, outcome_from_tree
from neurocomp.sweep.pareto import effects, pareto
from neurocomp.sweep.space import Limit
from neurocomp.sweep.store import MARK, Store, open_store
from neurocomp.sweep.tables import points_csv, summary, within
from tests.sweeps import outcome

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25)


@given(PAIRS, st.sampled_from(["min", "max"]), st.sampled_from(["min", "max"]))
def test_the_front_is_what_nothing_beats(pairs: list[tuple[int, int]], first: str, second: str) -> None:
    outcomes = [outcome(k, {"energy_pj": float(a), "latency_ns": float(b)}) for k, (a, b) in enumerate(pairs)]
    signs = [1 if way == "min" else -1 for way in (first, second)]

    def beats(a: Outcome, b: Outcome) -> bool:
        each = [s * (a.metrics[m] - b.metrics[m]) for s, m in zip(signs, ("energy_pj", "latency_ns"), strict=True)]  # type: ignore[operator]
        return max(each) <= 0 and min(each) < 0

    expected = {o.key for o in outcomes if not any(beats(other, o) for other in outcomes)}
    front = pareto(outcomes, {"energy_pj": first, "latency_ns": second})  # type: ignore[dict-item]
    assert {o.key for o in front} == expected and len(front) == len(expected)
    order = [signs[0] * float(o.metrics["energy_pj"] or 0) for o in front]
    assert order == sorted(order)


def test_what_failed_or_is_unknown_is_in_no_front() -> None:
    good, unknown = outcome(1, {"energy_pj": 2.0, "accuracy": 0.5}), outcome(2, {"energy_pj": 1.0})
    failed = outcome(3, {"energy_pj": 0.0, "accuracy": 1.0}, status="does not fit")
    assert pareto([good, unknown, failed], ["energy_pj", "accuracy"]) == [good]
    assert within([good, unknown, failed], {"accuracy": Limit(least=0.4)}) == [good]


def test_metrics_that_do_not_exist() -> None:
    with pytest.raises(InputError, match=r"objectives\.energy: is no metric\n  next: did you mean energy_pj\?"):
        pareto([], ["energy"])
    with pytest.raises(InputError, match="objectives: there are none"):
        pareto([], [])


def test_effects_of_a_law_that_is_known() -> None:
    """energy = 3 x^2 and nothing of y: x explains all, and one percent more of it makes two percent."""
    outcomes = [
        outcome(10 * x + y, {"energy_pj": 3.0 * x**2}, x=x, y=y, fixed=4) for x in (1, 2, 4, 8) for y in (1, 2, 3)
    ]
    first, second = effects(outcomes, "energy_pj")
    assert (first.parameter, second.parameter) == ("x", "y")
    assert first.share == pytest.approx(1.0) and first.elasticity == pytest.approx(2.0)
    assert second.share == pytest.approx(0.0, abs=1e-12) and second.elasticity == pytest.approx(0.0, abs=1e-12)


def test_effects_of_samples() -> None:
    """Values that were sampled, some of them twice: a law is found, and chance is not taken for one."""
    stream = np.random.default_rng(5)
    x, noise = stream.integers(1, 500, 200), stream.integers(1, 500, 200)
    outcomes = [outcome(k, {"energy_pj": 7.0 * x[k]}, x=int(x[k]), noise=int(noise[k])) for k in range(200)]
    first, second = effects(outcomes, "energy_pj")
    assert first.parameter == "x" and first.share > 0.9 and first.elasticity == pytest.approx(1.0)
    assert second.share < 0.1


def test_effects_of_words_have_no_elasticity() -> None:
    outcomes = [outcome(k, {"energy_pj": float(k % 2)}, effort=("fast", "best")[k % 2]) for k in range(6)]
    (only,) = effects(outcomes, "energy_pj")
    assert only.share == pytest.approx(1.0) and only.elasticity is None


def test_an_outcome_survives_its_file(tmp_path: Path) -> None:
    store, first = Store(tmp_path / "s"), outcome(7, {"energy_pj": 0.1, "accuracy": None}, a=1, b="x", c=None)
    store.put(first)
    assert store.get(first.key) == first == outcome_from_tree(json.loads(store.path_of(first.key).read_text()))
    before = store.path_of(first.key).read_bytes()
    store.put(first)
    assert store.path_of(first.key).read_bytes() == before
    assert list(open_store(tmp_path / "s").all()) == [first]
    assert [path.name for path in (tmp_path / "s" / "points").iterdir()] == [f"{first.key}.json"]


@pytest.mark.parametrize("damage", ["", "{", '{"schema": 3}', "[]", '{"schema": "neurocomp/point/1"}'])
def test_a_damaged_point_counts_as_not_finished(tmp_path: Path, damage: str) -> None:
    store, first = Store(tmp_path), outcome(7, {"energy_pj": 0.1})
    store.path_of(first.key).write_text(damage)
    assert store.get(first.key) is None and list(store.all()) == []
    store.put(outcome(8, {}))
    store.path_of(first.key).write_bytes(store.path_of(f"{8:064x}").read_bytes())
    assert store.get(first.key) is None, "a point under the name of another"


def test_folders_that_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / MARK).write_text('{"schema": "neurocomp/sweep-store/0"}')
    (tmp_path / "file").write_text("")
    for name, message in (
        ("full", "was not written by neurocomp sweep"), ("old", "holds a sweep of schema neurocomp/sweep-store/0"),
        ("file", "is not a folder"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            Store(tmp_path / name)
    with pytest.raises(InputError, match="is no folder of a sweep"):
        open_store(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_tables_hold_every_point_and_no_formula() -> None:
    outcomes = [
        outcome(1, {"energy_pj": 0.1 + 0.2, "latency_ns": 3.0}, effort="=cmd()"),
        outcome(2, {}, status="does not fit", effort="fast"),
    ]
    head, first, second, *_ = points_csv(outcomes).splitlines()
    assert head.startswith("network,chip,effort,status,energy_pj,")
    assert first.startswith("n,c,'=cmd(),ok,0.30000000000000004,")
    assert second.startswith("n,c,fast,does not fit,,") and "too small" in points_csv(outcomes)
    text = summary(outcomes, {"energy_pj": "min"}, {"latency_ns": Limit(most=5)})
    for part in ("2 points: 1 ok, 1 does not fit", "1 keep to the constraints (latency_ns at most 5)",
                 "1 x does not fit: too small", "Front of 1 points"):  # fmt: skip
        assert part in text
    assert "No point has all objectives" in summary([outcomes[1]], {"energy_pj": "min"}, {})
