"""Sums over the links of all routes, some classes at a time: large programs list hundreds of millions of links."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

CHUNK = 1 << 22  # links at once


def spans(pointer: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of rows of at most ``CHUNK`` items, or of a single row."""
    start, rows = 0, pointer.size - 1
    while start < rows:
        stop = int(np.searchsorted(pointer, pointer[start] + CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), rows)
        yield start, stop
        start = stop


def packets_over(pointer: np.ndarray, link: np.ndarray, spikes: np.ndarray, slots: int) -> np.ndarray:
    """int64 (slots): how often each link is used. pointer, link: the links that one spike of each class uses; spikes:
    int64 (classes)."""
    found = np.zeros(slots, np.int64)
    for start, stop in spans(pointer):
        here = link[pointer[start] : pointer[stop]]
        np.add.at(found, here, np.repeat(spikes[start:stop], np.diff(pointer[start : stop + 1])))
    return found


def links_by_kind(
    pointer: np.ndarray, link: np.ndarray, kind_of: Callable[[np.ndarray], np.ndarray], kinds: int
) -> np.ndarray:
    """int64 (kinds, classes): how many links of each kind one spike of each class uses."""
    found = np.zeros((kinds, pointer.size - 1), np.int64)
    for start, stop in spans(pointer):
        kind = kind_of(link[pointer[start] : pointer[stop]])
        row = np.repeat(np.arange(stop - start), np.diff(pointer[start : stop + 1]))
        counts = np.bincount(row * kinds + kind, minlength=(stop - start) * kinds)
        found[:, start:stop] = counts.reshape(-1, kinds).T
    return found
