"""Chip profile: text -> ChipSpec. All mistakes are reported at once, each with its line and column.

A value stands bare (``neurons_max: 1024``) or with its origin, ``{value: 1024, source: davies2018, kind:
measured, note: ...}``; source is a key of the section ``sources`` or a citation. One origin may cover a
group: value is then a mapping or a list, inside which a value may again have an origin of its own.
Other data sheets with the same conventions are read by :func:`read_profile`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from neurocomp.chip.messages import UNKNOWN_KEY, KeyPath, closest, did_you_mean, explain, keys_at, noun_of, shown
from neurocomp.chip.provenance import KINDS, Kind, Provenance
from neurocomp.chip.spec import ChipSpec
from neurocomp.chip.yaml12 import MAX_BYTES, Document, Key, Node, Place, Scalar, read_yaml
from neurocomp.errors import Diagnostic, InputError, bad_input

STATED_KINDS = tuple(kind for kind in KINDS if kind != "unstated")
ORIGIN_KEYS = ("value", "source", "kind", "note")
MAX_FINDINGS = 50

Sheet = TypeVar("Sheet", bound=BaseModel)


def read_chip(path: Path) -> ChipSpec:
    """Read a chip profile from a file. Raises InputError with every mistake found in it."""
    return read_profile(path, ChipSpec)


def read_profile(path: Path, model: type[Sheet]) -> Sheet:
    """Read a data sheet of this kind from a file; it has a field ``provenance``. Raises InputError with every mistake
    found in it."""
    where, noun = str(path), noun_of(model)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise bad_input(where, f"is a folder, not a {noun}", hint="name one .yaml file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise bad_input(where, f"cannot be read: {reason}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) <= MAX_BYTES:
            raise bad_input(where, f"is not UTF-8 text (byte {error.start})", hint=f"is this a {noun}?") from None
        text = data.decode("latin-1")
    return parse_profile(text, where, model)


def _schema_of(model: type[BaseModel]) -> str:
    """The only value that the sheet's field ``schema`` may have."""
    return get_args(model.model_fields["schema_"].annotation)[0]


def parse_chip(text: str, where: str = "chip") -> ChipSpec:
    """Read a chip profile from its text. where: its name in messages."""
    return parse_profile(text, where, ChipSpec)


def parse_profile(text: str, where: str, model: type[Sheet]) -> Sheet:
    """Read a data sheet of this kind from its text. where: its name in messages."""
    document = read_yaml(text, where, f"a {noun_of(model)} starts with `schema: {_schema_of(model)}`")
    reader = _Reader(document, model)
    plain = reader.read()
    sheet = None
    try:
        sheet = model.model_validate({**plain, "provenance": reader.provenance})
    except ValidationError as error:
        reader.findings += reader.explained(error)
    findings = [*document.findings, *reader.findings]
    if findings or sheet is None:
        raise InputError(_capped(findings, where))
    return sheet


def chip_from_json(text: str, where: str = "chip") -> ChipSpec:
    """Read back what ``ChipSpec.to_json`` wrote. Raises InputError if it is not that."""
    try:
        return ChipSpec.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise bad_input(where, f"is not a chip written by neurocomp: {path} {first['msg'].lower()}") from None


@dataclass(frozen=True)
class _Origin:
    source: str
    kind: Kind
    note: str


