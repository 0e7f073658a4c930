"""Systolic mode beside SCALE-Sim 3.0: every column of its compute report, and the accesses of its buffers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from neurocomp.errors import InputError
from neurocomp.simulate.engines.array import Product, SystolicArray, SystolicWork, convolution, matrix_product, systolic
from neurocomp.simulate.engines.array_prefetch import Scratchpads, cycles_with_prefetch
from neurocomp.simulate.engines.array_reference import walk

DATAFLOW = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}
OWN_RUNS = Path(__file__).parents[1] / "golden" / "scalesim3_runs.csv"
LAYERS = {
    "conv3x3_16x16_c16_k32": convolution((18, 18), (3, 3), 16, 32),
    "conv1x1_14x14_c64_k64": convolution((14, 14), (1, 1), 64, 64),
    "conv3x3_s2_32x32_c3_k16": convolution((32, 32), (3, 3), 3, 16, (2, 2)),
    "g64": matrix_product(64, 64, 64),
    "g100x50x70": matrix_product(100, 50, 70),
    "g128x128x128": matrix_product(128, 128, 128),
    "gemv1x1000x512": matrix_product(1, 1000, 512),
}


def run(dataflow: str, rows: int, columns: int, product: Product) -> SystolicWork:
    array = SystolicArray(rows, columns, DATAFLOW[dataflow])  # type: ignore[arg-type]
    (work,) = systolic(array, [product])
    return work


def percents(work: SystolicWork) -> list[float]:
    return [100 * x for x in (work.overall_utilisation, work.mapping_efficiency, work.compute_utilisation)]


def test_every_row_of_the_reference(shared: Path):
    with (shared / "reference" / "array" / "scalesim3.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 63
    for row in rows:
        side = int(row["array"])
        work = run(row["dataflow"], side, side, LAYERS[row["LayerID"]])
        assert work.last_cycle == int(row["Total Cycles"])
        assert int(row["Stall Cycles"]) == 0  # the mode without stalls
        assert cycles_with_prefetch(work) == int(row["Total Cycles (incl. prefetch)"])
        expected = [float(row[name]) for name in ("Overall Util %", "Mapping Efficiency %", "Compute Util %")]
        assert percents(work) == pytest.approx(expected, rel=1e-12)
        assert walk(work.array, work.product) == work


def layer_of(kind: str, sizes: list[int]) -> Product:
    if kind == "gemm":
        return matrix_product(*sizes)
    height, width, kernel_height, kernel_width, channels, filters, stride = sizes
    return convolution((height, width), (kernel_height, kernel_width), channels, filters, (stride, stride))


def own_runs() -> list[dict[str, str]]:
    lines = [line for line in OWN_RUNS.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", own_runs(), ids=lambda row: f"{row['kind']}-{row['dataflow']}-{row['layer']}")
def test_arrays_that_are_not_square_and_buffers_that_overflow(row):
    product = layer_of(row["kind"], [int(size) for size in row["layer"].split()])
    work = run(row["dataflow"], int(row["rows"]), int(row["columns"]), product)
    values = 1024 * int(row["sram_kib"])
    pads = Scratchpads(values, values, values)
    assert work.last_cycle == int(row["last_cycle"])
    assert cycles_with_prefetch(work, pads) == int(row["with_prefetch"])
    expected = [float(row[name]) for name in ("overall_percent", "mapping_percent", "compute_percent")]
    assert percents(work) == pytest.approx(expected, rel=1e-12)
    # SCALE-Sim counts the sides of a fold's outputs on top of the outputs, when they are stationary
    extra = work.folds * (work.array.rows + work.array.columns) if row["dataflow"] == "os" else 0
    accesses = [work.input_reads, work.weight_reads, work.output_writes + extra]
    assert accesses == [int(row[name]) for name in ("input_reads", "weight_reads", "output_writes")]


@pytest.mark.parametrize("pads", [Scratchpads(99), Scratchpads(output_values=1), Scratchpads(fetch_per_cycle=0)])
def test_buffers_that_cannot_be_divided_are_refused(pads):
    work = run("ws", 4, 4, matrix_product(5, 6, 7))
    with pytest.raises(InputError, match="100 parts"):
        cycles_with_prefetch(work, pads)
