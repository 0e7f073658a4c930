"""A chip profile with some of its values replaced, checked by the profile's own laws."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.messages import did_you_mean
from neurocomp.chip.provenance import Provenance
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, InputError

Chip = ChipSpec | ArrayChip
Sheet = TypeVar("Sheet", bound=Chip)
SOURCE = "set by the sweep"
_MANY = re.compile(r"(\*|[0-9]+(?:,[0-9]+)+)")  # what stands for several names or numbers
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


def with_values(chip: Sheet, values: Mapping[str, Any]) -> Sheet:
    """The chip with values replaced by their dotted paths (``core.neurons_max``, ``core.memories[0].size_kib``); a *
    stands for every name or number (``engines.*.rows``, ``memories[*].ports``).

    What is replaced gets the kind ``estimated`` and says that a sweep set it. Raises InputError for a path that the
    profile does not have, or a value that it cannot have.
    """
    tree = chip.model_dump(mode="json", by_alias=True)
    origins = dict(chip.provenance)
    found = []
    replaced = {path: value for name, value in values.items() for path in expanded(chip, name)}
    for path, value in replaced.items():
        if not _replaced(tree, path, value):
            found.append(
                Diagnostic(f"chip.{path}", f"{chip.name} has no such value", hint=did_you_mean(path, paths(chip)))
            )
        origins = {name: origin for name, origin in origins.items() if not _below(name, path)}
        origins[path] = Provenance(value=value, source=SOURCE, kind="estimated")
    if found:
        raise InputError(found)
    tree["provenance"] = {name: origin.model_dump() for name, origin in origins.items()}
    try:
        return type(chip).model_validate(tree, strict=False)
    except ValidationError as error:
        raise InputError(list(_explained(chip, error))) from None


def expanded(chip: Chip, path: str) -> list[str]:
    """The paths that one with *, or with several numbers as in ``[0,2]``, means; itself if it has neither or none is
    like it."""
    if not _MANY.search(path):
        return [path]
    name = "".join(_pattern(part) for part in _MANY.split(path))
    found = (re.match(rf"{name}(?=[.\[]|$)", known) for known in paths(chip))
    return list(dict.fromkeys(match[0] for match in found if match)) or [path]


def _pattern(part: str) -> str:
    if "," in part:
        return rf"(?:{part.replace(',', '|')})"
    return r"[^.\[\]]+" if part == "*" else re.escape(part)


def paths(chip: Chip) -> list[str]:
    """Every path that has a value, in the order of the profile."""
    tree = chip.model_dump(mode="json", by_alias=True, exclude={"provenance", "sources", "notes", "derivation"})
    return [path for path, _ in _leaves(tree, "")]


def _explained(chip: Chip, error: ValidationError) -> Iterator[Diagnostic]:
    for entry in error.errors(include_url=False):
        if entry["type"] == "laws":
            yield from (
                Diagnostic(f"chip.{law.path}", law.what, hint=law.hint) for law in entry.get("ctx", {})["broken"]
            )
        else:
            where = ".".join(str(step) for step in entry["loc"])
            yield Diagnostic(f"chip.{where}", f"cannot be {entry['input']!r} on {chip.name}", entry["msg"].lower())


def _replaced(tree: Any, path: str, value: Any) -> bool:
    """Put a value at a path; False if the path does not exist."""
    steps = [int(index) if index else name for name, index in _STEP.findall(path)]
    for step in steps[:-1]:
        tree = _at(tree, step)
    if not steps or _at(tree, steps[-1]) is _MISSING:
        return False
    tree[_key(tree, steps[-1])] = value
    return True


_MISSING = object()


def _at(tree: Any, step: str | int) -> Any:
    key = _key(tree, step)
    if isinstance(tree, dict):
        return tree.get(key, _MISSING)
    return tree[key] if isinstance(tree, list) and isinstance(key, int) and key < len(tree) else _MISSING


def _key(tree: Any, step: str | int) -> Any:
    """Keys that are numbers (tables) stand as text in the dump."""
    return str(step) if isinstance(tree, dict) else step


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, tree


def _below(name: str, path: str) -> bool:
    return name == path or name.startswith((f"{path}.", f"{path}["))
