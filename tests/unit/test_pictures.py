"""The pictures of the documents: each exists, the script makes all that it should, and does without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_picture_that_is_shown_exists(page: Path) -> None:
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    assert all((page.parent / name).is_file() for name in named), named


def test_the_script_makes_every_picture_and_all_are_shown() -> None:
    script = (ROOT / "docs" / "screenshots.py").read_text("utf-8")
    there = {path.name for path in (ROOT / "docs" / "images").glob("*.png")}
    assert there <= set(re.findall(r'"(\w+\.png)"', script))
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert all(f"images/{name}" in text for name in there)


def test_without_a_browser_nothing_is_changed(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs" / "screenshots.py")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("no pictures were made: none of chromium, ")
