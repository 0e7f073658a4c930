"""Sums over the links of all routes, some classes at a time: large programs list hundreds of millions of links."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK = 1 << 20  # links at once


def spans(pointer: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of rows of at most ``CHUNK`` items, or of a single row."""
    start, rows = 0, pointer.size - 1
    while start < rows:
        stop = int(np.searchsorted(pointer, pointer[start] + CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), rows)
        yield start, stop
        start = stop


def links_by_kind(pointer: np.ndarray, link: np.ndarray, kind: np.ndarray, kinds: int) -> np.ndarray:
    """int64 (kinds, classes): how many links of each kind one spike of each class uses. pointer, link: those links;
    kind: int (links of the network), 0 to kinds - 1."""
    found = np.zeros((kinds, pointer.size - 1), np.int64)
    for start, stop in spans(pointer):
        key = np.repeat(np.arange(0, (stop - start) * kinds, kinds), np.diff(pointer[start : stop + 1]))
        key += kind[link[pointer[start] : pointer[stop]]]
        found[:, start:stop] = np.bincount(key, minlength=(stop - start) * kinds).reshape(-1, kinds).T
    return found
