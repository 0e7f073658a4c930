"""Labelled maps as boxes: elements with equal labels, put together along channels, then columns, then rows."""

from __future__ import annotations

import numpy as np


def boxes_of(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(label of each box, bounds) of a map of labels, (height, width, channels), by ascending label.

    bounds: int64 (boxes, 3, 2): first and last + 1 along channels, rows and columns. Every element lies in one
    box; boxes of one label do not overlap. Elements with negative labels lie in none.
    """
    _, width, channels = labels.shape
    flat = labels.reshape(-1)
    starts = np.ones(flat.size, bool)
    starts[1:] = flat[1:] != flat[:-1]
    starts[::channels] = True
    first = np.flatnonzero(starts)
    last = np.append(first[1:], flat.size)
    kept = flat[first] >= 0
    first, last = first[kept], last[kept]
    pixel, c = np.divmod(first, channels)
    y, x = np.divmod(pixel, width)
    boxes = np.stack([flat[first].astype(np.int64), c, c + last - first, x, x + 1, y, y + 1])
    boxes = _merged(boxes, 3, (0, 1, 2, 5, 6))
    boxes = _merged(boxes, 5, (0, 1, 2, 3, 4))
    boxes = boxes[:, np.lexsort((boxes[1], boxes[3], boxes[5], boxes[0]))]
    return boxes[0], np.moveaxis(boxes[1:].reshape(3, 2, -1)[[0, 2, 1]], 2, 0)


def _merged(boxes: np.ndarray, axis: int, others: tuple[int, ...]) -> np.ndarray:
    """Boxes that touch along the columns ``axis``, ``axis`` + 1 and agree in the others become one."""
    boxes = boxes[:, np.lexsort((boxes[axis], *(boxes[k] for k in others)))]
    if not boxes.shape[1]:
        return boxes
    same = (boxes[axis + 1, :-1] == boxes[axis, 1:]) & (boxes[list(others), :-1] == boxes[list(others), 1:]).all(axis=0)
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    merged = boxes[:, first]
    merged[axis + 1] = boxes[axis + 1, np.append(first[1:], boxes.shape[1]) - 1]
    return merged
