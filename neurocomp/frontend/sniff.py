"""What is this file? By its content, never by its name.

Networks come as NIR or lava-dl files (both HDF5) or torch files; everything else that people try gets one
message that says what it is and what to do instead.
"""

from __future__ import annotations

import difflib
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Literal

from neurocomp.errors import InputError, bad_input

Format = Literal["nir", "lava", "torch", "safetensors", "onnx"]

HEAD_BYTES = 4096
LEAST_BYTES = 8  # what is shorter cannot even begin as any of the formats
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
FREEZE = 'freeze it where it is built: neurocomp.freeze(net, example_input, "net.pt")'
ACCEPTED = "a network is a file made by neurocomp.freeze (.pt), NIR (.nir) or lava-dl (.net)"

_MAGICS = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself", "fetch the file: git lfs pull"),
    (b"\x93NUMPY", "is a NumPy array, not a network", "give arrays as input data: --input"),
    (b"\x1f\x8b", "is a gzip archive", "unpack it and give the network file that is inside"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", "unpack it and give the network file that is inside"),
    (b"%PDF", "is a PDF document, not a network", ACCEPTED),
    (b"\x89PNG", "is a picture, not a network", ACCEPTED),
    (b"\xff\xd8\xff", "is a picture, not a network", ACCEPTED),
)


def sniff(path: Path) -> Format:
    """The format of a network file. Raises InputError for everything that cannot be read as a network."""
    head = _head(path)
    if any(head.startswith(HDF5_MAGIC, offset) for offset in (0, 512, 1024, 2048)):
        return _hdf5(path)
    if head.startswith(ZIP_MAGICS):
        return _zip(path)
    for magic, what, hint in _MAGICS:
        if head.startswith(magic):
            raise bad_input(str(path), what, hint=hint)
    if _is_pickle(head):
        return "torch"
    if len(head) > 9 and _is_safetensors(head):
        return "safetensors"
    if _is_onnx(head):
        return "onnx"
    raise _unsupported(path, head)


def _head(path: Path) -> bytes:
    where = str(path)
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in (".pt", ".pth", ".nir", ".net"))[:3]
        hint = f"did you mean {path / inside[0]}?" if inside else ACCEPTED
        raise bad_input(where, "is a directory, not a file", hint=hint)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise missing_file(path) from error
    except PermissionError as error:
        raise bad_input(where, "may not be read (permission denied)") from error
    except (OSError, ValueError) as error:
        raise bad_input(where, "cannot be opened", why=str(error)) from error
    if not head:
        raise bad_input(where, "is an empty file", hint="copy or download it again")
    return head


def missing_file(path: Path) -> InputError:
    """The error for a file that is not there; suggests files beside it that are named alike."""
    if "\\" in str(path) and os.sep == "/":
        hint = f"folders are separated by / here: {str(path).replace(chr(92), '/')}"
        return bad_input(str(path), "does not exist", hint=hint)
    if not path.parent.is_dir():
        return bad_input(str(path), "does not exist", why=f"there is no directory {path.parent}")
    beside = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    alike = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.5)
    alike += [name for name in beside if name not in alike and Path(name).stem == path.stem][:2]
    hint = f"did you mean {' or '.join(str(path.parent / name) for name in alike)}?" if alike else ""
    return bad_input(str(path), "does not exist", hint=hint)


def _hdf5(path: Path) -> Format:
    from neurocomp.frontend.hdf5_child import open_hdf5

    with open_hdf5(path, again=True) as root:
        if root.has("node"):
            return "nir"
        if root.has("layer"):
            return "lava"
        names = root.names()
    where = str(path)
    if {"model_weights", "layer_names", "keras_version"} & set(names):
        raise bad_input(where, "is an HDF5 file of Keras, which is not read", hint=FREEZE)
    if {"data", "model"} == set(names):
        raise bad_input(where, "is an HDF5 file of recorded spikes, not a network")
    held = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") or "nothing"
    raise bad_input(
        where,
        "is an HDF5 file, but neither NIR (no /node) nor lava-dl (no /layer)",
        why=f"at the top it holds {held}",
        hint=ACCEPTED,
    )


def _zip(path: Path) -> Format:
    """Zip archives are torch files, unless their table of contents says otherwise."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist()[:1000]]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, struct.error):
        return "torch"  # its reader says what is broken
    if names and all(name.endswith(".npy") for name in names):
        raise bad_input(
            str(path), "is an .npz archive of arrays, not a network", hint="give arrays as input data: --input"
        )
    torch_like = any(name.endswith((".pkl", ".json")) or "/data/" in name for name in names)
    if names and not torch_like:
        raise bad_input(
            str(path),
            f"is a zip archive that torch did not write (it begins with {names[0]!r})",
            hint="unpack it and give the network file that is inside",
        )
    return "torch"


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 and later begin with the opcode PROTO and the protocol's number."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5


def _unsupported(path: Path, head: bytes) -> InputError:
    where = str(path)
    if len(head) < LEAST_BYTES:
        held = "1 byte" if len(head) == 1 else f"{len(head)} bytes"
        return bad_input(where, f"holds {held}, too few for a network", hint="copy or download it again")
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return bad_input(
            where,
            "is a web page (HTML), not the file itself",
            why="the download gave a page to look at",
            hint="download the raw file",
        )
    if _is_text(head):
        first = head.splitlines()[0].decode("utf-8", "replace")[:60]
        code = f"name what builds the network in it: --source {path.name}:build"
        hint = code if path.suffix == ".py" else ACCEPTED
        return bad_input(where, f"is a text file, not a network (it begins with {first!r})", hint=hint)
    return bad_input(where, f"is of an unknown format (it begins with bytes {head[:8].hex(' ')})", hint=ACCEPTED)


def _is_safetensors(head: bytes) -> bool:
    length = int.from_bytes(head[:8], "little")
    if not 2 <= length < 100 * 2**20 or head[8:9] != b"{":
        return False
    try:
        return length > len(head) - 8 or isinstance(json.loads(head[8 : 8 + length]), dict)
    except ValueError:
        return False


def _is_onnx(head: bytes) -> bool:
    """A ModelProto begins with ir_version (field 1, a small number), then the producer or the graph."""
    return head[0] == 0x08 and 1 <= head[1] <= 20 and len(head) > 3 and head[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\f" for c in text)
