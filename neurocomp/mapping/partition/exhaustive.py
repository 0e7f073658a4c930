"""All partitions of a few vertices: the best one, or the proof that none fits."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.partition.task import Task

MOST_VERTICES = 8  # 4140 partitions


def exhaustive(task: Task) -> np.ndarray | None:
    """int32 (vertices), of the least volume; None if no partition fits. Demands only grow as vertices are added, so
    that what does not fit is not followed further."""
    state, free = task.state(), task.free
    best: tuple[int, np.ndarray] | None = None

    def extend(depth: int, used: int) -> None:
        nonlocal best
        if depth == free.size:
            members = np.bincount(state.part[free], minlength=task.parts)
            if members.min() >= task.least_members and (best is None or state.volume < best[0]):
                best = state.volume, state.part
            return
        for part in range(min(used + 1, task.parts)):
            state.move(int(free[depth]), part)
            if state.fits():
                extend(depth + 1, max(used, part + 1))
        state.move(int(free[depth]), -1)

    extend(0, 0)
    return None if best is None else best[1]
