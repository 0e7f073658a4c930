"""Torch archives for fuzzing, written without torch: frozen networks, and one with most operators."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Sequence

import numpy as np

from neurocomp.network import (
    Conv,
    Factor,
    Host,
    Network,
    Neuron,
    Op,
    Pool,
    Population,
    Projection,
    Reduce,
    Sample,
    Wiring,
)  # fmt: skip

RARER = Neuron(a_decay=0.5, a_gain=0.1, v_min=-1.0, refractory=2)


def attention() -> Network:
    """A product of two signals, a maximum, wires, a sum over tokens and functions of the host."""
    part, weight = (2, 3), np.ones((2, 2, 1), np.float32)
    populations = [Population("x", part), Population("s", part, RARER),
                   Population("p", (2, 2)), Population("m", (2,)), Population("w", (3,)), Population("h", (3,)),
                   Population("g", part, Neuron(output="count", max_count=3, reset="subtract"))]  # fmt: skip
    left, right = (Factor(side, 1, 2, 3, 2, (2, 2), 0.5) for side in ("left", "right"))  # type: ignore[arg-type]
    ops: list[tuple[str, str, Op]] = [
        ("x", "s", Conv(weight, (1,), (0,), (1,))), ("s", "p", left), ("s", "p", right),
        ("p", "m", Reduce("max", 2, 2, 1, (2,))), ("m", "w", Wiring(np.array([0, -1, 1], np.int32), (3,))),
        ("w", "h", Host("softmax", 3, {})), ("s", "g", Pool("max", (1,), (1,), (0,))),
    ]  # fmt: skip
    projections = [Projection(f"{a}{b}{k}", a, b, op, k % 2) for k, (a, b, op) in enumerate(ops)]
    return Network(
        tuple(populations), tuple(projections), ("x",), "h", sample=Sample(np.ones((1, *part), np.float32), 2)
    )


def torch_zip(pickled: bytes, storages: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("net/data.pkl", pickled)
        archive.writestr("net/byteorder", "little")
        for key, data in storages.items():
            archive.writestr(f"net/data/{key}", data)
        archive.writestr("net/version", "3\n")
    return out.getvalue()


STORED = {"f": "Float", "d": "Double", "e": "Half", "l": "Long", "i": "Int", "h": "Short", "b": "Char", "B": "Byte",
          "?": "Bool"}  # fmt: skip


def frozen_zip(tree: object, arrays: dict[str, np.ndarray]) -> bytes:
    """A frozen network as torch would write it. tree: its description, or the text of one."""
    text = tree if isinstance(tree, str) else json.dumps(tree)
    out = b"\x80\x02}(" + _word("neurocomp") + _word(text) + _word("tensors") + b"}("
    for key, (name, array) in enumerate(arrays.items()):
        kept = np.ascontiguousarray(array)
        sizes = _row(array.shape) + _row([n // kept.itemsize for n in kept.reshape(array.shape).strides])
        storage = b"(" + _word("storage") + f"ctorch\n{STORED[kept.dtype.char]}Storage\n".encode() + _word(str(key))
        out += _word(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + _word("cpu") + _whole(kept.size)
        out += b"tQ" + _whole(0) + sizes + b"\x89}tR"
    data = {str(key): np.ascontiguousarray(array).tobytes() for key, array in enumerate(arrays.values())}
    return torch_zip(out + b"uu.", data)


def _word(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return b"X" + struct.pack("<I", len(data)) + data


def _whole(n: int) -> bytes:
    return b"J" + struct.pack("<i", n)


def _row(numbers: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(_whole, numbers)) + b"t"
