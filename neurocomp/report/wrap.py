"""Sentences for people, broken into lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

WIDTH = 110


def bullets(sentences: Iterable[str]) -> Iterator[str]:
    """A list with one sentence per point."""
    for sentence in sentences:
        yield from wrapped(sentence, "  - ", "    ")


def wrapped(text: str, lead: str = "", further: str | None = None) -> list[str]:
    """Lines of at most WIDTH columns; ``further`` stands before all but the first."""
    rest = " " * len(lead) if further is None else further
    return wrap(text, WIDTH, initial_indent=lead, subsequent_indent=rest, break_on_hyphens=False)
