"""Memories of a chip profile: their own figures, those of an SRAM macro, and the DRAM beside the chip."""

from __future__ import annotations

from typing import get_args

import pytest

from neurocomp.chip.catalog import load_chip, profile_names
from neurocomp.chip.datasheet import describe
from neurocomp.chip.load import chip_from_json, parse_chip
from neurocomp.chip.memory import BANK_KIB, NODES_NM, DramName, SramMacro
from neurocomp.chip.spec import ChipSpec
from neurocomp.cli import app
from neurocomp.commands.exits import run
from neurocomp.errors import InputError
from neurocomp.fabric.chip_memory import MemoryCost, describe_memories, dram_of, memory_cost
from neurocomp.fabric.dram_catalog import dram_names, load_dram
from neurocomp.fabric.sram import sram_cost
from tests.chip_text import tiny
from tests.unit.test_sram import TABLE

HOLDS = "      holds: [synapses, neuron_state]"


def with_memory(*lines: str, end: str = "") -> ChipSpec:
    """The first memory has 64 KiB."""
    changes = [(HOLDS, "\n      ".join([HOLDS, *lines]))]
    return parse_chip(tiny(*changes, ("synaptic_current: true\n", f"synaptic_current: true\n{end}")))


def values(cost: MemoryCost) -> tuple[object, ...]:
    found = (cost.access_bits, cost.read_pj, cost.write_pj, cost.leakage_mw)
    return tuple(None if figure is None else figure.value for figure in found)


def test_a_macro_gives_what_the_profile_leaves_open() -> None:
    cost = memory_cost(with_memory("sram: {node_nm: 22, width_bits: 64}"), "main")
    macro = sram_cost(64, 64, 22)
    assert cost.read_pj is not None
    assert (cost.read_pj.value, cost.read_pj.kind) == (pytest.approx(macro.read_pj), "derived")
    assert cost.read_pj.source == macro.source
    assert cost.read_pj.note == "64 KiB, 64 bits wide, 22 nm hp"
    assert values(cost) == pytest.approx((64, macro.read_pj, macro.write_pj, macro.leakage_mw))


def test_what_the_profile_states_is_the_profiles() -> None:
    stated = "read_pj: {value: 1.5, source: paper, kind: measured}"
    cost = memory_cost(with_memory(stated, "sram: {node_nm: 28, width_bits: 64}"), "main")
    assert cost.read_pj is not None and cost.write_pj is not None
    assert (cost.read_pj.value, cost.read_pj.kind, cost.read_pj.source) == (1.5, "measured", "A. Author, A Paper, 2020")
    assert cost.write_pj.kind == "derived"
    assert "node between 22 and 32 nm" in cost.write_pj.note
    alone = memory_cost(with_memory("access_bits: 32", "read_pj: 2", "leakage_mw: 0.25"), "main")
    assert values(alone) == (32, 2, None, 0.25)
    assert alone.read_pj is not None and alone.read_pj.kind == "unstated"


def test_an_access_goes_to_one_bank_and_all_banks_leak() -> None:
    cost = memory_cost(with_memory("sram: {node_nm: 32, width_bits: 32, banks: 8, cell: lop}"), "main")
    bank = sram_cost(8, 32, 32, "lop")
    assert values(cost)[1] == pytest.approx(bank.read_pj)
    assert values(cost)[3] == pytest.approx(8 * bank.leakage_mw)
    assert cost.leakage_mw is not None and cost.leakage_mw.note.startswith("8 banks of 8 KiB, 32 bits wide")


def test_nothing_is_known_of_a_memory_that_says_nothing() -> None:
    cost = memory_cost(parse_chip(tiny()), "axons")
    assert values(cost) == (None, None, None, None)
    with pytest.raises(InputError, match="no memory of a core is called 'axon'\n  next: did you mean axons"):
        memory_cost(parse_chip(tiny()), "axon")


def test_the_dram_beside_the_chip() -> None:
    chip = with_memory(end="dram:\n  standard: LPDDR4-2400\n  channels: {value: 4, source: paper, kind: measured}\n")
    dram, alone = dram_of(chip), load_dram("LPDDR4-2400")
    assert dram is not None
    assert dram.organisation.channels == 4
    assert dram.peak_bytes_per_second == pytest.approx(4 / alone.organisation.channels * alone.peak_bytes_per_second)
    assert chip_from_json(chip.to_json()) == chip
    assert "dram" in describe(chip) and "standard" in describe(chip)
    assert dram_of(parse_chip(tiny())) is None


def test_chips_show_prints_what_follows(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    chip = with_memory(
        "write_pj: 3", "sram: {node_nm: 45, width_bits: 64, banks: 2}", end="dram: {standard: HBM2, channels: 8}\n"
    )
    text = describe_memories(chip)
    cost = sram_cost(32, 64, 45)
    assert f"main.read_pj                             {cost.read_pj:g} pJ" in text
    assert "main.write_pj" not in text
    assert f"main.leakage_mw                          {2 * cost.leakage_mw:g} mW" in text
    assert "CACTI 7" in text and "2 banks of 32 KiB" in text
    assert "dram: 256 GB/s at most" in text
    path = tmp_path / "c.yaml"
    path.write_text(tiny((HOLDS, HOLDS + "\n      sram: {node_nm: 22, width_bits: 64}")))
    assert run(app, ["chips", "show", str(path)]) == 0
    assert "main.read_pj" in capsys.readouterr().out


def test_profiles_without_macros_are_shown_as_before() -> None:
    for name in profile_names():
        chip = load_chip(name)
        if chip.dram is None and all(memory.sram is None for memory in chip.core.memories):
            assert describe_memories(chip) == ""
            assert "read_pj" not in describe(chip)


def test_the_bounds_are_those_of_the_table() -> None:
    assert get_args(DramName) == dram_names()
    for cell, table in TABLE.items():
        nodes, widths, sizes = (sorted({point[axis] for point in table}) for axis in (0, 1, 2))
        assert (nodes[0], nodes[-1]) == NODES_NM[cell]
        assert (sizes[0], sizes[-1]) == BANK_KIB
        SramMacro(node_nm=nodes[0], width_bits=widths[0], cell=cell)
        SramMacro(node_nm=nodes[-1], width_bits=widths[-1], cell=cell)
        with pytest.raises(ValueError):
            SramMacro(node_nm=nodes[0], width_bits=widths[-1] + 1, cell=cell)
