"""``neurocomp chips``: every kind of data sheet, listed and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurocomp.chip.sheets import all_sheets, load_sheet
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError

ROOT = Path(__file__).parents[2]


def command(*words: str) -> int:
    return run(app, words)


def test_other_kinds_of_chips_are_listed_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("chips") == 0
    out = capsys.readouterr().out
    heads = ("event-driven chips", "training chips", "arrays that skip", "training accelerators", "GPUs")
    places = [out.index(head) for head in heads]
    assert places == sorted(places)
    for name, head in (("truenorth", 0), ("neuromc", 1), ("prosperity", 2), ("sata", 3), ("a100", 4)):
        after = [*places, len(out)][head + 1]
        assert f"\n{name} " in out[places[head] : after]
    assert command("chips", "--json") == 0
    types = {chip["name"]: chip["type"] for chip in json.loads(capsys.readouterr().out)}
    assert (types["neuromc"], types["orin"], types["ptb"]) == ("training", "gpu", "spike-array")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("neuromc", "fp_conv_in_s"), ("h200", "gb_per_s"), ("prosperity", "tile_rows"), ("sata", "update_mac"),
        (str(ROOT / "chips" / "gpu" / "orin.yaml"), "l2_mib"), (str(ROOT / "chips" / "neuromc.yaml"), "derivation"),
    ],
)  # fmt: skip
def test_every_kind_of_chip_is_shown(capsys: pytest.CaptureFixture[str], name: str, part: str) -> None:
    assert command("chips", "show", name) == 0
    out = capsys.readouterr().out
    assert part in out and "sources\n  [1] " in out and "kinds: " in out
    assert command("chips", "show", name, "--json") == 0
    assert json.loads(capsys.readouterr().out)["provenance"]


def test_every_sheet_is_found_by_its_name_and_its_file() -> None:
    sheets = list(all_sheets())
    assert len({sheet.name for _, sheet in sheets}) == len(sheets) > 12, "names are told apart across kinds"
    for shelf, sheet in sheets:
        assert load_sheet(sheet.name) == sheet == load_sheet(shelf.folder() / f"{sheet.name}.yaml")


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"did you mean prosperity\?"):
        load_sheet("prosperty")
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    with pytest.raises(InputError, match="schema"):
        load_sheet(tmp_path / "mine.yaml")
