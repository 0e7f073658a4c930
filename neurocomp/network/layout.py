"""Two orders of the elements of a feature map.

Outside (files, Python API) maps are channel-first. The engine, the traces and the mapping number the
elements channel-last, so that the channels of one pixel, which one incoming spike reaches together, lie
side by side in memory.
"""

from __future__ import annotations

import numpy as np

from neurocomp.network.ops import Shape


def channel_last(array: np.ndarray, shape: Shape) -> np.ndarray:
    """(..., *shape) -> (..., elements) in channel-last order. A copy only where the order differs."""
    lead = array.shape[: array.ndim - len(shape)]
    if len(shape) > 1:
        array = np.moveaxis(array, len(lead), -1)
    return array.reshape(*lead, -1)


def channel_first(flat: np.ndarray, shape: Shape) -> np.ndarray:
    """(..., elements) in channel-last order -> (..., *shape)."""
    lead = flat.shape[:-1]
    if len(shape) < 2:
        return flat.reshape(*lead, *shape)
    return np.moveaxis(flat.reshape(*lead, *shape[1:], shape[0]), -1, len(lead))


def channel_first_index(shape: Shape) -> np.ndarray:
    """int64 (elements): for each channel-last position its flat channel-first index."""
    return channel_last(np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape), shape)


def channel_last_index(shape: Shape) -> np.ndarray:
    """int64 (elements): for each flat channel-first index its channel-last position."""
    last = channel_first(np.arange(int(np.prod(shape)), dtype=np.int64), shape)
    return np.ascontiguousarray(last).reshape(-1)
