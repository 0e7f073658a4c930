"""A process beside this one in which a file's bytes are taken apart: it may crash, hang or eat memory alone.

The parser of HDF5 is a large C library, and a pickle can make any reader work for hours. So both are met first in a
child that has a limit on memory, on processor time and on the wall clock, that cannot write files, and that hands
back plain values only: JSON lines, and arrays as declared sizes followed by raw bytes, both checked here again.
Where the platform has no such limits, or ``NEUROCOMP_NO_CHILD=1`` says so, everything is read in this process.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, InputError, NeurocompError, ResourceLimitError, bad_input

SWITCH = "NEUROCOMP_NO_CHILD"
BASE_BYTES = 2**30
"""Address space of a child besides what it was given for data: the interpreter and its libraries map half of it."""
SECONDS = 60.0
BYTES_PER_SECOND = 2**24
"""A slow disk; a large file gets more time."""
PICKLE_BYTES = 2**30
"""Memory for what a pickle stands for; tensors are not in it."""
MAX_LINE = 2**27
MAX_ARRAYS = 2**33
PIECE = 2**16
KINDS = frozenset({"b1", "f2", "f4", "f8", *(f"{kind}{width}" for kind in "iu" for width in (1, 2, 4, 8))})
COPY_AGAIN = "copy or download the file again; if it still fails, export the network again"
ENVIRONMENT = {SWITCH: "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
"""One thread, no plug-ins, and no child of the child."""
BOOT = "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from neurocomp.frontend.child_main import main;main()"


def children_possible() -> bool:
    """Whether a child with limits can be had here."""
    if os.environ.get(SWITCH, "0") not in ("", "0"):
        return False
    try:
        import resource
    except ImportError:  # no limits on this platform
        return False
    return hasattr(resource, "RLIMIT_AS") and bool(sys.executable)


class Child:
    """One process with one service (see child_main.py) for one file. Close it when done."""

    def __init__(self, service: str, path: Path, data_bytes: int) -> None:
        """data_bytes: memory for what is in the file, on top of what the service itself needs."""
        self.path = path
        self.received = 0
        self.pending = bytearray()
        self.seconds = SECONDS + path.stat().st_size / BYTES_PER_SECOND
        limits = {"bytes": BASE_BYTES + data_bytes, "seconds": math.ceil(self.seconds)}
        words = [json.dumps(sys.path), service, str(path.absolute()), json.dumps(limits)]
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "LANG")}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", BOOT, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            env=kept | ENVIRONMENT,
        )  # fmt: skip

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()

    def ask(self, *words: Any) -> Any:
        """What the service answers: plain JSON values or an array.

        Raises what the service raised as a user's error, InputError if it died, ResourceLimitError if it reached a
        limit.
        """
        deadline = time.monotonic() + self.seconds
        try:
            self._send(json.dumps(words).encode() + b"\n")
            answer = json.loads(self._line(deadline))
            if not isinstance(answer, dict):
                raise TypeError("an odd answer")
            if "array" in answer:
                kind, shape = answer["array"]
                return self._array(kind, shape, deadline)
        except (OSError, EOFError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._ended(error) from error
        if "findings" in answer:
            raise _told(answer)
        return answer.get("value")

    def _send(self, data: bytes) -> None:
        pipe = self.process.stdin
        if pipe is None:
            raise EOFError
        pipe.write(data)

    def _line(self, deadline: float) -> bytes:
        """One line from the child, of a sane length."""
        while b"\n" not in self.pending:
            if len(self.pending) > MAX_LINE:
                raise EOFError("the answer is too long")
            into = bytearray(PIECE)
            self.pending += into[: self._read(memoryview(into), deadline)]
        line, _, rest = bytes(self.pending).partition(b"\n")
        self.pending = bytearray(rest)
        return line

    def _array(self, kind: str, shape: list[int], deadline: float) -> np.ndarray:
        sizes = tuple(shape)
        if kind not in KINDS or len(sizes) > 32 or not all(type(n) is int and n >= 0 for n in sizes):
            raise EOFError("an array of an odd kind")
        dtype = np.dtype(kind)
        count = math.prod(sizes) * dtype.itemsize
        self.received += count
        if self.received > MAX_ARRAYS:
            raise EOFError("too many arrays")
        array = np.empty(math.prod(sizes), dtype)
        into = array.view(np.uint8).data
        place = min(len(self.pending), count)
        into[:place], self.pending = self.pending[:place], self.pending[place:]
        while place < count:
            place += self._read(into[place:], deadline)
        return array.reshape(sizes)

    def _read(self, into: memoryview, deadline: float) -> int:
        """Fill a part of the memory; returns how many bytes came."""
        pipe = self.process.stdout
        if pipe is None:
            raise EOFError
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise TimeoutError
        count = os.readv(pipe.fileno(), [into])
        if not count:
            raise EOFError
        return count

    def _ended(self, error: BaseException) -> NeurocompError:
        """The error for a child that does not answer as it should."""
        self.process.kill()
        code = self.process.wait()
        where = str(self.path)
        if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
            return ResourceLimitError(
                Diagnostic(where, f"takes longer than {self.seconds:.0f} s to be taken apart", hint=COPY_AGAIN)
            )
        return bad_input(where, "cannot be taken apart: the process that tried to ended", why=_cause(code, error),
                         hint=COPY_AGAIN)  # fmt: skip


def rehearse(path: Path, what: str, *words: Any, data_bytes: int | None = None) -> None:
    """Let a child read a file first (``what``: see child_main.py): it ends there within the limits, or here never
    begins.

    Only the child's end is of interest; the reading is then done once more in this process, in the same steps.
    """
    if children_possible():
        with Child("rehearsal", path, PICKLE_BYTES if data_bytes is None else data_bytes) as child:
            child.ask(what, *words)


def _cause(code: int, error: BaseException) -> str:
    if code in (-9, 0):
        return f"its answer was no answer ({type(error).__name__})"
    return f"it was ended by signal {-code}" if code < 0 else f"it left with exit code {code}"


def _told(answer: dict[str, Any]) -> NeurocompError:
    """The user's error that the service found."""
    found = [Diagnostic(*(str(part) for part in finding[:4])) for finding in answer["findings"]]
    return (ResourceLimitError if answer.get("limit") else InputError)(found)
