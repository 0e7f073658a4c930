"""Interrupts that neither get lost, nor break off what must be whole, nor wait for threads that still compute.

Python raises KeyboardInterrupt wherever the program is just then. Code that drops exceptions drops that one with them
(pydantic's serialiser does now and then), and the user would wait for hours. So it is also written down, and loops ask.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Given = ParamSpec("Given")
Result = TypeVar("Result")

ENDS = (signal.SIGINT, signal.SIGTERM)


def end_as_interrupted() -> None:
    """From now on SIGTERM, by which schedulers of clusters end jobs, is an interrupt: all that was begun is tidied up.
    For the main thread of a program of ours."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def heeded() -> Iterator[Callable[[], None]]:
    """Yields a function that raises KeyboardInterrupt if there was an interrupt since. Where somebody else decides what
    an interrupt means (a handler of their own, another thread), that is left to them."""
    heard = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard = True
        signal.default_int_handler(number, frame)

    def ask() -> None:
        if heard:
            raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    ours = [number for number in ENDS if main and signal.getsignal(number) is signal.default_int_handler]
    for number in ours:
        signal.signal(number, remember)
    try:
        yield ask
    finally:
        for number in ours:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def put_off() -> Iterator[None]:
    """An interrupt within the block comes at its end."""
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    known: dict[int, Callable[[int, FrameType | None], object]] = {
        number: handler for number in ENDS if main and callable(handler := signal.getsignal(number))
    }
    for number in known:
        signal.signal(number, lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)
        for number in heard:
            known[number](number, None)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started within the block never hear the terminal's interrupt; their parent does."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its start would unmask the interrupt
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def aside(work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """work(*given), in a thread of its own: an interrupt ends a program in the middle of a long call of C, too, which
    then goes on until the process is left. For programs of ours; a library's user may stay."""
    with working_threads(1) as pool:
        return pool.submit(work, *given, **named).result()


@contextmanager
def working_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads (at least one). They are waited for, but not when the block is left by an error or an interrupt:
    a long piece of work cannot be stopped in the middle."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(max(1, count))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
