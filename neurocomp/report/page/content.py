"""What a page shows, as plain values; the template only lays it out. All text is escaped there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One figure of the answer, large, with what stands beside it."""

    name: str
    value: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """svg: made by figures.py or mesh.py, trusted: names in it were escaped by its writer. small: one of several that
    stand beside each other where there is room."""

    svg: str
    caption: str
    small: bool = False


@dataclass(frozen=True)
class Table:
    """rows: cells of text, or a number 0..1 for a bar. text_columns: indices of columns set flush left. summed: the
    last row is a sum. folded: text to click on to see the table; empty for one that is always shown."""

    rows: Sequence[Sequence[str | float]]
    heads: Sequence[str] = ()
    text_columns: tuple[int, ...] = (0,)
    summed: bool = False
    folded: str = ""


@dataclass(frozen=True)
class Section:
    """One part of a page, in this order: sentences, figures, tables, a list."""

    title: str
    lines: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.lines or self.figures or self.tables or self.items)


@dataclass(frozen=True)
class Page:
    """A whole page; sections with nothing in them are left out."""

    title: str
    subtitle: str
    warnings: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]


def render(page: Page) -> str:
    """The page as one HTML file; equal pages give equal bytes."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("neurocomp.report.page", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("page.html.j2").render(vars(page))
