"""SRAM figures: the table as CACTI gave it, power laws between its points, one message outside."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import mean

import pytest

from neurocomp.chip.catalog import profile_folder
from neurocomp.errors import InputError
from neurocomp.fabric.sram import read_table, sram_cost

TABLE = read_table(profile_folder() / "sram" / "cacti7.csv")


def test_points_of_the_table_are_returned_as_they_are():
    for cell, table in TABLE.items():
        for (node, width, size), values in table.items():
            cost = sram_cost(size, width, node, cell)
            assert (cost.read_pj, cost.write_pj, cost.leakage_mw, cost.area_mm2, cost.access_ns) == values
            assert (cost.kind, cost.note) == ("published-presilicon", "")
            assert "CACTI 7" in cost.source


def test_the_table_is_that_of_the_reference_runs(shared: Path):
    with (shared / "reference" / "sram" / "cacti7_sram.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(table) for table in TABLE.values())
    for row in rows:
        node, size = round(float(row["tech_um"]) * 1000), int(row["size_B"]) / 1024
        cost = sram_cost(size, int(row["word_bits"]), node, row["cell"].removeprefix("itrs-"))
        assert cost.read_pj == pytest.approx(float(row["read_pJ"]), rel=0.02)
        assert cost.write_pj == pytest.approx(float(row["write_pJ"]), rel=0.02)
        assert cost.leakage_mw == pytest.approx(float(row["leak_mW"]), rel=0.02)


@pytest.mark.parametrize(
    ("size", "width", "node", "note"),
    [
        (32, 64, 28, "node between 22 and 32 nm"),
        (20, 64, 22, "size between two runs"),
        (32, 48, 22, "width between two runs"),
        (32, 128, 45, "width by the ratio at 32 nm"),
    ],
)
def test_what_is_interpolated_is_derived_and_says_how(size, width, node, note):
    cost = sram_cost(size, width, node)
    assert cost.kind == "derived"
    assert note in cost.note


def test_28_nm_lies_between_22_and_32_nm():
    fine, middle, coarse = (sram_cost(32, 64, node) for node in (22, 28, 32))
    for figure in ("read_pj", "write_pj", "leakage_mw", "area_mm2", "access_ns"):
        assert getattr(fine, figure) < getattr(middle, figure) < getattr(coarse, figure)


def test_interpolation_is_a_power_law():
    """Half way on the logarithmic axis lies the geometric mean."""
    left, middle, right = (sram_cost(size, 64, 22) for size in (16, 16 * 2**0.5, 32))
    assert middle.read_pj == pytest.approx((left.read_pj * right.read_pj) ** 0.5)
    assert middle.leakage_mw == pytest.approx((left.leakage_mw * right.leakage_mw) ** 0.5)


def test_leaving_a_size_out_costs_little():
    """Each size of the table from its two neighbours, twice as far apart as users' sizes are."""
    errors = []
    for node in (22, 32, 45, 65):
        read = [TABLE["hp"][node, 64, 2**k][0] for k in range(11)]
        errors += [abs((read[k - 1] * read[k + 1]) ** 0.5 / read[k] - 1) for k in range(1, 10)]
    assert mean(errors) <= 0.15


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ((2048, 64, 22), ["size 2048 KiB (1 to 1024 are possible)"]),
        ((0.5, 256, 16), ["size 0.5 KiB", "width 256 bit", "node 16 nm (22 to 65 are possible)"]),
        ((8, 64, 45, "lop"), ["node 45 nm (22 to 32 are possible)"]),
        ((float("nan"), 64, 22), ["size nan KiB"]),
        ((8, 64, 22, "hpp"), ["there is no cell type 'hpp'", "did you mean hp?"]),
    ],
)
def test_outside_there_is_one_message_that_names_everything(given, parts):
    with pytest.raises(InputError) as caught:
        sram_cost(*given)
    assert len(caught.value.diagnostics) == 1
    for part in parts:
        assert part in str(caught.value)


def test_a_broken_table_is_named(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("cell,node_nm\nhp,22\n")
    with pytest.raises(InputError, match="no table of SRAM figures"):
        read_table(path)
