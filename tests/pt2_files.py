"""torch.export archives for tests, written without torch: one linear layer and one LIF layer of SpikingJelly."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np


def ref(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def operation(target: str, output: str, path: str = "", /, **inputs: Any) -> dict[str, Any]:
    stack = f"L__self__,,Net;L__self__x,{path},Layer" if path else ""
    given = [{"name": name, "arg": arg, "kind": 1} for name, arg in inputs.items()]
    return {
        "target": f"torch.ops.{target}",
        "inputs": given,
        "outputs": [ref(output)],
        "metadata": {"nn_module_stack": stack},
    }


def meta(sizes: tuple[int, ...]) -> dict[str, Any]:
    strides = [int(np.prod(sizes[k + 1 :], dtype=int)) for k in range(len(sizes))]
    ints = [[{"as_int": n} for n in part] for part in (sizes, strides)]
    return {"dtype": 7, "sizes": ints[0], "strides": ints[1], "storage_offset": {"as_int": 0}}


def nodes() -> list[dict[str, Any]]:
    """Steps of x (4, 2, 3) -> linear (3 -> 5) -> LIF."""
    lif = operation(
        "sj_lif.forward.default", "spikes", "lif", x=ref("sum"), v=ref("v"), tau={"as_float": 2.0},
        decay_input={"as_bool": True}, threshold={"as_float": 0.5}, reset={"as_float": 0.0},
        detach_reset={"as_bool": False}, alpha={"as_float": 4.0},
    )  # fmt: skip
    lif["outputs"] += [ref("membrane"), ref("sequence")]
    return [
        operation("aten.linear.default", "sum", "fc", input=ref("x"), weight=ref("p_weight"), bias={"as_none": True}),
        operation("aten.select.int", "first", "lif", self=ref("sum"), dim={"as_int": 0}, index={"as_int": 0}),
        operation("aten.full_like.default", "v", "lif", self=ref("first"), fill_value={"as_float": 0.0}),
        lif,
    ]


def archive(
    steps: list[dict[str, Any]], weight: np.ndarray, *, major: int = 8, sizes: Any = None, **tensor: Any
) -> bytes:
    held = {"dtype": 7, "sizes": sizes or meta((4, 2, 3))["sizes"]}
    signature = {
        "input_specs": [
            {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "fc.weight"}},
            {"user_input": {"arg": ref("x")}},
        ],
        "output_specs": [{"user_output": {"arg": ref("spikes")}}],
    }
    graph = {"nodes": steps, "tensor_values": {"x": held}}
    model = {"schema_version": {"major": major, "minor": 1}, "graph_module": {"graph": graph, "signature": signature}}
    entry = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta(weight.shape), **tensor}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("net/models/model.json", json.dumps(model))
        file.writestr("net/data/weights/model_weights_config.json", json.dumps({"config": {"fc.weight": entry}}))
        file.writestr("net/data/weights/weight_0", weight.astype("<f4").tobytes())
        file.writestr("net/byteorder", "little")
    return out.getvalue()
