"""A progress bar on stderr, on a terminal and only when a command takes more than two seconds.

Where stderr is a file or a pipe, a stage that takes long says now and then how far it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

PATIENCE_S = 2.0
LONG_S = (30.0, 300.0, 1800.0, 7200.0)
"""Seconds of a stage after which a log learns how far it is."""

Advance = Callable[[int, int], None]


class Progress:
    """Stages of one command. Where nobody watches, or all is quick, nothing is imported or printed."""

    def __init__(self, stream: TextIO, enabled: bool = True, patience_s: float = PATIENCE_S) -> None:
        self.stream = stream
        self.title, self.note = "", ""  # what is being done; what else is to be said, to the right of the bar
        self.done, self.total = 0, 0
        self.bar: Any = None
        self.task: Any = None
        self.lock = threading.Lock()
        self.timer: threading.Timer | None = None
        self.began, self.told = time.monotonic(), 0
        self.enabled, self.said = enabled, set[str]()
        self.logs = enabled and not stream.isatty()
        if enabled and stream.isatty():
            self.timer = threading.Timer(patience_s, self._appear)
            self.timer.daemon = True

    def __enter__(self) -> Progress:
        if self.timer is not None:
            self.timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer.join()
        if self.bar is not None:
            self.bar.stop()

    @contextmanager
    def stage(self, title: str) -> Iterator[Advance]:
        """Name what is being done; yields a function (done, total) to report how far it is."""
        self.title = title
        self.began, self.told = time.monotonic(), 0
        self._advance(0, 0)
        yield self._advance

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.timer is not None:
            with self.lock:
                self._draw()
        elif self.logs and 0 < done < total:
            self._log(time.monotonic() - self.began)

    def tell(self, sentence: str) -> None:
        """A remark for people, once."""
        if self.enabled and sentence not in self.said:
            self.said.add(sentence)
            with self.lock:
                self.stream.write(f"{sentence}\n")
                self.stream.flush()

    def _log(self, seconds: float) -> None:
        if self.told < len(LONG_S) and seconds >= LONG_S[self.told]:
            self.told = sum(seconds >= limit for limit in LONG_S)
            whole = duration(seconds * self.total / self.done)
            far = f"{self.done / self.total:.0%} after {duration(seconds)}"
            self.stream.write(f"{self.title}: {far}, about {whole} in all\n")
            self.stream.flush()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        title = TextColumn("{task.description}", markup=False)
        note = TextColumn("{task.fields[note]}", markup=False)
        columns = (title, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(), note)
        with self.lock:
            self.bar = Bar(*columns, console=Console(file=self.stream), transient=True)
            self.task = self.bar.add_task(self.title, total=None, note=self.note)
            self._draw()
            self.bar.start()

    def _draw(self) -> None:
        if self.bar is not None:
            total = self.total or None
            self.bar.update(self.task, description=self.title, completed=self.done, total=total, note=self.note)


def duration(seconds: float) -> str:
    """Roughly, in one unit."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
