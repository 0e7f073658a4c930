"""Where a search starts from: parts in their natural order along a curve, or laid out by their spectrum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.mapping.placing.board import Board
from neurocomp.mapping.placing.fabric import Fabric
from neurocomp.mapping.placing.nets import PlacedNets

_STEPS = 160  # of Lanczos' method; few more digits than an order needs
_DIGITS = 9  # coordinates beyond these are rounding


def along_curve(fabric: Fabric, core: np.ndarray) -> np.ndarray:
    """int64 (parts): those without a core (-1) in order along the space-filling curve."""
    result = np.array(core, np.int64)
    loose = np.flatnonzero(result < 0)
    free = fabric.core_order[~np.isin(fabric.core_order, result)]
    result[loose] = free[: loose.size]
    return result


def alone(fabric: Fabric, core: np.ndarray, nets: PlacedNets) -> np.ndarray:
    """int64 (1,): where a single part hears its inputs over the fewest links, by their cost; the first such core along
    the curve."""
    if core[0] >= 0 or not nets.flow_input.any():
        return along_curve(fabric, core)
    return fabric.core_order[[fabric.entry_cost(fabric.core_order).argmin()]]


def by_spectrum(fabric: Fabric, core: np.ndarray, board: Board) -> np.ndarray:
    """int64 (parts): those without a core, sorted by one eigenvector into columns and by the next within each.

    Of the eight ways to lay the result on the mesh, the cheapest.
    """
    loose = np.flatnonzero(np.asarray(core) < 0)
    if loose.size < 2:
        return along_curve(fabric, core)
    best, least = along_curve(fabric, core), None
    for x, y in _turns(*(axis[loose] for axis in eigenvectors(board))):
        tried = np.array(core, np.int64)
        tried[loose] = _sorted_in(fabric, tried, x, y)
        cost = board.cost(tried)[0]
        if least is None or cost < least:
            best, least = tried, cost
    return best


def eigenvectors(board: Board) -> tuple[np.ndarray, np.ndarray]:
    """Two coordinates of every part: of the normalised Laplacian, the eigenvectors after the first.

    Their largest components are positive. Parts without traffic lie at 0, and so does everything along an axis that
    the network does not have.
    """
    basis, diagonal, beside, root = board.lanczos(_STEPS)
    axes = np.zeros((2, root.size))
    if diagonal.size:
        tridiagonal = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        vectors = np.linalg.eigh(tridiagonal)[1][:, ::-1][:, :2]
        found = np.einsum("ka,kp->ap", vectors, basis)  # not a matrix product: that may sum in any order
        axes[: len(found)] = found / np.where(root > 0, root, 1.0)
    for axis in axes:
        span = float(np.abs(axis).max())
        axis[:] = np.round(axis / span if span > 0 else axis, _DIGITS)
        axis *= 1 if axis[np.abs(axis).argmax()] >= 0 else -1
    return axes[0], axes[1]


def _turns(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for a, b in ((x, y), (y, x)):
        yield from ((a, b), (-a, b), (a, -b), (-a, -b))


def _sorted_in(fabric: Fabric, core: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cores of the parts with these coordinates, in a compact region of what ``core`` leaves free."""
    mesh = fabric.mesh
    free = _region(fabric, fabric.usable[~np.isin(fabric.usable, core)], x.size)
    row, column = np.divmod(mesh.router_of(free), mesh.width)
    order = np.lexsort((free, row, column))
    free, column = free[order], column[order]
    share = np.arange(x.size + 1) * free.size // x.size  # where there are more cores than parts, leave gaps
    free, column = free[share[:-1]], column[share[:-1]]
    result = np.empty(x.size, np.int64)
    sorted_x = np.argsort(x, kind="stable")
    first = np.flatnonzero(np.diff(column, prepend=-1))
    for start, stop in zip(first, np.append(first[1:], x.size), strict=True):
        members = sorted_x[start:stop]
        result[members[np.argsort(y[members], kind="stable")]] = free[start:stop]
    return result


def _region(fabric: Fabric, free: np.ndarray, needed: int) -> np.ndarray:
    """The free cores of the smallest rectangle around the input port, shaped like the mesh, that has enough."""
    mesh = fabric.mesh
    y, x = np.divmod(mesh.router_of(free), mesh.width)
    port_y, port_x = divmod(fabric.input_router, mesh.width)
    for scale in range(1, max(mesh.width, mesh.height) + 1):
        part = scale / max(mesh.width, mesh.height)
        inside = np.ones(free.size, bool)
        for at, port, size in ((x, port_x, mesh.width), (y, port_y, mesh.height)):
            extent = int(np.ceil(size * part))
            low = min(max(0, port - extent // 2), size - extent)
            inside &= (at >= low) & (at < low + extent)
        if inside.sum() >= needed:
            return free[inside]
    return free
