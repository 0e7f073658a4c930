"""Results side by side: what is read from result.json, how damage is named, and that ratios are of the first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError
from neurocomp.report.compare import compare, groups, multiple
from neurocomp.report.model import Result
from neurocomp.report.saved import FINDINGS_MAX, read_result, read_results
from tests.reports import HOSTILE, made_up
from tests.unit.test_report_page import walked


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: str, result: Result) -> Path:
    Path(folder).mkdir()
    Path(folder, "result.json").write_text(result.to_json())
    return Path(folder)


def cheaper() -> Result:
    """The made-up result at half the energy, on another chip, without its last layer and its accuracy."""
    first = made_up()
    energy = replace(
        first.energy, total_aj=first.energy.total_aj // 2, unknown=(),
        by_unit={unit: value // 2 for unit, value in first.energy.by_unit.items()},
    )  # fmt: skip
    layers = tuple(replace(layer, energy={u: v // 2 for u, v in layer.energy.items()}) for layer in first.layers[:2])
    chip = replace(first.chip, name="other", sha256="e" * 64)
    return replace(first, energy=energy, layers=layers, chip=chip, accuracy=None)


def test_what_is_read_is_what_was_written(work: Path) -> None:
    result = made_up()
    saved = read_result(put("a", result))
    assert saved == read_result(work / "a" / "result.json")
    assert saved.per_inference.energy_pj == result.energy_per_inference_pj
    assert saved.per_inference.energy_is_lower_bound and saved.accuracy is not None
    assert [layer.name for layer in saved.layers] == [layer.name for layer in result.layers]
    assert saved.traffic.run_total.hops == result.traffic.hops


def test_ratios_are_of_the_first(work: Path) -> None:
    paths = [put("a", made_up()), put("b", cheaper())]
    comparison = compare(read_results(paths), paths)
    by_name = {measure.name: measure for measure in comparison.measures}
    assert comparison.labels == ("tiny", "other")
    assert [by_name["energy"].ratio(k) for k in (0, 1)] == [1.0, 0.5]
    assert by_name["energy"].shown(0).startswith(">= ") and not by_name["energy"].shown(1).startswith(">= ")
    assert by_name["accuracy"].ratio(1) is None and by_name["accuracy"].shown(1) == "-"
    assert by_name["of which memory"].ratio(1) is None  # nothing of nothing
    units = [m for m in comparison.measures if m.name.startswith("of which ")]
    assert sum(m.values[0] for m in units) == pytest.approx(by_name["energy"].values[0])
    assert [row.name for row in comparison.layers] == ["input", HOSTILE] and comparison.other_layers == 1
    assert comparison.layers[1].energy.ratio(1) == 0.5 and comparison.layers[0].energy.ratio(1) is None


def test_the_text_says_what_is_not_the_same(work: Path) -> None:
    other = cheaper()
    other = replace(
        other, version="9.9", chip=replace(made_up().chip, sha256="f" * 64),
        run=replace(other.run, steps=20, fidelity="cycle"), network=replace(other.network, sha256="0" * 64),
    )  # fmt: skip
    paths = [put("before", made_up()), put("after", other)]
    comparison = compare(read_results(paths), paths)
    text = comparison.to_text()
    assert comparison.labels == ("before", "after")
    assert len(comparison.apart) == 6
    for part in ("not the same network", "4 samples x 10 steps (rate); 4 samples x 20 steps", "bound, cycle",
                 "0.0, 9.9", "profile of tiny", "1 other layers have no counterpart"):  # fmt: skip
        assert part in text.replace("\n  ", " ")
    assert all(len(line) <= 110 and line.isprintable() for line in text.splitlines())


def test_same_results_have_nothing_apart_but_their_bounds(work: Path) -> None:
    paths = [put("a", replace(made_up(), energy=replace(made_up().energy, unknown=()))), Path("a")]
    comparison = compare(read_results(paths), paths)
    assert comparison.apart == () and comparison.labels == ("a #1", "a #2")
    assert {m.ratio(1) for m in comparison.measures} <= {1.0, None}


def test_networks_name_the_columns_where_the_chip_is_one(work: Path) -> None:
    other = replace(made_up(), network=replace(made_up().network, name="second"))
    both = replace(cheaper(), network=replace(made_up().network, name="second"))
    paths = [put("a", made_up()), put("b", other), put("c", both)]
    results = read_results(paths)
    assert compare(results[:2], paths[:2]).labels == ("keyword?net", "second")
    assert compare(results, paths).labels == ("keyword?net on tiny", "second on tiny", "second on other")


def test_many_results_are_tables_that_begin_with_the_first(work: Path) -> None:
    assert groups(1) == [[0]] and groups(4) == [[0, 1, 2, 3]]
    assert groups(8) == [[0, 1, 2, 3], [0, 4, 5, 6], [0, 7]]
    assert [multiple(r) for r in (None, 0.5, 12.34, 1234.5)] == ["", "x 0.5", "x 12.3", "x 1,234"]
    paths = [put(str(k), made_up()) for k in range(6)]
    text = compare(read_results(paths), paths).to_text()
    assert text.count("Per inference") == 2 and all(len(line) <= 110 for line in text.splitlines())


def test_the_page_is_safe_and_the_same_every_time(work: Path) -> None:
    evil = "<script>alert(1)</script>"
    other = replace(cheaper(), chip=replace(cheaper().chip, name=evil, title=evil))
    paths = [put("a", made_up()), put("b", other)]
    page = compare(read_results(paths), paths).to_page()
    walk = walked(page)
    assert "script" not in {tag for tag, _ in walk.tags} and page.count("<svg") == 3
    assert page == compare(read_results(paths), paths).to_page() and len(page) < 1_000_000
    assert any("x 0.5" in text for text in walk.text)


def test_the_command_prints_and_writes(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put("a", made_up())
    put("b", cheaper())
    assert run(app, ["report", "a", "b", "-o", "both"]) == 0
    out, err = capsys.readouterr()
    assert sorted(p.name for p in (work / "both").iterdir()) == ["comparison.json", "report.html", "report.txt"]
    assert (work / "both" / "report.txt").read_text() == out and err == "written to both\n"
    assert run(app, ["report", "a/result.json", "b", "--json", "-o", "both"]) == 0  # our own folder, again
    tree = json.loads(capsys.readouterr().out)
    assert tree["schema"] == "neurocomp/comparison/1"
    assert tree["per_inference"]["energy"]["ratios"] == [1.0, 0.5]
    assert [layer["name"] for layer in tree["layers"]] == ["input", HOSTILE]
    assert run(app, ["report", "a", "-q"]) == 0 and capsys.readouterr().out == ""


def message(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        read_result(path)
    return str(raised.value)


def test_files_that_are_something_else(work: Path) -> None:
    Path("empty").mkdir()
    Path("trained").mkdir()
    Path("trained/training.json").write_text("{}")
    cases = {
        "[]": "is not a result of neurocomp: it names no schema",
        "{": "is not JSON, or only a part of it\n  why:  expecting property name enclosed in double quotes",
        "[" * 100_000: "is not JSON, or only a part of it",
        '{"schema": "neurocomp/result/2"}': "has schema 'neurocomp/result/2'; this version of neurocomp reads "
        "'neurocomp/result/1'\n  next: read it with the version that wrote it, or simulate again",
        '{"schema": "neurocomp/training/1"}': "is no result: its schema is 'neurocomp/training/1'",
    }
    for text, expected in cases.items():
        Path("x.json").write_text(text)
        assert message(Path("x.json")).startswith(f"x.json: {expected}")
    Path("x.json").write_bytes(b"\xff")
    assert message(Path("x.json")).startswith("x.json: is not UTF-8 text (byte 0)")
    assert message(Path("no")).startswith("no: does not exist\n  next: give a folder with a result.json")
    assert message(Path("empty")).startswith("empty: holds no result.json\n  next: give a folder that")
    assert message(Path("trained")).startswith("trained: holds a training report and no result.json")


def damaged(*path: str | int, value: Any = None) -> str:
    tree = json.loads(made_up().to_json())
    part = tree
    for key in path[:-1]:
        part = part[key]
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (damaged("energy"), "energy: is missing"),
        (damaged("layers", 1, "shape"), "layers.1.shape: is missing"),
        (
            damaged("per_inference", "energy_pj", value="3"),
            'per_inference.energy_pj: must be a number, not the text "3"',
        ),
        (damaged("per_inference", "latency_ns", value=-1), "per_inference.latency_ns: must be at least 0, not -1"),
        (damaged("per_inference", "power_mw", value=float("nan")), "per_inference.power_mw: must be a finite number"),
        (damaged("run", "samples", value=0), "run.samples: must be at least 1, not 0"),
    ],
)
def test_damage_is_named(work: Path, text: str, expected: str) -> None:
    Path("x.json").write_text(text)
    assert message(Path("x.json")).startswith(f"x.json: {expected}")


def test_all_findings_of_all_files_at_once_but_not_too_many(work: Path) -> None:
    Path("x.json").write_text('{"schema": "neurocomp/result/1"}')
    with pytest.raises(InputError) as raised:
        read_results([Path("x.json"), Path("no")])
    found = [d.where for d in raised.value.diagnostics]
    assert found == ["x.json"] * (FINDINGS_MAX + 1) + ["no"]


def test_fields_of_a_later_version_are_passed_over(work: Path) -> None:
    Path("x.json").write_text(damaged("run", "more", value=1))
    assert read_result(Path("x.json")).run.samples == 4
