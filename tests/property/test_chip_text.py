"""Whatever a chip file holds, it is a chip or an InputError."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from neurocomp.chip.load import chip_from_json, parse_chip
from neurocomp.chip.part import Cost
from neurocomp.chip.spec import ChipSpec
from neurocomp.chip.yaml12 import read_yaml
from neurocomp.errors import InputError
from tests.chip_text import TINY

LINES = TINY.splitlines()
yaml_soup = st.text(st.sampled_from("ab01.-+e_:,[]{}#&*!|>'\"%@`?~ \n\t") | st.characters(), max_size=60)
scalars = st.sampled_from(
    ["null", "true", "no", "-1", "0", "1e400", ".nan", "1e-30", "3", "99999999999", "''", "[]", "{}", "[1, 2]", "x y",
     "{value: 3}", "{value: 3, source: paper, kind: derived}", "{value: {value: 1}, source: q, kind: z}", "&a 1", "*a",
     "!t 1", "{note: 1, source: [], kind: {}}", "\U0001f600", "'\\u0000'", '"\\e"']
)  # fmt: skip


def chip_or_input_error(text: str) -> ChipSpec | None:
    try:
        return parse_chip(text, "f")
    except InputError as error:
        assert error.diagnostics
        assert all(finding.where.startswith("f") and finding.what for finding in error.diagnostics)
        return None


@settings(deadline=None)
@given(st.text() | yaml_soup)
def test_any_text(text: str) -> None:
    chip_or_input_error(text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_of_a_line(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        head, colon, _ = lines[at].partition(":")
        new = data.draw(st.sampled_from(["value", "key", "drop", "twice", "indent", "soup"]))
        value = data.draw(scalars)
        lines[at] = {
            "value": f"{head}{colon} {value}", "key": f"{head}x: {value}", "drop": "", "indent": f" {lines[at]}",
            "twice": f"{lines[at]}\n{lines[at]}", "soup": f"{head}: {data.draw(yaml_soup)}",
        }[new]  # fmt: skip
    chip = chip_or_input_error("\n".join(lines))
    if chip is not None:
        assert chip_from_json(chip.to_json()) == chip


@settings(deadline=None)
@given(st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_as_python_writes_them(number: float) -> None:
    read = read_yaml(f"a: {number!r}", "f").root.value["a"].value
    assert read == number
    assert type(read) is type(number)


@settings(deadline=None)
@given(st.text(string.printable))
def test_double_quoted_text_is_kept(text: str) -> None:
    quoted = "".join(f"\\x{ord(c):02x}" for c in text)
    assert read_yaml(f'a: "{quoted}"', "f").root.value["a"].value == text


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**15))
def test_integer_units_are_exact_for_every_whole_picosecond_and_attojoule(ps: int, aj: int) -> None:
    cost = Cost(energy_pj=aj / 1e6, latency_ns=ps / 1e3)
    assert (cost.latency_ps, cost.energy_aj) == (ps, aj)
