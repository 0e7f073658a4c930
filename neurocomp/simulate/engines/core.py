"""The door to the compiled core of array-style engines (csrc/array.h, csrc/skipping.h), with types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp._core import array as core  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True)
class ProductCounts:
    """spikes: ones of the matrix. residual: ones left after reuse. repeated: rows with ones of which nothing is left.
    searched: rows of two ones or more, for which a row to reuse is looked for."""

    spikes: int
    residual: int
    repeated: int
    searched: int


def systolic_counts(dataflow: int, rows: int, columns: int, products: np.ndarray) -> np.ndarray:
    """int64 (n, 9), in the order of nc_systolic, for products of int64 (n, 3): m, n, k."""
    return core.systolic(dataflow, rows, columns, np.ascontiguousarray(products, np.int64))


def reuse_products(mask: np.ndarray, tile_rows: int) -> ProductCounts:
    """mask: uint64 (rows). Reuse among each run of tile_rows rows."""
    return ProductCounts(*core.product(mask, tile_rows, np.zeros(0, np.uint64)))


def residual_masks(mask: np.ndarray, tile_rows: int) -> np.ndarray:
    """uint64 (rows): what is left of each row after reuse."""
    left = np.zeros_like(mask)
    core.product(mask, tile_rows, left)
    return left


def pack_rows(mask: np.ndarray, group_rows: int, width: int) -> int:
    """mask: uint64 (groups x group_rows) of ``width`` bits. Rows left when those that share no bit are paired."""
    return core.pairs(mask, group_rows, width)


def dealt_out(work: np.ndarray, elements: int) -> np.ndarray:
    """int64 (elements): sums of work when each row of int64 ``work`` goes to the least loaded element."""
    return core.balance(np.ascontiguousarray(work, np.int64), elements)
