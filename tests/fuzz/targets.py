"""What is fuzzed: readers of files that people download, each with seeds that are made here and are small."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import io
import json
import pickle
import random
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.chip.catalog import load_chip
from neurocomp.chip.load import read_profile
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError
from neurocomp.frontend.checkpoint import read_safetensors
from neurocomp.frontend.onnx import read_stateless
from neurocomp.frontend.pickled import PickleDamaged, read_pickle
from neurocomp.frontend.pt2_module import module_of
from neurocomp.frontend.read import load_network
from neurocomp.frontend.torchfile import read_saved
from neurocomp.inputs.npz import read_npz
from neurocomp.mapping.compile import compile_network
from neurocomp.mapping.store import load_program
from neurocomp.network.graph import Network
from neurocomp.network.serial import to_tree
from neurocomp.report.saved import read_result
from neurocomp.sweep.space import Space
from tests import chip_text, sweeps
from tests.fuzz.mutate import mutated
from tests.fuzz.torch_files import STORED, attention, frozen_zip, torch_zip
from tests.fuzz.trees import damaged_entry, damaged_json, damaged_message, damaged_safetensors, damaged_tree
from tests.lava_files import CUBA, layer, spikes_in
from tests.lava_files import write as write_lava
from tests.nir_files import chain, graph, lif, node, sink, source
from tests.nir_files import write as write_nir
from tests.onnx_files import model
from tests.onnx_files import node as onnx_node
from tests.pt2_files import archive as pt2_archive
from tests.pt2_files import nodes as pt2_nodes

DIGITS = Path(__file__).parents[2] / "examples" / "01_digits"
GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Target:
    """seeds: whole files; read: what a user's command would do with one; accepted: errors that are answers; shaped: one
    of the seeds with its meaning damaged and its shell whole."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    accepted: tuple[type[Exception], ...] = ()
    shaped: Callable[[list[bytes], random.Random], bytes] | None = None

    def file(self, seeds: list[bytes], number: int) -> bytes:
        """The damaged file of that number, always the same."""
        rng = random.Random(f"shaped {number}")
        if self.shaped is not None and rng.random() < 0.6:
            return self.shaped(seeds, rng)
        return mutated(seeds, number)


def _made(*writers: Callable[[Path], object]) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        found = []
        for write in writers:
            write(path)
            found.append(path.read_bytes())
        return found


