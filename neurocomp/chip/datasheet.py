"""A chip profile for people: every value with its origin, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING

from neurocomp.chip.provenance import Provenance, count_kinds
from neurocomp.chip.spec import ChipSpec

if TYPE_CHECKING:
    from neurocomp.chip.sheets import Sheet

SECTIONS = ("noc", "core", "engines", "step", "power", "numeric", "dram")
HEAD = ("schema_", "name", "title", "process", "sources", "notes", "derivation", "provenance")
PLAIN = "chip"  # the section of values that stand at the top of a sheet
WIDTH = 110
MEMORY_DETAIL = re.compile(r"core\.memories\[\d+\]\.")  # whoever leaves these out has nothing to say about them


@dataclass(frozen=True)
class Row:
    """One value: the section it is in, its dotted path inside the section, its text and its origin."""

    section: str
    path: str
    text: str
    origin: Provenance | None


def rows(chip: Sheet) -> Iterator[Row]:
    """All values of the sections of a chip, in the order of the schema; a list of plain values is one row."""
    for section, path, value in _values(chip):
        if value is None and (path == section or MEMORY_DETAIL.match(path)):
            continue
        first = f"{path}[0]" if isinstance(value, list) else path
        origin = chip.provenance.get(first) or chip.provenance.get(path.rpartition(".")[0])  # of a router's preset
        yield Row(section, path if section == PLAIN else path.removeprefix(section).lstrip("."), _text(value), origin)


def _values(sheet: Sheet) -> Iterator[tuple[str, str, object]]:
    """(section, dotted path, value); values that stand at the top of a sheet come first."""
    if isinstance(sheet, ChipSpec):
        tree = sheet.model_dump(mode="json", include=set(SECTIONS))
        parts = {section: tree[section] for section in SECTIONS}
    else:
        parts = sheet.model_dump(mode="json", exclude=set(HEAD))
        plain = [name for name, value in parts.items() if not isinstance(value, dict | list)]
        yield from ((PLAIN, name, parts.pop(name)) for name in plain)
    for section, value in parts.items():
        yield from ((section, path, inner) for path, inner in _leaves(value, section))


def describe(chip: Sheet) -> str:
    """The profile as text: values, their kinds and sources, notes, and what the profile leaves out."""
    cited = _numbered_sources(chip)
    lines = [f"{chip.name}: {chip.title}", f"process: {chip.process}", f"kinds: {_kinds(chip)}"]
    section, note = "", ""
    for row in rows(chip):
        if row.section != section:
            section = row.section
            lines += ["", section]
        lines.append(f"  {row.path:<40} {row.text:<14} {_origin(row.origin, cited)}".rstrip())
        if row.origin is not None and row.origin.note not in ("", note):
            note = row.origin.note
            lines.append(_wrapped(note, "      "))
    lines += ["", "sources", *(_wrapped(source, f"  [{number}] ") for source, number in cited.items())]
    for title, texts in (("notes", chip.notes), ("derivation", getattr(chip, "derivation", ()))):
        if texts:
            lines += ["", title, *(_wrapped(text, "  - ") for text in texts)]
    text = "\n".join(lines) + "\n"
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)  # a profile may come from anybody


def to_html(chip: ChipSpec) -> str:
    """The profile as an HTML table; all text is escaped."""
    head = "".join(f"<th>{name}</th>" for name in ("value", "", "kind", "source", "note"))
    body = "".join(_html_row(row) for row in rows(chip))
    caption = f"{chip.name}: {chip.title} ({chip.process})"
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_row(row: Row) -> str:
    origin = row.origin or Provenance(value=None)
    kind = origin.kind if row.origin else ""
    cells = (f"{row.section}.{row.path}", row.text, kind, origin.source, origin.note)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """(dotted path, plain value or list of plain values)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{i}]")
    else:
        yield path, value


def _text(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_text(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _numbered_sources(chip: Sheet) -> dict[str, int]:
    """Every source in use and its number, in the order of the section ``sources``, then of first use."""
    used = [origin.source for origin in chip.provenance.values() if origin.source]
    ordered = [*(text for text in chip.sources.values() if text in used), *used]
    return {source: i for i, source in enumerate(dict.fromkeys(ordered), 1)}


def _origin(origin: Provenance | None, cited: dict[str, int]) -> str:
    if origin is None:
        return ""
    return f"{origin.kind} [{cited[origin.source]}]" if origin.source else origin.kind


def _kinds(chip: Sheet) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in count_kinds(chip.provenance).items()) or "none stated"


def _wrapped(text: str, lead: str) -> str:
    return fill(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
