"""The contents of a torch.export archive (.pt2): a graph in JSON and tensors in raw files; no pickle is read.

Layout (torch 2.8 to 2.13): ``models/model.json``, the graph with lifted parameters; ``data/weights`` and
``data/constants``, each with a ``*_config.json`` that gives every tensor its file, type, sizes and strides. The pickled
sample inputs are left alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.frontend.child import rehearse
from neurocomp.frontend.tensors import TensorReader
from neurocomp.frontend.torchzip import TorchZip

MAX_JSON_BYTES = 2**26
REHEARSED_BYTES = 2**20
MAX_NODES = 200_000
SCHEMA = 8
"""Major version of torch's export schema that is read."""
FREEZE = 'freeze it in Python, where the module is: neurocomp.freeze(net, example_input, "net.ncomp")'
_DTYPES = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 6: "f2", 7: "f4", 8: "f8", 12: "b1", 13: "bfloat16"}
_LISTS = ("as_ints", "as_floats", "as_bools", "as_strings")
_NUMBERS = ("as_int", "as_float", "as_bool", "as_string", "as_scalar_type")


@dataclass(frozen=True)
class Ref:
    """The result of an earlier step, by name."""

    name: str


@dataclass(frozen=True)
class DType:
    """A torch type by its number in the schema."""

    number: int


@dataclass(frozen=True, eq=False)
class Step:
    """One operation. target: ``aten.conv2d.default``; inputs: by parameter name; outputs: names; path: of the module
    that it comes from, '' where unknown."""

    target: str
    inputs: dict[str, Any]
    outputs: tuple[str, ...]
    path: str


@dataclass(eq=False)
class Exported:
    """input: name and shape of what is fed; tensors: constants by name in the graph; paths: their names in the module;
    output: name of the (first) result."""

    input: str = ""
    shape: tuple[int, ...] = ()
    output: str = ""
    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


class Pt2Damaged(ValueError):
    """The archive is not what torch.export writes; the text says why."""


def read_pt2(path: Path) -> Exported:
    """The graph in an archive. Raises InputError if it is damaged, of another version or of dynamic shape."""
    try:
        with TorchZip(path) as archive:
            return _exported(archive)
    except (Pt2Damaged, KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"[:200]
        raise bad_input(
            str(path), "is a damaged torch.export archive, or of a version that is not read", why=why, hint=FREEZE
        ) from error


def _exported(archive: TorchZip) -> Exported:
    model = _json(archive, "models/model.json")
    major = model["schema_version"]["major"]
    if major != SCHEMA:
        raise Pt2Damaged(f"schema version {major!r} where {SCHEMA} is read")
    body = model["graph_module"]
    found = Exported()
    _signature(body["signature"], body["graph"], found, _tensors(archive))
    nodes = body["graph"]["nodes"]
    if len(nodes) > MAX_NODES:
        raise Pt2Damaged(f"{len(nodes)} nodes; at most {MAX_NODES} are read")
    found.steps = [_step(node) for node in nodes]
    return found


def _json(archive: TorchZip, name: str) -> Any:
    entry = archive.find(name)
    if entry is None:
        raise Pt2Damaged(f"{name} is missing")
    data = archive.read(entry, MAX_JSON_BYTES)
    if len(data) > REHEARSED_BYTES:
        rehearse(archive.path, "json", name)
    return json.loads(data)


def _tensors(archive: TorchZip) -> dict[str, np.ndarray]:
    """Weights and constants by their names in the module."""
    reader = TensorReader(archive)
    found: dict[str, np.ndarray] = {}
    for kind in ("weights", "constants"):
        name = f"data/{kind}/model_{kind}_config.json"
        if archive.find(name) is None:
            continue
        for key, entry in _json(archive, name)["config"].items():
            file = archive.find(f"data/{kind}/{entry['path_name']}")
            if entry.get("use_pickle") or file is None:
                raise Pt2Damaged(f"tensor {key} is pickled or missing")
            meta = entry["tensor_meta"]
            code = _DTYPES[meta["dtype"]]
            storage = reader.flat(archive.read(file), code)
            sizes, strides = (tuple(_whole(n) for n in meta[part]) for part in ("sizes", "strides"))
            found[str(key)] = reader.window(storage, _whole(meta["storage_offset"]), sizes, strides)
    return found


def _whole(value: Any) -> int:
    number = value["as_int"]
    if type(number) is not int:
        raise Pt2Damaged("a size that is no number")
    return number


def _signature(signature: Any, graph: Any, found: Exported, tensors: dict[str, np.ndarray]) -> None:
    for spec in signature["input_specs"]:
        ((kind, held),) = spec.items()
        if kind == "user_input":
            name = held["arg"]["as_tensor"]["name"]
            if found.input:
                raise Pt2Damaged("the module takes several tensors; one can be fed")
            found.input, found.shape = str(name), _fixed(graph["tensor_values"][name]["sizes"])
            continue
        label = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}[
            kind
        ]
        name, key = str(held["arg"]["name"]), str(held[label])
        found.tensors[name], found.paths[name] = tensors[key], key
    outputs = [s["user_output"]["arg"] for s in signature["output_specs"] if "user_output" in s]
    found.output = str(outputs[0]["as_tensor"]["name"])
    if not found.input:
        raise Pt2Damaged("the module takes no tensor")


def _fixed(sizes: Any) -> tuple[int, ...]:
    if not all("as_int" in size for size in sizes):
        raise Pt2Damaged("it was exported with sizes that may change (dynamic_shapes); export it with fixed ones")
    return tuple(_whole(size) for size in sizes)


def _step(node: Any) -> Step:
    stack = str(node.get("metadata", {}).get("nn_module_stack", ""))
    path = stack.rpartition(";")[2].split(",")[1] if "," in stack else ""
    inputs = {str(i["name"]): _argument(i["arg"]) for i in node["inputs"]}
    outputs = tuple(name for out in node["outputs"] for name in _names(out))
    return Step(str(node["target"]).removeprefix("torch.ops."), inputs, outputs, path)


def _names(output: Any) -> list[str]:
    if "as_tensor" in output:
        return [str(output["as_tensor"]["name"])]
    return [str(part["name"]) for part in output.get("as_tensors", [])]


def _argument(arg: Any) -> Any:
    """A parameter: a plain value, a list of them, or a reference to an earlier result."""
    ((kind, value),) = arg.items()
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return Ref(str(value["name"]))
    if kind in ("as_tensors", "as_optional_tensors"):
        return [
            _argument(part) if "as_none" in part or "as_tensor" in part else Ref(str(part["name"])) for part in value
        ]
    if kind == "as_scalar_type":
        return DType(int(value))
    if kind in _NUMBERS and isinstance(value, int | float | str):
        return value
    if kind in _LISTS and all(isinstance(part, int | float | str) for part in value):
        return list(value)
    if kind == "as_sym_int" and "as_int" in value:
        return _whole(value)
    if kind == "as_sym_ints":
        return [_whole(part) for part in value]
    if kind in ("as_device", "as_layout", "as_memory_format"):
        return None  # where and how it was stored
    raise Pt2Damaged(f"a parameter of kind {kind}")
