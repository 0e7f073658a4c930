"""Reads what ``torch.save`` wrote, without torch and without running anything that is in the file.

A frozen network becomes a :class:`~neurocomp.network.graph.Network`. Everything else that people keep in a
``.pt`` file is recognised and answered with what it is and what to do next: weights alone, a pickled module,
TorchScript, torch.export archives, files of old torch versions, bare pickles, and files that would run code.
"""

from __future__ import annotations

from pathlib import Path

from neurocomp.errors import InputError, bad_input
from neurocomp.frontend.child import rehearse
from neurocomp.frontend.contents import FREEZE, FREEZE_CALL, describe, refuse_code
from neurocomp.frontend.frozen import from_archive, is_frozen
from neurocomp.frontend.pickled import PickleDamaged, PickledValue, read_pickle
from neurocomp.frontend.tensors import TensorReader
from neurocomp.frontend.torchzip import COPY_AGAIN, MAX_PICKLE_BYTES, REHEARSED_BYTES, TorchZip, damaged
from neurocomp.network.graph import Network

ZIP_MAGIC = b"PK\x03\x04"
EMPTY_ZIP_MAGIC = b"PK\x05\x06"
LFS_MAGIC = b"version https://git-lfs"
LEGACY_TORCH_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""torch.save before version 1.6 began with a pickle of the number 0x1950a86a20f9469cfc6c."""


def read_torch(path: str | Path) -> Network:
    """The network in a torch file (zip or pickle). Raises InputError for anything but a frozen network."""
    path = Path(path)
    head = first_bytes(path)
    if head.startswith(ZIP_MAGIC):
        return _read_zip(path)
    if head.startswith(EMPTY_ZIP_MAGIC):
        raise bad_input(str(path), "is an empty zip archive", hint=FREEZE)
    raise _not_a_zip(path, head)


def read_saved(path: str | Path) -> PickledValue:
    """What torch.save put into a zip archive: its pickle, read and not run. Raises InputError for anything else."""
    path = Path(path)
    head = first_bytes(path)
    if not head.startswith(ZIP_MAGIC):
        raise _not_a_zip(path, head)
    with TorchZip(path) as archive:
        _refuse_other_archives(archive)
        pickled = _unpickle(archive)
    refuse_code(str(path), pickled)
    return pickled


def is_exported(path: Path) -> bool:
    """Whether a file is a torch.export archive."""
    if not first_bytes(path).startswith(ZIP_MAGIC):
        return False
    with TorchZip(path) as archive:
        return archive.find("models/model.json") is not None


def archive_kind(path: Path) -> str:
    """What wrote a file of which convert can read nothing: torch.export or TorchScript; empty for any other."""
    if not first_bytes(path).startswith(ZIP_MAGIC):
        return ""
    with TorchZip(path) as archive:
        if _is_scripted(archive):
            return "TorchScript archive (torch.jit.save)"
        return "torch.export archive (.pt2)" if archive.find("models/model.json") is not None else ""


def _is_scripted(archive: TorchZip) -> bool:
    return bool(archive.find("constants.pkl")) and any("code/" in name for name in archive.entries)


def is_old_torch(path: Path) -> bool:
    """Whether a file is one of torch before 1.6, which is no zip archive."""
    return first_bytes(path).startswith(LEGACY_TORCH_MAGIC)


def first_bytes(path: Path) -> bytes:
    """The beginning of a file. Raises InputError if it cannot be opened, is a directory or is empty."""
    if path.is_dir():
        raise bad_input(str(path), "is a directory", hint="give the file of the network, such as net.pt")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError as error:
        raise bad_input(str(path), "no such file", hint="check the path") from error
    except OSError as error:
        raise bad_input(str(path), "cannot be opened", why=error.strerror or str(error)) from error
    if not head:
        raise bad_input(str(path), "the file is empty", hint=COPY_AGAIN)
    if head.startswith(LFS_MAGIC):
        raise bad_input(
            str(path),
            "is a Git LFS pointer, not the file itself",
            why="the repository was cloned without Git LFS",
            hint=f"git lfs pull --include {path.name}",
        )
    return head


def _read_zip(path: Path) -> Network:
    with TorchZip(path) as archive:
        _refuse_other_archives(archive)
        pickled = _unpickle(archive)
    if is_frozen(pickled.value) and not pickled.called and not pickled.created:
        return from_archive(pickled.value, str(path))
    raise describe(path, pickled)


def _refuse_other_archives(archive: TorchZip) -> None:
    """Archives that are not written by torch.save."""
    path = str(archive.path)
    names = list(archive.entries)
    if _is_scripted(archive):
        raise bad_input(
            path,
            "is a TorchScript archive (torch.jit.save)",
            why="it holds compiled code in which the neurons can no longer be told apart",
            hint=f"{FREEZE}; if it has no spiking neurons, neurocomp convert takes it as ONNX",
        )
    if any(name.endswith(".json") and "models/" in name for name in names):
        raise bad_input(
            path,
            "is a torch.export archive (.pt2)",
            why="its graph is looked up and its neurons are put back only where a network is to be frozen",
            hint=f"freeze it: neurocomp freeze {archive.path.name} --input x.npz --steps T",
        )
    if archive.find("data.pkl") is None:
        inside = ", ".join(names[:3]) or "nothing"
        raise bad_input(path, f"is a zip archive, but not one of torch.save: it holds {inside}", hint=FREEZE)


def _unpickle(archive: TorchZip) -> PickledValue:
    name = archive.find("data.pkl")
    if name is None:
        raise bad_input(str(archive.path), "is a zip archive, but not one of torch.save", hint=FREEZE)
    data = archive.read(name, MAX_PICKLE_BYTES)
    if len(data) > REHEARSED_BYTES:
        rehearse(archive.path, "pickle")
    try:
        return read_pickle(data, TensorReader(archive))
    except PickleDamaged as error:
        raise damaged(archive.path, error, name) from error


def _not_a_zip(path: Path, head: bytes) -> InputError:
    """The error for a file that is no zip: an old torch file, a bare pickle, or neither."""
    legacy = head.startswith(LEGACY_TORCH_MAGIC)
    pickled = _bare_pickle(path, skip=3 if legacy else 0)
    if pickled is None and not legacy:
        return bad_input(
            str(path),
            "is neither a torch file nor any other format that neurocomp reads",
            why=f"it begins with {head[:12]!r}",
            hint=FREEZE,
        )
    if pickled is not None:
        refuse_code(str(path), pickled)
    if legacy:
        return bad_input(
            str(path),
            "was saved by a torch older than 1.6 (not a zip archive)",
            hint=f"load it with torch, then {FREEZE_CALL}",
        )
    content = f" of class {pickled.created[0]}" if pickled and pickled.created else ""
    return bad_input(str(path), f"is a bare Python pickle{content}, not a torch file", hint=FREEZE)


def _bare_pickle(path: Path, skip: int) -> PickledValue | None:
    """The pickle after ``skip`` others (an old torch file begins with three), or None if there is none."""
    with path.open("rb") as file:
        data = file.read(MAX_PICKLE_BYTES)
    if len(data) > REHEARSED_BYTES:
        rehearse(path, "bare", skip)
    try:
        for _ in range(skip):
            data = data[read_pickle(data).size :]
        return read_pickle(data)
    except PickleDamaged:
        return None
