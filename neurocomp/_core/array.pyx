"""The typed face of csrc/array.h and csrc/skipping.h: cycles of a systolic array, work that rare spikes save."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

from neurocomp._core.status import raise_status


cdef extern from "array.h" nogil:
    ctypedef struct nc_gemm:
        int64_t m, n, k
    ctypedef struct nc_systolic:
        int64_t row_folds, col_folds, fold_cycles, cycles, macs, mapped, input_reads, weight_reads, output_writes
    ctypedef int nc_status
    nc_status nc_array_systolic(int32_t dataflow, int64_t rows, int64_t cols, int64_t count, const nc_gemm *products,
                                nc_systolic *work)

cdef extern from "skipping.h" nogil:
    ctypedef struct nc_product:
        int64_t spikes, residual, repeated, searched
    nc_status nc_skip_product(const uint64_t *mask, int64_t rows, int64_t tile_rows, nc_product *total,
                              uint64_t *residual)
    nc_status nc_skip_pairs(const uint64_t *mask, int64_t rows, int64_t group_rows, int32_t width, uint8_t *taken,
                            int64_t *packed)
    nc_status nc_skip_balance(const int64_t *work, int64_t rows, int64_t elements, int64_t *load)


def systolic(int32_t dataflow, int64_t rows, int64_t cols, const int64_t[:, ::1] products):
    """products: (n, 3) of m, n, k. Returns int64 (n, 9), columns in the order of nc_systolic."""
    cdef Py_ssize_t count = products.shape[0]
    cdef nc_status status
    if products.shape[1] != 3:
        raise ValueError("products have three sizes each")
    work = np.zeros((count, sizeof(nc_systolic) // sizeof(int64_t)), np.int64)
    cdef int64_t[:, ::1] out = work
    if count:
        with nogil:
            status = nc_array_systolic(dataflow, rows, cols, count, <const nc_gemm *>&products[0, 0],
                                       <nc_systolic *>&out[0, 0])
        raise_status(status, "array")
    return work


def product(const uint64_t[::1] mask, int64_t tile_rows, uint64_t[::1] residual):
    """residual: receives what is left of each row; of the length of mask, or empty if it is not wanted. Returns
    (spikes, residual, repeated, searched)."""
    cdef nc_product total
    cdef nc_status status
    cdef uint64_t *left = NULL
    total.spikes = total.residual = total.repeated = total.searched = 0
    if residual.shape[0] not in (0, mask.shape[0]):
        raise ValueError("a result of the wrong length")
    if tile_rows < 1:
        raise ValueError("tiles without rows")
    if mask.shape[0]:
        if residual.shape[0]:
            left = &residual[0]
        with nogil:
            status = nc_skip_product(&mask[0], mask.shape[0], tile_rows, &total, left)
        raise_status(status, "product")
    return total.spikes, total.residual, total.repeated, total.searched


def pairs(const uint64_t[::1] mask, int64_t group_rows, int32_t width):
    """Rows that are left after packing each run of group_rows rows."""
    cdef int64_t packed = 0
    cdef nc_status status
    if group_rows < 1 or mask.shape[0] % group_rows:
        raise ValueError("the rows are not a whole number of groups")
    cdef uint8_t[::1] taken = np.empty(group_rows, np.uint8)
    if mask.shape[0]:
        with nogil:
            status = nc_skip_pairs(&mask[0], mask.shape[0], group_rows, width, &taken[0], &packed)
        raise_status(status, "pairs")
    return packed


def balance(const int64_t[::1] work, int64_t elements):
    """int64 (elements): the work that each element receives."""
    cdef nc_status status
    if elements < 1:
        raise ValueError("no elements")
    load = np.zeros(elements, np.int64)
    cdef int64_t[::1] out = load
    if work.shape[0]:
        with nogil:
            status = nc_skip_balance(&work[0], work.shape[0], elements, &out[0])
        raise_status(status, "balance")
    return load
