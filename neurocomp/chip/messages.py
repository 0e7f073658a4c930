"""What is wrong with a value, in our words, from the finding of pydantic."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

KeyPath = tuple[str | int, ...]
UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or all of them if none is close."""
    known = list(known)
    close = closest(word, known)
    if close:
        return f"did you mean {close}?"
    return f"known here: {', '.join(known)}" if known else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that a slip could have turned into this one, or that begins with it; empty if none."""
    known = list(known)
    longer = [name for name in known if len(word) > 2 and name.startswith(word)]
    return longer[0] if len(longer) == 1 else next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")


def noun_of(model: type[BaseModel]) -> str:
    """What messages call a data sheet of this kind."""
    return getattr(model, "noun", "chip profile")


def shown(value: object) -> str:
    """A value as a message names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value if len(value) <= 60 else value[:60] + "..."}"'
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"{value!r}"


def explain(error: Mapping[str, Any], model: type[BaseModel]) -> tuple[str, str]:
    """(what, hint) for one entry of ``ValidationError.errors()``; what starts after the value's dotted path."""
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    if kind in ("missing", *UNKNOWN_KEY):
        return _key(kind, error["loc"], model)
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, not {shown(value)}", _type_hint(kind, value)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", limits["expected"])
        close = closest(value, allowed) if isinstance(value, str) else ""
        return f"must be {' or '.join(allowed)}, not {shown(value)}", _did_you_mean(close)
    if kind == "unknown_preset":
        close = closest(str(limits["name"]), limits["known"])
        names = ", ".join(limits["known"])
        return f"must be {names}, or the numbers of a router, not {shown(limits['name'])}", _did_you_mean(close)
    if kind in _BOUNDS:
        return f"must be {_BOUNDS[kind](limits)}, not {shown(value)}", ""
    if kind == "too_fine":
        return (
            f"is {value!r}, finer than {limits['unit']}, so it would count as nothing",
            "check the unit in the key's name",
        )
    return _shape(kind, value, limits, error["msg"])


def _did_you_mean(close: str) -> str:
    return f"did you mean {close}?" if close else ""


def _key(kind: str, loc: KeyPath, model: type[BaseModel]) -> tuple[str, str]:
    if kind == "missing":
        return "is missing", f"add `{loc[-1]}:`" + (f" under `{loc[-2]}`" if len(loc) > 1 else " at the top level")
    known = keys_at(loc[:-1], model)
    return f"is not a key of a {noun_of(model)}", did_you_mean(str(loc[-1]), known)


def _type_hint(kind: str, value: object) -> str:
    if not isinstance(value, str):
        return ""
    if kind == "bool_type" and value.lower() in ("yes", "no", "on", "off", "y", "n"):
        return "write true or false; yes and no are words here"
    if kind in ("int_type", "float_type") and re.match(r"[-+.]?[0-9]", value):
        return "write the bare number, without quotes, separators or a unit; the unit is in the key's name"
    return ""


def _shape(kind: str, value: object, limits: Mapping[str, Any], message: str) -> tuple[str, str]:
    if kind == "too_short" and limits["min_length"] == 1:
        return "must not be empty", ""
    if kind in ("too_short", "too_long"):
        wanted = limits["min_length" if kind == "too_short" else "max_length"]
        return f"needs {wanted} entries, not {limits['actual_length']}", ""
    if kind == "string_too_short":
        return "must not be empty", ""
    if kind == "string_too_long":
        return f"is longer than {limits['max_length']} characters", ""
    if kind == "string_pattern_mismatch":
        return f"must be a name of letters, digits, '_', '-' and '.', not {shown(value)}", ""
    return message[:1].lower() + message[1:], ""


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda limits: f"greater than {limits['gt']:g}",
    "greater_than_equal": lambda limits: f"at least {limits['ge']:g}",
    "less_than_equal": lambda limits: f"at most {limits['le']:.10g}",
    "multiple_of": lambda limits: f"a multiple of {limits['multiple_of']:g}",
    "finite_number": lambda limits: "a finite number",
}


def keys_at(path: KeyPath, model: type[BaseModel]) -> list[str]:
    """The keys that a chip profile may have at this path, in the order of the schema."""
    part: object = model
    for step in path:
        part = _inner(part, step)
    if not (isinstance(part, type) and issubclass(part, BaseModel)):
        return []
    names = [field.alias or name for name, field in part.model_fields.items()]
    return [name for name in names if name != "provenance"]


def _inner(part: object, step: str | int) -> object:
    if isinstance(part, type) and issubclass(part, BaseModel):
        field = part.model_fields.get(str(step))
        return _bare(field.annotation) if field else None
    return None if not get_args(part) else _bare(get_args(part)[-1 if get_origin(part) is dict else 0])


def _bare(annotation: object) -> object:
    """The annotation without Annotated and ``| None``."""
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation = arguments[0]
        elif NoneType in arguments:
            annotation = next(a for a in arguments if a is not NoneType)
        else:
            return annotation
