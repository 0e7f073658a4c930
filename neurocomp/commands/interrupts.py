"""An interrupt that does not get lost in a library.

Python raises KeyboardInterrupt wherever the program is just then. Code that drops exceptions drops that one with them
(pydantic's serialiser does now and then), and the user would wait for hours. So it is also written down, and loops ask.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heeded() -> Iterator[Callable[[], None]]:
    """Yields a function that raises KeyboardInterrupt if there was an interrupt since. Where somebody else decides what
    an interrupt means (a handler of their own, another thread), that is left to them."""
    known = signal.getsignal(signal.SIGINT)
    heard = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard = True
        signal.default_int_handler(number, frame)

    def ask() -> None:
        if heard:
            raise KeyboardInterrupt

    if known is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield ask
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield ask
    finally:
        signal.signal(signal.SIGINT, known)
