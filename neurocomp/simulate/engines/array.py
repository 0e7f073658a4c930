"""Array-style engines in systolic mode: cycles, utilisation and buffer accesses of a matrix product, in closed form.

The formulas (csrc/array.h) are those of SCALE-Sim 3.0 (Samajdar et al., A systematic methodology for characterizing
scalability of DNN accelerators using SCALE-Sim, ISPASS 2020) with operands always there in time. A readable twin
that walks over the folds is array_reference.py; the time of fetching from DRAM is added by array_prefetch.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.simulate.engines.core import systolic_counts

Dataflow = Literal["output_stationary", "weight_stationary", "input_stationary"]
DATAFLOWS: tuple[Dataflow, ...] = ("output_stationary", "weight_stationary", "input_stationary")  # csrc/array.h
LARGEST = 2**40  # of one loop bound


@dataclass(frozen=True)
class SystolicArray:
    """rows x columns elements of one multiply-accumulate per cycle. dataflow: which operand stays in place."""

    rows: int
    columns: int
    dataflow: Dataflow

    @property
    def elements(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class Product:
    """One layer as a matrix product (m x k) by (k x n), with the number of distinct elements of both operands."""

    m: int
    n: int
    k: int
    inputs: int
    weights: int

    @property
    def macs(self) -> int:
        return self.m * self.n * self.k


@dataclass(frozen=True)
class SystolicWork:
    """What one product takes.

    folds: row folds x column folds; fold_cycles: of one. mapped: elements in use, summed over folds. *_reads,
    output_writes: single values moved between the array and its buffers, partial sums included.
    """

    array: SystolicArray
    product: Product
    row_folds: int
    column_folds: int
    fold_cycles: int
    mapped: int
    input_reads: int
    weight_reads: int
    output_writes: int

    @property
    def folds(self) -> int:
        return self.row_folds * self.column_folds

    @property
    def cycles(self) -> int:
        """From the first load to the last output."""
        return self.folds * self.fold_cycles

    @property
    def last_cycle(self) -> int:
        """The cycle of the last output, the first being cycle 0: SCALE-Sim's ``Total Cycles``."""
        return self.cycles - 1

    @property
    def overall_utilisation(self) -> float:
        """Share of the array's capability that did useful work, as SCALE-Sim divides: by ``last_cycle``."""
        return self.product.macs / (self.last_cycle * self.array.elements) if self.last_cycle else 1.0

    @property
    def mapping_efficiency(self) -> float:
        """Share of the elements that hold something, mean over the folds."""
        return self.mapped / (self.folds * self.array.elements)

    @property
    def compute_utilisation(self) -> float:
        """SCALE-Sim's ``Compute Util``, mean over the folds. Where an operand is loaded first, its fold counts
        ``columns - 1`` cycles that overlap with the next fold."""
        overlap = 0 if self.array.dataflow == "output_stationary" else self.array.columns - 1
        return self.product.macs / (self.folds * self.array.elements * (self.fold_cycles + overlap))


def matrix_product(m: int, n: int, k: int) -> Product:
    """(m x k) by (k x n)."""
    _check({"m": m, "n": n, "k": k})
    return Product(m, n, k, inputs=m * k, weights=k * n)


def convolution(
    size: tuple[int, int], kernel: tuple[int, int], channels: int, filters: int, stride: tuple[int, int] = (1, 1)
) -> Product:
    """A convolution over an input of ``size`` (height, width), padding included.

    As in SCALE-Sim the last window along an axis may hang over the end by less than a stride: the output has
    ceil((size - kernel + stride) / stride) pixels per axis.
    """
    _check({
        "height": size[0], "width": size[1], "kernel height": kernel[0], "kernel width": kernel[1],
        "channels": channels, "filters": filters, "stride along y": stride[0], "stride along x": stride[1],
    })  # fmt: skip
    sides = list(zip(size, kernel, stride, strict=True))
    if any(k > s for s, k, _ in sides):
        raise bad_input("convolution", f"the kernel {kernel} is larger than the input {size}")
    out = [-(-(s - k + step) // step) for s, k, step in sides]
    touched = [_touched(s, k, step, o) for (s, k, step), o in zip(sides, out, strict=True)]
    per_output = kernel[0] * kernel[1] * channels
    return Product(
        out[0] * out[1], filters, per_output, inputs=touched[0] * touched[1] * channels, weights=per_output * filters
    )


def _touched(size: int, kernel: int, stride: int, outputs: int) -> int:
    """Rows (or columns) of the input that some window covers."""
    if stride <= kernel:
        return min(size, (outputs - 1) * stride + kernel)
    last = (outputs - 1) * stride
    return (outputs - 1) * kernel + max(0, min(kernel, size - last))


def systolic(array: SystolicArray, products: Sequence[Product]) -> tuple[SystolicWork, ...]:
    """What each product takes on the array. Raises InputError for an impossible array."""
    if array.dataflow not in DATAFLOWS:
        raise bad_input("array", f"there is no dataflow {array.dataflow!r}", hint=f"one of {', '.join(DATAFLOWS)}")
    _check({"rows": array.rows, "columns": array.columns})
    sizes = np.array([(p.m, p.n, p.k) for p in products], np.int64).reshape(-1, 3)
    work = systolic_counts(DATAFLOWS.index(array.dataflow), array.rows, array.columns, sizes)
    return tuple(
        SystolicWork(array, product, int(row[0]), int(row[1]), int(row[2]), *(int(x) for x in row[5:]))
        for product, row in zip(products, work, strict=True)
    )


def _check(sizes: dict[str, int]) -> None:
    wrong = [f"{name} is {value}" for name, value in sizes.items() if not 1 <= value <= LARGEST]
    if wrong:
        raise bad_input("array", ", ".join(wrong), f"sizes go from 1 to {LARGEST}")
