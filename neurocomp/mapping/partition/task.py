"""What is to be partitioned under which limits, in the form that the C core takes, at every level of coarseness."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurocomp.mapping.hypergraph import Hypergraph, compiled, drawn
from neurocomp.mapping.hypergraph.core import ANCHORS, COLUMNS, MEMBERS, WORK, HyperCore, PartitionCore
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, SYNAPSE_BITS, Limits

_ROOM = 1.03


@dataclass(frozen=True, eq=False)
class Bounds:
    """Further bounds on each part: of its vertices, and of a work that every vertex brings with it.

    work: int64 (vertices), for instance synaptic operations per step; most_work: what a part has of it at most.
    With ``least_vertices`` above 0 there are exactly as many parts as ``partition`` is allowed.
    """

    least_vertices: int = 0
    most_vertices: int | None = None
    work: np.ndarray | None = None
    most_work: int | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """A hypergraph in C with limits on its parts.

    is_input: bool (vertices). weight: int64 (vertices, COLUMNS). limit_weight: int64 (limits, COLUMNS), capacity:
    int64 (limits). parts: how many there may be. least_members: what each must have.
    """

    hyper: HyperCore
    is_input: np.ndarray
    weight: np.ndarray
    limit_weight: np.ndarray
    capacity: np.ndarray
    least_members: int
    parts: int

    @cached_property
    def free(self) -> np.ndarray:
        """int32: the vertices to be placed."""
        return np.flatnonzero(~self.is_input).astype(np.int32)

    @cached_property
    def load(self) -> np.ndarray:
        """float64 (vertices): the share of a part's fullest limit that the vertex takes on its own account."""
        total = self.weight.sum(axis=0) @ self.limit_weight.T / np.maximum(self.capacity, 1)
        fullest = int(total.argmax())
        return (self.weight @ self.limit_weight[fullest]) / max(1, int(self.capacity[fullest]))

    @property
    def counts_axons(self) -> bool:
        """Whether some limit weighs axons."""
        return bool(self.limit_weight[:, [AXONS_IN, AXONS_OUT]].any())

    @cached_property
    def least_parts(self) -> int:
        """No fewer parts hold the vertices, shared nets left out."""
        used, capacity = self.weight.sum(axis=0) @ self.limit_weight.T, self.capacity
        if (used[capacity == 0] > 0).any():
            return self.parts + 1
        bound = capacity > 0
        return max(1, int((-(-used[bound] // capacity[bound])).max(initial=1)))

    @property
    def parts_sought(self) -> int:
        """A few more than the least, so that there is room to move; all of them if each must have members."""
        if self.least_members:
            return self.parts
        return min(self.parts, max(self.least_parts, math.ceil(float(self.load.sum()) * _ROOM)))

    def state(self, part: np.ndarray | None = None) -> PartitionCore:
        """Parts that can be changed; without ``part`` every vertex is nowhere."""
        start = np.full(self.is_input.size, -1, np.int32) if part is None else np.ascontiguousarray(part, np.int32)
        return PartitionCore(self.hyper, self.parts, self.limit_weight, self.capacity, self.least_members, start)

    def coarser(self, group: np.ndarray, groups: int) -> Task:
        """The task with each group of vertices drawn together; group: int32 (vertices), 0 to groups - 1, all of an
        input's group being inputs."""
        pin_ptr, pin, source, memory, amount, traffic, weight = self.hyper.contract(group, groups, True)
        is_input = np.zeros(groups, bool)
        is_input[group[self.is_input]] = True
        hyper = HyperCore(pin_ptr, pin, source, memory, amount, traffic, is_input.view(np.uint8), weight)
        return replace(self, hyper=hyper, is_input=is_input, weight=weight)

    def felt(self) -> Task:
        """The task without the nets that change nothing: they send nothing, and no limit counts what they take."""
        _, _, _, memory, _, traffic, _ = self.hyper.net_arrays()
        bits = bool(self.limit_weight[:, SYNAPSE_BITS].any())
        kept = (traffic > 0) | ((memory != 0) & bits) | ((memory == 0) & self.counts_axons)
        return self if kept.all() else self._with_nets(kept)

    def thinned(self, most_pins: int, seed: int) -> Task:
        """The task with a random sample of its axon nets, of about so many pins in all; memory nets all stay."""
        pin_ptr, _, _, memory, *_ = self.hyper.net_arrays()
        length = np.diff(pin_ptr)
        return self._with_nets(drawn(length, memory != 0, most_pins, seed))

    def _with_nets(self, kept: np.ndarray) -> Task:
        pin_ptr, pin, source, memory, amount, traffic, is_input = self.hyper.net_arrays()
        length = np.diff(pin_ptr)
        hyper = HyperCore(
            np.concatenate([[0], np.cumsum(length[kept])]).astype(np.int64), pin[np.repeat(kept, length)], source[kept],
            memory[kept], amount[kept], traffic[kept], is_input, self.weight,
        )  # fmt: skip
        return replace(self, hyper=hyper)


def make_task(graph: Hypergraph, limits: Limits, most_parts: int, bounds: Bounds | None) -> tuple[Task, np.ndarray]:
    """The task, and the vertex of it that each vertex of the graph belongs to (int32).

    Vertices that are pinned to one core become one vertex, an anchor; a part holds one anchor at most.
    """
    bounds = bounds or Bounds()
    weight = np.zeros((len(limits.limits) + 3, COLUMNS), np.int64)
    weight[:-3, :DEMANDS] = limits.weights
    weight[[-3, -2, -1], [MEMBERS, WORK, ANCHORS]] = 1
    unlimited = int(np.iinfo(np.int64).max)
    most = [unlimited if bound is None else bound for bound in (bounds.most_vertices, bounds.most_work)]
    capacity = np.concatenate([limits.capacities, [*most, 1]]).astype(np.int64)
    bound = capacity < unlimited
    count = int((~graph.is_input).sum())
    parts = min(most_parts, max(1, count))
    hyper = compiled(graph, bounds.work)
    task = Task(
        hyper, graph.is_input, hyper.weight, np.ascontiguousarray(weight[bound]), capacity[bound],
        bounds.least_vertices, parts,
    )  # fmt: skip
    return _anchored(task, graph.pinned)


def _anchored(task: Task, pinned: np.ndarray) -> tuple[Task, np.ndarray]:
    group = np.arange(pinned.size, dtype=np.int32)
    held = np.flatnonzero((pinned >= 0) & ~task.is_input)
    if held.size == 0:
        return task, group
    _, first, which = np.unique(pinned[held], return_index=True, return_inverse=True)
    group[held] = held[first][which]
    kept, group = np.unique(group, return_inverse=True)
    group = group.astype(np.int32)
    task = task.coarser(group, kept.size)
    weight = task.weight.copy()
    weight[group[held], ANCHORS] = 1
    return replace(task, hyper=task.hyper.weighing(weight), weight=weight), group


def is_hopeless(task: Task) -> bool:
    """Whether some vertex breaks a limit even in a part of its own, or the parts cannot be enough."""
    if task.least_parts > task.parts or task.free.size < task.least_members * task.parts:
        return True
    alone = task.hyper.alone()
    used = alone @ task.limit_weight.T
    return bool((used[~task.is_input] > task.capacity).any())
