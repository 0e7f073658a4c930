"""Parts without search: vertices in their own order, or each time the one that shares most with the part."""

from __future__ import annotations

import numpy as np

from neurocomp.mapping.partition.task import Task

FULL = 1024  # level at which a part is filled up to its limits
_QUICK_PINS = 5_000_000  # beyond that, an even spread is by weight alone


def natural(task: Task, seed: int = 0) -> np.ndarray:
    """int32 (vertices): consecutive vertices together, as few parts as that takes. -1 where parts do not suffice."""
    if task.least_members:
        return _split(task)
    state = task.state()
    state.fill(task.free, FULL)
    return state.part


def even(task: Task, seed: int = 0) -> np.ndarray:
    """The same, but spread over all parts: filled to the lowest level at which these suffice."""
    if task.least_members or task.hyper.pins > _QUICK_PINS:
        return _split(task)
    low, high, best = 0, FULL, natural(task)
    while high - low > 1 and (best >= 0).sum() == task.free.size:
        level, state = (low + high) // 2, task.state()
        if state.fill(task.free, level) <= task.parts:
            best, high = state.part, level
        else:
            low = level
    return best


def _split(task: Task) -> np.ndarray:
    """Consecutive vertices in parts of equal load."""
    part = np.full(task.is_input.size, -1, np.int32)
    weight = task.load[task.free]
    if not weight.any() or task.least_members:
        weight = np.ones(task.free.size)
    middle = np.cumsum(weight) - weight / 2
    part[task.free] = np.minimum(middle * task.parts / weight.sum(), task.parts - 1).astype(np.int32)
    return part


def overlap(task: Task, seed: int = 0) -> np.ndarray:
    """Part after part is filled with the vertex that shares most traffic with it, as hyperedge-overlap partitioners
    do (Ronzani and Silvano, arXiv:2601.16118, by its abstract)."""
    state = task.state()
    state.grow(task.free, FULL)
    return state.part
