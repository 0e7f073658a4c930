"""A progress bar on stderr, for people only: on a terminal, and only when a command takes more than two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

PATIENCE_S = 2.0

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
        self._advance(0, 0)
        yield self._advance

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.timer is not None:
            with self.lock:
                self._draw()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        title = TextColumn("{task.description}", markup=False)
        note = TextColumn("{task.fields[note]}", markup=False)
        columns = (title, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), note)
        with self.lock:
            self.bar = Bar(*columns, console=Console(file=self.stream), transient=True)
            self.task = self.bar.add_task(self.title, total=None, note=self.note)
            self._draw()
            self.bar.start()

    def _draw(self) -> None:
        if self.bar is not None:
            total = self.total or None
            self.bar.update(self.task, description=self.title, completed=self.done, total=total, note=self.note)
