"""Spike traces on disk: one .npz, self-describing, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.archive import read_archive, write_archive
from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.errors import bad_input

SCHEMA = "neurocomp/trace/1"
PARTS = ("spikes", "active", "values")


def save_trace(trace: SpikeTrace, path: str | Path) -> None:
    """Write a trace, compressed. The bytes depend on the trace alone."""
    header = {
        "schema": SCHEMA,
        "samples": trace.samples,
        "steps": trace.steps,
        "arithmetic": trace.arithmetic,
        "digest": trace.digest,
        "populations": [{"name": name, "shape": list(p.shape)} for name, p in trace.populations.items()],
    }
    arrays: dict[str, np.ndarray] = {}
    for k, population in enumerate(trace.populations.values()):
        parts = {part: getattr(population, part) for part in PARTS}
        arrays |= {f"{k}.{part}": array for part, array in parts.items() if array is not None}
    write_archive(Path(path), header, arrays)


def load_trace(path: str | Path) -> SpikeTrace:
    """Read a trace back; raises InputError if the file is missing, damaged or something else."""
    path = Path(path)

    def take(header: dict[str, Any], file: np.lib.npyio.NpzFile) -> SpikeTrace:
        populations = {
            entry["name"]: PopulationTrace(tuple(entry["shape"]), *_parts(file, k))
            for k, entry in enumerate(header["populations"])
        }
        trace = SpikeTrace(int(header["samples"]), int(header["steps"]), populations, str(header["arithmetic"]))
        _check(trace, header["digest"], path)
        return trace

    return read_archive(path, SCHEMA, "spike trace", take)


def _parts(file: np.lib.npyio.NpzFile, k: int) -> list[Any]:
    return [file.get(f"{k}.{part}") for part in PARTS]


def _check(trace: SpikeTrace, digest: str, path: Path) -> None:
    for name, population in trace.populations.items():
        rows = (trace.samples, trace.steps, (population.size + 7) // 8)
        for part in ("spikes", "active"):
            array = getattr(population, part)
            if array is not None and (array.dtype != np.uint8 or array.shape != rows):
                raise bad_input(str(path), f"{name}: {part} of shape {array.shape} where {rows} is needed")
    if trace.digest != digest:
        raise bad_input(
            str(path),
            "its contents do not match its checksum",
            why="the file was changed or damaged",
            hint="run the network again and save its trace",
        )
