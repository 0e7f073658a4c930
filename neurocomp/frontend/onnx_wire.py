"""The contents of an ONNX file, taken from its bytes: nodes, constant tensors, inputs and outputs.

ONNX is a Protocol Buffers message (onnx.proto3, IR versions 3 to 13); only its wire format is needed: fields of
varints, fixed numbers and byte strings. Nothing is copied but tensors, whose declared sizes must be in the file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import Diagnostic, ResourceLimitError, bad_input
from neurocomp.frontend.child import rehearse

MAX_BYTES = 2**31
"""Protocol Buffers ends here too; larger models keep their tensors in other files, which are not opened."""
REHEARSED_BYTES = 2**23
"""Larger files meet a child first: a byte of theirs may stand for forty here."""
MAX_NODES = 100_000
EXPORT = "export it again: torch.onnx.export(net, example, 'net.onnx', external_data=False)"

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FLOAT, INT32, INT64, DOUBLE = 1, 6, 7, 11
_DTYPES = {1: "<f4", 2: "u1", 3: "i1", 5: "<i2", 6: "<i4", 7: "<i8", 9: "u1", 10: "<f2", 11: "<f8"}
Value = int | memoryview


class OnnxDamaged(ValueError):
    """The bytes are no ONNX model; the text says why."""


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operator. attributes: by name: int, float, str, list of these, or an array."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(eq=False)
class OnnxGraph:
    """tensors: constants by name; inputs: shapes by name, 0 where a size is not fixed; outputs: names."""

    producer: str = ""
    opset: int = 0
    nodes: list[OnnxNode] = field(default_factory=list)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)


def read_onnx(path: Path) -> OnnxGraph:
    """The graph in a file. Raises InputError if it is damaged or keeps data elsewhere, ResourceLimitError if large."""
    where = str(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ResourceLimitError(Diagnostic(where, f"is {size:,} bytes long; at most {MAX_BYTES:,} are read"))
        if size > REHEARSED_BYTES:
            rehearse(path, "onnx", data_bytes=4 * size)
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise bad_input(where, "cannot be opened", why=error.strerror or str(error)) from error
    try:
        return _model(data)
    except (OnnxDamaged, struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise bad_input(where, "is a damaged ONNX file, or none", why=str(error)[:200], hint=EXPORT) from error


def _fields(data: memoryview) -> Iterator[tuple[int, int, Value]]:
    """(number, wire type, value) of the fields of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise OnnxDamaged(f"a field of wire type {wire}")
        if length > len(data) - at:
            raise OnnxDamaged(f"a field of {length} bytes where {len(data) - at} are left")
        yield number, wire, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise OnnxDamaged("a number without an end")


def _signed(value: Value) -> int:
    number = _number(value)
    return number - 2**64 if number >= 2**63 else number


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise OnnxDamaged("bytes where a number belongs")
    return value


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise OnnxDamaged("a number where bytes belong")
    return value


def _text(value: Value) -> str:
    text = bytes(_bytes(value)).decode("utf-8")
    if len(text) > 1000:
        raise OnnxDamaged("a name of more than 1000 characters")
    return "".join(c if c.isprintable() else "?" for c in text)


def _model(data: memoryview) -> OnnxGraph:
    graph = OnnxGraph()
    body: memoryview | None = None
    for number, _, value in _fields(data):
        if number == 2:
            graph.producer = _text(value)
        elif number == 7:
            body = _bytes(value)
        elif number == 8:
            operators = dict((n, v) for n, _, v in _fields(_bytes(value)))
            if not bytes(_bytes(operators.get(1, memoryview(b"")))).strip():
                graph.opset = _number(operators.get(2, 0))
    if body is None:
        raise OnnxDamaged("there is no graph in it")
    _graph(body, graph)
    return graph


def _graph(data: memoryview, graph: OnnxGraph) -> None:
    for number, _, value in _fields(data):
        if number == 1:
            graph.nodes.append(_node(_bytes(value)))
            if len(graph.nodes) > MAX_NODES:
                raise OnnxDamaged(f"more than {MAX_NODES} nodes")
        elif number == 5:
            name, array = _tensor(_bytes(value))
            graph.tensors[name] = array
        elif number == 11:
            name, shape = _input(_bytes(value))
            graph.inputs[name] = shape
        elif number == 12:
            graph.outputs.extend(_text(v) for n, _, v in _fields(_bytes(value)) if n == 1)
    for name in graph.tensors:  # before IR version 4 constants were listed among the inputs
        graph.inputs.pop(name, None)


