"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocomp.report import units
from neurocomp.report.table import table


@pytest.mark.parametrize(
    ("attojoules", "text"),
    [
        (0, "0"),
        (1, "1.00 aJ"),
        (999, "999 aJ"),
        (999.6, "1.00 fJ"),
        (1_000, "1.00 fJ"),
        (1_234_567, "1.23 pJ"),
        (999_499_999, "999 pJ"),
        (999_999_999, "1.00 nJ"),
        (10**18, "1.00 J"),
        (5 * 10**22, "50.0 kJ"),
    ],
)
def test_energy(attojoules: float, text: str) -> None:
    assert units.energy(attojoules) == text


@pytest.mark.parametrize(
    ("picoseconds", "text"),
    [
        (500, "500 ps"),
        (1_780_000, "1.78 us"),
        (10**12, "1.00 s"),
        (5 * 10**15, "5000 s"),
    ],
)
def test_time(picoseconds: float, text: str) -> None:
    assert units.time(picoseconds) == text


@pytest.mark.parametrize(("microwatts", "text"), [(0.5, "500 nW"), (72_000, "72.0 mW"), (1.5e6, "1.50 W")])
def test_power(microwatts: float, text: str) -> None:
    assert units.power(microwatts) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (100, "100 B"),
        (1_023, "1023 B"),
        (1_024, "1.00 KiB"),
        (196_608, "192 KiB"),
    ],
)
def test_memory(size: float, text: str) -> None:
    assert units.memory(size) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (1234, "1,234"),
        (0.5, "0.500"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (0.00012345, "0.000123"),
    ],
)
def test_count(number: float, text: str) -> None:
    assert units.count(number) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (1e-9, "<0.1 %"),
        (1 - 1e-9, ">99.9 %"),
        (0.999, "99.9 %"),
        (0.5, "50.0 %"),
    ],
)
def test_share_is_never_rounded_to_all_or_nothing(fraction: float, text: str) -> None:
    assert units.share(fraction) == text


@given(st.floats(1e-3, 1e24, allow_nan=False))
def test_three_digits_tell_the_value(attojoules: float) -> None:
    number, unit = units.energy(attojoules).split()
    prefix = {"aJ": 1, "fJ": 1e3, "pJ": 1e6, "nJ": 1e9, "uJ": 1e12, "mJ": 1e15, "J": 1e18, "kJ": 1e21}[unit]
    assert float(number) * prefix == pytest.approx(attojoules, rel=0.006)


@given(st.text())
def test_cleaned_text_is_printable_and_short(text: str) -> None:
    cleaned = units.clean(text, 20)
    assert len(cleaned) <= 20
    assert all(c.isprintable() for c in cleaned)


def test_table_aligns_and_rules() -> None:
    rows = [["name", "n"], ["a", "1,000"], ["longer", "2"]]
    assert list(table(rows, "lr", header=True)) == [
        "  name        n", "  -------------", "  a       1,000", "  longer      2",
    ]  # fmt: skip


def test_large_counts_fit_a_narrow_column() -> None:
    assert [units.large(n) for n in (0, 9_999_999, 10_000_000, 2_500_000_000)] == ["0", "9,999,999", "10.0 M", "2.50 G"]
