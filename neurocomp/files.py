"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_S = 24 * 3600
_PART = re.compile(r"\..+\.[0-9]+-[0-9]+\.part")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """The path of a hidden file beside ``path``, which takes its place when the block has ended well; otherwise it is
    removed. Only a process that is killed outright leaves it (see ``remove_stale``). Raises OSError where it cannot be
    written."""
    temporary = path.parent / f".{path.name}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all. Raises OSError."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def remove_stale(folder: Path) -> None:
    """Remove the hidden files that killed writers left in a folder: those that nobody has touched for a day, since
    others, on another machine maybe, may be writing into it just now. What cannot be removed stays."""
    oldest = time.time() - STALE_S
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if _PART.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)
