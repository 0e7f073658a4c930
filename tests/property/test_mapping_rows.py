"""Lists of numbers: the compiled sorting and turning round against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp._core.status import CoreError
from neurocomp.mapping import rows as module
from neurocomp.mapping.rows import (
    Rows,
    counted_rows,
    equal_rows,
    joint_labels,
    pointer,
    previous_rows,
    rows_of_pairs,
    sorted_rows,
    transposed,
)

COLUMNS = 9
LISTS = st.lists(st.lists(st.integers(0, COLUMNS - 1), max_size=12), max_size=12)


def flat(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return pointer(np.array([len(x) for x in lists], np.int64)), np.array([k for x in lists for k in x], np.int32)


def listed(rows: Rows) -> list[list[int]]:
    return [rows.items[a:b].tolist() for a, b in zip(rows.ptr[:-1], rows.ptr[1:], strict=True)]


def distinct(lists: list[list[int]]) -> list[list[int]]:
    return [sorted(set(x)) for x in lists]


@settings(deadline=None)
@given(LISTS)
def test_sorted_rows_hold_each_number_once(lists) -> None:
    assert listed(sorted_rows(*flat(lists), COLUMNS)) == distinct(lists)
    rows, count = counted_rows(*flat(lists), COLUMNS)
    assert listed(rows) == distinct(lists)
    assert count.tolist() == [x.count(k) for x in lists for k in sorted(set(x))]


@settings(deadline=None)
@given(LISTS)
def test_turned_round_and_who_was_before(lists) -> None:
    rows = sorted_rows(*flat(lists), COLUMNS)
    columns = [[i for i, x in enumerate(lists) if k in x] for k in range(COLUMNS)]
    assert listed(transposed(rows, COLUMNS)) == columns
    before = [max([i for i in columns[k] if i < row], default=-1) for row, x in enumerate(distinct(lists)) for k in x]
    assert previous_rows(rows, COLUMNS).tolist() == before


@settings(deadline=None)
@given(LISTS, st.data())
def test_labels_are_equal_where_rows_and_groups_are(lists, data) -> None:
    rows = sorted_rows(*flat(lists), COLUMNS)
    group = np.array([data.draw(st.integers(0, 2)) for _ in lists], np.int64)
    label, first = equal_rows(rows, group)
    names = [(int(g), tuple(x)) for g, x in zip(group, distinct(lists), strict=True)]
    assert [names[first[k]] for k in label] == names
    assert len(set(names)) == first.size
    assert [names[k][0] for k in first] == sorted(names[k][0] for k in first)
    again, _ = joint_labels([label, group])
    assert again.tolist() == label.tolist()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, COLUMNS - 1)), max_size=30))
def test_rows_of_pairs(pairs) -> None:
    row, item = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
    expected = [sorted({i for r, i in pairs if r == k}) for k in range(5)]
    assert listed(rows_of_pairs(row, item, 5, COLUMNS)) == expected


def test_rows_whose_hashes_collide_are_told_apart(monkeypatch) -> None:
    good, salts = module._hashes, []

    def bad_first(rows: Rows, salt: int) -> np.ndarray:
        salts.append(salt)
        return np.zeros(rows.count, np.uint64) if salt < 2 else good(rows, salt)

    monkeypatch.setattr(module, "_hashes", bad_first)
    label, _ = equal_rows(sorted_rows(*flat([[1, 2], [3], [1, 2], [4]]), COLUMNS))
    assert (label[0], label[1] == label[3], salts) == (label[2], False, [0, 1, 2])


def test_wrong_tables_are_refused() -> None:
    ptr, items = flat([[1, 2], [8]])
    with pytest.raises(CoreError, match="index points outside"):
        transposed(Rows(ptr, items), 8)
    with pytest.raises(CoreError, match="size is negative or does not match"):
        sorted_rows(ptr[:2].copy(), items, COLUMNS)
    with pytest.raises(ValueError, match="without a pointer"):
        previous_rows(Rows(np.zeros(0, np.int64), items), COLUMNS)
