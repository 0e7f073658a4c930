"""Fuzzes the readers of files: ``python -m tests.fuzz.drive [--seconds 60] [--first 0] [--jobs 2] [TARGET ...]``.

Each reader runs in a process of its own. A file that ends it, and one on which it takes too long or does what a
reader must not do, is kept as ``fuzz-TARGET-NUMBER`` in the current folder, with how it ended.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """read: how many files were; ended: how it ended, empty if well; kept: the file it ended with."""

    read: int
    ended: str = ""
    kept: Path | None = None


def fuzz(target: str, first: int, count: int | None, seconds: float | None, keep: Path) -> Outcome:
    """Fuzz one reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        words = [target, str(path), str(first), *("-" if n is None else str(n) for n in (count, seconds))]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.watch", *words], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "NEUROCOMP_NO_CHILD": os.environ.get("NEUROCOMP_NO_CHILD", "1")},
        )  # fmt: skip
        if done.returncode == 0:
            return Outcome(int(done.stdout.split()[-1]))
        kept = keep / f"fuzz-{target}-{first}"
        if path.exists():
            shutil.copy(path, kept)
        said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return Outcome(0, f"exit code {done.returncode}: {said}", kept)


def main() -> int:
    """Exit code 1 if a reader failed."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of files.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each reader")
    parser.add_argument("--first", type=int, default=0, help="number of the first file; others try other files")
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time")
    options = parser.parse_args()
    targets, failed = options.targets or list(TARGETS), False
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda t: fuzz(t, options.first, None, options.seconds, Path.cwd()), targets)
        failed = _told(targets, outcomes)
    return int(failed)


def _told(targets: Iterable[str], outcomes: Iterable[Outcome]) -> bool:
    """Say how each ended, as soon as it and all before it have; returns whether one failed."""
    failed = False
    for target, outcome in zip(targets, outcomes, strict=True):
        failed |= bool(outcome.ended)
        ended = f"{outcome.ended} ({outcome.kept})" if outcome.ended else f"{outcome.read} files"
        sys.stdout.write(f"{target}: {ended}\n")
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
