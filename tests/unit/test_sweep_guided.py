"""Guided search: the same points whoever computes, better than chance, and never computed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

import neurocomp
from neurocomp.errors import InputError
from neurocomp.sweep import guided as module
from neurocomp.sweep.evaluate import Bench
from neurocomp.sweep.guided import guided
from neurocomp.sweep.outcome import METRIC_NAMES, Outcome
from neurocomp.sweep.run import Here
from neurocomp.sweep.sample import Point
from neurocomp.sweep.space import Limit, Range, Space
from neurocomp.sweep.store import Store
from tests.sweeps import make_files, space

pytest.importorskip("optuna")


class Valley(Bench):
    """energy = (x - 3)^2 and latency = (x - 5)^2 where y is 1; nothing fits where z is 2."""

    asked = 0

    def key(self, point: Point) -> str:
        return f"{abs(hash(point.settings)) % 10**12:064d}"

    def evaluate(self, point: Point, key: str) -> Outcome:
        Valley.asked += 1
        settings = dict(point.settings)
        x, worse = float(settings["x"] or 0), 10.0 * (settings["y"] != 1)  # type: ignore[arg-type]
        metrics = {**dict.fromkeys(METRIC_NAMES), "energy_pj": (x - 3) ** 2 + worse, "latency_ns": (x - 5) ** 2 + worse}
        fits = settings["z"] != 2
        return Outcome(key, point, "ok" if fits else "does not fit", "", metrics, {}, "1")


def valley(points: int, seed: int = 0, **changed: object) -> Space:
    axes = {"x": Range(low=-50, high=50), "y": (0, 1, 2), "z": (1, 2), "one": ("a",)}
    return space(axes=axes, sampler={"method": "guided", "points": points, "seed": seed}, **changed)


def search(monkeypatch: pytest.MonkeyPatch, asked: Space, folder: Path) -> list[Outcome]:
    monkeypatch.setattr(module, "Bench", Valley)
    return list(guided(asked, None, Here(Valley(), Store(folder))))


def test_a_search_finds_what_chance_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = search(monkeypatch, valley(160), tmp_path / "s")
    front = neurocomp.pareto(found, ["energy_pj", "latency_ns"])
    late = [float(dict(o.point.settings)["x"]) for o in found[100:]]  # type: ignore[arg-type]
    assert len(found) == 160
    assert sum(1 < x < 7 for x in late) > 0.3 * len(late), "chance gives 6 %"
    assert all(dict(o.point.settings)["y"] == 1 for o in front)
    assert sum(o.status == "ok" for o in found[100:]) > 0.7 * len(late), "chance gives half"


def test_a_search_depends_on_its_seed_alone_and_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = search(monkeypatch, valley(50), tmp_path / "a")
    Valley.asked = 0
    assert search(monkeypatch, valley(50), tmp_path / "a") == first and Valley.asked == 0
    assert search(monkeypatch, valley(50), tmp_path / "b") == first
    assert search(monkeypatch, valley(50, seed=1), tmp_path / "c") != first


def test_a_search_keeps_to_constraints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limits = {"energy_pj": {"least": 100}, "latency_ns": {"most": 400}}
    found = search(monkeypatch, valley(160, constraints=limits), tmp_path / "s")
    kept = [o.status == "ok" and all(Limit(**limits[n]).holds(o.metrics[n]) for n in limits) for o in found[80:]]
    assert sum(kept) > 0.4 * len(kept), "chance gives 8 %"


def test_a_guided_sweep_of_chips(tmp_path: Path) -> None:
    file = make_files(tmp_path)
    text = file.read_text().replace("[1, 2, 30]", "{low: 1, high: 30}")
    file.write_text(text + "sampler: {method: guided, points: 20, seed: 3}\n")
    one = list(neurocomp.sweep(file, store=tmp_path / "a"))
    two = list(neurocomp.sweep(file, store=tmp_path / "b", workers=2))
    assert one == two and len(one) == 20
    file.write_text(text + "sampler: {method: guided}\n")
    with pytest.raises(InputError, match="guided needs a number of points"):
        neurocomp.sweep(file)
