"""The exact messages of ``neurocomp noc`` (noc_messages.expect, see test_cli_messages.py for its form).

``python -m tests.errors.test_noc_messages`` writes the answers anew.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.errors.test_cli_messages import answer_to, listing

EXPECT = Path(__file__).parent / "noc_messages.expect"
FILES = {
    "packets.csv": "release,source,destination\n0,1,2\n0,1\n-1,1,2\n0,1,2 x\n",
    "misspelt.csv": "release,source,destinaton\n0,1,2\n",
    "headless.csv": "0,1,2\n",
    "short.csv": "source\n1\n",
    "far.csv": "source,destination\n0,1\n1,4\n",
    "twice.csv": "source,destination\n0,1 1\n",
    "long.csv": "source,destination,flits\n0,1 2,9\n",
    "many.csv": "source,destination\n0,1 2 9\n",
    "none.csv": "source,destination\n",
    "empty.csv": "",
}


def read_cases() -> list[tuple[str, str, str]]:
    blocks = [block.split("\n", 2) for block in EXPECT.read_text(encoding="utf-8").split("=== ")[1:]]
    return [(name, command.removeprefix("$ neurocomp "), answer.rstrip("\n")) for name, command, answer in blocks]


def make_files(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    np.savez(folder / "inputs.npz", x=np.zeros((3, 4)))


@pytest.mark.parametrize(("command", "answer"), [pytest.param(c, a, id=n) for n, c, a in read_cases()])
def test_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, answer: str) -> None:
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = listing(tmp_path)
    assert answer_to(command) == answer
    assert listing(tmp_path) == before


def write_answers() -> None:
    cases = read_cases()
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder))
        os.chdir(folder)
        blocks = [f"=== {name}\n$ neurocomp {command}\n{answer_to(command)}\n" for name, command, _ in cases]
    EXPECT.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    write_answers()
