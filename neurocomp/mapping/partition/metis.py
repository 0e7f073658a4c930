"""Parts by METIS (Karypis and Kumar, SIAM J. Sci. Comput. 1998), on the graph of senders and listeners.

METIS minimises cut edges and balances one weight per vertex; it knows neither packets that reach a core once, nor
shared memory, nor axons. What it returns is a beginning for our own repair and refinement.
"""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.partition.task import Task

_GREATEST = 1 << 30  # edge weights are scaled so that their sum stays below, vertex weights likewise
_VERTEX_SCALE = 10_000


def metis(task: Task, seed: int = 0) -> np.ndarray:
    """int32 (vertices); the limits may be broken."""
    return _metis(task, seed, recursive=False)


def bisected(task: Task, seed: int = 0) -> np.ndarray:
    """The same by bisection alone, in a fourth of the time where parts have few vertices: METIS bisects these as well,
    and then looks at all parts at once. The limits may be broken further."""
    return _metis(task, seed, recursive=True)


def _metis(task: Task, seed: int, recursive: bool) -> np.ndarray:
    import pymetis  # takes 0.1 s

    parts = task.parts_sought
    part = np.full(task.is_input.size, -1, np.int32)
    if parts == 1:
        part[task.free] = 0
        return part
    pointer, neighbour, weight = task.state().graph()
    weight = np.maximum(1, weight // max(1, int(weight.sum()) // _GREATEST + 1))
    load = np.rint(task.load / max(task.load.max(), 1e-300) * _VERTEX_SCALE).astype(np.int64)
    load //= max(1, int(load.sum()) // _GREATEST + 1)
    options = pymetis.Options(seed=seed % 2**31, ufactor=20)
    graph = pymetis.CSRAdjacency(pointer, neighbour)
    found = pymetis.part_graph(parts, graph, vweights=load, eweights=weight, recursive=recursive, options=options)
    part[task.free] = np.asarray(found.vertex_part, np.int32)[task.free]
    return part
