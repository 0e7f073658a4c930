"""Some damaged files for each reader, always the same ones; ``python -m tests.fuzz.drive`` tries others."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.fuzz.drive import fuzz
from tests.fuzz.targets import TARGETS

NEEDS = {"pt2": ("torch",), "safetensors": ("safetensors", "torch")}


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits for processes")
@pytest.mark.parametrize("target", TARGETS)
def test_no_file_makes_a_reader_do_more_than_read(target: str, tmp_path: Path) -> None:
    if any(importlib.util.find_spec(name) is None for name in NEEDS.get(target, ())):
        pytest.skip("needs " + ", ".join(NEEDS[target]))
    outcome = fuzz(target, 0, 60, None, tmp_path)
    assert not outcome.ended, f"{outcome.ended}; the file is {outcome.kept}"
    assert outcome.read == 60


def test_what_is_forbidden_is_seen(tmp_path: Path) -> None:
    """The watch itself: a reader that runs something does not get away."""
    import subprocess

    code = (
        "import os; from pathlib import Path; import tests.fuzz.watch as w; from tests.fuzz.targets import Target\n"
        "def bad(path):\n    path.read_bytes() == b'good' or os.system('true')\n"
        f"w.run(Target(lambda: [b'good'], bad), Path({str(tmp_path / 'file')!r}), 0, 5, None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 99 and done.stderr.startswith("forbidden: os.system")
