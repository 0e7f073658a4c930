"""Which axis of a tensor is time, which the batch, and which are features, followed through every reshape.

A tensor's dimensions are groups of atoms, from slow to fast, as in an einops pattern: ``[T N] [C H W]`` is what
flattening time and batch, and each map, makes of ``[T] [N] [C] [H] [W]``. A feature atom knows its stride in the
flat (channel-first) feature map, so a transposition is only bookkeeping until somebody needs the order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Shape = tuple[int, ...]


class LayoutError(ValueError):
    """A tensor operation mixes time, batch and features in a way that has no per-step meaning."""


@dataclass(frozen=True)
class Atom:
    """kind: T time, N batch, F feature; stride: step in the flat feature map (features only); 0: every element of
    the axis is the same one, as ``tensor.expand`` makes it. steps: features that are time steps of a folded signal
    (allsteps.py)."""

    kind: Literal["T", "N", "F"]
    size: int
    stride: int = 0
    steps: bool = False


Dim = tuple[Atom, ...]


@dataclass(frozen=True)
class Layout:
    """The dimensions of a tensor, slowest first. Feature atoms of size 1 are left out."""

    dims: tuple[Dim, ...]

    @property
    def shape(self) -> Shape:
        return tuple(math.prod(atom.size for atom in dim) for dim in self.dims)

    @property
    def atoms(self) -> list[Atom]:
        return [atom for dim in self.dims for atom in dim]

    @property
    def features(self) -> int:
        """Elements of the feature map that the tensor covers."""
        return math.prod(atom.size for atom in self.atoms if atom.kind == "F")

    def size_of(self, kind: str) -> int | None:
        """How many steps (T) or samples (N) the tensor covers, or None if it has no such axis."""
        sizes = [atom.size for atom in self.atoms if atom.kind == kind]
        return math.prod(sizes) if sizes else None

    def axis_of(self, kind: str) -> int | None:
        """The dimension that consists of the time (T) or batch (N) axis alone, or None."""
        for axis, dim in enumerate(self.dims):
            if len(dim) == 1 and dim[0].kind == kind:
                return axis
        return None

    def reshape(self, shape: Shape) -> Layout:
        """The layout after ``tensor.reshape(shape)``; raises LayoutError where time or batch would be cut."""
        waiting = list(reversed(_merged(tuple(self.atoms))))
        dims = [_take(waiting, size) for size in shape]
        if any(atom.size != 1 for atom in waiting):
            raise LayoutError(f"a reshape from {self.shape} to {shape}")
        if waiting:  # time or batch axes of size 1 that no dimension claimed
            dims = [tuple(reversed(waiting)) + dims[0], *dims[1:]] if dims else [tuple(reversed(waiting))]
        return Layout(tuple(dims)).normal()

    def normal(self) -> Layout:
        """The same layout with neighbouring atoms that are one piece joined."""
        return Layout(tuple(_merged(dim) for dim in self.dims))

    def permute(self, order: Shape) -> Layout:
        return Layout(tuple(self.dims[axis] for axis in order))

    def without(self, axis: int) -> Layout:
        return Layout(self.dims[:axis] + self.dims[axis + 1 :])

    def inserted(self, axis: int, dim: Dim = ()) -> Layout:
        return Layout((*self.dims[:axis], dim, *self.dims[axis:]))

    def lead(self) -> int:
        """How many leading dimensions hold time and batch only (a dimension of size 1 counts if it does)."""
        count = 0
        while count < len(self.dims) and self.dims[count] and all(a.kind != "F" for a in self.dims[count]):
            count += 1
        return count

    def feature_dims(self, lead: int) -> Shape | None:
        """Sizes of the dimensions after the first ``lead``, if these hold exactly the whole feature map in order."""
        atoms = [atom for dim in self.dims[lead:] for atom in dim]
        if any(atom.kind != "F" and atom.size > 1 for atom in atoms) or not is_row_major(atoms):
            return None
        if any(atom.kind == "F" for dim in self.dims[:lead] for atom in dim):
            return None
        return self.shape[lead:]

    def with_features(self, lead: int, shape: Shape) -> Layout:
        """The same leading dimensions, followed by a feature map of another shape."""
        return Layout(self.dims[:lead] + feature_map(shape))


def feature_map(shape: Shape) -> tuple[Dim, ...]:
    """One dimension per axis of a feature map in channel-first order."""
    dims = []
    stride = math.prod(shape)
    for size in shape:
        stride //= max(size, 1)
        dims.append((Atom("F", size, stride),) if size != 1 else ())
    return tuple(dims)


def feature_size(dim: Dim) -> int:
    """How many features a dimension runs over."""
    return math.prod(atom.size for atom in dim if atom.kind == "F")


def of_natural_order(layout: Layout) -> Layout:
    """The same dimensions for a stream whose features lie in the order of the tensor."""
    stride = layout.features
    dims = []
    for dim in layout.dims:
        kept = [atom for atom in dim if atom.kind != "F" and atom.size > 1]
        if not kept:  # features alone are one piece; beside time and batch they stay where they are
            dim = (*(a for a in dim if a.kind != "F"), *(a for a in dim if a.kind == "F"))
        atoms = []
        for atom in dim:
            if atom.kind == "F":
                stride //= atom.size
            atoms.append(replace(atom, stride=stride) if atom.kind == "F" else atom)
        dims.append(_merged(tuple(atoms)))
    return Layout(tuple(dims))


def is_row_major(atoms: list[Atom]) -> bool:
    """Whether feature atoms cover a whole feature map without gaps in its own order."""
    features = [atom for atom in atoms if atom.kind == "F"]
    expected = math.prod(atom.size for atom in features)
    for atom in features:
        expected //= atom.size
        if atom.stride != expected:
            return False
    return True


def feature_order(layout: Layout) -> np.ndarray:
    """int64 (feature dims in tensor order): the flat feature index of each element along the feature atoms."""
    index = np.zeros((), np.int64)
    for atom in layout.atoms:
        if atom.kind == "F":
            index = index[..., None] + np.arange(atom.size) * atom.stride
    return index


def constant_features(array: np.ndarray, layout: Layout) -> np.ndarray | None:
    """A constant tensor of this layout as a flat feature vector, or None if it differs between steps or samples."""
    atoms = layout.atoms
    full = np.broadcast_to(array, layout.shape).reshape([atom.size for atom in atoms])
    for axis in reversed(range(len(atoms))):
        if atoms[axis].kind != "F":
            if not (full == full.take([0], axis)).all():
                return None
            full = full.take(0, axis)
    flat = np.empty(full.size, array.dtype)
    flat[feature_order(layout).reshape(-1)] = full.reshape(-1)
    return flat


def _take(waiting: list[Atom], size: int) -> Dim:
    """Atoms from the front of the (reversed) list that make up ``size`` elements; features may be split."""
    taken: list[Atom] = []
    product = 1
    while waiting and (product < size or (waiting[-1].size == 1 and product == size and not taken)):
        if size % product:
            break
        atom = waiting.pop()
        missing = size // product
        if atom.size > missing:
            if atom.kind != "F" or atom.size % missing:
                raise LayoutError(f"a reshape cuts an axis of {atom.size} into pieces of {missing}")
            rest = atom.size // missing
            waiting.append(Atom("F", rest, atom.stride))
            atom = Atom("F", missing, atom.stride * rest)
        taken.append(atom)
        product *= atom.size
    if product != size:
        raise LayoutError(f"a reshape joins axes to {product} where {size} is asked for")
    return tuple(taken)


def _merged(dim: Dim) -> Dim:
    """The same dimension with neighbouring features that are one piece written as one atom."""
    atoms: list[Atom] = []
    for atom in dim:
        last = atoms[-1] if atoms else None
        joint = last is not None and last.kind == atom.kind == "F" and not (last.steps or atom.steps)
        if joint and last is not None and last.stride == atom.size * atom.stride:
            atoms[-1] = Atom("F", last.size * atom.size, atom.stride)
        elif atom.kind != "F" or atom.size > 1:
            atoms.append(atom)
    return tuple(atoms)