@dataclass
class _Reader:
    """Takes the origins off the values and remembers where each value stands."""

    document: Document
    model: type[BaseModel]
    findings: list[Diagnostic] = field(default_factory=list)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    nodes: dict[KeyPath, Node] = field(default_factory=dict)
    names: dict[KeyPath, str] = field(default_factory=dict)
    broken: set[KeyPath] = field(default_factory=set)
    sources: dict[str, str] | None = None  # None: the section is malformed

    def read(self) -> dict[Key, object]:
        """The plain values. Raises InputError if the file is not a mapping of keys."""
        root = self.document.root
        if not isinstance(root.value, dict):
            self._report(root.place, f"a {noun_of(self.model)} is a mapping of keys, not {shown(root.value)}")
            raise InputError([*self.document.findings, *self.findings])
        self._sources(root.value.get("sources"))
        self.nodes[()], self.names[()] = root, ""
        return {
            key: self._plain(node, (key,), str(key), None, bare=key == "sources")
            for key, node in root.value.items()
            if not self._is_ours(key, node)
        }

    def _is_ours(self, key: Key, node: Node) -> bool:
        """The field in which the chip keeps the origins cannot be written by hand."""
        if key == "provenance":
            hint = "write {value: , source: , kind: } at the value itself"
            self._report(node.key_place, f"provenance is not a key of a {noun_of(self.model)}", hint)
        return key == "provenance"

    def explained(self, error: ValidationError) -> Iterator[Diagnostic]:
        """What pydantic found, at the places in the file, without what was reported already."""
        entries: list[dict[str, Any]] = [dict(entry) for entry in error.errors(include_url=False)]
        misspelt = {
            (*entry["loc"][:-1], closest(str(entry["loc"][-1]), keys_at(entry["loc"][:-1], self.model)))
            for entry in entries
            if entry["type"] in UNKNOWN_KEY
        }
        for entry in entries:
            path = tuple(step for step in entry["loc"] if step != "[key]")
            if entry["type"] == "laws":
                yield from (self._at_name(law.path, law.what, law.hint) for law in entry["ctx"]["broken"])
            elif not (self._is_broken(path) or path in misspelt or self._counts_broken(entry, path)):
                yield self._explained_one(entry, path)

    def _explained_one(self, entry: dict[str, Any], path: KeyPath) -> Diagnostic:
        what, hint = explain(entry, self.model)
        node, name = self._nearest(path)
        if "[key]" in entry["loc"]:
            return self.document.finding(node.key_place, f"{self._nearest(path[:-1])[1]} has a key that {what}", hint)
        if entry["type"] == "missing":
            where = f"{self.document.where}:{node.key_place.line}:{node.key_place.column}"
            return Diagnostic(where, f"{name} {what}", hint=hint)
        place = node.key_place if entry["type"] in UNKNOWN_KEY else node.place
        return self.document.finding(place, f"{name} {what}", hint)

    def _counts_broken(self, entry: dict[str, Any], path: KeyPath) -> bool:
        """pydantic calls a list too short when the items in it are wrong; those are reported themselves."""
        node = self.nodes.get(path)
        return entry["type"] == "too_short" and node is not None and bool(node.value)

    def _at_name(self, name: str, what: str, hint: str) -> Diagnostic:
        """A finding about a value given by its dotted path, or about the part that lacks it."""
        places = {known: self.nodes[path].place for path, known in self.names.items()}
        held = name
        while held not in places:
            held = held.rpartition(".")[0]
        return self.document.finding(places[held], f"{name} {what}", hint)

    def _nearest(self, path: KeyPath) -> tuple[Node, str]:
        """The node at the path or, if it is missing, the one that should hold it; and the path's name."""
        if path in self.nodes:
            return self.nodes[path], self.names[path]
        node, name = self._nearest(path[:-1])
        return node, f"{name}.{path[-1]}" if name else str(path[-1])

    def _is_broken(self, path: KeyPath) -> bool:
        return any(path[:n] in self.broken for n in range(len(path) + 1))

    def _report(self, place: Place, what: str, hint: str = "") -> None:
        self.findings.append(self.document.finding(place, what, hint))

    def _sources(self, node: Node | None) -> None:
        """Take the citations; a malformed section leaves None, and is reported with the other values."""
        if node is None:
            self.sources = {}
        elif isinstance(node.value, dict) and all(isinstance(n.value, str) for n in node.value.values()):
            self.sources = {str(key): str(n.value) for key, n in node.value.items()}

    def _plain(self, node: Node, path: KeyPath, name: str, origin: _Origin | None, bare: bool = False) -> object:
        """The value without origins. bare: nothing below here can have one."""
        if not bare and _has_origin(node):
            origin = self._origin(node, name)
            if "value" not in node.entries:
                self.broken.add(path)
                return None
            node = replace(node.entries["value"], key_place=node.key_place)
        self.nodes[path], self.names[path] = node, name
        if node.refused:
            self.broken.add(path)
        if isinstance(node.value, dict):
            return {k: self._plain(n, (*path, k), f"{name}.{k}", origin, bare) for k, n in node.value.items()}
        if isinstance(node.value, list):
            return [self._plain(n, (*path, i), f"{name}[{i}]", origin, bare) for i, n in enumerate(node.value)]
        self._record(node.value, name, origin)
        return node.value

    def _record(self, value: Scalar, name: str, origin: _Origin | None) -> None:
        if origin is not None:
            self.provenance[name] = Provenance(value=value, source=origin.source, kind=origin.kind, note=origin.note)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.provenance[name] = Provenance(value=value)

    def _origin(self, node: Node, name: str) -> _Origin | None:
        """The origin beside a value; None, and findings, if it is not complete."""
        before = len(self.findings)
        entries = node.entries
        for key in entries:
            if key not in ORIGIN_KEYS and not entries[key].refused:
                hint = did_you_mean(str(key), ORIGIN_KEYS)
                self._report(entries[key].key_place, f"{name} has {key!r} beside its value", hint)
        for key, reason in _NEEDED.items():
            if key not in entries:
                self._report(node.key_place, f"{name} has no {key}", reason)
        kind = self._text(entries.get("kind"), "kind", name)
        if kind and kind not in STATED_KINDS:
            hint = did_you_mean(kind, STATED_KINDS)
            self._report(entries["kind"].place, f"{name} has the unknown kind {kind!r}", hint)
        source = self._citation(entries.get("source"), name)
        note = self._text(entries.get("note"), "note", name)
        complete = len(self.findings) == before and not any(entry.refused for entry in entries.values())
        return _Origin(source, cast("Kind", kind), note) if complete else None

    def _text(self, node: Node | None, key: str, name: str) -> str:
        if node is None or node.refused:
            return ""
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        self._report(node.place, f"{name} has a {key} that must be text, not {shown(node.value)}")
        return ""

    def _citation(self, node: Node | None, name: str) -> str:
        """The full citation. A single word that is no key of ``sources`` is a slip, not a citation."""
        source = self._text(node, "source", name)
        if self.sources is None or source in self.sources:
            return (self.sources or {}).get(source, source)
        if node is not None and re.fullmatch(r"[^\s/:]+", source):
            hint = did_you_mean(source, self.sources) or "add it to `sources`, or write the citation out"
            self._report(node.place, f"{name} has the source {source!r}, which is not a key of sources", hint)
        return source


_NEEDED = {
    "value": "write {value: , source: , kind: }; null is a value too",
    "source": "name where the value comes from: a key of `sources` or a citation",
    "kind": f"kind is one of {', '.join(STATED_KINDS)}",
}


def _has_origin(node: Node) -> bool:
    """Whether this is ``{value: , source: , kind: , note: }``, complete or not."""
    if not isinstance(node.value, dict) or not node.value:
        return False
    return "value" in node.value or all(key in ORIGIN_KEYS for key in node.value)


def _capped(findings: list[Diagnostic], where: str) -> list[Diagnostic]:
    """In the order of the file, and not more than anyone would read."""
    ordered = sorted(findings, key=lambda finding: _line_and_column(finding.where))
    if len(ordered) > MAX_FINDINGS:
        rest = len(ordered) - MAX_FINDINGS
        ordered[MAX_FINDINGS:] = [Diagnostic(where, f"{rest} more findings are not shown")]
    return ordered


def _line_and_column(where: str) -> tuple[int, int]:
    _, line, column = where.rsplit(":", 2)
    return int(line), int(column)
