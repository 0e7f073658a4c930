"""A chip profile for people: every value with its origin, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import fill

from neurocomp.chip.spec import ChipSpec, Provenance

SECTIONS = ("noc", "core", "engines", "step", "power", "numeric", "dram")
WIDTH = 110
MEMORY_DETAIL = re.compile(r"core\.memories\[\d+\]\.")  # whoever leaves these out has nothing to say about them


@dataclass(frozen=True)
class Row:
    """One value: the section it is in, its dotted path inside the section, its text and its origin."""

    section: str
    path: str
    text: str
    origin: Provenance | None


def rows(chip: ChipSpec) -> Iterator[Row]:
    """All values of the sections of a chip, in the order of the schema; a list of plain values is one row."""
    tree = chip.model_dump(mode="json", include=set(SECTIONS))
    for section in SECTIONS:
        for path, value in _leaves(tree[section], section):
            if value is None and (path == section or MEMORY_DETAIL.match(path)):
                continue
            first = f"{path}[0]" if isinstance(value, list) else path
            origin = chip.provenance.get(first) or chip.provenance.get(path.rpartition(".")[0])  # of a router's preset
            yield Row(section, path.partition(".")[2], _text(value), origin)


def describe(chip: ChipSpec) -> str:
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
    for title, texts in (("notes", chip.notes), ("derivation", chip.derivation)):
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


def _numbered_sources(chip: ChipSpec) -> dict[str, int]:
    """Every source in use and its number, in the order of the section ``sources``, then of first use."""
    used = [origin.source for origin in chip.provenance.values() if origin.source]
    ordered = [*(text for text in chip.sources.values() if text in used), *used]
    return {source: i for i, source in enumerate(dict.fromkeys(ordered), 1)}


def _origin(origin: Provenance | None, cited: dict[str, int]) -> str:
    if origin is None:
        return ""
    return f"{origin.kind} [{cited[origin.source]}]" if origin.source else origin.kind


def _kinds(chip: ChipSpec) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in chip.kinds_used().items()) or "none stated"


def _wrapped(text: str, lead: str) -> str:
    return fill(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
