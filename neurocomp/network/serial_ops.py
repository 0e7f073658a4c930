"""Operators as plain JSON values plus named arrays, and back (part of ``neurocomp/network/1``, see serial.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurocomp.network.ops import (
    AllSteps,
    Conv,
    Factor,
    Host,
    Linear,
    OneToOne,
    Op,
    OverTime,
    Pool,
    Reduce,
    Shape,
    Sparse,
    Wiring,
)
from neurocomp.network.signal_ops import REDUCTIONS, SIDES

Tree = dict[str, Any]
Put = Callable[[str, Any], Any]
Get = Callable[[Any], Any]


def op_tree(op: Op, name: str, put: Put) -> Tree:
    """The operator of projection ``name``; put stores an array under a key and returns what stands for it."""
    kind = type(op).__name__.lower()
    match op:
        case Linear(weight):
            return {"kind": kind, "weight": put(f"{name}.weight", weight)}
        case Conv():
            return {
                "kind": kind,
                "weight": put(f"{name}.weight", op.weight),
                "stride": list(op.stride),
                "padding": list(op.padding),
                "dilation": list(op.dilation),
                "groups": op.groups,
            }
        case Pool():
            return {
                "kind": kind,
                "pool": op.kind,
                "kernel": list(op.kernel),
                "stride": list(op.stride),
                "padding": list(op.padding),
            }
        case OneToOne(scale, shape):
            return {"kind": kind, "scale": put(f"{name}.scale", scale), "shape": list(shape) if shape else None}
        case Sparse():
            return {
                "kind": kind,
                "indptr": put(f"{name}.indptr", op.indptr),
                "shape": list(op.shape),
                "indices": put(f"{name}.indices", op.indices),
                "weight": put(f"{name}.weight", op.weight),
            }
        case AllSteps():
            raise TypeError("a function of all steps is a network: serial.py has it")
        case _:
            return {"kind": kind, **_signal_op_tree(op, name, put)}


def _signal_op_tree(op: Factor | Wiring | Reduce | Host | OverTime, name: str, put: Put) -> Tree:
    match op:
        case OverTime():
            arrays = {"weight": put(f"{name}.weight", op.weight), "offset": put(f"{name}.offset", op.offset)}
            return {**arrays, **_units_tree(op.units)}
        case Factor():
            sizes = dict(zip(("batch", "rows", "inner", "columns"), op.sizes, strict=True))
            return {"side": op.side, **sizes, "shape": list(op.shape), "scale": op.scale}
        case Wiring():
            return {"index": put(f"{name}.index", op.index), "shape": list(op.shape)}
        case Reduce():
            form = {"before": op.before, "axis": op.axis, "after": op.after}
            return {"reduction": op.kind, **form, "shape": list(op.shape)}
        case Host():
            parameters = {key: put(f"{name}.{key}", value) for key, value in op.parameters.items()}
            return {
                "function": op.function,
                "block": op.block,
                "parameters": parameters,
                **_units_tree(op.units),
            }


def _units_tree(units: tuple[float, float] | None) -> Tree:
    return {} if units is None else {"units": list(units)}


def _units(tree: Tree) -> tuple[float, float] | None:
    return (float(tree["units"][0]), float(tree["units"][1])) if "units" in tree else None


def op_of(tree: Tree, get: Get) -> Op:
    """The operator of a tree; raises KeyError, TypeError or ValueError if it is none."""
    match tree["kind"]:
        case "linear":
            return Linear(get(tree["weight"]))
        case "conv":
            return Conv(
                get(tree["weight"]),
                tuple(tree["stride"]),
                tuple(tree["padding"]),
                tuple(tree["dilation"]),
                int(tree["groups"]),
            )
        case "pool":
            check_choice(tree["pool"], *REDUCTIONS)
            return Pool(tree["pool"], tuple(tree["kernel"]), tuple(tree["stride"]), tuple(tree["padding"]))
        case "onetoone":
            return OneToOne(get(tree["scale"]), tuple(tree["shape"]) if tree["shape"] else None)
        case "sparse":
            return Sparse(get(tree["indptr"]), get(tree["indices"]), get(tree["weight"]), tuple(tree["shape"]))
        case "overtime":
            return OverTime(get(tree["weight"]), get(tree["offset"]), _units(tree))
        case "factor" | "wiring" | "reduce" | "host":
            return _signal_op_of(tree, get)
        case kind:
            raise ValueError(f"unknown operator {kind!r}")


def _signal_op_of(tree: Tree, get: Get) -> Op:
    match tree["kind"]:
        case "factor":
            check_choice(tree["side"], *SIDES)
            sizes = (int(tree[key]) for key in ("batch", "rows", "inner", "columns"))
            return Factor(tree["side"], *sizes, shape=_shape(tree), scale=float(tree["scale"]))
        case "wiring":
            return Wiring(_index(get(tree["index"])), _shape(tree))
        case "reduce":
            check_choice(tree["reduction"], *REDUCTIONS)
            return Reduce(tree["reduction"], int(tree["before"]), int(tree["axis"]), int(tree["after"]), _shape(tree))
        case _:
            parameters = {str(key): get(value) for key, value in tree["parameters"].items()}
            return Host(str(tree["function"]), int(tree["block"]), parameters, _units(tree))


def _shape(tree: Tree) -> Shape:
    return tuple(int(size) for size in tree["shape"])


def _index(array: np.ndarray) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        raise TypeError("wires are not an array of integers")
    return array


def check_choice(value: object, *choices: str) -> None:
    """Raises ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(choices)}")
