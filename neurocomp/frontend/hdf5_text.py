"""Strings of variable length, taken out of an HDF5 file without the HDF5 library.

Each such string is stored as (length, heap address, heap index). The library believes the length before it
looks at the heap (a few bytes make it allocate 4 GiB) and does not leave a damaged heap at all, so this one
corner of the format is read here: HDF5 File Format Specification 3.0, sections III.E (global heap), VIII.C.2.b.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ELEMENT = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
UNDEFINED = 2**64 - 1
GZIP, SHUFFLE = 1, 2


class TextProblem(ValueError):
    """The text cannot be taken out of the file; the message says why."""


@dataclass(eq=False)
class TextReader:
    """Reads the strings of one file."""

    path: Path
    heaps: dict[int, dict[int, bytes]] = field(default_factory=dict)

    def elements(self, dataset: Any) -> list[bytes]:
        """All strings of an h5py dataset of variable-length strings, in order. Raises TextProblem."""
        with self.path.open("rb") as file:
            raw = self._raw(file, dataset)
            return [self._string(file, int(e["length"]), int(e["address"]), int(e["index"])) for e in raw]

    def _string(self, file: BinaryIO, length: int, address: int, index: int) -> bytes:
        if length == 0 or address in (0, UNDEFINED):
            return b""
        if address not in self.heaps:
            self.heaps[address] = _heap(self._bytes(file, address, 16), lambda n: self._bytes(file, address, n))
        text = self.heaps[address].get(index)
        if text is None or length > len(text):
            raise TextProblem(f"string {index} of the heap at {address} is not in the file")
        return text[:length]

    def _bytes(self, file: BinaryIO, address: int, count: int) -> bytes:
        if address + count > self.path.stat().st_size:
            raise TextProblem(f"{count} bytes at {address} lie behind the end of the file")
        file.seek(address)
        return file.read(count)

    def _raw(self, file: BinaryIO, dataset: Any) -> np.ndarray:
        """The stored elements, flat; those that were never written are empty strings."""
        shape = dataset.shape or (1,)
        found = np.zeros(shape, ELEMENT)
        if dataset.chunks is None:
            place = dataset.id.get_offset()
            if place is not None:
                found = np.frombuffer(self._bytes(file, place, found.nbytes), ELEMENT)
            elif dataset.id.get_storage_size():
                raise TextProblem("text in compact layout is not supported; repack the file: h5repack -l CONTI")
            return found.reshape(-1)
        for k in range(dataset.id.get_num_chunks()):
            self._chunk(file, dataset, k, found)
        return found.reshape(-1)

    def _chunk(self, file: BinaryIO, dataset: Any, k: int, found: np.ndarray) -> None:
        info, chunk = dataset.id.get_chunk_info(k), dataset.chunks
        size = int(np.prod(chunk)) * ELEMENT.itemsize
        data = self._bytes(file, info.byte_offset, info.size)
        plist = dataset.id.get_create_plist()
        numbers = [plist.get_filter(n)[0] for n in range(plist.get_nfilters())]
        for position, number in reversed(list(enumerate(numbers))):
            if not info.filter_mask >> position & 1:
                data = _unfiltered(data, number, size)
        if len(data) != size:
            raise TextProblem(f"a chunk of text unpacks to {len(data)} bytes instead of {size}")
        whole = np.frombuffer(data, ELEMENT).reshape(chunk)
        start = tuple(info.chunk_offset)
        inside = tuple(slice(0, min(c, n - s)) for s, c, n in zip(start, chunk, found.shape, strict=True))
        into = tuple(slice(s, s + c) for s, c in zip(start, chunk, strict=True))
        found[into] = whole[inside]


def _unfiltered(data: bytes, number: int, size: int) -> bytes:
    if number == GZIP:
        unpacker = zlib.decompressobj()
        try:
            return unpacker.decompress(data, size)
        except zlib.error as error:
            raise TextProblem(f"a chunk of text cannot be unpacked: {error}") from error
    if number == SHUFFLE:
        count = len(data) // ELEMENT.itemsize
        head = np.frombuffer(data, np.uint8, count * ELEMENT.itemsize)
        return head.reshape(ELEMENT.itemsize, count).T.tobytes() + data[count * ELEMENT.itemsize :]
    raise TextProblem(f"text that is packed with HDF5 filter {number} is not supported; use gzip or no compression")


def _heap(head: bytes, read: Callable[[int], bytes]) -> dict[int, bytes]:
    """The objects of a global heap collection by index."""
    magic, version, size = struct.unpack("<4sB3xQ", head)
    if magic != b"GCOL" or version != 1 or size < len(head):
        raise TextProblem("a string points to where no heap is")
    data = read(size)
    objects: dict[int, bytes] = {}
    at = len(head)
    while at + 16 <= size:
        index, _, length = struct.unpack_from("<HH4xQ", data, at)
        if index == 0:  # the rest is free
            break
        at += 16
        if length > size - at:
            raise TextProblem("a heap of strings is damaged")
        objects.setdefault(index, data[at : at + length])
        at += -(-length // 8) * 8
    return objects
