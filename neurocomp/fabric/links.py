"""The door to the compiled lists of links: what ``Mesh.paths`` and ``Mesh.trees`` say, of millions of routes."""

from __future__ import annotations

import numpy as np

from neurocomp._core.links import count_links, link_loads, list_links
from neurocomp.fabric.topology import Mesh

__all__ = ["link_counts", "link_loads", "links_of"]


def links_of(
    mesh: Mesh, tree: bool, source: np.ndarray, pointer: np.ndarray, destination: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(pointer int64, links int32): the links from each source to its destinations, routers all of them.

    tree: each link once, in increasing order; otherwise path after path, links in the order in which they are crossed.
    """
    return list_links(*_arguments(mesh, tree, source, pointer, destination))


def link_counts(mesh: Mesh, tree: bool, source: np.ndarray, pointer: np.ndarray, destination: np.ndarray) -> np.ndarray:
    """int64 (sources): how many links there are from each; for trees destinations may be named several times."""
    return count_links(*_arguments(mesh, tree, source, pointer, destination))


def _arguments(
    mesh: Mesh, tree: bool, source: np.ndarray, pointer: np.ndarray, destination: np.ndarray
) -> tuple[int, int, bool, bool, np.ndarray, np.ndarray, np.ndarray]:
    return (
        mesh.width, mesh.height, mesh.torus, tree, np.ascontiguousarray(source, np.int32),
        np.ascontiguousarray(pointer, np.int64), np.ascontiguousarray(destination, np.int32),
    )  # fmt: skip
