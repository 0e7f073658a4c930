"""Runs one reader on one damaged file after the other, in a process that may not do anything but read.

Python's audit hooks end the process at once when something is executed, written, loaded or connected; the limits of
the system end it when it takes too much memory. Who ended is told by the file that is left behind (drive.py).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from neurocomp.errors import NeurocompError
from neurocomp.frontend import child
from neurocomp.frontend.child import BOOT
from tests.fuzz.targets import TARGETS, Target

MEMORY_BYTES = 3 << 30
"""Address space; a reader of files of one MiB needs a small part of it, torch and the others map the rest."""
SECONDS_EACH = 20
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.remove", "os.rename", "os.mkdir", "os.kill",
    "os.putenv", "os.chmod", "os.symlink", "os.link", "shutil.", "socket.", "subprocess.Popen", "pickle.find_class",
    "marshal.load", "ctypes.dlopen", "ftplib.", "urllib.", "http.", "webbrowser.", "pty.", "code.__new__", "exec",
    "builtins.input", "sys.settrace",
)  # fmt: skip


class Watch:
    """The audit hook. It cannot be taken out again, only told not to look."""

    def __init__(self) -> None:
        self.looking = False
        sys.addaudithook(self.see)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.looking or not (event.startswith(FORBIDDEN) or _writes(event, arguments)):
            return
        self.looking = False
        if event in ("exec", "marshal.loads", "code.__new__") and _by_import():
            self.looking = True
            return
        if (event == "subprocess.Popen" and BOOT in arguments[1]) or (event == "os.kill" and _of_child()):
            self.looking = True  # the child that takes files apart, and its end
            return
        sys.stderr.write(f"forbidden: {event} {arguments!r:.500}\n")
        sys.stderr.flush()
        os._exit(99)


def _writes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event != "open" or arguments[0] == "/dev/null" or isinstance(arguments[0], int):  # a pipe to a child
        return False
    mode, flags = arguments[1], arguments[2]
    return bool(set(mode or "") & set("wax+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _of_child() -> bool:
    """Whether the reader's own child is being ended."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == child.__file__:
            return True
        frame = frame.f_back
    return False


def _by_import() -> bool:
    """Whether code of an installed library is on its way in: readers import theirs when they are first needed."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib") or frame.f_code.co_name == "namedtuple":
            return True
        frame = frame.f_back
    return False


def run(target: Target, path: Path, first: int, count: int | None, seconds: float | None) -> int:
    """Read damaged files until their number or the time is up; returns how many. The last one is left at ``path``."""
    seeds = target.seeds()
    for seed in seeds:  # libraries are imported, and the seeds are good or answered
        path.write_bytes(seed)
        _read(target, path)
    watch = Watch()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    end = None if seconds is None else time.monotonic() + seconds
    number = first
    while (count is None or number < first + count) and (end is None or time.monotonic() < end):
        path.write_bytes(target.file(seeds, number))
        signal.alarm(SECONDS_EACH)
        watch.looking = True
        _read(target, path)
        watch.looking = False
        signal.alarm(0)
        number += 1
    return number - first


def _read(target: Target, path: Path) -> None:
    with contextlib.suppress(NeurocompError, *target.accepted):
        target.read(path)


def main() -> None:
    """``python -m tests.fuzz.watch TARGET PATH FIRST COUNT|- SECONDS|-``"""
    name, path, first, count, seconds = sys.argv[1:]
    done = run(TARGETS[name], Path(path), int(first), None if count == "-" else int(count),
               None if seconds == "-" else float(seconds))  # fmt: skip
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
