"""Tensors of a torch archive as read-only NumPy arrays, rebuilt from what the pickle says about them.

A tensor is a window (offset, sizes, strides) into a storage, and a storage is a file in the archive. Every
number is checked against the size of that file before any array is made.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.frontend.pickled import Named, Persistent
from neurocomp.frontend.torchzip import TorchZip, damaged

MAX_EXPANDED = 2**26
"""Elements that a tensor may have beyond those its storage holds (stride 0, as torch's expand makes)."""

_STORAGE_TYPES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
}
_DTYPES = {
    "float32": "f4",
    "float64": "f8",
    "float16": "f2",
    "bfloat16": "bfloat16",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
    "bool": "b1",
}
_REBUILD = Named("torch._utils", "_rebuild_tensor_v2")
_REBUILD_DTYPE = Named("torch._utils", "_rebuild_tensor_v3")
_PARAMETER = Named("torch._utils", "_rebuild_parameter")


class TensorReader:
    """Answers the calls of a torch pickle: the three that rebuild a tensor, and no other."""

    def __init__(self, archive: TorchZip) -> None:
        self.archive = archive
        self.order: Literal["<", ">"] = self._byte_order()
        self.storages: dict[tuple[str, str], np.ndarray] = {}

    def __call__(self, what: Named, arguments: tuple[Any, ...]) -> np.ndarray | None:
        if what in (_REBUILD, _REBUILD_DTYPE):
            storage, offset, size, stride = arguments[:4]
            kind = self._kind(storage, arguments[6] if what == _REBUILD_DTYPE else None)
            return self.window(self._storage(storage, kind), offset, size, stride)
        if what == _PARAMETER and isinstance(arguments[0], np.ndarray):
            return arguments[0]
        return None

    def _byte_order(self) -> Literal["<", ">"]:
        name = self.archive.find("byteorder")
        order = self.archive.read(name, 64).strip() if name else b"little"
        if order not in (b"little", b"big"):
            raise damaged(self.archive.path, f"byte order {order[:20]!r}", name or "")
        return "<" if order == b"little" else ">"

    def _kind(self, storage: Any, dtype: Any) -> str:
        """NumPy type code of a storage (or ``bfloat16``, which NumPy lacks)."""
        named = dtype if dtype is not None else storage.key[1]
        table = _DTYPES if dtype is not None else _STORAGE_TYPES
        if not isinstance(named, Named) or named.module not in ("torch", "torch.storage") or named.name not in table:
            raise bad_input(
                str(self.archive.path),
                f"holds a tensor of type {named}, which neurocomp cannot read",
                hint="convert it (for example with .float()) and save again",
            )
        return table[named.name]

    def _storage(self, storage: Any, kind: str) -> np.ndarray:
        """The whole storage, 1-d, in native byte order."""
        if not isinstance(storage, Persistent):
            raise damaged(self.archive.path, "a tensor without a storage")
        tag, _, key, _location, count = storage.key[:5]
        if tag != "storage" or not isinstance(key, str):
            raise damaged(self.archive.path, f"a tensor refers to {tag!r}")
        if (key, kind) not in self.storages:
            self.storages[key, kind] = self._load(key, kind, count)
        return self.storages[key, kind]

    def _load(self, key: str, kind: str, count: Any) -> np.ndarray:
        name = self.archive.find(f"data/{key}")
        if name is None:
            raise damaged(self.archive.path, f"tensor data data/{key} is missing")
        stored = np.dtype("u2" if kind == "bfloat16" else kind).newbyteorder(self.order)
        width = stored.itemsize
        present = self.archive.entries[name].size
        if not _is_size(count) or present % width or (present // width != count and present != count):
            raise damaged(self.archive.path, f"{present} bytes where {count} elements of {width} bytes belong", name)
        return self.flat(self.archive.read(name), kind)

    def flat(self, data: bytes, kind: str) -> np.ndarray:
        """Raw bytes as a 1-d array of a kind (NumPy's code or ``bfloat16``), in native byte order."""
        stored = np.dtype("u2" if kind == "bfloat16" else kind).newbyteorder(self.order)
        raw = np.frombuffer(data[: len(data) // stored.itemsize * stored.itemsize], stored)
        if kind == "b1":
            raw = raw.view("u1") != 0  # a byte other than 0 and 1 must not become an odd bool
        elif kind == "bfloat16":
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(raw.dtype.newbyteorder("="), copy=False)

    def window(self, storage: np.ndarray, offset: Any, size: Any, stride: Any) -> np.ndarray:
        """A read-only view of a 1-d storage, every number checked. Raises InputError."""
        sizes_ok = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= 32
        if not sizes_ok or not all(map(_is_size, (offset, *size, *stride))):
            raise damaged(self.archive.path, f"a tensor of size {size!r}, stride {stride!r}, offset {offset!r}")
        elements = math.prod(size)
        reach = sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1 if elements else 0
        if offset + reach > storage.size:
            raise damaged(self.archive.path, f"a tensor of size {size} reaches beyond {storage.size} stored elements")
        if elements > storage.size + MAX_EXPANDED:
            raise damaged(self.archive.path, f"a tensor of {elements} elements in {storage.size} stored ones")
        if elements == 0:
            return _frozen(np.zeros(size, storage.dtype))
        strides = tuple(step * storage.itemsize for step in stride)
        return _frozen(np.lib.stride_tricks.as_strided(storage[offset:], size, strides, writeable=False))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48
