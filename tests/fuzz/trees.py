"""Damage to what files mean: trees of names, numbers and arrays with parts changed, lost, moved and repeated.

Bytes that are changed at random mostly break the outermost shell of a file. These files are well-formed in their
shell, so that readers get to see sizes, kinds and references that no writer would have written.
"""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import zipfile
from typing import Any

import numpy as np

from tests.onnx_files import varint

ODD: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 7, 255, 2**15, 2**31 - 1, 2**31, -(2**31), 2**53, 2**63 - 1, 2**64, 10**30, 0.5, -0.0, 1e-300,
    1e300, float("nan"), float("inf"), -float("inf"), "", "a", "../../a", "\x00", "é" * 300, "0", "-1", "1e999", None,
    True, False, [], {}, [0], [[]], [1, 2, 3], [-1, -1], [2**31] * 2, {"array": "a"}, {"a": {}},
)  # fmt: skip
DEEP = 80  # levels of an odd value; several may come to lie in each other, and trees are copied recursively


def damaged_tree(tree: Any, rng: random.Random) -> Any:
    """A copy of a tree of mappings, lists, scalars and arrays with one to four of its parts changed."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(tree))
        if places:
            holder, key = rng.choice(places)
            _change(holder, key, rng, places)
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every part, as what holds it and its key there."""
    found, waiting = [], [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict | list):
            keys = list(part) if isinstance(part, dict) else range(len(part))
            found += [(part, key) for key in keys]
            waiting += [part[key] for key in keys]
    return found


def _change(holder: Any, key: Any, rng: random.Random, places: list[tuple[Any, Any]]) -> None:
    way = rng.randrange(7)
    if not (key in holder if isinstance(holder, dict) else key < len(holder)):
        return  # went with an earlier change
    if isinstance(holder[key], np.ndarray) and way < 4:
        holder[key] = _odd_array(holder[key], rng)
    elif way < 3:
        holder[key] = copy.deepcopy(rng.choice(ODD))
    elif way == 3:
        del holder[key]
    elif way == 4:  # something that stands elsewhere in the tree
        other, place = rng.choice(places)
        if place in other if isinstance(other, dict) else place < len(other):
            holder[key] = copy.deepcopy(other[place])
    elif way == 5 and isinstance(holder, dict):
        holder[rng.choice([*holder, "a", "", "../a"])] = holder.pop(key)
    elif isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key])] * rng.choice((1, 3, 200))
    else:
        holder[key] = _nested(holder[key], rng)


def _nested(value: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice((1, 3, 40, DEEP))):
        value = rng.choice((list, lambda v: {"a": v}))([value]) if isinstance(value, list) else [value]
    return value


def _odd_array(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Of another shape or type, or with values that are none."""
    flat = array.reshape(-1)
    choices = (
        flat, array[None], flat[:0], flat[: rng.randrange(flat.size + 1)], np.concatenate([flat, flat]), array.T,
        np.zeros((0, *array.shape)), np.asarray(rng.choice((0, -1, 2**31, 2**62, 0.5))),
    )  # fmt: skip
    made = np.array(rng.choice(choices))
    if rng.random() < 0.5 and made.dtype.kind in "fiub":
        made = made.astype(rng.choice(("f4", "f8", "f2", "i1", "i4", "i8", "u1", "u8", "?")))
    if rng.random() < 0.5 and made.size and made.dtype.kind in "fi":
        odd = rng.choice(
            (float("nan"), float("inf"), -1, 0, 3e38) if made.dtype.kind == "f" else (-1, 0, 2**31 - 1, 127)
        )
        made.reshape(-1)[rng.randrange(made.size)] = np.asarray(odd).astype(made.dtype)
    return made


# shells -----------------------------------------------------------------------------------------------------
def damaged_json(text: bytes, rng: random.Random) -> bytes:
    """A JSON text with its tree damaged."""
    return json.dumps(damaged_tree(json.loads(text), rng)).encode()


def damaged_safetensors(data: bytes, rng: random.Random) -> bytes:
    """The same data behind another header."""
    (length,) = struct.unpack("<Q", data[:8])
    header = damaged_json(data[8 : 8 + length], rng)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def damaged_entry(data: bytes, rng: random.Random) -> bytes:
    """A zip archive with the tree of one of its JSON entries damaged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = rng.choice([info for info in old.infolist() if info.filename.endswith(".json")])
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, damaged_json(content, rng) if info is chosen else content)
    return out.getvalue()


Field = list[Any]  # number, wire type, content: an int, bytes, or a list of fields


def damaged_message(data: bytes, rng: random.Random) -> bytes:
    """A protobuf message with fields changed, lost, moved and repeated, and all lengths right."""
    fields = _fields(data) or []
    for _ in range(rng.choice((1, 1, 2, 4))):
        holders = _holders(fields)
        holder = rng.choice(holders)
        if not holder:
            continue
        k, way = rng.randrange(len(holder)), rng.randrange(6)
        if way == 0:
            del holder[k]
        elif way == 1:
            holder[k:k] = [copy.deepcopy(holder[k])] * rng.choice((1, 2, 50))
        elif way == 2:
            other = rng.choice([h for h in holders if h])
            holder[k] = copy.deepcopy(rng.choice(other))
        elif way == 3:
            holder[k][0] = rng.choice((1, 2, 3, 5, 7, 8, 9, 20, 10**6))
        else:
            holder[k][2] = _odd_content(holder[k], rng)
    return _packed(fields)


def _odd_content(field: Field, rng: random.Random) -> Any:
    if field[1] == 0:
        return rng.choice((0, 1, 2, 3, 6, 7, 11, 64, 2**31, 2**63, 2**64 - 1))
    if field[1] == 2 and rng.random() < 0.7:
        return rng.choice((b"", b"a", b"x", b"\xff\xff", b"Relu", b"MaxPool", b"w", b"\x00" * 64, varint(2**63) * 2))
    return rng.randbytes({1: 8, 5: 4}.get(field[1], rng.randrange(9)))


def _holders(fields: list[Field]) -> list[list[Field]]:
    found = [fields]
    for field in fields:
        if isinstance(field[2], list):
            found += _holders(field[2])
    return found


def _fields(data: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a message, those that are messages themselves taken apart; None for what is none."""
    at, found = 0, []
    while at < len(data):
        key, at = _number(data, at)
        kind = key & 7
        if kind not in (0, 1, 2, 5) or key >> 3 == 0:
            return None
        if kind == 0:
            content, at = _number(data, at)
        else:
            size, at = _number(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            content, at = data[at : at + size], at + size
            if at > len(data):
                return None
            inner = _fields(content, depth + 1) if kind == 2 and content and depth < 8 else None
            content = content if inner is None else inner
        found.append([key >> 3, kind, content])
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 128:
            return value, at
    return 2**64, len(data) + 1


def _packed(fields: list[Field]) -> bytes:
    out = b""
    for number, kind, content in fields:
        content = _packed(content) if isinstance(content, list) else content
        if isinstance(content, int):
            out += varint(number << 3) + varint(content)
        else:
            out += varint(number << 3 | kind) + (varint(len(content)) if kind == 2 else b"") + content
    return out
