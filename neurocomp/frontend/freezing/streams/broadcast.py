"""How the dimensions of two tensors are matched when they are combined element by element, as torch broadcasts them.

Each pair of dimensions is cut into atoms that both have in common; an atom that one of them lacks is repeated for
it. The result says, atom by atom, where in each of the two feature maps an element of the combination lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.frontend.freezing.streams.layout import Atom, Dim, Layout, LayoutError

Side = Literal["one", "other"]


@dataclass(frozen=True)
class Joint:
    """An atom of two tensors. one, other: its stride in their feature maps; 0 where it is repeated. steps: as of an
    atom."""

    kind: Literal["T", "N", "F"]
    size: int
    one: int
    other: int
    steps: bool = False

    def stride(self, side: Side) -> int:
        return self.one if side == "one" else self.other


Joints = tuple[Joint, ...]


def joined(one: Layout, other: Layout) -> tuple[Joints, ...]:
    """The joints of every dimension of the combination. Raises LayoutError where time or batch meet features, or
    where the dimensions are made of atoms that do not divide each other."""
    rank = max(len(one.dims), len(other.dims))
    mine = ((),) * (rank - len(one.dims)) + one.dims
    theirs = ((),) * (rank - len(other.dims)) + other.dims
    dims = tuple(_pair(a, b) for a, b in zip(mine, theirs, strict=True))
    for kind, what in (("T", "time steps"), ("N", "samples")):
        if sum(joint.kind == kind and joint.size > 1 for dim in dims for joint in dim) > 1:
            raise LayoutError(f"different {what} are combined with each other")
    return dims


def _pair(mine: Dim, theirs: Dim) -> Joints:
    sizes = [math.prod(atom.size for atom in dim) for dim in (mine, theirs)]
    if sizes[0] == 1 or sizes[1] == 1:
        ours = [Joint(a.kind, a.size, a.stride, 0, a.steps) for a in mine if sizes[1] == 1]
        others = [Joint(a.kind, a.size, 0, a.stride, a.steps) for a in theirs if sizes[0] == 1]
        known = {joint.kind for joint in ours if joint.kind != "F"}
        return (*ours, *(joint for joint in others if joint.kind not in known))
    if sizes[0] != sizes[1]:
        raise LayoutError(f"axes of {sizes[0]} and {sizes[1]} elements are combined")
    return tuple(_walked([a for a in reversed(mine) if a.size > 1], [a for a in reversed(theirs) if a.size > 1]))


def _walked(mine: list[Atom], theirs: list[Atom]) -> Iterable[Joint]:
    """Both lists (slowest last) cut into pieces of the same sizes."""
    while mine:
        a, b = mine.pop(), theirs.pop()
        size = min(a.size, b.size)
        if a.kind != b.kind:
            raise LayoutError("time or batch of one tensor meets features of another")
        if a.size % size or b.size % size or (a.kind != "F" and a.size != b.size):
            raise LayoutError(f"axes cut as {a.size} and {b.size} are combined")
        strides = []
        for atom, rest in ((a, mine), (b, theirs)):
            left = atom.size // size
            strides.append(atom.stride * left)
            if left > 1:
                rest.append(Atom("F", left, atom.stride))
        yield Joint(a.kind, size, *strides, steps=(a.steps and a.size == size) or (b.steps and b.size == size))


def features(dims: Iterable[Joints]) -> list[Joint]:
    """All feature joints, in the order of the tensor."""
    return [joint for dim in dims for joint in dim if joint.kind == "F"]


def places(joints: Sequence[Joint], side: Side) -> np.ndarray:
    """int64 (elements): where each element, in the order of these joints, lies in the feature map of one side."""
    index = np.zeros(1, np.int64)
    for joint in joints:
        index = (index[:, None] + np.arange(joint.size) * joint.stride(side)).reshape(-1)
    return index


def layout_of(dims: tuple[Joints, ...], order: Sequence[Joint]) -> Layout:
    """The layout of the combination if the elements of its stream are in the given order of joints."""
    stride = math.prod(joint.size for joint in order)
    strides: dict[int, int] = {}
    for joint in order:
        stride //= joint.size
        strides[id(joint)] = stride
    atoms = tuple(tuple(Atom(j.kind, j.size, strides.get(id(j), 0), j.steps) for j in dim) for dim in dims)
    return Layout(atoms).normal()
