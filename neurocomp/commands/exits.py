"""Every way in which a command can end: one message on stderr and one exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, TextIO

from neurocomp.errors import (
    EXIT_BAD_INPUT,
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_RESOURCE_LIMIT,
    Diagnostic,
    NeurocompError,
)  # fmt: skip

TRACEBACK = "NEUROCOMP_TRACEBACK"


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
        sys.stderr.write("interrupted; nothing was written\n")
        return EXIT_INTERRUPTED
    except Exception as error:
        return explain(error, sys.stderr)


def leave(code: int) -> None:
    """End the process. After an interrupt nobody waits for threads that still compute."""
    if code == EXIT_INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _leave_quietly() -> int:
    """The reader of our output has seen enough, as in ``neurocomp chips | head -1``; that is no error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that Python's last flush finds no closed pipe
    return EXIT_OK


def explain(error: Exception, stream: TextIO) -> int:
    """Print what went wrong and return the exit code."""
    if isinstance(error, NeurocompError):
        say(error.diagnostics, stream)
        return error.exit_code
    if hasattr(error, "format_message"):  # how Typer reports usage errors
        say((_usage(error),), stream)
        return EXIT_BAD_INPUT
    if isinstance(error, MemoryError):
        say((Diagnostic("", "out of memory", hint="run fewer samples or time steps"),), stream)
        return EXIT_RESOURCE_LIMIT
    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        traceback.print_exception(error, file=stream)
    if isinstance(error, OSError) and error.strerror:
        return _unwritten(error, stream)
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    say(
        (
            Diagnostic(
                "",
                f"a defect of neurocomp ({summary}); please report it, with what "
                f"{TRACEBACK}=1 in front of the same command prints",
            ),
        ),
        stream,
    )
    return EXIT_BUG


def _unwritten(error: OSError, stream: TextIO) -> int:
    """What the system refuses is nobody's defect: a full disk, a file that went away."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    where = str(error.filename) if error.filename else "output"
    hint = "make room, or write elsewhere" if full else ""
    say((Diagnostic(where, f"cannot be used: {error.strerror}", hint=hint),), stream)
    if full and not error.filename:  # else Python's last flush would report stdout once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return EXIT_RESOURCE_LIMIT if full else EXIT_BAD_INPUT


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
