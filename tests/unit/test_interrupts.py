"""Interrupts: heard though a library drops them, put off where they would break something, no reason to wait."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurocomp.interrupts import ENDS, heeded, put_off, working_threads


@pytest.fixture(autouse=True)
def as_in_a_program() -> Iterator[None]:
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)
    threading.Event().wait(10)  # ended by the signal


@pytest.mark.parametrize("number", ENDS)
def test_one_that_was_dropped_is_still_heard(number: int) -> None:
    with heeded() as ask:
        ask()
        with contextlib.suppress(KeyboardInterrupt):
            interrupt(number)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert all(signal.getsignal(each) is signal.default_int_handler for each in ENDS)


def test_somebody_elses_handler_stays() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with heeded() as ask:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with contextlib.suppress(KeyboardInterrupt):
            interrupt(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_it_is_left_alone() -> None:
    seen = []

    def inside() -> None:
        with heeded() as ask:
            ask()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_one_that_is_put_off_comes_at_the_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), put_off():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("all")
    assert done == ["all"]


def test_threads_are_waited_for_but_not_after_an_interrupt() -> None:
    go_on = threading.Event()
    with working_threads(0) as pool:
        waited = pool.submit(go_on.wait, 0.1)
    assert waited.done()
    with pytest.raises(KeyboardInterrupt), working_threads(1) as pool:
        running, next_one = pool.submit(go_on.wait, 60), pool.submit(go_on.wait, 60)
        raise KeyboardInterrupt
    assert not running.done() and next_one.cancelled()
    go_on.set()


PROGRAM = """
import os, signal, sys, threading
from neurocomp.commands.exits import LastWord, leave
from neurocomp.interrupts import end_as_interrupted
last_word = LastWord()
end_as_interrupted()
try:
    exec("os.kill(os.getpid(), signal.SIGTERM); threading.Event().wait(10)")
except KeyboardInterrupt:
    if sys.argv[1] == "computing":
        threading.Thread(target=threading.Event().wait).start()
    import atexit
    atexit.register(print, "tidied up")
    leave(130, last_word)
"""


@pytest.mark.parametrize(("what", "said"), [("computing", ""), ("idle", "tidied up\n")])
def test_the_end_is_in_order_unless_threads_compute(what: str, said: str) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", PROGRAM, what], cwd=root, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (130, said, "")
