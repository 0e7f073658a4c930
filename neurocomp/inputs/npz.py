"""Reads named arrays from an .npz archive that may come from anybody: headers first, no pickle, no surprise sizes."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.frontend.sniff import missing_file
from neurocomp.inputs.memory import need_memory

HOW = 'np.savez("data.npz", x=inputs, y=labels)'
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")

MAX_EXPANSION = 1032
"""Deflate cannot pack more bytes into one."""
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, EOFError, ValueError, TypeError, KeyError,
    IndexError, SyntaxError, OverflowError, NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What the readers of zip archives and of NumPy's headers (which are Python literals) raise on damaged ones."""


Accept = Callable[[str, tuple[int, ...]], None]


def read_npz(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), accept: Accept | None = None
) -> dict[str, np.ndarray]:
    """The arrays of these names. Raises InputError for anything that is not plain numbers, ResourceLimitError for
    arrays that do not fit into memory. accept: called with each array's name and shape before its values are read;
    raises what it has against them."""
    _check_magic(path)
    try:
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            _check_names(path, held, required)
            return {name: _array(path, archive, name, accept) for name in (*required, *optional) if name in held}
    except DAMAGED as error:
        raise bad_input(
            str(path), "is a damaged .npz archive", why=_reason(error), hint=f"write it again: {HOW}"
        ) from error


def _check_magic(path: Path) -> None:
    where = str(path)
    if path.is_dir():
        raise bad_input(where, "is a directory, not an .npz file")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except (OSError, ValueError) as error:
        raise bad_input(where, "cannot be read", why=_reason(error)) from error
    if not head:
        raise bad_input(where, "is an empty file", hint=f"write it again: {HOW}")
    if head.startswith(b"\x93NUMPY"):
        raise bad_input(
            where,
            "is a single NumPy array (.npy)",
            why="inputs and labels are told apart by their names",
            hint=f"save it so: {HOW}",
        )
    if not head.startswith(ZIP_MAGICS):
        raise bad_input(where, "is not an .npz archive", hint=f"inputs are read from a file made so: {HOW}")


def _check_names(path: Path, held: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in held]
    if not missing:
        return
    if not held:
        raise bad_input(str(path), "is a zip archive without arrays", hint=f"save arrays so: {HOW}")
    shown = ", ".join(sorted(held)[:8]) + (", ..." if len(held) > 8 else "")
    raise bad_input(str(path), f"has no array named {missing[0]}; it holds {shown}", hint=f"save it so: {HOW}")


def _array(path: Path, archive: zipfile.ZipFile, name: str, accept: Accept | None) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
    _check_numbers(path, name, shape, dtype)
    if accept is not None:
        accept(name, shape)
    need_memory(str(path), math.prod(shape) * dtype.itemsize, f"array {name} of shape {shape}")
    _check_present(path, archive.getinfo(f"{name}.npy"), math.prod(shape) * dtype.itemsize, name)
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_present(path: Path, entry: zipfile.ZipInfo, declared: int, name: str) -> None:
    """What an array declares must be in the file, packed or not, before memory is taken for it."""
    possible = min(entry.file_size, MAX_EXPANSION * min(entry.compress_size, path.stat().st_size))
    if declared > possible:
        raise bad_input(
            str(path),
            f"{name} declares {declared:,} bytes, of which at most {possible:,} are in the file",
            hint=f"write it again: {HOW}",
        )


def _check_numbers(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise bad_input(
            str(path),
            f"{name} holds Python objects, which are never loaded",
            why="an array of objects can run code when it is read",
            hint=f"save plain numbers: np.asarray({name}, dtype=float)",
        )
    if dtype.kind not in "biuf":
        raise bad_input(str(path), f"{name} is of type {dtype}; plain numbers are needed")
    if not shape:
        raise bad_input(str(path), f"{name} is a single number; an array with one row per sample is needed")


def _reason(error: Exception) -> str:
    if isinstance(error, zipfile.BadZipFile) and "not a zip" in str(error):
        return "its end is missing"  # the beginning was looked at before
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
