"""A strict reader of YAML for data sheets. Every value keeps its place in the file.

Scalars follow the core schema of YAML 1.2 (yaml.org/spec/1.2.2, section 10.3): ``1e-12`` is a number,
``no`` is a word, ``010`` is ten. PyYAML, which follows YAML 1.1, only splits the text into events.
Refused, each with its place: duplicate keys, anchors, aliases, tags, keys without a value, keys that are
not words, NaN and infinities, several documents, more than 64 levels, more than 1 MiB.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml

from neurocomp.errors import Diagnostic, InputError, bad_input

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_DIGITS = 64

Scalar = str | int | float | bool | None
Key = str | int

_WORDS: dict[str, Scalar] = {
    word: value
    for value, words in {None: "null Null NULL ~", True: "true True TRUE", False: "false False FALSE"}.items()
    for word in words.split()
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, eq=False)
class Node:
    """A value and where it stands; ``key_place`` is where its key stands (its own place if it has none).

    refused: the value was reported already and means nothing.
    """

    value: Scalar | dict[Key, Node] | list[Node]
    place: Place
    key_place: Place
    refused: bool = False

    @property
    def entries(self) -> dict[Key, Node]:
        """Those of a mapping, the mapping itself; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}


@dataclass(frozen=True, eq=False)
class Document:
    """A text that was read: its tree, its lines for messages, and what is wrong with it so far."""

    where: str
    lines: tuple[str, ...]
    root: Node
    findings: tuple[Diagnostic, ...]

    def finding(self, place: Place, what: str, hint: str = "") -> Diagnostic:
        return _finding(self.where, self.lines, place, what, hint)


def read_yaml(text: str, where: str, empty_hint: str = "") -> Document:
    """Read one YAML document. where: name of the file for messages. empty_hint: what to do about an empty one.

    Raises InputError if the text has no complete tree. Otherwise the caller reports ``findings`` together
    with its own.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        hint = "a data sheet is a few KiB; is this the file?"
        raise bad_input(where, f"is larger than {MAX_BYTES >> 20} MiB", hint=hint)
    composer = _Composer(where, tuple(re.split("\r\n|[\r\n\x85\u2028\u2029]", text)))
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            composer.feed(event)
    except (_Stop, yaml.YAMLError, ValueError, OverflowError) as error:
        composer.stopped(error, text)
        raise InputError(composer.findings) from None
    if composer.root is None:
        raise bad_input(where, "is empty", hint=empty_hint)
    return Document(where, composer.lines, composer.root, tuple(composer.findings))


def resolve(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError with the reason if it is refused."""
    if text in _WORDS:
        return _WORDS[text]
    if not text:
        raise ValueError("has no value")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    number = _INTEGER.fullmatch(text) or _BASED.fullmatch(text) or _FLOAT.fullmatch(text)
    if number and len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} characters")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    return _float(text) if number else text


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value) or (value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"{text} is beyond the range of double precision")
    return value


class _Stop(Exception):
    """The rest of the text cannot be read in a useful way."""


@dataclass
class _Frame:
    """A mapping or sequence that is still open."""

    node: Node
    flow: bool
    key: Key | None = None
    key_place: Place | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key_place is None


@dataclass
class _Composer:
    """Builds the tree from PyYAML's events, without recursion."""

    where: str
    lines: tuple[str, ...]
    root: Node | None = None
    findings: list[Diagnostic] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)

    def found(self, place: Place, what: str, hint: str = "") -> None:
        self.findings.append(_finding(self.where, self.lines, place, what, hint))

    def stopped(self, error: Exception, text: str) -> None:
        """Report why the text could not be read to its end."""
        if isinstance(error, yaml.reader.ReaderError):
            self.found(_place_of(text, error.position), f"YAML does not allow the character U+{error.character:04X}")
        elif isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
            self.found(place, f"is not valid YAML: {error.problem or error.context}")
        elif not isinstance(error, _Stop):  # PyYAML lets ValueError out for escapes like "\UFFFFFFFF"
            self.found(Place(1, 1), "is not valid YAML: an escape or a version number is out of range")

    def feed(self, event: yaml.Event) -> None:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.found(place, "a second document starts here", "keep one document in each file")
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            self.found(place, f"the alias *{event.anchor} is not allowed", "write the value out")
            raise _Stop
        if isinstance(event, yaml.NodeEvent):
            self._decorations(event, place)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open({} if isinstance(event, yaml.MappingStartEvent) else [], place, event.flow_style)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()

    def _decorations(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            self.found(place, f"the anchor &{event.anchor} is not allowed", "write the value out where it is needed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.found(place, f"the tag {tag} is not allowed", "a data sheet holds plain values only")

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        if self.stack and self.stack[-1].wants_key:
            self._key(event, place)
            return
        if event.style is not None:
            self._add(event.value, place)
            return
        try:
            self._add(resolve(event.value), place)
        except ValueError as reason:
            self._refused(event, place, str(reason))
            self._add(None, place, refused=True)

    def _refused(self, event: yaml.ScalarEvent, place: Place, reason: str) -> None:
        if event.value:
            self.found(place, reason)
            return
        frame = self.stack[-1] if self.stack else None
        if frame and frame.key_place:
            comma = "; text with a comma needs quotes inside { }" if frame.flow else ""
            self.found(frame.key_place, f"{frame.key} {reason}", "write null if it is unknown" + comma)
        else:
            self.found(place, f"this item {reason}", "write null if it is unknown")

    def _key(self, event: yaml.ScalarEvent, place: Place) -> None:
        frame = self.stack[-1]
        plain_number = event.style is None and _INTEGER.fullmatch(event.value) and len(event.value) <= MAX_DIGITS
        key = int(event.value) if plain_number else event.value
        frame.key, frame.key_place = key, place
        earlier = frame.node.entries.get(key)
        if earlier is not None:
            self.found(place, f"the key {key} appears twice", f"line {earlier.key_place.line} has it already")

    def _open(self, value: dict[Key, Node] | list[Node], place: Place, flow: bool) -> None:
        if self.stack and self.stack[-1].wants_key:
            self.found(place, "a key must be a word or a number")
            raise _Stop
        if len(self.stack) == MAX_DEPTH:
            self.found(place, f"values are nested more than {MAX_DEPTH} deep")
            raise _Stop
        self.stack.append(_Frame(self._add(value, place), flow))

    def _add(self, value: Scalar | dict[Key, Node] | list[Node], place: Place, refused: bool = False) -> Node:
        """Attach a value to the innermost open collection."""
        frame = self.stack[-1] if self.stack else None
        node = Node(value, place, (frame and frame.key_place) or place, refused)
        if frame is None:
            self.root = node
        elif isinstance(frame.node.value, list):
            frame.node.value.append(node)
        elif frame.key is not None:
            frame.node.entries[frame.key] = node
            frame.key = frame.key_place = None
        return node


def _finding(where: str, lines: tuple[str, ...], place: Place, what: str, hint: str = "") -> Diagnostic:
    line = lines[place.line - 1].strip() if place.line <= len(lines) else ""
    why = f"the line reads: {printable(line)}" if line else ""
    return Diagnostic(f"{where}:{place.line}:{place.column}", printable(what, 400), why, printable(hint, 400))


def printable(text: str, limit: int = 100) -> str:
    """The text on one line, without control characters, cut to ``limit`` characters."""
    clean = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return clean[:limit] + "..." if len(clean) > limit else clean


def _place_of(text: str, position: int) -> Place:
    before = re.split("\r\n|[\r\n\x85\u2028\u2029]", text[:position])
    return Place(len(before), len(before[-1]) + 1)
