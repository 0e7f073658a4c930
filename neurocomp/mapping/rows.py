"""Many short lists of numbers, one after the other: which are equal, found by hashing and then compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.classes import mixed


@dataclass(frozen=True, eq=False)
class Rows:
    """Row i is items[ptr[i]:ptr[i + 1]], ascending and distinct. ptr: int64 (rows + 1)."""

    ptr: np.ndarray
    items: np.ndarray

    @property
    def count(self) -> int:
        return self.ptr.size - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.ptr)

    def taken(self, rows: np.ndarray) -> Rows:
        """The given rows, in that order."""
        length = self.lengths[rows]
        ptr = pointer(length)
        return Rows(ptr, self.items[spread(self.ptr[rows], length, ptr)])


def pointer(lengths: np.ndarray) -> np.ndarray:
    """int64 (rows + 1): where each row begins if they lie one after the other."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def spread(start: np.ndarray, length: np.ndarray, ptr: np.ndarray) -> np.ndarray:
    """int64: start[i], start[i] + 1, ... of ``length[i]`` numbers for every i; ptr: their pointer."""
    return np.arange(ptr[-1]) + np.repeat(start - ptr[:-1], length)


def rows_of_pairs(row: np.ndarray, item: np.ndarray, rows: int, items: int) -> Rows:
    """Rows from pairs in any order; repeated pairs count once."""
    key = np.asarray(row, np.int64) * items + item
    if key.size and not (key[1:] > key[:-1]).all():
        key.sort()
        key = key[np.diff(key, prepend=-1) > 0]
    row, item = np.divmod(key, max(1, items))
    return Rows(np.searchsorted(row, np.arange(rows + 1)), item)


def equal_rows(rows: Rows, group: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(label of each row, first row of each label): equal labels if and only if rows and ``group`` are equal.

    group: int64 per row, or None if they all belong together. Labels are numbered by group, then by content.
    """
    empty = rows.lengths == 0
    salt = 0
    while True:
        sums = np.zeros(rows.items.size + 1, np.uint64)
        np.cumsum(mixed(rows.items.astype(np.uint64) + np.uint64(salt << 40)), out=sums[1:])
        hashes = sums[rows.ptr[1:]] - sums[rows.ptr[:-1]]
        hashes[empty] = 0
        label, first = joint_labels([hashes] if group is None else [np.asarray(group), hashes])
        if _all_equal(rows, first[label]):
            return label, first
        salt += 1


def _all_equal(rows: Rows, twin: np.ndarray) -> bool:
    """Whether every row equals the row that ``twin`` names."""
    other = np.flatnonzero(twin != np.arange(twin.size))
    length = rows.lengths
    if not np.array_equal(length[other], length[twin[other]]):
        return False
    a, b = rows.taken(other), rows.taken(twin[other])
    return np.array_equal(a.items, b.items)


def joint_labels(labels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(label of each index, first index of each label), equal where all given labels are; sorted by them in turn."""
    key = np.zeros(labels[0].size, np.int64)
    for part in labels:
        values, number = np.unique(part, return_inverse=True)
        _, key = np.unique(key * max(1, values.size) + number.reshape(-1), return_inverse=True)
        key = key.reshape(-1)
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    return key.reshape(-1), first