def _node(data: memoryview) -> OnnxNode:
    names: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: [], 7: []}
    attributes: dict[str, Any] = {}
    for number, _, value in _fields(data):
        if number in names:
            names[number].append(_text(value))
        elif number == 5:
            name, held = _attribute(_bytes(value))
            attributes[name] = held
    kind, domain = "".join(names[4][:1]), "".join(names[7][:1])
    whole = kind if domain in ("", "ai.onnx") else f"{domain}.{kind}"
    return OnnxNode(whole, "".join(names[3][:1]), tuple(names[1]), tuple(names[2]), attributes)


def _attribute(data: memoryview) -> tuple[str, Any]:
    name, value = "", None
    lists: dict[int, list[Any]] = {7: [], 8: []}
    for number, wire, raw in _fields(data):
        if number == 1:
            name = _text(raw)
        elif number in _SCALARS:
            value = _SCALARS[number](raw)
        elif number == 7:
            lists[7].extend(_floats(_bytes(raw)))
        elif number == 8:
            lists[8].extend([_signed(raw)] if wire == VARINT else _varints(_bytes(raw)))
    return name, next((items for items in lists.values() if items), value)


def _floats(data: memoryview) -> list[float]:
    return np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(float).tolist()


def _varints(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(_signed(value))
    return found


def _tensor(data: memoryview) -> tuple[str, np.ndarray]:
    """Name and values of a constant. A raw block, or numbers one by one."""
    sizes: list[int] = []
    name, kind = "", FLOAT
    raw: memoryview | None = None
    numbers: list[np.ndarray] = []
    for number, wire, value in _fields(data):
        if number == 1:
            sizes.extend([_signed(value)] if wire == VARINT else _varints(_bytes(value)))
        elif number == 2:
            kind = _number(value)
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = _bytes(value)
        elif number in (13, 14) and value:
            raise OnnxDamaged(f"tensor {name} keeps its data in another file, which is not opened")
        elif number in (4, 5, 7, 10):
            numbers.append(_listed(number, wire, value))
    return name, _array(name, kind, sizes, raw, numbers)


def _array(name: str, kind: int, sizes: list[int], raw: memoryview | None, numbers: list[np.ndarray]) -> np.ndarray:
    if kind not in _DTYPES:
        raise OnnxDamaged(f"tensor {name} is of type {kind}, which is not read")
    if len(sizes) > 32 or min(sizes, default=0) < 0:
        raise OnnxDamaged(f"tensor {name} of sizes {sizes[:8]}")
    dtype = np.dtype(_DTYPES[kind])
    flat = _joined(numbers) if raw is None else np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype)
    if flat.size != math.prod(sizes):
        raise OnnxDamaged(f"tensor {name} declares {math.prod(sizes)} values and holds {flat.size}")
    return flat.reshape(sizes).astype(dtype.newbyteorder("="), copy=False)


def _listed(number: int, wire: int, value: Value) -> np.ndarray:
    if number in (4, 10) and wire != VARINT:
        dtype = np.dtype("<f4" if number == 4 else "<f8")
        data = _bytes(value)
        return np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype)
    return np.array([_signed(value)] if wire == VARINT else _varints(_bytes(value)), np.int64)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _input(data: memoryview) -> tuple[str, tuple[int, ...]]:
    """Name and shape of an input: ValueInfo > Type > Tensor > Shape > dimensions."""
    name, shape = "", ()
    for number, _, value in _fields(data):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for n, _, tensor in _fields(_bytes(value)):
                if n == 1:
                    shape = next((_sizes(_bytes(v)) for m, _, v in _fields(_bytes(tensor)) if m == 2), ())
    return name, shape


def _sizes(data: memoryview) -> tuple[int, ...]:
    dimensions = [_bytes(value) for number, _, value in _fields(data) if number == 1]
    if len(dimensions) > 32:
        raise OnnxDamaged("an input of more than 32 axes")
    return tuple(next((_number(v) for n, _, v in _fields(part) if n == 1), 0) for part in dimensions)


_SCALARS: dict[int, Callable[[Value], Any]] = {
    2: lambda value: struct.unpack("<f", _bytes(value))[0],
    3: _signed,
    4: _text,
    5: lambda value: _tensor(_bytes(value))[1],
}
