"""Multilevel partitioning: draw vertices together, part the small hypergraph, refine level by level on the way back.

Moving a group of vertices is one step on a coarse level and hundreds, most of them uphill, on a fine one: that is
why it finds parts of layered networks that no search over single neurons does (Karypis et al., IEEE TVLSI 1999).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.interrupts import working_threads
from neurocomp.mapping.hypergraph.core import PartitionCore
from neurocomp.mapping.partition.refine import Effort, refine, repaired
from neurocomp.mapping.partition.task import Task

_SHRINKAGE = 3  # groups are formed in steps of about this factor, so that they grow alike
_LEAST_SHRINKAGE = 0.9
_THREADS = 2
_HOPEFUL = 1.25  # beside the best start, refinement seldom makes up for more
_SAMPLED = 100  # pins for each vertex that a sample of the nets keeps
_MOST_PINS, _MOST_LOOKS = 1500, 150_000_000  # looked at for each vertex, for all, when groups are formed

Start = Callable[[Task, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Level:
    """A task, and which of its vertices each vertex of the next finer level belongs to (int32; empty on the finest)."""

    task: Task
    group: np.ndarray


def climbed(
    task: Task, per_part: int, seed: int, part: np.ndarray | None = None, sample: int = 0
) -> tuple[list[Level], np.ndarray | None]:
    """Levels, the finest first, up to ``per_part`` groups in each part; and the parts of the coarsest level's vertices,
    if ``part`` is given: then groups lie within these parts. sample: see Effort; axons that a limit counts are never
    left out."""
    levels = [Level(task, np.zeros(0, np.int32))]
    fewest = task.parts_sought * per_part
    while _is_climbable(task, per_part):
        level = _coarser(task, fewest, per_part, seed + len(levels), part)
        most = max(sample, _SAMPLED * level.task.free.size)
        if sample and level.task.hyper.pins > most and not level.task.counts_axons:
            level = replace(level, task=level.task.thinned(most, seed + len(levels)))
        if level.task.is_input.size > task.is_input.size * _LEAST_SHRINKAGE:
            break
        if part is not None:
            lifted = np.full(level.task.is_input.size, -1, np.int32)
            lifted[level.group] = part
            part = lifted
        levels.append(level)
        task = level.task
    return levels, part


def _is_climbable(task: Task, per_part: int) -> bool:
    return task.free.size > 1.2 * task.parts_sought * per_part


def _coarser(task: Task, fewest: int, per_part: int, seed: int, part: np.ndarray | None) -> Level:
    """Groups small enough to be moved about. Those that demand more than half a part, what their vertices share
    counted once, fall apart again."""
    bound = np.maximum(2 * task.capacity // per_part, 1)
    fewest = max(fewest, task.free.size // _SHRINKAGE) + int(task.is_input.sum())
    most_pins = min(_MOST_PINS, max(20, _MOST_LOOKS // task.free.size))
    label = task.state(part).cluster(bound, fewest, most_pins, seed, part is not None)
    group, count = _numbered(label)
    coarse = task.coarser(group, count)
    heavy = (coarse.hyper.alone() @ task.limit_weight.T > task.capacity // 2).any(axis=1)
    if (np.bincount(group, minlength=count)[heavy] > 1).any():
        group, count = _numbered(np.where(heavy[group], np.arange(label.size, dtype=np.int32), label))
        coarse = task.coarser(group, count)
    return Level(coarse, group)


def _numbered(label: np.ndarray) -> tuple[np.ndarray, int]:
    """int32: labels in the order of their first vertex, so that the natural order stays what it is; how many."""
    _, first, which = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int32)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[which], first.size


@dataclass(frozen=True, eq=False)
class Coarse:
    """Parts that fit, on the coarsest of several levels; the finest come first. part: int32 (vertices of that one)."""

    levels: list[Level]
    volume: int
    part: np.ndarray

    def brought_down(self, effort: Effort, seed: int) -> tuple[int, np.ndarray]:
        """Volume and parts of the finest level."""
        return _descended(self.levels, self.volume, self.part, effort, seed)


def parted(task: Task, starts: Iterable[Start], effort: Effort, seed: int) -> tuple[int, np.ndarray] | None:
    """Volume and parts that fit: the best of all starts on the coarsest level that any of them can part, brought down
    again."""
    best: tuple[int, np.ndarray] | None = None
    for per_part in sorted(effort.starts):
        if per_part > min(effort.starts) and not _is_climbable(task, per_part):
            continue
        coarse = coarsely_parted(task, starts, per_part, effort, seed)
        if coarse is None:
            continue
        found = coarse.brought_down(effort, seed)
        if best is None or found[0] < best[0]:
            best = found
    return best


def coarsely_parted(
    task: Task, starts: Iterable[Start], per_part: int, effort: Effort, seed: int, tries: int | None = None
) -> Coarse | None:
    """The best of all starts on the coarsest level that any of them can part. tries: levels tried at most."""
    levels, _ = climbed(task, per_part, seed, sample=effort.sample)
    while levels and tries != 0:
        begun = _best_start(levels[-1].task, starts, effort, seed, coarse=len(levels) > 1)
        if begun is not None:
            return Coarse(levels, *begun)
        levels.pop()
        tries = None if tries is None else tries - 1
    return None


def _best_start(
    task: Task, starts: Iterable[Start], effort: Effort, seed: int, *, coarse: bool
) -> tuple[int, np.ndarray] | None:
    """The best of the starts, volume and parts, once they are legal and refined; those that are far behind are not
    refined. coarse: what is not soon legal is left to a finer level."""

    def begun(start: Start) -> PartitionCore | None:
        state = task.state(start(task, seed))
        return state if repaired(task, state, brief=coarse) else None

    def refined(state: PartitionCore) -> tuple[int, np.ndarray]:
        refine(task, state, effort, seed)
        return state.volume, state.part

    with working_threads(_THREADS) as pool:  # they know nothing of each other
        states = [state for state in pool.map(begun, starts) if state is not None]
        least = min((state.volume for state in states), default=0)
        hopeful = [state for state in states if state.volume <= _HOPEFUL * least]
        return min(pool.map(refined, hopeful), key=lambda found: found[0], default=None)


def _descended(levels: list[Level], volume: int, part: np.ndarray, effort: Effort, seed: int) -> tuple[int, np.ndarray]:
    """Volume and parts of the finest level, from the coarsest level's, which are refined already."""
    for finer, coarser in zip(levels[-2::-1], levels[:0:-1], strict=True):
        state = finer.task.state(part[coarser.group])
        refine(finer.task, state, effort, seed)
        volume, part = state.volume, state.part
    return volume, part


def improved(task: Task, part: np.ndarray, volume: int, effort: Effort, seed: int) -> np.ndarray:
    """Parts no worse than those that fit already: up the levels within the parts, and down with moves between them."""
    for cycle in range(effort.cycles):
        before = volume
        levels, top = climbed(task, min(effort.starts), seed + 1000 * (cycle + 1), part)
        state = levels[-1].task.state(top)
        refine(levels[-1].task, state, effort, seed + cycle)
        found, parts = _descended(levels, state.volume, state.part, effort, seed + cycle)
        if found <= volume:
            volume, part = found, parts
        if before - volume <= before // 1000:
            break
    return part
