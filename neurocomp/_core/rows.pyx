"""The typed face of csrc/rows.h: many lists of numbers, one after the other."""

from libc.stdint cimport int32_t, int64_t

import numpy as np

from neurocomp._core.status import raise_status


cdef extern from "rows.h" nogil:
    ctypedef struct nc_rows:
        int64_t rows
        int32_t columns
        int64_t *ptr
        int32_t *items
    int nc_rows_check(const nc_rows *r, int64_t size)
    void nc_rows_sort(nc_rows *r, int32_t *count)
    void nc_rows_transpose(const nc_rows *r, int64_t *ptr, int32_t *items)
    void nc_rows_previous(const nc_rows *r, int32_t *last, int32_t *previous)


cdef nc_rows _checked(const int64_t[::1] ptr, const int32_t[::1] items, int32_t columns):
    cdef nc_rows r
    cdef int64_t size = items.shape[0]
    cdef int status
    if ptr.shape[0] < 1:
        raise ValueError("rows without a pointer")
    r.rows, r.columns = ptr.shape[0] - 1, columns
    r.ptr, r.items = <int64_t *>&ptr[0], <int32_t *>&items[0] if size else NULL
    with nogil:
        status = nc_rows_check(&r, size)
    raise_status(status, "rows")
    return r


def sort_rows(int64_t[::1] ptr, int32_t[::1] items, int32_t columns, int32_t[::1] count=None):
    """Sort every row in place, each item once, rows close together. Returns how many items are left.

    count: int32 (items) or None; set to how often each item that is left was there.
    """
    cdef nc_rows r = _checked(ptr, items, columns)
    cdef int32_t *counts = NULL
    if count is not None and count.shape[0] != items.shape[0]:
        raise ValueError("counts of another length than the items")
    if count is not None and count.shape[0]:
        counts = &count[0]
    with nogil:
        nc_rows_sort(&r, counts)
    return int(ptr[r.rows])


def transposed(const int64_t[::1] ptr, const int32_t[::1] items, int32_t columns):
    """(ptr int64, items int32): for each column the rows that hold it, ascending."""
    cdef nc_rows r = _checked(ptr, items, columns)
    out_ptr, out_items = np.empty(columns + 1, np.int64), np.empty(max(1, items.shape[0]), np.int32)
    cdef int64_t[::1] p = out_ptr
    cdef int32_t[::1] i = out_items
    with nogil:
        nc_rows_transpose(&r, &p[0], &i[0])
    return out_ptr, out_items[: items.shape[0]]


def previous_rows(const int64_t[::1] ptr, const int32_t[::1] items, int32_t columns):
    """int32 per item: the last row before its own that holds the same number, or -1. Rows are distinct."""
    cdef nc_rows r = _checked(ptr, items, columns)
    last, previous = np.empty(max(1, columns), np.int32), np.empty(max(1, items.shape[0]), np.int32)
    cdef int32_t[::1] work = last
    cdef int32_t[::1] out = previous
    with nogil:
        nc_rows_previous(&r, &work[0], &out[0])
    return previous[: items.shape[0]]
