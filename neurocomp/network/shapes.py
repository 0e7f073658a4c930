"""Shapes of maps and what every operator needs to reason about them."""

from __future__ import annotations

import numpy as np

Shape = tuple[int, ...]


class ShapeMismatch(ValueError):
    """An operator cannot be applied to a source of this shape; the text says which sizes disagree."""


def frozen_array(array: np.ndarray) -> np.ndarray:
    """A read-only view of ``array`` (no copy if it is already contiguous)."""
    view = np.asarray(array, order="C").view()  # not ascontiguousarray: it gives a scalar an axis
    view.flags.writeable = False
    return view


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows fit along one axis: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def windowed_shape(source: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """Spatial output sizes of a convolution or pooling; raises ShapeMismatch if a window does not fit."""
    sizes = tuple(window_count(*axis) for axis in zip(source, kernel, stride, padding, dilation, strict=True))
    if min(sizes) < 1:
        raise ShapeMismatch(f"a {spelt(kernel)} window does not fit into {spelt(source)} with padding {padding}")
    return sizes


def spelt(sizes: Shape) -> str:
    """A shape as people write it: 3x32x32."""
    return "x".join(map(str, sizes))
