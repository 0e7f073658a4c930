"""Chains of annealing that move vertices between placed cores, and the groups on which two of their results agree.

Groups are what evolutionary partitioners recombine (Sanders and Schulz, Distributed Evolutionary Graph Partitioning,
ALENEX 2012): vertices that share a core in both results stay together while such groups are moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurocomp.mapping.partition.task import Task
from neurocomp.mapping.placing.board import Joint
from neurocomp.mapping.placing.fabric import Fabric

_WINDOW = 3  # routers that a vertex looks beyond its own core, beside the cores that it talks to
_COLD = 0.02  # heat of the chain that cools the links
_CONGESTION = 0.2  # weight of sum(load^2) / mean(load) beside hops; 0.5 costs 0.7 % of them and gains no more
_SLIGHT = 0.02  # this weight costs no hops that could be told from chance, in chains that visit all vertices in turn
_DEARER = 1.002  # what hops may be paid for cooler links, beside the fewest
_OF_GROUPS, _OF_VERTICES = 0.3, 0.15  # heat in which groups, then vertices of a child move


@dataclass(frozen=True, eq=False)
class Found:
    """part: int32 (vertices of the task). hops: traffic times cost of all links; load: float64 (links), of each."""

    part: np.ndarray
    hops: int
    load: np.ndarray

    def score(self, steepness: float) -> float:
        """Hops, and the squares of the links' loads by their weight."""
        return self.hops + steepness * float((self.load**2).sum())


@dataclass(frozen=True, eq=False)
class Chains:
    """Searches over one task. core: int64 (parts), all different. movable: int (vertices that may move), ascending.
    swept: exchanges are not proposed at random; vertices are visited in turn, and the best of all within three routers
    is tried. Not on a torus."""

    task: Task
    fabric: Fabric
    core: np.ndarray
    movable: np.ndarray
    swept: bool = False

    @property
    def is_swept(self) -> bool:
        return self.swept and not self.fabric.mesh.torus

    def swept_steepness(self, found: Found) -> float:
        return self.steepness(_SLIGHT, found) if self.is_swept else 0.0

    def steepness(self, weight: float, found: Found) -> float:
        """Of a weight of sum(load^2) / mean(load)."""
        return weight * np.count_nonzero(self.fabric.link_cost) / max(1, found.hops)

    def found(self, part: np.ndarray) -> Found:
        """What parts within their limits come to."""
        state = self.task.state(part)
        hops, load = Joint(self.fabric, state, self.core, self.movable).cost()
        return Found(state.part, hops, load.astype(np.float64))

    def anneal(self, start: Found, heat: float, looks: int, seed: int, steepness: float = 0.0) -> Found:
        """One chain. heat: of the beginning, in units of the mean cost of a vertex; 0: only moves that raise nothing.
        looks: at entries of nets. steepness: weight of the squares of the links' loads."""
        state = self.task.state(start.part)
        joint = Joint(self.fabric, state, self.core, self.movable)
        hot = heat * start.hops / max(1, self.movable.size)
        joint.run(seed % 2**64, looks, hot, _WINDOW, steepness, self.is_swept)
        hops, load = joint.cost()
        return Found(state.part, hops, load.astype(np.float64))

    def cooled(self, best: Found, most: int, looks: int, seed: int) -> Found:
        """The same with cooler links, for hardly any more hops and no more than ``most``; or as it came."""
        steepness = self.steepness(_CONGESTION, best)
        new = self.anneal(best, _COLD, looks, seed, steepness)
        cheap = new.hops <= min(most, best.hops * _DEARER)
        cooler = new.load.max() < best.load.max() and new.score(steepness) < best.score(steepness)
        return new if cheap and cooler else best

    def agreed(self, one: Found, other: Found) -> tuple[Chains, np.ndarray]:
        """The search over groups of vertices that share a core in both; int32 (vertices): the group of each."""
        key = one.part.astype(np.int64) * self.core.size + other.part
        alone = np.ones(key.size, bool)
        alone[self.movable] = False
        key[alone] = -1 - np.flatnonzero(alone)
        _, first, label = np.unique(key, return_index=True, return_inverse=True)
        group = np.argsort(np.argsort(first))[label].astype(np.int32)
        task = self.task.coarser(group, first.size)
        return replace(self, task=task, movable=np.unique(group[self.movable])), group

    def recombined(self, one: Found, other: Found, looks: int, seed: int) -> Found:
        """A child of both, from the better one on: agreed groups move first, single vertices then."""
        first, second = sorted((one, other), key=lambda found: found.hops)
        over, group = self.agreed(first, second)
        part = np.empty(over.task.is_input.size, np.int32)
        part[group] = first.part
        coarse = over.anneal(over.found(part), _OF_GROUPS, looks // 3, 2 * seed)
        fine = self.anneal(replace(coarse, part=coarse.part[group]), _OF_VERTICES, looks - looks // 3, 2 * seed + 1)
        return fine if fine.hops <= coarse.hops else replace(coarse, part=coarse.part[group])
