"""The container of a torch file: a zip archive that is opened with suspicion.

Nothing is unpacked to disk. Before a single byte of an entry is read, its declared sizes are checked against
the file that is really there, so that a zip bomb costs nothing.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from neurocomp.errors import Diagnostic, InputError, ResourceLimitError, bad_input
from neurocomp.frontend.child import rehearse

MAX_ENTRIES = 100_000
MAX_PICKLE_BYTES = 256 * 2**20
MAX_COMPRESSION = 200
"""Largest allowed ratio of unpacked to packed size; torch itself stores its entries uncompressed."""

REHEARSED_BYTES = 2**16
"""Pickles and tables of contents up to this size cannot keep a reader busy for long; others meet a child first."""
END_BYTES = 2**16 + 22

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    MemoryError,
)
"""What the standard zip reader raises on damaged, encrypted or exotic archives."""

COPY_AGAIN = "copy or download it again; if it still fails, save it again with torch.save"
HEAD_BYTES = 4096
FREEZE_AGAIN = "copy or download it again; if it still fails, freeze the network again"
FROZEN_MARK = b"neurocomp/network/"  # of the description's schema, near the beginning of a frozen network


@dataclass(frozen=True)
class Entry:
    """One file inside the archive. name: its path inside the archive; size: unpacked bytes."""

    name: str
    size: int


class TorchZip:
    """An open archive. Use as a context manager. Raises InputError for everything that is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if _directory_bytes(path) > REHEARSED_BYTES:
            rehearse(path, "zip")
        try:
            self._zip = zipfile.ZipFile(path)
        except BROKEN as error:
            raise damaged(path, error) from error
        try:
            self.entries = self._checked_entries()
            self._inside = {
                path: name for name in sorted(self.entries, reverse=True) for path in (name, name.partition("/")[2])
            }
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> TorchZip:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def find(self, suffix: str) -> str | None:
        """The entry ``<archive>/<suffix>`` (or the bare suffix), or None."""
        return self._inside.get(suffix)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """The bytes of an entry; ``limit``: largest size that makes sense for it."""
        entry = self.entries[name]
        if limit is not None and entry.size > limit:
            raise ResourceLimitError(
                Diagnostic(
                    f"{self.path}:{name}",
                    f"is {entry.size} bytes long; at most {limit} are read",
                    why="a description of this size is not plausible for a network",
                )
            )
        try:
            data = self._zip.read(name)
        except BROKEN as error:
            raise damaged(self.path, error, name) from error
        if len(data) != entry.size:
            raise damaged(self.path, f"{len(data)} bytes where {entry.size} were announced", name)
        return data

    def _checked_entries(self) -> dict[str, Entry]:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise bad_input(str(self.path), f"the archive has {len(infos)} entries; at most {MAX_ENTRIES} are read")
        packed = sum(info.compress_size for info in infos)
        if packed > self.path.stat().st_size:
            raise bad_input(
                str(self.path),
                f"its entries claim {packed} packed bytes, more than the file has",
                why="the entries overlap or the file is truncated",
                hint=COPY_AGAIN,
            )
        entries: dict[str, Entry] = {}
        for info in infos:
            self._check_entry(info, entries)
            entries[info.filename] = Entry(info.filename, info.file_size)
        return entries

    def _check_entry(self, info: zipfile.ZipInfo, known: dict[str, Entry]) -> None:
        name = info.filename
        where = f"{self.path}:{name}"
        if name in known:
            raise bad_input(where, "the archive holds this entry twice", hint=COPY_AGAIN)
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise bad_input(where, "an entry's path leads outside the archive: refused")
        if info.flag_bits & 1:
            raise bad_input(where, "the entry is encrypted", hint="save the file without a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise bad_input(where, f"the entry is compressed with method {info.compress_type}, which torch never uses")
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.file_size > info.compress_size * (1 if stored else MAX_COMPRESSION):
            raise bad_input(
                where,
                f"{info.compress_size} packed bytes claim to unpack to {info.file_size}: refused",
                why="this is how a zip bomb looks",
                hint=COPY_AGAIN,
            )


def _directory_bytes(path: Path) -> int:
    """What the archive says about the size of its table of contents; 0 where it says nothing."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - END_BYTES, 0))
            tail = file.read()
    except OSError:
        return 0
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 16:
        return 0
    return int.from_bytes(tail[at + 12 : at + 16], "little")


def damaged(path: Path, error: object, entry: str = "") -> InputError:
    """The InputError for an archive that cannot be read."""
    where = f"{path}:{entry}" if entry else str(path)
    why = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)
    return bad_input(where, "the file is truncated or damaged", why=why, hint=_again(path))


def _again(path: Path) -> str:
    """What to do about a damaged file: torch.save wrote it, or neurocomp did."""
    try:
        with path.open("rb") as file:
            return FREEZE_AGAIN if FROZEN_MARK in file.read(HEAD_BYTES) else COPY_AGAIN
    except OSError:
        return COPY_AGAIN
