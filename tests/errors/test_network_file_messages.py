"""The exact message for each kind of file or option that cannot be read as a network.

network_file_messages.expect holds one block for each case: ``=== name`` and the message, without the folder.
Messages of torch files are in test_torch_messages.py.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurocomp.errors import EXIT_BAD_INPUT, InputError
from neurocomp.frontend.read import load_network
from tests.lava_files import CUBA, layer, spikes_in
from tests.lava_files import write as write_lava
from tests.nir_files import chain, graph, lif, node, sink, source
from tests.nir_files import write as write_nir

EXPECTED = Path(__file__).parent / "network_file_messages.expect"


def read_expected() -> dict[str, str]:
    blocks = EXPECTED.read_text(encoding="utf-8").split("=== ")[1:]
    return {name: message.rstrip("\n") for name, message in (block.split("\n", 1) for block in blocks)}


def nothing(path: Path) -> None:
    """Leave the file away, with one of a like name beside it."""
    (path.parent / "nets.nir").touch()


def folder(path: Path) -> None:
    path.mkdir()


def content(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


def nir(*between: tuple[str, dict[str, Any]], n: int = 2) -> Callable[[Path], None]:
    return lambda path: write_nir(path, chain(("input", source(n)), *between, ("output", sink(n)))) and None


def whole_nir(nodes: dict[str, Any], edges: list[tuple[str, str]]) -> Callable[[Path], None]:
    return lambda path: write_nir(path, graph(nodes, edges)) and None


def nir_of_version_2(path: Path) -> None:
    write_nir(path, chain(("input", source(2)), ("output", sink(2))), version="2.0")


def truncated(path: Path) -> None:
    nir(("lif", lif()))(path)
    path.write_bytes(path.read_bytes()[:2000])


def declares_too_much(path: Path) -> None:
    nir(("fc", node("Linear", weight=np.eye(2))))(path)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/fc/weight"]
        file.create_dataset("node/nodes/fc/weight", shape=(131_072, 262_144), dtype="f4", chunks=(1024, 1024))


def linked(path: Path) -> None:
    nir(("fc", node("Linear", weight=np.eye(2))))(path)
    with h5py.File(path, "r+") as file:
        del file["node/nodes/fc/weight"]
        file["node/nodes/fc/weight"] = h5py.ExternalLink("/etc/hostname", "/x")


def lava(*layers: dict[str, Any]) -> Callable[[Path], None]:
    return lambda path: write_lava(path, spikes_in(4, 1, 1), *layers) and None


def hdf5(**members: Any) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, value in members.items():
                file[name] = value

    return make


def npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, x=np.zeros(3))


def npy() -> bytes:
    held = io.BytesIO()
    np.save(held, np.zeros(3))
    return held.getvalue()


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "x")


def safetensors() -> bytes:
    head = json.dumps({"conv1.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(4)


ONNX = bytes([0x08, 0x08, 0x12, 0x07]) + b"pytorch" + bytes(20)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
RESONATOR = {**CUBA, "type": "RF"}
FC = node("Linear", weight=np.ones((2, 3)))

CASES: dict[str, tuple[Callable[[Path], None], dict[str, Any]]] = {
    "missing file": (nothing, {}),
    "directory": (folder, {}),
    "empty file": (content(b""), {}),
    "one byte": (content(b"P"), {}),
    "Git LFS pointer": (content(LFS), {}),
    "HTML page": (content(b"\n<!DOCTYPE html>\n<html><body>404</body></html>"), {}),
    "safetensors": (content(safetensors()), {}),
    "ONNX": (content(ONNX), {}),
    "NumPy array": (content(npy()), {}),
    "npz archive": (npz, {}),
    "gzip archive": (content(b"\x1f\x8b\x08\x00" + bytes(20)), {}),
    "other zip archive": (other_zip, {}),
    "text": (content(b"schema: neurocomp/chip/1\nname: loihi2\n"), {}),
    "unknown bytes": (content(bytes(range(200, 232))), {}),
    "Keras HDF5": (hdf5(model_weights=1, keras_version="3"), {}),
    "other HDF5": (hdf5(spikes=[1, 2], labels=[3]), {}),
    "truncated HDF5": (truncated, {}),
    "declares 128 GiB": (declares_too_much, {}),
    "link to another file": (linked, {}),
    "NIR of a later version": (nir_of_version_2, {}),
    "NIR unknown node type": (nir(("lif", node("LIFF"))), {}),
    "NIR unknown parameter": (nir(("lif", lif(beta=0.9))), {}),
    "NIR missing parameter": (nir(("lif", node("LIF", tau=1e-2, r=1.0, v_leak=0.0))), {}),
    "NIR transposed weight": (nir(("fc", node("Linear", weight=np.ones((2, 3)))), n=2), {}),
    "NIR NaN weight": (nir(("fc", node("Linear", weight=np.full((2, 2), np.nan)))), {}),
    "NIR parameter shape": (nir(("lif", lif(tau=np.full(3, 2e-3)))), {}),
    "NIR time step too long": (nir(("lif", lif(tau=1e-5))), {}),
    "NIR edge to nowhere": (
        whole_nir(
            {"input": source(2), "lif": lif(), "output": sink(2)},
            [("input", "lif"), ("lif", "output"), ("lif", "lif1")],
        ),
        {},
    ),
    "NIR lost edges": (whole_nir({"input": source(2), "fc": FC, "output": sink(2)}, [("input", "output")]), {}),
    "NIR two outputs": (
        whole_nir({"input": source(2), "a": sink(2), "b": sink(2)}, [("input", "a"), ("input", "b")]),
        {},
    ),
    "NIR option without effect": (nir(("fc", node("Linear", weight=np.eye(2)))), {"dt_s": 1e-3, "reset": "subtract"}),
    "NIR steps without sample": (nir(("lif", lif())), {"steps": 10}),
    "bad options": (nothing, {"dt_s": 0.0, "reset": "soft", "discretise": "heun", "steps": 0}),
    "lava-dl with NIR options": (lava(), {"dt_s": 1e-3, "discretise": "exp"}),
    "lava-dl without layers": (hdf5(**{"layer/x": 1}), {}),
    "lava-dl fractional weights": (lava(layer("dense", (2, 1, 1), weight=np.full((2, 4), 0.5))), {}),
    "lava-dl weight shape": (lava(layer("dense", (2, 1, 1), weight=np.ones((2, 5)))), {}),
    "lava-dl unknown neuron": (lava(layer("dense", (2, 1, 1), weight=np.ones((2, 4)), neuron=RESONATOR)), {}),
    "lava-dl unknown layer": (lava(layer("convT", (2, 1, 1), weight=np.ones((2, 4)))), {}),
}


def message(path: Path, make: Callable[[Path], None], options: dict[str, Any]) -> str:
    make(path)
    with pytest.raises(InputError) as caught:
        load_network(path, **options)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    text = str(caught.value).replace(f"{path.parent}/", "")
    return re.sub("Unable to .*", "(words of the HDF5 library)", text)


@pytest.mark.parametrize("name", CASES)
def test_message(tmp_path: Path, name: str) -> None:
    assert message(tmp_path / "net.nir", *CASES[name]) == read_expected()[name]


def test_every_expected_message_is_of_a_case() -> None:
    assert list(read_expected()) == list(CASES)
