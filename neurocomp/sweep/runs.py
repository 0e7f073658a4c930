"""Runs of networks kept on disk beside the points, so that a new process need not run a network again.

A file is taken only if the spikes in it have the digest that it states; anything else counts as no file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.archive import read_archive, write_archive
from neurocomp.activity.trace import SpikeTrace
from neurocomp.activity.trace_file import put_together, taken_apart
from neurocomp.version import VERSION

LARGEST = 2**28  # bytes of a run that is kept on disk; larger ones are made again by each process
SCHEMA = "neurocomp/sweep-run/1"


@dataclass(frozen=True)
class Run:
    """Spikes of a network in a chip's numbers. accuracy: share of samples classified rightly, None without labels."""

    trace: SpikeTrace
    accuracy: float | None


def run_key(*parts: object) -> str:
    """Name of a run: hash of all that it depends on."""
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()


def save_run(folder: Path, key: str, run: Run) -> None:
    """Keep a run; a disk that refuses is no error, since the run can be made again."""
    header, arrays = taken_apart(run.trace)
    if sum(array.nbytes for array in arrays.values()) > LARGEST:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        header |= {"schema": SCHEMA, "accuracy": run.accuracy}
        write_archive(folder / f"{key}.npz", header, arrays, compress=False)


def load_run(folder: Path, key: str) -> Run | None:
    """A run that was kept, or None."""
    path = folder / f"{key}.npz"

    def take(header: dict[str, Any], file: np.lib.npyio.NpzFile) -> Run:
        return Run(put_together(header, file, str(path)), header["accuracy"])

    try:
        return read_archive(path, SCHEMA, "run", take)
    except Exception:  # whatever a damaged file does to its readers: the run is made again
        return None
