"""HDF5 files opened with suspicion: nothing is read before its size, type and place are known to be sane.

An HDF5 file of a few kilobytes can declare a dataset of a hundred gigabytes, point into other files or loop
back into itself. Readers of this package see a file only through :class:`Hdf5Group`, which refuses all that
and turns every failure of the HDF5 library into an InputError that names the file and the object.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, ResourceLimitError, bad_input
from neurocomp.frontend.hdf5_text import TextReader

MAX_DEPTH = 32
MAX_OBJECTS = 200_000
MAX_DATASET_BYTES = 8 * 2**30
MAX_TEXT = 1024
"""Longest string, in characters; names and types are far shorter."""
MAX_ALL_TEXT = 2**24
LONGEST_PLACE = 120
MAX_EXPANSION = 1032
"""Deflate, the filter that writers use, cannot pack 1032 bytes into less than one."""
SLACK_BYTES = 64 * 1024
"""A dataset that was declared but never written takes no room in the file; small ones are allowed."""
REFERENCE_BYTES = 16
"""What the file spends on one string of variable length, besides the string."""
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
"""The filters of HDF5 that are understood, by number; others could need plug-ins or unpack without bound."""

DAMAGED = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    NotImplementedError,
    AssertionError,
    UnicodeError,
    MemoryError,
)
"""What h5py raises on damaged files, besides what its documentation says."""

COPY_AGAIN = "copy or download the file again; if it still fails, export the network again"


class Hdf5File:
    """An open file. A context manager that gives the root group. Raises InputError for all that is wrong."""

    def __init__(self, path: Path) -> None:
        import h5py

        self.path = path
        self.read_bytes = 0
        self.objects = 0
        with guarded(str(path)):
            self.size = path.stat().st_size
            self.handle = h5py.File(path, "r", locking=False)
            layout = (self.handle.userblock_size, self.handle.id.get_create_plist().get_sizes())
        if layout != (0, (8, 8)):
            self.handle.close()
            raise bad_input(
                str(path),
                "is an HDF5 file with a user block or short addresses, which is not supported",
                hint="repack it: h5repack -u none",
            )
        self.text = TextReader(path)

    def __enter__(self) -> Hdf5Group:
        return Hdf5Group(self, self.handle, "")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guarded(str(self.path)):
            self.handle.close()

    def allow(self, where: str, declared: int, stored: int, expansion: int) -> None:
        """Account for a dataset of ``declared`` bytes that takes ``stored`` bytes of the file, or raise."""
        stored = min(stored, self.size)
        possible = expansion * stored + SLACK_BYTES
        if declared > possible:
            why = f"{stored:,} bytes cannot stand for more than {possible:,}" if stored else "it was never written"
            raise bad_input(
                where,
                f"declares {declared:,} bytes, but only {stored:,} bytes of it are in the file",
                why=why,
                hint=COPY_AGAIN,
            )
        self.read_bytes += declared
        if self.read_bytes > MAX_DATASET_BYTES:
            raise ResourceLimitError(
                Diagnostic(
                    where,
                    f"brings the arrays of this file to {self.read_bytes:,} bytes",
                    why=f"the limit is {MAX_DATASET_BYTES:,} bytes",
                )
            )


class Hdf5Group:
    """One group. ``path`` is its place inside the file; members are asked for by name."""

    def __init__(self, file: Hdf5File, handle: Any, path: str, depth: int = 0) -> None:
        self.file, self.handle, self.path, self.depth = file, handle, path, depth
        self._last: tuple[str, Any] | None = None
        if depth > MAX_DEPTH:
            raise bad_input(self.where(), f"groups are nested deeper than {MAX_DEPTH} levels", hint=COPY_AGAIN)
        with guarded(self.where()):
            count = len(handle)
        file.objects += count
        if file.objects > MAX_OBJECTS:
            raise bad_input(self.where(), f"the file holds more than {MAX_OBJECTS:,} objects", hint=COPY_AGAIN)
        with guarded(self.where()):
            names = list(handle)
        if not all(isinstance(name, str) for name in names):  # h5py leaves bytes what is not UTF-8
            raise bad_input(self.where(), "holds an object whose name is not text", hint=COPY_AGAIN)
        self._names: tuple[str, ...] = tuple(sorted(names))

    def where(self, name: str | None = None) -> str:
        """File and place inside it, for messages."""
        inside = printable("/".join(part for part in (self.path, name) if part))
        if len(inside) > LONGEST_PLACE:
            inside = f"{inside[: LONGEST_PLACE // 2]} ... {inside[-LONGEST_PLACE // 2 :]}"
        return f"{self.file.path}: {inside}" if inside else str(self.file.path)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of all members, sorted, printable or not."""
        return self._names

    def names(self) -> tuple[str, ...]:
        """Names of all members, sorted."""
        for name in self._names:
            if not name.isprintable():
                raise bad_input(self.where(name), "the name of this object is not printable text", hint=COPY_AGAIN)
        return self._names

    def has(self, name: str) -> bool:
        return name in self._names

    def is_group(self, name: str) -> bool:
        import h5py

        return isinstance(self._member(name), h5py.Group)

    def group(self, name: str) -> Hdf5Group:
        import h5py

        member = self._member(name)
        if not isinstance(member, h5py.Group):
            raise bad_input(self.where(name), "is a dataset where a group is expected", hint=COPY_AGAIN)
        inside = "/".join(part for part in (self.path, name) if part)
        return Hdf5Group(self.file, member, inside, self.depth + 1)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of a dataset, as declared."""
        dataset, where = self._dataset(name)
        with guarded(where):
            return tuple(int(n) for n in dataset.shape or ())

    def array(self, name: str) -> np.ndarray:
        """A numeric dataset, of any shape. Raises InputError if it is anything else, or not plausible."""
        dataset, where = self._dataset(name)
        with guarded(where):
            dtype, shape = dataset.dtype, dataset.shape
        if dtype.kind not in "fiub":
            raise bad_input(where, f"holds {_kind(dtype)} where numbers are expected")
        self._allow(dataset, where, dtype, shape)
        with guarded(where):
            return np.asarray(dataset[()])

    def text(self, name: str) -> str:
        """A dataset that holds one string."""
        strings = self.strings(name, limit=1)
        if strings.size != 1:
            raise bad_input(self.where(name), f"holds {strings.size} strings where one is expected")
        return str(strings.reshape(-1)[0])

    def is_text(self, name: str) -> bool:
        dataset, where = self._dataset(name)
        with guarded(where):
            return _is_text(dataset.dtype)

    def strings(self, name: str, limit: int = MAX_OBJECTS) -> np.ndarray:
        """A dataset of strings as an object array of str, in the dataset's shape."""
        dataset, where = self._dataset(name)
        with guarded(where):
            dtype, shape = dataset.dtype, dataset.shape
        if not _is_text(dtype):
            raise bad_input(where, f"holds {_kind(dtype)} where text is expected")
        count = self._allow(dataset, where, dtype, shape)
        if count > limit:
            raise bad_input(where, f"holds {count:,} strings where at most {limit:,} are expected", hint=COPY_AGAIN)
        result = np.empty(count, object)
        total = 0
        for k, raw in enumerate(self._raw_strings(dataset, where, dtype)):
            result[k] = _decoded(raw, where)
            total += len(result[k])
            if total > MAX_ALL_TEXT:
                raise bad_input(where, f"holds more than {MAX_ALL_TEXT:,} characters of text", hint=COPY_AGAIN)
        return result.reshape(shape)

    def _raw_strings(self, dataset: Any, where: str, dtype: np.dtype) -> list[Any]:
        with guarded(where):
            if dtype.kind == "S":
                return list(np.atleast_1d(np.asarray(dataset[()])).reshape(-1))
            return self.file.text.elements(dataset)

    def _allow(self, dataset: Any, where: str, dtype: np.dtype, shape: tuple[int, ...] | None) -> int:
        """Check a dataset's place and size; returns its number of elements."""
        if shape is None:
            raise bad_input(where, "is an empty dataset", hint=COPY_AGAIN)
        with guarded(where):
            foreign = dataset.is_virtual or bool(dataset.external)
            stored, chunk = dataset.id.get_storage_size(), dataset.chunks
        if foreign:
            raise bad_input(
                where,
                "keeps its data in another file: refused",
                hint="export the network into one file that holds everything",
            )
        expansion = self._filters(dataset, where)
        count = math.prod(shape)
        itemsize = dtype.itemsize if dtype.kind != "O" else REFERENCE_BYTES
        # a chunk is unpacked whole, and may be declared larger than the dataset that it belongs to
        self.file.allow(where, max(count, math.prod(chunk or (0,))) * itemsize, stored, expansion)
        return count

    def _filters(self, dataset: Any, where: str) -> int:
        """How many bytes one stored byte may stand for, after a look at the filters that packed the dataset."""
        with guarded(where):
            plist = dataset.id.get_create_plist()
            numbers = [plist.get_filter(k)[0] for k in range(plist.get_nfilters())]
        unknown = [number for number in numbers if number not in FILTERS]
        if unknown or len(set(numbers)) != len(numbers):
            raise bad_input(
                where,
                f"is packed with HDF5 filters {numbers}, of which only {list(FILTERS.values())} are "
                "understood, each once",
                hint="export the network again with gzip or no compression",
            )
        return MAX_EXPANSION if dataset.chunks is not None else 1

    def _dataset(self, name: str) -> tuple[Any, str]:
        import h5py

        member = self._member(name)
        if not isinstance(member, h5py.Dataset):
            raise bad_input(self.where(name), "is a group where a dataset is expected", hint=COPY_AGAIN)
        return member, self.where(name)

    def _member(self, name: str) -> Any:
        import h5py

        if self._last is not None and self._last[0] == name:
            return self._last[1]
        where = self.where(name)
        if name not in self._names:
            raise bad_input(where, "is missing in the file")
        with guarded(where):
            link = self.handle.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise bad_input(
                where,
                "is a link to another file: refused",
                hint="export the network into one file that holds everything",
            )
        if isinstance(link, h5py.SoftLink):
            raise bad_input(where, "is a soft link: refused", hint="export the network again, without links")
        with guarded(where):
            member = self.handle[name]
        self._last = (name, member)
        return member


