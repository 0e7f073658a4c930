"""The systolic array walked fold by fold, element by element: the twin of csrc/array.c. For small products."""

from __future__ import annotations

from collections.abc import Iterator

from neurocomp.simulate.engines.array import Product, SystolicArray, SystolicWork


def walk(array: SystolicArray, product: Product) -> SystolicWork:
    """What the product takes, counted while the folds are walked through."""
    along_rows, along_columns, in_time = _nest(array, product)
    mapped = moving = outputs = cycles = folds = 0
    for _, used_rows, used_columns in _folds(array, along_rows, along_columns):
        folds += 1
        mapped += used_rows * used_columns
        moving += used_rows * in_time
        outputs += used_rows * used_columns if array.dataflow == "output_stationary" else used_columns * in_time
        cycles += _last_event(array, in_time) + 1
    row_folds = sum(1 for column, _, _ in _folds(array, along_rows, along_columns) if column == 0)
    reads = _reads(array, product, moving, mapped)
    return SystolicWork(array, product, row_folds, folds // row_folds, cycles // folds, mapped, *reads, outputs)


def _nest(array: SystolicArray, product: Product) -> tuple[int, int, int]:
    """Loop bounds along rows, along columns and in time."""
    if array.dataflow == "output_stationary":
        return product.m, product.n, product.k
    if array.dataflow == "weight_stationary":
        return product.k, product.n, product.m
    return product.k, product.m, product.n


def _folds(array: SystolicArray, along_rows: int, along_columns: int) -> Iterator[tuple[int, int, int]]:
    """(index of the column fold, rows in use, columns in use)"""
    for column in range(0, along_columns, array.columns):
        for row in range(0, along_rows, array.rows):
            used = min(array.rows, along_rows - row), min(array.columns, along_columns - column)
            yield column // array.columns, *used


def _last_event(array: SystolicArray, in_time: int) -> int:
    """Cycle of the last output of a fold. A value meets element (r, c) r + c cycles after it met element (0, 0); a
    finished output or a partial sum then moves down a row per cycle."""
    loaded = 0 if array.dataflow == "output_stationary" else array.rows
    last_meeting = in_time - 1 + array.columns - 1  # top right element
    return loaded + last_meeting + array.rows - 1


def _reads(array: SystolicArray, product: Product, moving: int, mapped: int) -> tuple[int, int]:
    """Values of input and of weights fetched."""
    if array.dataflow == "weight_stationary":
        return moving, mapped
    if array.dataflow == "input_stationary":
        return mapped, moving
    row_folds = -(-product.m // array.rows)  # the weights enter from above, once for each fold of rows
    return moving, row_folds * product.n * product.k
