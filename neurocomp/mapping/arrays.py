"""Arrays in an uncompressed .npz archive whose bytes depend on nothing but the arrays.

``numpy.load`` reads it. Reading here trusts nothing: the header of every member must agree with its size in
the archive before memory is taken for it, and no Python object is ever loaded.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurocomp.errors import bad_input

_DATE = (1980, 1, 1, 0, 0, 0)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays in the given order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _DATE)
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), version=(1, 0), allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an archive. Raises InputError if it is missing, cut off, or holds anything but arrays."""
    where = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len({m.filename for m in members}) != len(members):
                raise bad_input(where, "holds two arrays of the same name")
            return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}
    except FileNotFoundError as error:
        raise bad_input(where, "does not exist", hint="compile the network again") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise bad_input(where, "is damaged", f"{type(error).__name__}: {error}", "compile the network again") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        raise ValueError(f"{member.filename} is compressed")
    data = archive.read(member)  # checks the CRC
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{member.filename} is no array of format 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or dtype.names is not None or dtype.itemsize == 0:
        raise ValueError(f"{member.filename} holds {dtype}")
    if len(data) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{member.filename} has {len(data) - file.tell()} bytes for {shape} {dtype}")
    array = np.frombuffer(data, dtype, offset=file.tell())
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
