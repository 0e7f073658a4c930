"""C error codes to exceptions. A code from the core means that a check on our side was missing: our bug."""

from __future__ import annotations

# csrc/nc_status.h; nc_status_text has the same sentences
TEXTS = {
    1: "a size is negative or does not match its partner",
    2: "an index points outside its array",
    3: "an unknown kind of operator, population or mode",
    4: "a count or time does not fit into 64 bits",
    5: "a work area is too small",
    6: "packets in a network block each other for ever",
}


class CoreError(RuntimeError):
    """The C core refused its arguments."""


def raise_status(status: int, where: str) -> None:
    """Raise CoreError unless status is 0."""
    if status != 0:
        raise CoreError(f"{where}: {TEXTS.get(status, 'an unknown status')} (code {status})")
