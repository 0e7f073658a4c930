"""Arrays from anybody: headers that lie about sizes, and headers that are no header."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.inputs.npz import read_npz


def archive(path: Path, entry: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", entry)
    return path


def header(text: str) -> bytes:
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode("latin1")


def test_what_is_declared_must_be_there(tmp_path: Path) -> None:
    lying = header("{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 1000)}") + bytes(64)
    with pytest.raises(InputError, match=r"x declares 400,000,000 bytes, of which at most 192 are in the file"):
        read_npz(archive(tmp_path / "x.npz", lying), ("x",))


@pytest.mark.parametrize("text", ["{'descr': '<f4', 'shape': (2,", "((((", "{1: 2}", "\xfd", "'" * 3])
def test_a_header_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"is a damaged \.npz archive"):
        read_npz(archive(tmp_path / "x.npz", header(text)), ("x",))


def test_packed_arrays_are_read(tmp_path: Path) -> None:
    held = io.BytesIO()
    np.savez_compressed(held, x=np.zeros((1000, 1000)))
    (tmp_path / "x.npz").write_bytes(held.getvalue())
    assert read_npz(tmp_path / "x.npz", ("x",))["x"].shape == (1000, 1000)
