"""The layers of a lava-dl ``.net`` file as read from HDF5: checked, typed, nothing converted yet.

Layout (lava-dl 0.2 to 0.6): ``/layer/0 .. n-1`` with ``type`` (length-1 string), ``shape`` (channels, height,
width) and per type ``weight``, ``bias``, ``delay``, ``stride``, ``padding``, ``dilation``, ``groups``;
``neuron/`` holds the Loihi parameters ``iDecay``, ``vDecay`` (12 bit), ``vThMant``, ``refDelay``, ``wgtExp``.
Kernels are (out, in / groups, height, width[, 1]) as in PyTorch; weights are Loihi integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.hdf5 import Hdf5Group
from neurocomp.frontend.hdf5_child import open_hdf5
from neurocomp.network.ops import Shape

LAYER_TYPES = ("input", "dense", "dense_rec", "conv", "pool", "flatten", "average")
NEURON_TYPES = ("LOIHI", "CUBA")
MAX_SHAPE = 2**27
EXPORT = "export the network again with export_hdf5 of lava-dl"

_ARRAYS = ("weight", "weight_rec", "bias", "delay", "shape", "stride", "padding", "dilation", "groups")
_DESCRIPTIONS = ("type", "neuron", "inFeatures", "outFeatures", "inChannels", "outChannels", "kernelSize")


class LayerProblem(ValueError):
    """Something about one layer is wrong; the text says what, the hint what to do."""

    def __init__(self, what: str, hint: str = EXPORT) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer. shape: as declared, without trailing axes of length 1 for a flat layer; values: its datasets.

    neuron: Loihi parameters by their names in the file, or None for a layer without neurons.
    """

    index: int
    type: str
    shape: Shape
    values: dict[str, np.ndarray]
    neuron: dict[str, int | np.ndarray] | None

    @property
    def name(self) -> str:
        return f"{self.index}_{self.type}"

    def whole(self, key: str) -> np.ndarray:
        """A dataset of whole numbers (lava-dl stores them as floats). Raises LayerProblem."""
        value = self.values[key]
        if value.size and not (value.min() >= -(2**31) and value.max() < 2**31):  # false for NaN too
            raise LayerProblem(f"{key} holds NaN, infinite or huge values")
        if value.dtype.kind == "f" and not np.array_equal(value, np.trunc(value)):
            raise LayerProblem(f"{key} holds values that are no integers; Loihi has integer weights only")
        return value.astype(np.int64)

    def pair(self, key: str, default: int, least: int) -> Shape:
        """One number per spatial axis (height, width). Raises LayerProblem."""
        value = self.whole(key).reshape(-1) if key in self.values else np.array([default])
        if value.size == 1:
            value = np.repeat(value, 2)
        if value.size != 2 or value.min() < least:
            raise LayerProblem(f"{key} is {value.tolist()[:4]}; two numbers of at least {least} are expected")
        return int(value[0]), int(value[1])


def read_layers(path: Path) -> list[Layer]:
    """All layers of a file in order. Raises InputError with everything that is malformed."""
    findings: list[Diagnostic] = []
    layers = []
    with open_hdf5(path) as root:
        group = root.group("layer")
        names = group.names()
        expected = [str(k) for k in range(len(names))]
        if sorted(names) != sorted(expected) or not names:
            raise bad_input(
                group.where(),
                f"the layers are numbered {', '.join(names) or 'not at all'}",
                why="0, 1, 2 and so on without a gap is expected",
                hint=EXPORT,
            )
        for name in expected:
            layer = group.group(name)
            try:
                layers.append(_layer(layer, int(name)))
            except LayerProblem as problem:
                findings.append(Diagnostic(layer.where(), str(problem), hint=problem.hint))
    if findings:
        raise InputError(findings)
    return layers


def _layer(group: Hdf5Group, index: int) -> Layer:
    kind = group.text("type")
    if kind not in LAYER_TYPES:
        raise LayerProblem(f"is of type {kind!r}; {', '.join(LAYER_TYPES)} can be read", hint="")
    for name in group.names():
        if name not in _ARRAYS + _DESCRIPTIONS:
            raise LayerProblem(f"has an entry {name!r} of unknown meaning")
    if group.is_group("weight") if group.has("weight") else False:
        raise LayerProblem("has complex weights, which are not supported")
    values = {name: group.array(name) for name in _ARRAYS if group.has(name)}
    if "shape" not in values:
        raise LayerProblem("has no shape")
    neuron = _neuron(group.group("neuron")) if group.has("neuron") else None
    layer = Layer(index, kind, (), values, neuron)
    return Layer(index, kind, _shape(layer), values, neuron)


def _shape(layer: Layer) -> Shape:
    declared = layer.whole("shape").reshape(-1)
    if not declared.size or declared.min() < 1 or math.prod(declared.tolist()) > MAX_SHAPE or declared.size > 3:
        raise LayerProblem(f"shape is {declared.tolist()[:4]}; one to three positive numbers are expected")
    shape = tuple(int(n) for n in declared)
    if layer.type in ("dense", "dense_rec", "flatten", "average") or (shape[1:] == (1, 1) and layer.type == "input"):
        return (math.prod(shape),)
    return shape


def _neuron(group: Hdf5Group) -> dict[str, int | np.ndarray]:
    kind = group.text("type")
    if kind not in NEURON_TYPES:
        raise LayerProblem(
            f"has neurons of type {kind!r}; {' and '.join(NEURON_TYPES)} can be read",
            hint="train with leaky integrate-and-fire neurons (lava.lib.dl.slayer.block.cuba)",
        )
    found: dict[str, int | np.ndarray] = {}
    for key in ("iDecay", "vDecay", "vThMant"):
        if not group.has(key):
            raise LayerProblem(f"lacks the neuron parameter {key}")
    for key, default, most in (("iDecay", 0, 4096), ("vDecay", 0, 4096), ("vThMant", 0, 2**24), ("refDelay", 1, 64)):
        found[key] = _whole_number(group, key, default, 0 if key != "refDelay" else 1, most)
    found["wgtExp"] = _whole_number(group, "wgtExp", 0, -8, 7)
    for key, meaning in (
        ("gradedSpike", "graded spikes"),
        ("messageBits", "graded spikes"),
        ("weight_exp", "a weight exponent of batch normalisation"),
    ):
        if group.has(key) and np.any(group.array(key)):
            raise LayerProblem(f"has {meaning} (neuron/{key}), which cannot be represented")
    return found


def _whole_number(group: Hdf5Group, key: str, default: int, least: int, most: int) -> int | np.ndarray:
    if not group.has(key):
        return default
    value = group.array(key).reshape(-1)
    if not value.size or not np.array_equal(value, np.trunc(value)) or value.min() < least or value.max() > most:
        raise LayerProblem(f"neuron/{key} is {value[:4].tolist()}; whole numbers from {least} to {most} are expected")
    return int(value[0]) if (value == value[0]).all() else value.astype(np.int64)
