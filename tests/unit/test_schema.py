"""The published JSON Schemas: they are those of the code, and what is written keeps to them, down to the last field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.report.schema import NAMES, stored_schema
from neurocomp.sweep.outcome import METRIC_NAMES, Outcome
from neurocomp.sweep.sample import Point
from tests.reports import made_up, schemas, small_result
from tests.unit.test_training_page import report  # noqa: F401

jsonschema = pytest.importorskip("jsonschema")


def closed(part: Any) -> Any:
    """The same schema with no room for fields that it does not describe."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: closed(value) for key, value in part.items()}
    if isinstance(part.get("properties"), dict):
        found["additionalProperties"] = False
    return found


def check(name: str, text: str) -> None:
    schema = json.loads(stored_schema(name))
    for strict in (schema, closed(schema)):
        jsonschema.Draft202012Validator(strict).validate(json.loads(text))


def test_the_files_are_those_of_the_code() -> None:
    """Otherwise: python -m tests.reports, and read the difference."""
    assert {name: stored_schema(name) for name in NAMES} == schemas()
    for name in NAMES:
        jsonschema.Draft202012Validator.check_schema(json.loads(stored_schema(name)))


def test_results_keep_to_the_schema() -> None:
    check("result", (Path(__file__).parents[1] / "golden" / "result.json").read_text())
    check("result", small_result().to_json())
    check("result", replace(made_up(), mapping=None, accuracy=None, neurobench_trained=None).to_json())


def test_training_reports_keep_to_the_schema(report) -> None:  # noqa: F811
    from neurocomp.report.training import with_rounds
    from neurocomp.simulate.federated import Link

    check("training", report.to_json())
    check("training", with_rounds(report, workers=2, link=Link(1.0)).to_json())
    check("training", replace(report, dataset_size=None).to_json())


def test_points_keep_to_the_schema() -> None:
    point = Point("net.pt", "loihi2", (("chip.core.count", 8), ("run.steps", None)))
    good = Outcome("ab", point, "ok", "", dict.fromkeys(METRIC_NAMES, 1.0), {"network": "c"}, "0.1")
    for outcome in (good, replace(good, status="does not fit", reason="too large", metrics={"accuracy": None})):
        check("point", json.dumps(outcome.to_tree()))


@pytest.mark.parametrize("path", [("energy",), ("layers", 0, "name"), ("run", "samples"), ("cores", "chips")])
def test_a_missing_field_is_found(path: tuple[str | int, ...]) -> None:
    tree = part = json.loads(made_up().to_json())
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    with pytest.raises(jsonschema.ValidationError, match=f"'{path[-1]}' is a required property"):
        check("result", json.dumps(tree))


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["schema", "result"]) == 0
    assert capsys.readouterr().out == stored_schema("result")
    assert run(app, ["schema", "reslt"]) == 2
    assert "there is no schema of this name\n  next: did you mean result?" in capsys.readouterr().err
