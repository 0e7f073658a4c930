"""Runs of networks kept on disk beside the points, so that a new process need not run a network again.

A file is taken only if the spikes in it have the digest that it states; anything else counts as no file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.files import write_whole
from neurocomp.version import VERSION

LARGEST = 2**28  # bytes of a run that is kept on disk; larger ones are made again by each process
PARTS = ("spikes", "active", "values")


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
    trace, arrays = run.trace, {}
    populations = []
    for index, (name, population) in enumerate(trace.populations.items()):
        held = {part: getattr(population, part) for part in PARTS if getattr(population, part) is not None}
        populations.append({"name": name, "shape": list(population.shape), "parts": list(held)})
        for part, array in held.items():
            arrays[f"{part}{index}"] = _one_step(array)
    if sum(array.nbytes for array in arrays.values()) > LARGEST:
        return
    head = {"samples": trace.samples, "steps": trace.steps, "arithmetic": trace.arithmetic,
            "accuracy": run.accuracy, "digest": trace.digest, "populations": populations}  # fmt: skip
    content = io.BytesIO()
    np.savez(content, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        write_whole(folder / f"{key}.npz", content.getvalue())


def load_run(folder: Path, key: str) -> Run | None:
    """A run that was kept, or None."""
    try:
        with np.load(folder / f"{key}.npz", allow_pickle=False) as archive:
            head: dict[str, Any] = json.loads(archive["head"].tobytes())
            steps = int(head["steps"])
            populations = {
                entry["name"]: PopulationTrace(
                    tuple(entry["shape"]),
                    **{part: _all_steps(archive[f"{part}{index}"], steps) for part in entry["parts"]},
                )
                for index, entry in enumerate(head["populations"])
            }
        trace = SpikeTrace(int(head["samples"]), steps, populations, str(head["arithmetic"]))
        return Run(trace, head["accuracy"]) if trace.digest == head["digest"] else None
    except Exception:  # whatever a damaged file does to its readers: the run is made again
        return None


def _one_step(array: np.ndarray) -> np.ndarray:
    """A view that repeats one step (constant inputs) as that step."""
    return array[:, :1] if array.shape[1] > 1 and array.strides[1] == 0 else array


def _all_steps(array: np.ndarray, steps: int) -> np.ndarray:
    return np.broadcast_to(array, (array.shape[0], steps, *array.shape[2:])) if array.shape[1] == 1 else array
