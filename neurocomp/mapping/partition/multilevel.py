"""Multilevel partitioning: draw vertices together, part the small hypergraph, refine level by level on the way back.

Moving a group of vertices is one step on a coarse level and hundreds, most of them uphill, on a fine one: that is
why it finds parts of layered networks that no search over single neurons does (Karypis et al., IEEE TVLSI 1999).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.partition.refine import Effort, refine, repaired
from neurocomp.mapping.partition.task import Task

_SHRINKAGE = 3  # groups are formed in steps of about this factor, so that they grow alike
_LEAST_SHRINKAGE = 0.9
_MOST_PINS = 1500  # looked at for each vertex when groups are formed

Start = Callable[[Task, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Level:
    """A task and, for each of its vertices, the vertex of the next coarser level (int32; None on the coarsest)."""

    task: Task
    group: np.ndarray | None


def climbed(task: Task, per_part: int, seed: int, part: np.ndarray | None = None) -> list[Level]:
    """Levels, the finest first, up to ``per_part`` groups in each part. part: groups lie within these parts."""
    result: list[Level] = []
    fewest = task.parts_sought * per_part
    while task.free.size > 1.2 * fewest:
        group = _grouped(task, fewest, per_part, seed + len(result), part)
        count = int(group.max()) + 1
        if count > task.is_input.size * _LEAST_SHRINKAGE:
            break
        result.append(Level(task, group))
        part = None if part is None else lifted(part, group, count)
        task = task.coarser(group, count)
    return [*result, Level(task, None)]


def lifted(part: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """int32 (groups): the part of each group that lies within one."""
    coarse = np.full(groups, -1, np.int32)
    coarse[group] = part
    return coarse


def _grouped(task: Task, fewest: int, per_part: int, seed: int, part: np.ndarray | None) -> np.ndarray:
    """int32 (vertices): groups numbered by their first vertex, each small enough to be moved about."""
    bound = np.maximum(2 * task.capacity // per_part, 1)
    fewest = max(fewest, task.free.size // _SHRINKAGE) + int(task.is_input.sum())
    label = task.state(part).cluster(bound, fewest, _MOST_PINS, seed, part is not None)
    label = _small_enough(task, label)
    _, first, which = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int32)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[which]


def _small_enough(task: Task, label: np.ndarray) -> np.ndarray:
    """Groups that demand more than half a part, what their vertices share counted once, fall apart."""
    _, which = np.unique(label, return_inverse=True)
    which = which.astype(np.int32)
    coarse = task.coarser(which, int(which.max()) + 1)
    heavy = (coarse.hyper.alone() @ task.limit_weight.T > task.capacity // 2).any(axis=1)
    return np.where(heavy[which], np.arange(label.size, dtype=np.int32), label)


def parted(task: Task, starts: Iterable[Start], effort: Effort, seed: int) -> np.ndarray | None:
    """Parts that fit: the best of all starts on the coarsest level that any of them can part, brought down again."""
    best: tuple[int, np.ndarray] | None = None
    for per_part in effort.starts:
        levels = climbed(task, per_part, seed)
        while levels:
            part = _best_start(levels[-1].task, starts, effort, seed)
            if part is not None:
                break
            levels.pop()
        else:
            continue
        volume, part = _descended(levels, part, effort, seed)
        if best is None or volume < best[0]:
            best = volume, part
    return None if best is None else best[1]


def _best_start(task: Task, starts: Iterable[Start], effort: Effort, seed: int) -> np.ndarray | None:
    best: tuple[int, np.ndarray] | None = None
    for start in starts:
        state = task.state(start(task, seed))
        if not repaired(state):
            continue
        refine(task, state, effort, seed)
        if best is None or state.volume < best[0]:
            best = state.volume, state.part
    return None if best is None else best[1]


def _descended(levels: list[Level], part: np.ndarray, effort: Effort, seed: int) -> tuple[int, np.ndarray]:
    """Volume and parts of the finest level, refined on each but the last, whose ``part`` is given."""
    for level in reversed(levels[:-1]):
        part = part[level.group]
        state = level.task.state(part)
        refine(level.task, state, effort, seed)
        part = state.part
    return state.volume if levels[:-1] else levels[0].task.state(part).volume, part


def improved(task: Task, part: np.ndarray, volume: int, effort: Effort, seed: int) -> np.ndarray:
    """Parts no worse than those that fit already: up the levels within the parts, and down with moves between them."""
    for cycle in range(effort.cycles):
        before = volume
        levels = climbed(task, effort.starts[cycle % len(effort.starts)], seed + 1000 * (cycle + 1), part)
        top = part
        for level in levels[:-1]:
            top = lifted(top, level.group, int(level.group.max()) + 1)
        state = levels[-1].task.state(top)
        refine(levels[-1].task, state, effort, seed + cycle)
        found, parts = _descended(levels, state.part, effort, seed + cycle)
        if found <= volume:
            volume, part = found, parts
        if before - volume <= before // 1000:
            break
    return part
