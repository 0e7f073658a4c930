"""Damage to files: seeded, so that a number says which file it was."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence

EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
MOST_BYTES = 1 << 20


def mutated(seeds: Sequence[bytes], number: int) -> bytes:
    """The file of that number: one of the seeds, damaged once or more, within its zip entries if it has any."""
    rng = random.Random(number)
    data = rng.choice(seeds)
    if zipfile.is_zipfile(io.BytesIO(data)) and rng.random() < 0.6:
        return _inside_zip(data, rng, seeds)
    return damaged(data, rng, seeds)


def damaged(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Some bytes changed, moved, repeated, cut out or taken from another seed."""
    held = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 24))):
        rng.choice(_WAYS)(held, rng, seeds)
        if not held:
            held += b"\0"
    return bytes(held[:MOST_BYTES])


def _inside_zip(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """The same archive with an entry damaged and its check sum right, so that what lies behind is reached."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        infos = old.infolist()
        chosen = rng.choice([i for i in infos if i.filename.endswith((".pkl", ".json", ".npy"))] or infos)
        for info in infos:
            content = old.read(info)
            new.writestr(info.filename, damaged(content, rng, (content, *seeds)) if info is chosen else content)
    return out.getvalue()


def _flip(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _edge(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    width = rng.choice((1, 2, 4, 8))
    at = rng.randrange(len(data))
    value = rng.choice(EDGES) & (2 ** (8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _digits(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    """A number in text, such as a size in a JSON header, becomes another."""
    places = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        at = rng.choice(places)
        data[at : at + 1] = rng.choice((b"0", b"-1", b"9" * 9, b"1e99", b"4294967296", b"0.5"))


def _cut(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 1, 4, 16, len(data)))]


def _repeat(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at, count = rng.randrange(len(data)), rng.choice((1, 2, 8, 64))
    data[at:at] = data[at : at + count] * rng.choice((1, 2, 100))


def _borrow(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    at, start, count = rng.randrange(len(data)), rng.randrange(len(other)), rng.choice((2, 8, 64, 512))
    data[at : at + rng.choice((0, count))] = other[start : start + count]


def _insert(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 8)))


_WAYS = (_flip, _byte, _byte, _edge, _edge, _digits, _cut, _repeat, _borrow, _borrow, _insert)
