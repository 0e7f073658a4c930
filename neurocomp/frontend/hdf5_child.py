"""HDF5 files, taken apart in a child process: the same groups as in hdf5.py, the library at arm's length."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.frontend.child import Child, children_possible
from neurocomp.frontend.hdf5 import MAX_DATASET_BYTES, MAX_DEPTH, MAX_EXPANSION, MAX_OBJECTS, Hdf5File, Hdf5Group

COPY_AGAIN = "copy or download the file again; if it still fails, export the network again"
TOGETHER = 64
"""Groups of which the contents are asked for at a time."""
FREE_BYTES = 2**28
"""What any file may take, however small it is."""


@contextmanager
def open_hdf5(path: Path, again: bool = False) -> Iterator[Hdf5Group]:
    """The root group of a file. again: the same file will be opened once more at once; the child is kept for that.

    Raises InputError for all that is wrong with the file, ResourceLimitError where it reaches a limit.
    """
    if not children_possible():
        with Hdf5File(path) as root:
            yield root
        return
    child = _KEPT.take(path)
    try:
        yield ChildGroup(child, ())
    except BaseException:
        child.close()
        raise
    if again:
        _KEPT.put(path, child)
    else:
        child.close()


class ChildGroup(Hdf5Group):
    """A group of a file that a child has open."""

    def __init__(self, child: Child, place: tuple[str, ...], told: Any = None) -> None:
        """told: what is in the group, where the child has said so already."""
        self.child, self.place = child, place
        self.file, self.path = child, "/".join(place)  # type: ignore[assignment]
        self._names = ()
        self._ahead: dict[str, Any] = {}
        told = self.child.ask("contents", place) if told is None else told
        try:
            self.known: dict[str, tuple[str, Any]] = {str(name): (kind, value) for name, kind, value in told}
        except (TypeError, ValueError) as error:
            raise bad_input(self.where(), "is told in an odd way", why=str(error), hint=COPY_AGAIN) from error
        self._names = tuple(self.known)

    def is_group(self, name: str) -> bool:
        kind = self.known.get(name, ("", None))[0]
        return kind == "group" if kind else bool(self._ask("is_group", name))

    def is_text(self, name: str) -> bool:
        kind = self.known.get(name, ("", None))[0]
        return kind == "text" if kind in ("text", "array") else bool(self._ask("is_text", name))

    def group(self, name: str) -> Hdf5Group:
        place = (*self.place, name)
        if len(place) > MAX_DEPTH:
            raise bad_input(self.where(name), f"groups are nested deeper than {MAX_DEPTH} levels", hint=COPY_AGAIN)
        return ChildGroup(self.child, place, self._told_of(name))

    def _told_of(self, name: str) -> Any:
        """What is in a group, asked for together with the groups that follow: each answer takes a while."""
        if name not in self._ahead and name in self.known:
            groups = [other for other, (kind, _) in self.known.items() if kind == "group" and other >= name][:TOGETHER]
            found = self._ask("several", groups) if name in groups else []
            if isinstance(found, list):
                self._ahead = dict(zip(groups, found, strict=False))
        return self._ahead.pop(name, None)

    def array(self, name: str) -> np.ndarray:
        kind, value = self.known.get(name, ("", None))
        if kind == "array" and value is not None:
            return np.array(value[2], value[0]).reshape([int(n) for n in value[1]])
        found = self._ask("array", name)
        if not isinstance(found, np.ndarray):
            raise bad_input(self.where(name), "is no array", hint=COPY_AGAIN)
        return found

    def strings(self, name: str, limit: int = MAX_OBJECTS) -> np.ndarray:
        kind, value = self.known.get(name, ("", None))
        if kind != "text" or value is None or len(value[1]) > limit:
            value = self._ask("strings", name, limit)
        shape, texts = value
        found = np.empty(len(texts), object)
        found[:] = [str(text) for text in texts]
        return found.reshape([int(n) for n in shape])

    def _ask(self, method: str, *arguments: Any) -> Any:
        return self.child.ask(method, self.place, *arguments)


@dataclass
class _Kept:
    """At most one child that waits for the file to be opened once more."""

    key: Any = None
    child: Child | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: Path) -> Child:
        """The child for a file: the one that was kept, or a new one."""
        with self.lock:
            child, self.child = self.child, None
        if child is not None and self.key == _key(path):
            return child
        if child is not None:
            child.close()
        try:
            size = path.stat().st_size
            return Child("hdf5", path, min(MAX_DATASET_BYTES, MAX_EXPANSION * size) + FREE_BYTES)
        except OSError as error:
            raise bad_input(str(path), "cannot be opened", why=error.strerror or str(error)) from error

    def put(self, path: Path, child: Child) -> None:
        self.close()
        with self.lock:
            self.key, self.child = _key(path), child

    def close(self) -> None:
        with self.lock:
            child, self.child = self.child, None
        if child is not None:
            child.close()


def _key(path: Path) -> tuple[Any, ...]:
    found = path.stat()
    return str(path.absolute()), found.st_mtime_ns, found.st_size, found.st_ino


_KEPT = _Kept()
atexit.register(_KEPT.close)
