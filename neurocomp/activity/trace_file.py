"""Spike traces on disk: one .npz, self-describing, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.archive import read_archive, write_archive
from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.errors import bad_input
from neurocomp.network.ops import Shape

SCHEMA = "neurocomp/trace/1"
PARTS = ("spikes", "active", "values")


def save_trace(trace: SpikeTrace, path: str | Path) -> None:
    """Write a trace, compressed. The bytes depend on the trace alone."""
    header, arrays = taken_apart(trace)
    write_archive(Path(path), {"schema": SCHEMA, **header}, arrays)


def load_trace(path: str | Path) -> SpikeTrace:
    """Read back what ``SpikeTrace.save`` wrote, for ``simulate`` on any chip whose numbers the network ran in.

    Raises InputError if the file is missing, damaged, changed or something else.
    """
    path = Path(path)
    return read_archive(path, SCHEMA, "spike trace", lambda header, file: put_together(header, file, str(path)))


def taken_apart(trace: SpikeTrace) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a trace. Of values that repeat one step (a view) there is that step alone."""
    header = {
        "samples": trace.samples,
        "steps": trace.steps,
        "arithmetic": trace.arithmetic,
        "digest": trace.digest,
        "populations": [{"name": name, "shape": list(p.shape)} for name, p in trace.populations.items()],
    }
    arrays: dict[str, np.ndarray] = {}
    for k, population in enumerate(trace.populations.values()):
        parts = {part: getattr(population, part) for part in PARTS}
        arrays |= {f"{k}.{part}": _one_step(array) for part, array in parts.items() if array is not None}
    return header, arrays


def put_together(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], where: str) -> SpikeTrace:
    """The trace again. where: its place in messages. Raises InputError if it is not what was taken apart."""
    steps = int(header["steps"])
    populations = {
        str(entry["name"]): _population(tuple(entry["shape"]), arrays, k, steps)
        for k, entry in enumerate(header["populations"])
    }
    trace = SpikeTrace(int(header["samples"]), steps, populations, str(header["arithmetic"]))
    _check(trace, header["digest"], where)
    return trace


def _population(shape: Shape, arrays: Mapping[str, np.ndarray], k: int, steps: int) -> PopulationTrace:
    parts = {part: _all_steps(arrays[f"{k}.{part}"], steps) for part in PARTS if f"{k}.{part}" in arrays}
    return PopulationTrace(shape, **parts)


def _one_step(array: np.ndarray) -> np.ndarray:
    return array[:, :1] if array.shape[1] > 1 and array.strides[1] == 0 else array


def _all_steps(array: np.ndarray, steps: int) -> np.ndarray:
    return np.broadcast_to(array, (array.shape[0], steps, *array.shape[2:])) if array.shape[1] == 1 else array


def _check(trace: SpikeTrace, digest: str, where: str) -> None:
    for name, population in trace.populations.items():
        rows = (trace.samples, trace.steps, (population.size + 7) // 8)
        for part in ("spikes", "active"):
            array = getattr(population, part)
            if array is not None and (array.dtype != np.uint8 or array.shape != rows):
                raise bad_input(where, f"{name}: {part} of shape {array.shape} where {rows} is needed")
    if trace.digest != digest:
        raise bad_input(
            where,
            "its contents do not match its checksum",
            why="the file was changed or damaged",
            hint="run the network again and save its trace",
        )