@contextmanager
def guarded(where: str) -> Iterator[None]:
    """Around calls into h5py only: what they raise on a damaged file becomes an InputError."""
    try:
        yield
    except DAMAGED as error:
        if isinstance(error, PermissionError):
            raise bad_input(where, "may not be read (permission denied)") from error
        text = printable(str(error)).strip('"')[:200]
        raise bad_input(where, "is a damaged or truncated HDF5 file", why=text, hint=COPY_AGAIN) from error


def printable(text: str) -> str:
    """Text that any terminal and log can take: what is not printable is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def _is_text(dtype: np.dtype) -> bool:
    import h5py

    return dtype.kind == "S" or h5py.check_string_dtype(dtype) is not None


def _kind(dtype: np.dtype) -> str:
    import h5py

    if h5py.check_ref_dtype(dtype) is not None:
        return "object references"
    names = {"V": "compound values", "O": "values of variable length", "c": "complex numbers", "S": "text", "U": "text"}
    return "text" if _is_text(dtype) else names.get(dtype.kind, f"values of type {printable(str(dtype))}")


def _decoded(raw: Any, where: str) -> str:
    if isinstance(raw, bytes):
        try:
            raw = raw.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError as error:
            raise bad_input(where, "holds text that is not UTF-8", hint=COPY_AGAIN) from error
    if not isinstance(raw, str) or len(raw) > MAX_TEXT or not raw.isprintable():
        raise bad_input(
            where, f"holds a string that is not a printable text of at most {MAX_TEXT} characters", hint=COPY_AGAIN
        )
    return raw
