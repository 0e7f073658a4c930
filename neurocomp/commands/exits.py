"""Every way in which a command can end: one message on stderr and one exit code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from io import TextIOWrapper
from typing import Any, NoReturn, TextIO

from neurocomp.errors import (
    EXIT_BAD_INPUT,
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_RESOURCE_LIMIT,
    Diagnostic,
    NeurocompError,
    StoppedError,
)  # fmt: skip

GRACE_S = 0.5
TRACEBACK = "NEUROCOMP_TRACEBACK"
FAILURE = "neurocomp/failure/1"
INTERRUPTED = "interrupted; nothing is left half-written"


def run(app: Any, arguments: Sequence[str]) -> int:
    """Run a Typer app and return the exit code."""
    if sys.stdout is None:  # closed by the caller, as in ``neurocomp chips >&-``
        explain(OSError(errno.EBADF, "it is closed", "stdout"), sys.stderr)
        return EXIT_BAD_INPUT
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show must not end the run
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(args=list(arguments), prog_name="neurocomp", standalone_mode=False)
        sys.stdout.flush()
        if code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else EXIT_OK
    except BrokenPipeError:
        return _leave_quietly()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # what Typer makes of it
            return _leave_quietly()
        raise
    except KeyboardInterrupt:
        return explain(StoppedError(Diagnostic("", INTERRUPTED)), sys.stderr, _tree_wanted(arguments))
    except Exception as error:
        return explain(error, sys.stderr, _tree_wanted(arguments))


def _tree_wanted(arguments: Sequence[str]) -> TextIO | None:
    return sys.stdout if "--json" in arguments else None


class LastWord:
    """Ends the process by an exit code of ours. To be made before anything else that wants to run at exit, because that
    goes backwards: where an interrupt passed through exec(), as in a user's code, sys.exit would end the process by a
    signal after all."""

    def __init__(self) -> None:
        self.code: int | None = None
        atexit.register(self.say)

    def say(self) -> None:
        """End the process, if there is a code to end it by."""
        if self.code is None:
            return
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.code)


def leave(code: int, last_word: LastWord) -> NoReturn:
    """End the process. After an interrupt nobody waits for threads that still compute."""
    if code == EXIT_INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one was heard
        last_word.code = code
        if _still_computing():
            last_word.say()
    sys.exit(code)


def _still_computing() -> bool:
    """Whether there are threads that Python would wait for, a moment after they were told to end."""
    until = time.monotonic() + GRACE_S
    others = [t for t in threading.enumerate() if t is not threading.current_thread() and not t.daemon]
    for thread in others:
        thread.join(max(0.0, until - time.monotonic()))
    return any(thread.is_alive() for thread in others)


def _leave_quietly() -> int:
    """The reader of our output has seen enough, as in ``neurocomp chips | head -1``; that is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that Python's last flush finds no closed pipe
    return EXIT_OK


def explain(error: Exception, stream: TextIO, json_stream: TextIO | None = None) -> int:
    """Print what went wrong and return the exit code. json_stream: for a program that reads one JSON document."""
    if os.environ.get(TRACEBACK, "0") not in ("", "0") and not _is_users(error):
        traceback.print_exception(error, file=stream)
    code, findings = _verdict(error)
    say(findings, stream)
    if code == EXIT_RESOURCE_LIMIT and isinstance(error, OSError) and not error.filename:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python's last flush would report stdout once more
    elif json_stream is not None:
        tree = {"schema": FAILURE, "exit_code": code, "findings": [asdict(finding) for finding in findings]}
        with contextlib.suppress(OSError):
            json_stream.write(json.dumps(tree, indent=1, sort_keys=True) + "\n")
            json_stream.flush()
    return code


def _is_users(error: Exception) -> bool:
    return isinstance(error, NeurocompError | MemoryError) or hasattr(error, "format_message")


def _verdict(error: Exception) -> tuple[int, Sequence[Diagnostic]]:
    """The exit code, and what is to be said."""
    if isinstance(error, NeurocompError):
        return error.exit_code, error.diagnostics
    if hasattr(error, "format_message"):  # how Typer reports usage errors
        return EXIT_BAD_INPUT, (_usage(error),)
    if isinstance(error, MemoryError):
        return EXIT_RESOURCE_LIMIT, (Diagnostic("", "out of memory", hint="run fewer samples or time steps"),)
    if isinstance(error, OSError) and error.strerror:
        return _unwritten(error)
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    what = f"a defect of neurocomp ({summary}); please report it, with what {TRACEBACK}=1 in front of the same command "
    return EXIT_BUG, (Diagnostic("", f"{what}prints"),)


def _unwritten(error: OSError) -> tuple[int, Sequence[Diagnostic]]:
    """What the system refuses is nobody's defect: a full disk, a file that went away."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    where = str(error.filename) if error.filename else "output"
    hint = "make room, or write elsewhere" if full else ""
    code = EXIT_RESOURCE_LIMIT if full else EXIT_BAD_INPUT
    return code, (Diagnostic(where, f"cannot be used: {error.strerror}", hint=hint),)


def say(diagnostics: Sequence[Diagnostic], stream: TextIO) -> None:
    """Print findings; control characters in names from files do not reach the terminal."""
    for diagnostic in diagnostics:
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in str(diagnostic))
        stream.write(f"error: {text}\n")


def _usage(error: Any) -> Diagnostic:
    """Typer's usage errors in our form: what, then the closest name there is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "neurocomp"
    close = list(getattr(error, "possibilities", None) or ())
    what = str(error.message if close else error.format_message())
    what, _, suggested = what.partition(". Did you mean ")
    close += [name.strip("' ?") for name in suggested.split(",") if suggested]
    what = what.rstrip(".").replace("option: ", "option ")
    see = f"see {command} --help"
    if "'--chip'" in what:
        see = "neurocomp chips lists the profiles there are"
    return Diagnostic(command, what[:1].lower() + what[1:], hint=f"did you mean {close[0]}? or {see}" if close else see)
