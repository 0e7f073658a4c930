"""Which files a block of code reads, whoever opens them: what it made is worth keeping only while these stay as they
are."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_watching: list[set[str]] = []
_hooked: list[bool] = []


@contextmanager
def files_read(root: Path) -> Iterator[set[Path]]:
    """The set fills, by the end of the block, with the files that were opened for reading in it: those below ``root``,
    and all others that are not of Python's libraries or temporary. Files that a C library opens by itself are missed.
    """
    if not _hooked:
        sys.addaudithook(_see)  # stays, and looks only while somebody watches
        _hooked.append(True)
    seen: set[str] = set()
    found: set[Path] = set()
    _watching.append(seen)
    try:
        yield found
    finally:
        _watching.remove(seen)
        found.update(path for name in seen if _counts(path := Path(name).absolute(), root.absolute()))


def _see(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event == "open" and isinstance(arguments[0], str | Path):
        if any(flags & os.O_WRONLY for flags in arguments[2:3]):
            return  # a log, say: its content is no input
        for seen in _watching:
            seen.add(str(arguments[0]))


def _counts(path: Path, root: Path) -> bool:
    installed = any(part == "site-packages" or part.endswith(("-info", ".pyc")) for part in path.parts)
    if installed or not path.is_file():
        return False
    libraries = (sys.prefix, sys.base_prefix, Path(__file__).parents[1], tempfile.gettempdir(), "/proc", "/sys", "/dev")
    return path.is_relative_to(root) or not any(path.is_relative_to(place) for place in libraries)