def nir_graphs() -> list[dict[str, Any]]:
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
    size = {"kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0]}
    others = chain(
        ("input", source(2, 8, 8)), ("avg", node("AvgPool2d", **size)), ("sum", node("SumPool2d", **size)),
        ("flat", node("Flatten", start_dim=0, end_dim=-1, input_type=[2, 2, 2])), ("scale", node("Scale", scale=0.5)),
        ("cuba", node("CubaLIF", tau_syn=1e-3, tau_mem=np.full(8, 2e-3), r=1.0, v_leak=0.0, v_threshold=1.0, w_in=1.0)),
        ("line", node("Linear", weight=rng.normal(size=(4, 8)))), ("if", node("IF", r=np.ones(4), v_threshold=1.0)),
        ("li", node("LI", tau=1e-2, r=1.0, v_leak=0.0)), ("output", sink(4)),
    )  # fmt: skip
    row = chain(
        ("input", source(2, 9)), ("conv", node("Conv1d", weight=rng.normal(size=(2, 1, 3)), stride=1, padding=0,
                                               dilation=2, groups=2, bias=np.zeros(2))),
        ("thr", node("Threshold", threshold=np.ones((2, 5)))), ("output", sink(2, 5)),
    )  # fmt: skip
    return [graph(nodes, edges), small, others, row]


def nir_seeds() -> list[bytes]:
    return _made(*(partial(write_nir, root=root) for root in nir_graphs()))


def shaped_nir(_: list[bytes], rng: random.Random) -> bytes:
    return _written(
        lambda path, tree: write_nir(path, **tree), {"root": rng.choice(nir_graphs()), "version": "1.0"}, rng
    )


def _written(write: Callable[[Path, Any], object], tree: Any, rng: random.Random) -> bytes:
    """A damaged tree as a file; trees that cannot be written are damaged in another way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        while True:
            with contextlib.suppress(
                TypeError, ValueError, OSError, RuntimeError, AttributeError, KeyError, IndexError
            ):
                write(path, damaged_tree(tree, rng))
                return path.read_bytes()


def lava_layers() -> list[list[dict[str, Any]]]:
    dense = layer("dense", shape=(3, 1, 1), weight=np.arange(12).reshape(3, 4) * 2 - 8, neuron=CUBA)
    conv = layer("conv", shape=(4, 4, 2), weight=np.ones((2, 1, 3, 3)), neuron=CUBA, stride=[1, 1], padding=[0, 0],
                 dilation=[1, 1], groups=1, delay=[1, 2])  # fmt: skip
    last = layer("dense_rec", shape=(3, 1, 1), weight=np.ones((3, 32)), weight_rec=np.eye(3) * 2, bias=np.ones(3),
                 neuron={**CUBA, "gradedSpike": False})  # fmt: skip
    return [[spikes_in(4, 1, 1), dense], [spikes_in(6, 6, 1), conv, layer("flatten", (32, 1, 1), neuron=None), last]]


def lava_seeds() -> list[bytes]:
    return _made(*(lambda p, layers=layers: write_lava(p, *layers) for layers in lava_layers()))


def shaped_lava(_: list[bytes], rng: random.Random) -> bytes:
    return _written(lambda path, layers: write_lava(path, *layers), rng.choice(lava_layers()), rng)


def frozen_seeds() -> list[bytes]:
    return [frozen_zip(tree, arrays) for tree, arrays in _trees()]


@cache
def _trees() -> list[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Networks as frozen files describe them: with most operators and parts of neurons."""
    digits = load_network(DIGITS / "net.pt")
    sample = digits.sample
    few = None if sample is None else replace(sample, inputs=sample.inputs[:1], labels=np.zeros(1, int))
    return [
        to_tree(network) for network in (replace(digits, sample=few), attention(), *(_read(s) for s in nir_seeds()))
    ]


def _read(file: bytes) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file").write_bytes(file)
        return load_network(Path(folder) / "file")


def shaped_frozen(_: list[bytes], rng: random.Random) -> bytes:
    tree, arrays = rng.choice(_trees())
    both = damaged_tree({"tree": tree, "arrays": arrays}, rng)
    text = json.dumps(both.get("tree"), default=lambda array: array.tolist())
    held = both.get("arrays")
    kept = (
        {str(k): np.asarray(a) for k, a in held.items() if np.asarray(a).dtype.char in STORED}
        if isinstance(held, dict)
        else {}
    )
    return frozen_zip(text, kept)


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
    """Both ways in which torch files are read; the first answer that is an error ends it."""
    read_saved(path)
    load_network(path)


def program_seeds() -> list[bytes]:
    return [_program()[0]]


@cache
def _program() -> tuple[bytes, Path]:
    """program.json of a small network, and a folder that holds the arrays beside it as long as this process lives."""
    folder = Path(tempfile.mkdtemp(prefix="neurocomp-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    compile_network(_read(nir_seeds()[0]), load_chip("loihi2"), effort="fast").save(folder)
    return (folder / "program.json").read_bytes(), folder


def shaped_program(seeds: list[bytes], rng: random.Random) -> bytes:
    """With the digest that makes it whole again."""
    tree = damaged_tree(json.loads(seeds[0]), rng)
    if isinstance(tree, dict):
        rest = json.dumps({key: value for key, value in tree.items() if key != "sha256"}, sort_keys=True)
        tree["sha256"] = hashlib.sha256(rest.encode()).hexdigest()
    return json.dumps(tree).encode()


def _read_program(path: Path) -> None:
    place = _program()[1] / "program.json"
    if not place.is_symlink():  # at the first seed, before anything is watched
        place.unlink()
        place.symlink_to(path)
    load_program(place.parent)


def result_seeds() -> list[bytes]:
    return [(GOLDEN / "result.json").read_bytes()]


def profile_seeds() -> list[bytes]:
    return [chip_text.TINY.encode(), sweeps.SPACE.format(network="net.nir", inputs="x.npz").encode()]


def _read_profiles(path: Path) -> None:
    for sheet in (ChipSpec, Space):
        with contextlib.suppress(InputError):
            read_profile(path, sheet)


def _of(damage: Callable[[bytes, random.Random], bytes]) -> Callable[[list[bytes], random.Random], bytes]:
    return lambda seeds, rng: damage(rng.choice(seeds), rng)


TARGETS: dict[str, Target] = {
    "nir": Target(nir_seeds, load_network, shaped=shaped_nir),
    "lava": Target(lava_seeds, load_network, shaped=shaped_lava),
    "frozen": Target(frozen_seeds, load_network, shaped=shaped_frozen),
    "torch": Target(torch_seeds, load_network),
    "checkpoint": Target(torch_seeds, _read_torch),
    "pickle": Target(pickle_seeds, lambda path: read_pickle(path.read_bytes()), (PickleDamaged,)),
    "any": Target(lambda: [*torch_seeds(), *pickle_seeds(), *safetensors_seeds(), *npz_seeds()], load_network),
    "safetensors": Target(safetensors_seeds, read_safetensors, shaped=_of(damaged_safetensors)),
    "onnx": Target(onnx_seeds, read_stateless, shaped=_of(damaged_message)),
    "pt2": Target(pt2_seeds, module_of, shaped=_of(damaged_entry)),
    "program": Target(program_seeds, _read_program, shaped=shaped_program),
    "result": Target(result_seeds, read_result, shaped=_of(damaged_json)),
    "profile": Target(profile_seeds, _read_profiles),
    "npz": Target(npz_seeds, lambda path: read_npz(path, ("x",), ("y",))),
}
