"""Many short lists of numbers, one after the other: which are equal, found by hashing and then compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp._core.rows import previous_rows as core_previous
from neurocomp._core.rows import sort_rows as core_sort
from neurocomp._core.rows import transposed as core_transposed
from neurocomp.splitmix import mixed

_CHUNK = 1 << 22  # items at once


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


def sorted_rows(ptr: np.ndarray, items: np.ndarray, columns: int) -> Rows:
    """Rows from lists in any order, in which numbers below ``columns`` may be repeated. Takes the arrays over."""
    size = core_sort(ptr, items, columns)
    return Rows(ptr, items[:size])


def counted_rows(ptr: np.ndarray, items: np.ndarray, columns: int) -> tuple[Rows, np.ndarray]:
    """The same, with how often each item was there (int32)."""
    count = np.empty(items.size, np.int32)
    size = core_sort(ptr, items, columns, count)
    return Rows(ptr, items[:size]), count[:size]


def transposed(rows: Rows, columns: int) -> Rows:
    """For each number below ``columns`` the rows that hold it, ascending (as often as they hold it)."""
    return Rows(*core_transposed(rows.ptr, _int32(rows.items), columns))


def previous_rows(rows: Rows, columns: int) -> np.ndarray:
    """int32 per item: the last row before its own that holds the same number, or -1."""
    return core_previous(rows.ptr, _int32(rows.items), columns)


def _int32(items: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(items, np.int32)


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
    salt = 0
    while True:
        hashes = _hashes(rows, salt)
        label, first = joint_labels([hashes] if group is None else [np.asarray(group), hashes])
        if _all_equal(rows, first[label]):
            return label, first
        salt += 1


def _hashes(rows: Rows, salt: int) -> np.ndarray:
    """uint64 per row, the same for equal rows; some rows at a time to bound memory."""
    hashes, start = np.zeros(rows.count, np.uint64), 0
    while start < rows.count:
        stop = int(np.searchsorted(rows.ptr, rows.ptr[start] + _CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), rows.count)
        items = rows.items[rows.ptr[start] : rows.ptr[stop]]
        sums = np.zeros(items.size + 1, np.uint64)
        np.cumsum(mixed(items.astype(np.uint64) + np.uint64(salt << 40)), out=sums[1:])
        ends = sums[rows.ptr[start : stop + 1] - rows.ptr[start]]
        hashes[start:stop] = ends[1:] - ends[:-1]
        start = stop
    return hashes


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
