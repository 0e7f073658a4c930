"""Parts by Mt-KaHyPar (Gottesbueren et al., ALENEX 2021), where it is installed: the same volume, few of our limits.

It minimises connectivity, which is the volume once the sender is a pin of its own net, under one weight per
vertex, and it may put many times that into a part. Of its presets only the deterministic one gives the same parts
twice.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from neurocomp.mapping.partition.task import Task

_WEIGHT_SCALE = 1000
_GREATEST = 1 << 30  # net weights are 32-bit numbers


def kahypar(task: Task, seed: int = 0) -> np.ndarray:
    """int32 (vertices); the limits may be broken. Raises ImportError without the library."""
    import mtkahypar  # pyright: ignore[reportMissingImports]  # an optional dependency

    part = np.full(task.is_input.size, -1, np.int32)
    parts = task.parts_sought
    if parts == 1:
        part[task.free] = 0
        return part
    nets, weights = _with_senders(task)
    load = np.rint(task.load[task.free] * _WEIGHT_SCALE).astype(np.int64)
    library = _library()
    mtkahypar.set_seed(seed)
    context = library.context_from_preset(mtkahypar.PresetType.DETERMINISTIC)
    slack = max(0.01, parts * _WEIGHT_SCALE / max(1, int(load.sum())) - 1)
    context.set_partitioning_parameters(parts, slack, mtkahypar.Objective.KM1)
    context.logging = False
    graph = library.create_hypergraph(context, task.free.size, len(nets), nets, load.tolist(), weights)
    part[task.free] = np.asarray(graph.partition(context).get_partition(), np.int32)
    return part


@cache
def _library() -> Any:
    """The library with one thread; it starts once in a process, and complains when asked to again."""
    import mtkahypar  # pyright: ignore[reportMissingImports]  # an optional dependency

    return mtkahypar.initialize(1)


def _with_senders(task: Task) -> tuple[list[list[int]], list[int]]:
    """Nets of at least two vertices, counted among those to be placed, the sender included; their weights."""
    pin_ptr, pin, source, _, _, traffic, _ = task.hyper.net_arrays()
    number = np.full(task.is_input.size, -1, np.int64)
    number[task.free] = np.arange(task.free.size)
    scale = max(1, int(traffic.max(initial=0)) // (_GREATEST // max(1, traffic.size)) + 1)
    nets, weights = [], []
    for net in np.flatnonzero(traffic):
        members = pin[pin_ptr[net] : pin_ptr[net + 1]]
        if source[net] >= 0:
            members = np.union1d(members, source[net : net + 1])
        listed = number[members]
        listed = listed[listed >= 0]
        if listed.size > 1:
            nets.append(listed.tolist())
            weights.append(max(1, int(traffic[net]) // scale))
    return nets, weights
