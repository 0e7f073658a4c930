"""The exact messages for chip profiles that are wrong.

chip_messages.expect holds one block for each case: ``=== name``, what is changed in the profile of
tests/chip_text.py (lines with ``-`` become lines with ``+``), ``---``, and the message.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from neurocomp.chip.catalog import load_chip, profile_names
from neurocomp.chip.load import MAX_FINDINGS, chip_from_json, parse_chip
from neurocomp.chip.yaml12 import MAX_BYTES
from neurocomp.errors import EXIT_BAD_INPUT, InputError
from tests.chip_text import TINY, tiny

Case = tuple[str, list[tuple[str, str]], str]


def read_cases() -> list[Case]:
    text = (Path(__file__).parent / "chip_messages.expect").read_text(encoding="utf-8")
    return [read_case(block) for block in text.split("=== ")[1:]]


def read_case(block: str) -> Case:
    head, _, message = block.partition("\n---\n")
    name, *lines = head.split("\n")
    runs = ["\n".join(line[1:] for line in run) for _, run in groupby(lines, key=lambda line: line[0])]
    return name, list(zip(runs[::2], runs[1::2], strict=True)), message.rstrip("\n")


CASES = read_cases()


@pytest.mark.parametrize(("changes", "message"), [pytest.param(c, m, id=n) for n, c, m in CASES])
def test_message(changes: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_chip(tiny(*changes), "chip.yaml")
    assert str(raised.value) == message
    assert raised.value.exit_code == EXIT_BAD_INPUT


def message_of(name_or_path: str | Path) -> str:
    with pytest.raises(InputError) as raised:
        load_chip(name_or_path)
    return str(raised.value)


def test_unknown_profile_names_the_closest() -> None:
    profiles = ", ".join(profile_names())
    assert message_of("loihi3") == (
        f"loihi3: there is no chip profile or file of this name\n  next: did you mean loihi? profiles: {profiles}"
    )


def test_unknown_profile_lists_all_if_none_is_close() -> None:
    assert message_of("zebra").endswith(f"  next: profiles: {', '.join(profile_names())}")


def test_missing_file_names_the_profile_it_could_be(tmp_path: Path) -> None:
    path = tmp_path / "truenoth.yaml"
    assert message_of(path).startswith(f"{path}: there is no such file\n  next: did you mean truenorth? profiles: ")


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "x" * 5000])
def test_names_that_no_file_can_have(name: str) -> None:
    assert "there is no chip profile or file of this name" in message_of(name)


def test_folder(tmp_path: Path) -> None:
    assert message_of(tmp_path) == f"{tmp_path}: is a folder, not a chip profile\n  next: name one .yaml file"


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(b"name: \xff\xfe")
    assert message_of(path) == f"{path}: is not UTF-8 text (byte 6)\n  next: is this a chip profile?"


@pytest.mark.parametrize("content", [b"", b"\n# nothing\n", b"\xef\xbb\xbf"])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(content)
    assert message_of(path) == f"{path}: is empty\n  next: a chip profile starts with `schema: neurocomp/chip/1`"


@pytest.mark.parametrize("byte", [b"#", b"\xff"])
def test_file_that_is_too_large(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "chip.yaml"
    path.write_bytes(byte * (MAX_BYTES + 1))
    assert message_of(path) == f"{path}: is larger than 1 MiB\n  next: a data sheet is a few KiB; is this the file?"


@pytest.mark.parametrize(("text", "what"), [("- 1\n", "a list"), ("12\n", "12"), ("word\n", 'the text "word"')])
def test_file_that_is_no_mapping(text: str, what: str) -> None:
    with pytest.raises(InputError, match=f"^chip.yaml:1:1: a chip profile is a mapping of keys, not {what}\n"):
        parse_chip(text, "chip.yaml")


def test_no_more_findings_than_anyone_would_read() -> None:
    text = TINY + "".join(f"extra{i}: 1\n" for i in range(200))
    with pytest.raises(InputError) as raised:
        parse_chip(text, "chip.yaml")
    assert len(raised.value.diagnostics) == MAX_FINDINGS + 1
    assert str(raised.value.diagnostics[-1]) == "chip.yaml: 150 more findings are not shown"


def test_nesting_is_refused_before_it_hurts() -> None:
    with pytest.raises(InputError, match=r"chip\.yaml:1:65: values are nested more than 64 deep"):
        parse_chip("[" * 100_000, "chip.yaml")


def test_findings_never_carry_control_characters() -> None:
    with pytest.raises(InputError) as raised:
        parse_chip(tiny(("  width: 2", '  "w\\e[31m\\nth": 2')), "chip.yaml")
    assert all(c.isprintable() or c == "\n" for c in str(raised.value))
    assert "\n" not in raised.value.diagnostics[-1].what


def test_damaged_json() -> None:
    text = parse_chip(TINY).to_json()
    with pytest.raises(InputError, match=r"^chip\.json: is not a chip written by neurocomp: noc\.width "):
        chip_from_json(text.replace('"width":2', '"width":"2"'), "chip.json")
    with pytest.raises(InputError, match=r"^chip\.json: is not a chip written by neurocomp: "):
        chip_from_json(text[:100], "chip.json")
