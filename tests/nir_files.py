"""Writes NIR files for tests, well-formed or not, with h5py alone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Nodes = Mapping[str, Mapping[str, Any]]
Edges = Sequence[tuple[str, str]]


def node(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, **parameters}


def source(*shape: int) -> dict[str, Any]:
    return node("Input", shape=np.array(shape))


def sink(*shape: int) -> dict[str, Any]:
    return node("Output", shape=np.array(shape))


def lif(tau: Any = 2e-3, r: Any = 1.0, v_leak: Any = 0.0, v_threshold: Any = 1.0, **more: Any) -> dict[str, Any]:
    return node("LIF", tau=tau, r=r, v_leak=v_leak, v_threshold=v_threshold, **more)


def graph(nodes: Nodes, edges: Edges) -> dict[str, Any]:
    return {"type": "NIRGraph", "nodes": nodes, "edges": edges}


def chain(*names_and_nodes: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A graph of nodes in a row."""
    names = [name for name, _ in names_and_nodes]
    return graph(dict(names_and_nodes), list(itertools.pairwise(names)))


def write(path: Path, root: Mapping[str, Any], version: str | None = "1.0.8") -> Path:
    with h5py.File(path, "w") as file:
        if version is not None:
            file["version"] = version
        _write(file.create_group("node"), root)
    return path


def _write(group: h5py.Group, content: Mapping[str, Any]) -> None:
    for key, value in content.items():
        if key == "edges":
            group.create_dataset("edges", data=np.array(value, dtype=h5py.string_dtype()))
        elif isinstance(value, Mapping):
            _write(group.create_group(key), value)
        elif isinstance(value, str):
            group[key] = value
        else:
            group.create_dataset(key, data=np.asarray(value))
