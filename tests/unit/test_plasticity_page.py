"""The page of learning by a local rule, and the schemas of what stands beside a result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neurocomp
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.report.plasticity import PlasticityReport, plasticity_report
from neurocomp.simulate.inference import simulate
from neurocomp.simulate.plasticity import simulate_plasticity
from tests.unit.test_plasticity import STEPS, learning_chip, mapped, network  # noqa: F401
from tests.unit.test_report_page import walked

DIGITS = str(Path(__file__).resolve().parents[2] / "examples" / "01_digits" / "net.pt")


@pytest.fixture(scope="module")
def report(mapped) -> PlasticityReport:  # noqa: F811
    program, trace = mapped
    return plasticity_report(
        program, simulate(program, trace), simulate_plasticity(program, trace, ["first", "second"])
    )


def test_the_page_holds_the_whole_report(report: PlasticityReport) -> None:
    page = report.to_page()
    text = " ".join(walked(page).text)
    for part in ("Learning beside inference", "By layer", "Over a sample", "Cores", "Where it comes from", "Assumed",
                 "Not modelled", "first", "second", "together"):  # fmt: skip
        assert part in text, part
    assert page == report.to_page() and len(page.encode()) < 1_000_000
    for sentence in report.assumptions:
        assert sentence in text


def test_unknown_costs_and_single_epochs_leave_out_what_they_cannot_show(mapped) -> None:  # noqa: F811
    program, trace = mapped
    unpriced = replace(program, chip=learning_chip(energy_pj=None))
    run_ = simulate_plasticity(unpriced, trace, ["first"], "stdp", STEPS)
    text = " ".join(walked(plasticity_report(unpriced, simulate(unpriced, trace), run_).to_page()).text)
    assert "not known" in text and "a lower bound: some costs are not known" in text
    assert "Over a sample" not in text and "Energy of the weight updates" not in text


def test_hostile_names_are_text() -> None:
    name = "<script>alert(1)</script>" + 60 * "x"
    inner = network()
    projections = tuple(replace(p, name=name) if p.name == "first" else p for p in inner.projections)
    inputs = np.ones((1, STEPS, 8), np.float32)
    program = neurocomp.compile(replace(inner, projections=projections), learning_chip(), calibration=inputs)
    trace = neurocomp.execute(program.network, inputs).trace
    found = plasticity_report(program, simulate(program, trace), simulate_plasticity(program, trace, [name]))
    walk = walked(found.to_page())
    assert "script" not in {tag for tag, _ in walk.tags} and any("<script>" in text for text in walk.text)


def check(name: str, text: str) -> None:
    from tests.unit.test_schema import check as checked

    checked(name, text)


def test_learning_keeps_to_its_schema(report: PlasticityReport) -> None:
    pytest.importorskip("jsonschema")
    check("plasticity", report.to_json())
    check("plasticity", replace(report, energy=replace(report.energy, layers=None)).to_json())


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", DIGITS, "--chip", "loihi", "--plastic", "fc", "--batch", "2", "-q", "-o", str(tmp_path / "o")]
    assert run(app, words) == 0
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"training.json", "report.txt", "report.html"}
    assert "Learning on Intel Loihi" in (tmp_path / "o" / "report.html").read_text("utf-8")
    assert json.loads((tmp_path / "o" / "training.json").read_text())["schema"] == "neurocomp/plasticity/1"
    assert capsys.readouterr().out == ""


def test_comparisons_keep_to_their_schema_and_are_written_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("jsonschema")
    golden = Path(__file__).parents[1] / "golden" / "result.json"
    tree = json.loads(golden.read_text())
    tree["chip"]["name"], tree["accuracy"] = "other", None
    other = tmp_path / "result.json"
    other.write_text(json.dumps(tree))
    folder = str(tmp_path / "both")
    assert run(app, ["report", str(golden), str(other), "-q", "--formats", "json", "-o", folder]) == 0
    assert [path.name for path in (tmp_path / "both").iterdir()] == ["comparison.json"]
    check("comparison", (tmp_path / "both" / "comparison.json").read_text())
    assert run(app, ["report", str(golden), "-q", "--formats", "txt,html", "-o", str(tmp_path / "one")]) == 0
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"report.txt", "report.html"}
    capsys.readouterr()
    assert run(app, ["report", str(golden), "--formats", "json"]) == 2
    assert capsys.readouterr().err == (
        "error: --formats: says what is written, and there is no folder\n  next: give one: -o DIR\n"
    )
    assert run(app, ["report", str(golden), "--formats", "csv", "-o", folder]) == 2
    assert "there is no format 'csv'\n  next: known here: json, txt, html, none" in capsys.readouterr().err
