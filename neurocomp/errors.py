"""The one error tree: what went wrong, where, why, and what to do next.

Every mistake a user can make ends in a :class:`NeurocompError` that carries one or more
:class:`Diagnostic`. The command line prints them and leaves with :attr:`NeurocompError.exit_code`;
any other exception is a bug of ours (exit code 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_OK = 0
EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_DOES_NOT_FIT = 3
EXIT_CHECK_FAILED = 4
EXIT_RESOURCE_LIMIT = 5
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Diagnostic:
    """One finding.

    where: file, ``file:line:column``, layer, core or option that the finding is about.
    what: the fact, in one sentence without a full stop.
    why: the cause, where it is not obvious from the fact; may be empty.
    hint: the next step for the user; may be empty.
    """

    where: str
    what: str
    why: str = ""
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            lines.append(f"  why:  {self.why}")
        if self.hint:
            lines.append(f"  next: {self.hint}")
        return "\n".join(lines)


class NeurocompError(Exception):
    """Base of all errors that are not bugs. Holds every diagnostic found, not only the first."""

    exit_code = EXIT_BUG

    def __init__(self, diagnostics: Diagnostic | Sequence[Diagnostic]) -> None:
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[NeurocompError], tuple[tuple[Diagnostic, ...]]]:
        """Copies, and what another process sends, are made from the findings and not from their text."""
        return type(self), (self.diagnostics,)


class InputError(NeurocompError):
    """A file, an option or an argument is wrong."""

    exit_code = EXIT_BAD_INPUT


class DoesNotFitError(NeurocompError):
    """The network cannot be mapped onto the chip."""

    exit_code = EXIT_DOES_NOT_FIT


class CheckFailedError(NeurocompError):
    """A check of our own found a result that must not be trusted."""

    exit_code = EXIT_CHECK_FAILED


class ResourceLimitError(NeurocompError):
    """The job would need more memory or time than is allowed."""

    exit_code = EXIT_RESOURCE_LIMIT


class StoppedError(NeurocompError):
    """The user interrupted a command that keeps what it has done so far."""

    exit_code = EXIT_INTERRUPTED


def bad_input(where: str, what: str, why: str = "", hint: str = "") -> InputError:
    """An :class:`InputError` with a single diagnostic."""
    return InputError(Diagnostic(where, what, why, hint))


def check_failed(where: str, what: str, why: str = "") -> CheckFailedError:
    """A :class:`CheckFailedError` with a single diagnostic; a failed check is always worth a report."""
    hint = "this is a defect of neurocomp, not of your input; please report it with the command you ran"
    return CheckFailedError(Diagnostic(where, what, why, hint))
