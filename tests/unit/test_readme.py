"""What the README shows works as shown."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def fenced_blocks() -> list[tuple[str, str, str]]:
    """(heading above, language, text) of every fenced block."""
    blocks, heading, language, held = [], "", None, []
    for line in (ROOT / "README.md").read_text("utf-8").splitlines():
        if line.startswith("```") and language is None:
            language, held = line.removeprefix("```"), []
        elif line.startswith("```"):
            blocks.append((heading, language, "\n".join(held)))
            language = None
        elif language is not None:
            held.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    return blocks


def under(heading: str) -> list[str]:
    return [text for above, _, text in fenced_blocks() if above == heading]


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_the_two_commands_are_one_line_each(heading):
    (command,) = under(heading)
    assert command.count("\n") == 0


def test_the_shown_program_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    program = under("From Python")[0]
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102  our own text
    assert re.search(r"\d+\.\d uJ per inference, \d+\.\d% right", capsys.readouterr().out)


@pytest.mark.parametrize("line", under("Command line")[0].splitlines())
def test_the_shown_commands_exist(line, monkeypatch, capsys):
    from neurocomp.cli import main

    words = shlex.split(line.partition("#")[0])
    known = [word for word in words if word.islower() and word[0] not in "-["][:3]
    monkeypatch.setattr(sys, "argv", [*known, "--help"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for option in re.findall(r"--[a-z]+", line):
        assert option in shown


def test_every_room_of_the_architecture_exists():
    (listing,) = (text for text in under("Architecture") if "neurocomp/\n" in text)
    for line in listing.splitlines():
        folder = ROOT / "neurocomp" if line.startswith("  ") else ROOT
        names = line.strip().partition("  ")[0]
        for name in names.split(", "):
            assert list(folder.glob(name.rstrip("/"))), name
