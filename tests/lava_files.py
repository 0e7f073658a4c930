"""Writes lava-dl .net files for tests with h5py alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CUBA: dict[str, Any] = {"type": "CUBA", "iDecay": 4096, "vDecay": 1024, "vThMant": 25, "refDelay": 1}


def layer(
    kind: str, shape: tuple[int, ...], *, neuron: Mapping[str, Any] | None = CUBA, **datasets: Any
) -> dict[str, Any]:
    found = {"type": np.array([kind.encode()]), "shape": np.array(shape), **datasets}
    return found if neuron is None else {**found, "neuron": dict(neuron)}


def spikes_in(*shape: int) -> dict[str, Any]:
    """An input layer without neurons: what comes in are spikes."""
    return layer("input", shape, neuron=None)


def conv(shape: tuple[int, ...], weight: np.ndarray, **changed: Any) -> dict[str, Any]:
    given = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1, **changed}
    return layer("conv", shape, weight=weight.astype(np.float32), **given)


def write(path: Path, *layers: Mapping[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for k, content in enumerate(layers):
            _write(file.create_group(f"layer/{k}"), content)
        file["simulation/Ts"] = 1
    return path


def _write(group: h5py.Group, content: Mapping[str, Any]) -> None:
    for key, value in content.items():
        if isinstance(value, Mapping):
            _write(group.create_group(key), value)
        else:
            group[key] = value
