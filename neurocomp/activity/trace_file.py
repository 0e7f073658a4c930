"""Spike traces on disk: one .npz, self-describing, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.trace import PopulationTrace, SpikeTrace
from neurocomp.errors import InputError, bad_input

SCHEMA = "neurocomp/trace/1"
PARTS = ("spikes", "active", "values")


def save_trace(trace: SpikeTrace, path: str | Path) -> None:
    """Write a trace, compressed. The bytes depend on the trace alone."""
    path = Path(path)
    header = {
        "schema": SCHEMA,
        "samples": trace.samples,
        "steps": trace.steps,
        "arithmetic": trace.arithmetic,
        "digest": trace.digest,
        "populations": [{"name": name, "shape": list(p.shape)} for name, p in trace.populations.items()],
    }
    arrays: dict[str, Any] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    for k, population in enumerate(trace.populations.values()):
        parts = {part: getattr(population, part) for part in PARTS}
        arrays |= {f"{k}.{part}": array for part, array in parts.items() if array is not None}
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load_trace(path: str | Path) -> SpikeTrace:
    """Read a trace back; raises InputError if the file is missing, damaged or something else."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(bytes(file["header"]))
            if header.get("schema") != SCHEMA:
                raise bad_input(str(path), f"is no spike trace of schema {SCHEMA}")
            populations = {
                entry["name"]: PopulationTrace(tuple(entry["shape"]), *_parts(file, k))
                for k, entry in enumerate(header["populations"])
            }
        trace = SpikeTrace(int(header["samples"]), int(header["steps"]), populations, str(header["arithmetic"]))
        _check(trace, header["digest"], path)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise bad_input(str(path), "there is no such file") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise bad_input(
            str(path),
            "is damaged or no spike trace",
            why=str(error).splitlines()[0][:200],
            hint="run the network again and save its trace",
        ) from error
    return trace


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
