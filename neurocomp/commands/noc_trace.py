"""Reads the packets of a trace for ``neurocomp noc``: a table (.csv) or arrays (.npz), from anybody.

CSV: a header, then one row per packet. ``release,source,destination,flits``; release (cycle) is 0 and flits 1 where
the column is missing. A packet with several destinations has them in one cell, with spaces between: ``3 7 12``.
Lines that begin with # are remarks. NPZ: arrays of the same names, one entry per packet; for packets with several
destinations also ``pointer`` (packets + 1): destination[pointer[p]:pointer[p + 1]] are those of packet p.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurocomp.chip.messages import did_you_mean
from neurocomp.chip.yaml12 import printable
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.fabric.burst import Burst
from neurocomp.frontend.sniff import missing_file
from neurocomp.inputs.memory import need_memory
from neurocomp.inputs.npz import ZIP_MAGICS, read_npz

COLUMNS = ("release", "source", "destination", "flits")
DEFAULTS = {"release": "0", "flits": "1"}
MOST_FINDINGS = 10
LARGEST = 2**62
BYTES_PER_BYTE = 40  # memory while a table is read, per byte of the file


def read_trace(path: Path) -> Burst:
    """The packets of a file. Raises InputError with what is wrong with it."""
    where = str(path)
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise bad_input(where, f"cannot be read: {reason}") from None
    return _from_arrays(path) if head.startswith(ZIP_MAGICS) else _from_table(path)


def _from_arrays(path: Path) -> Burst:
    arrays = read_npz(path, ("source", "destination"), ("release", "flits", "pointer"))
    for name, array in arrays.items():
        whole = array.dtype.kind in "iu" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
        if array.ndim != 1 or not whole:
            raise bad_input(str(path), f"{name} must be a row of whole numbers, not {array.dtype} {array.shape}")
        if array.size and not (array.min() > -LARGEST and array.max() < LARGEST):
            raise bad_input(str(path), f"{name} holds numbers beyond 2**62")
    packets = arrays["source"].size
    release = arrays.get("release", np.zeros(packets, np.int64))
    flits = arrays.get("flits", np.ones(packets, np.int64))
    pointer = arrays.get("pointer", np.arange(packets + 1)).astype(np.int64)
    destination = arrays["destination"].astype(np.int64)
    return _burst(path, release, arrays["source"], flits, pointer, destination)


def _from_table(path: Path) -> Burst:
    where = str(path)
    need_memory(where, path.stat().st_size * BYTES_PER_BYTE, "a trace of this length", "send a shorter one")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_input(where, f"is not text (byte {error.start})", hint="a trace is .csv or .npz") from None
    rows = _rows(text)
    try:
        first = next(rows, None)
        if first is None:
            raise bad_input(where, "is empty", hint=f"a trace begins with the line {','.join(COLUMNS)}")
        header = [cell.strip() for cell in first[1]]
        _check_header(where, header)
        return _parse(path, header, rows)
    except csv.Error as error:  # a cell without end
        raise bad_input(where, "is no table of packets", why=str(error)) from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each line that says something."""
    lines = ((number, line) for number, line in enumerate(text.splitlines(), 1))
    useful = [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]
    for (number, _), cells in zip(useful, csv.reader(line for _, line in useful), strict=False):
        yield number, cells


def _check_header(where: str, header: list[str]) -> None:
    found = [
        Diagnostic(f"{where}:1", f"there is no column {printable(name)!r}", hint=did_you_mean(name, COLUMNS))
        for name in header
        if name not in COLUMNS
    ]
    missing = [name for name in COLUMNS if name not in header and name not in DEFAULTS]
    if missing and not found:
        hint = f"a trace begins with the line {','.join(COLUMNS)}"
        found.append(Diagnostic(where, f"has no column {' and no '.join(missing)}", hint=hint))
    if len(set(header)) < len(header) and not found:
        found.append(Diagnostic(where, "has a column twice"))
    if found:
        raise InputError(found)


def _parse(path: Path, header: list[str], rows: Iterator[tuple[int, list[str]]]) -> Burst:
    found: list[Diagnostic] = []
    columns: dict[str, list[int]] = {name: [] for name in ("release", "source", "flits")}
    destination: list[int] = []
    pointer = [0]
    for number, cells in rows:
        row = {**DEFAULTS, **dict(zip(header, cells, strict=False))}
        problem = _problem(header, cells, row)
        if problem:
            found.append(Diagnostic(f"{path}:{number}", problem))
            if len(found) == MOST_FINDINGS:
                break
            continue
        for name, values in columns.items():
            values.append(int(row[name]))
        destination.extend(sorted(int(core) for core in row["destination"].split()))
        pointer.append(len(destination))
    if found:
        raise InputError(found)
    arrays = {name: np.array(values, np.int64) for name, values in columns.items()}
    of = np.array(destination, np.int64)
    return _burst(path, arrays["release"], arrays["source"], arrays["flits"], np.array(pointer), of)


def _problem(header: list[str], cells: list[str], row: dict[str, str]) -> str:
    if len(cells) != len(header):
        return f"has {len(cells)} cells, and the header {len(header)}"
    for name in COLUMNS:
        words = row[name].split()
        if not words or (len(words) > 1 and name != "destination"):
            return f"{name} is {printable(row[name])!r}; a whole number is needed"
        for word in words:
            if not (word.isascii() and word.isdigit() and len(word) < 19):
                return f"{name} is {printable(word)!r}; a whole number, not negative, is needed"
    return ""


def _burst(
    path: Path, release: np.ndarray, source: np.ndarray, flits: np.ndarray, pointer: np.ndarray, destination: np.ndarray
) -> Burst:
    if not source.size:
        raise bad_input(str(path), "holds no packets")
    for name, values in (("source", source), ("flits", flits), ("destination", destination)):
        if values.size and not (values.min() >= -(2**31) and values.max() < 2**31):
            raise bad_input(str(path), f"{name} holds numbers beyond 31 bits")
    try:
        return Burst(release, source, flits, pointer, destination)
    except InputError as error:
        found = [Diagnostic(str(path), f"{d.where.removeprefix('burst.')}: {d.what}") for d in error.diagnostics]
        raise InputError(found) from None
