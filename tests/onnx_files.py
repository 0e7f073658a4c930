"""Writes ONNX files for tests, field by field, without the ONNX library."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10, "float64": 11}


def varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def number(field: int, n: int) -> bytes:
    return varint(field << 3) + varint(n)


def block(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name: str, array: np.ndarray, *, listed: bool = False) -> bytes:
    sizes = b"".join(number(1, n) for n in array.shape)
    if listed:
        fields = {"float32": 4, "int64": 7, "float64": 10}
        values = [varint(int(n)) for n in array.reshape(-1)] if array.dtype.kind == "i" else [array.tobytes()]
        data = block(fields[str(array.dtype)], b"".join(values))
    else:
        data = block(9, array.tobytes())
    return sizes + number(2, _TYPES[str(array.dtype)]) + block(8, name) + data


def attribute(name: str, value: Any) -> bytes:
    head = block(1, name)
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return head + number(3, value)
    if isinstance(value, str):
        return head + block(4, value)
    if isinstance(value, np.ndarray):
        return head + block(5, tensor("", value))
    return head + b"".join(number(8, n) for n in value)


def node(kind: str, inputs: list[str], output: str, /, name: str = "", domain: str = "", **attributes: Any) -> bytes:
    parts = [block(1, i) for i in inputs] + [block(2, output), block(3, name or output), block(4, kind)]
    parts += [block(5, attribute(key, value)) for key, value in attributes.items()]
    return b"".join(parts) + (block(7, domain) if domain else b"")


def value_info(name: str, shape: tuple[int | str, ...]) -> bytes:
    sizes = b"".join(block(1, number(1, n) if isinstance(n, int) else block(2, n)) for n in shape)
    return block(1, name) + block(2, block(1, number(1, 1) + block(2, sizes)))


def model(
    nodes: list[bytes], tensors: dict[str, np.ndarray], shape: tuple[int | str, ...], output: str = "y",
    *, listed: bool = False, fed: str = "x",
) -> bytes:  # fmt: skip
    graph = b"".join(block(1, n) for n in nodes) + block(2, "graph")
    graph += b"".join(block(5, tensor(name, array, listed=listed)) for name, array in tensors.items())
    graph += block(11, value_info(fed, shape)) + block(12, value_info(output, ()))
    return number(1, 8) + block(2, "tests") + block(7, graph) + block(8, block(1, "") + number(2, 17))


def write(path: Path, *given: Any, **options: Any) -> Path:
    path.write_bytes(model(*given, **options))
    return path
