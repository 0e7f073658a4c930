"""What is fuzzed: readers of files that people download, each with seeds that are made here and are small."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurocomp.frontend.checkpoint import read_safetensors
from neurocomp.frontend.onnx import read_stateless
from neurocomp.frontend.pickled import PickleDamaged, read_pickle
from neurocomp.frontend.pt2_module import module_of
from neurocomp.frontend.read import load_network
from neurocomp.frontend.torchfile import read_saved, read_tree
from neurocomp.inputs.npz import read_npz
from tests.lava_files import CUBA, layer, spikes_in
from tests.lava_files import write as write_lava
from tests.nir_files import chain, graph, lif, node, sink, source
from tests.nir_files import write as write_nir
from tests.onnx_files import model
from tests.onnx_files import node as onnx_node
from tests.pt2_files import archive as pt2_archive
from tests.pt2_files import nodes as pt2_nodes

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits"


@dataclass(frozen=True)
class Target:
    """seeds: whole files; read: what a user's command would do with one; accepted: errors that are answers."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    accepted: tuple[type[Exception], ...] = ()


def _made(*writers: Callable[[Path], object]) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        found = []
        for write in writers:
            write(path)
            found.append(path.read_bytes())
        return found


def nir_seeds() -> list[bytes]:
    rng = np.random.default_rng(0)
    inner = chain(("input", source(3)), ("lif", lif(tau=np.full(3, 2e-3))), ("output", sink(3)))
    conv = node("Conv2d", weight=rng.normal(size=(3, 2, 3, 3)), stride=[1, 1], padding="same", dilation=[1, 1],
                groups=1, bias=np.zeros(3))  # fmt: skip
    nodes = {
        "input": source(2, 5, 5), "conv": conv, "fc": node("Affine", weight=rng.normal(size=(3, 75)), bias=np.ones(3)),
        "flat": node("Flatten", start_dim=1, end_dim=-1, input_type=[3, 5, 5]), "sub": inner,
        "back": node("Linear", weight=np.eye(3)), "delay": node("Delay", delay=np.array([0, 1e-4, 2e-4])),
        "output": sink(3),
    }  # fmt: skip
    edges = [("input", "conv"), ("conv", "flat"), ("flat", "fc"), ("fc", "sub"), ("sub", "back"), ("back", "sub"),
             ("sub", "delay"), ("delay", "output")]  # fmt: skip
    weights = node("Linear", weight=np.eye(2))
    small = chain(("input", source(2)), ("fc", weights), ("lif", lif()), ("output", sink(2)))
    return _made(lambda p: write_nir(p, graph(nodes, edges)), lambda p: write_nir(p, small))


def lava_seeds() -> list[bytes]:
    dense = layer("dense", shape=[3, 1, 1], weight=np.arange(12).reshape(3, 4) * 2 - 8, neuron=CUBA)
    return _made(lambda p: write_lava(p, spikes_in(4, 1, 1), dense))


def torch_seeds() -> list[bytes]:
    """A frozen network, weights, a pickled module and an odd tensor, without torch."""
    weights = (DIGITS / "weights.pt").read_bytes()
    return [_small_frozen(), weights, torch_zip(MODULE, {"0": bytes(16)}), torch_zip(TENSOR, {"0": bytes(16)})]


def _small_frozen() -> bytes:
    """The digits network with a sample of one image: the stored ones are most of the file."""
    with zipfile.ZipFile(DIGITS / "net.pt") as archive:
        content = {i.filename: archive.read(i) for i in archive.infolist() if i.file_size < 2**16}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out.getvalue()


def torch_zip(pickled: bytes, storages: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("net/data.pkl", pickled)
        archive.writestr("net/byteorder", "little")
        for key, data in storages.items():
            archive.writestr(f"net/data/{key}", data)
        archive.writestr("net/version", "3\n")
    return out.getvalue()


_STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
_REBUILT = b"ctorch._utils\n_rebuild_tensor_v2\n(" + _STORAGE + b"K\x00K\x02K\x02\x86K\x02K\x01\x86\x89}tR"
TENSOR = b"\x80\x02}(X\x01\x00\x00\x00w" + _REBUILT + b"X\x03\x00\x00\x00one" + _REBUILT + b"u."
MODULE = (
    b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81}(X\x08\x00\x00\x00trainingq\x01\x88X\x0b\x00\x00\x00"
    b"_parametersccollections\nOrderedDict\n)R(X\x06\x00\x00\x00weight" + _REBUILT + b"uub."
)


def pickle_seeds() -> list[bytes]:
    plain = {"a": [1, 2.5, None, True, "text", b"bytes", (1, (2, 3, 4)), {"b": 2**70}], 3: {4, 5}}
    return [TENSOR, MODULE, *(pickle.dumps(plain, protocol) for protocol in range(6)), pickle.dumps(print, 4)]


def safetensors_seeds() -> list[bytes]:
    def whole(header: dict[str, object], data: bytes) -> bytes:
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data

    one = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    two = {"dtype": "BF16", "shape": [4], "data_offsets": [16, 24]}
    return [whole({"w": one}, bytes(16)), whole({"__metadata__": {"a": "b"}, "w": one, "v": two}, bytes(24))]


def onnx_seeds() -> list[bytes]:
    tensors = {"w": np.ones((2, 3, 3, 3), np.float32), "v": np.ones((5, 32), np.float32), "s": np.array([0, -1])}
    nodes = [
        onnx_node("Conv", ["x", "w"], "a", strides=[1, 1], pads=[0, 0, 0, 0]), onnx_node("Relu", ["a"], "b"),
        onnx_node("AveragePool", ["b"], "c", kernel_shape=[1, 1]), onnx_node("Reshape", ["c", "s"], "d"),
        onnx_node("Gemm", ["d", "v"], "y", transB=1, alpha=0.5),
    ]  # fmt: skip
    return [model(nodes, tensors, ("N", 3, 6, 6)), model(nodes, tensors, (1, 3, 6, 6), listed=True)]


def pt2_seeds() -> list[bytes]:
    return [pt2_archive(pt2_nodes(), np.ones((5, 3), np.float32))]


def npz_seeds() -> list[bytes]:
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    return _made(
        lambda p: _saved(p, np.savez, x), lambda p: _saved(p, np.savez_compressed, np.zeros((64, 64))),
        lambda p: _saved(p, np.savez, np.asfortranarray(x[:, ::2])),
    )  # fmt: skip


def _saved(path: Path, save: Callable[..., None], x: np.ndarray) -> None:
    with path.open("wb") as file:
        save(file, x=x, y=np.arange(len(x)))


def _read_torch(path: Path) -> None:
    """The three ways in which torch files are read; the first answer that is an error ends it."""
    read_saved(path)
    read_tree(path)
    load_network(path)


TARGETS: dict[str, Target] = {
    "nir": Target(nir_seeds, load_network),
    "lava": Target(lava_seeds, load_network),
    "torch": Target(torch_seeds, load_network),
    "checkpoint": Target(torch_seeds, _read_torch),
    "pickle": Target(pickle_seeds, lambda path: read_pickle(path.read_bytes()), (PickleDamaged,)),
    "any": Target(lambda: [*torch_seeds(), *pickle_seeds(), *safetensors_seeds(), *npz_seeds()], load_network),
    "safetensors": Target(safetensors_seeds, read_safetensors),
    "onnx": Target(onnx_seeds, read_stateless),
    "pt2": Target(pt2_seeds, module_of),
    "npz": Target(npz_seeds, lambda path: read_npz(path, ("x",), ("y",))),
}
