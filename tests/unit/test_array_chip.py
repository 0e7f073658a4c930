"""Data sheets of array engines: complete, sourced, strict; told apart from event-driven chips."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.catalog import array_chip_names, load_array_chip, load_chip, profile_folder, profile_names
from neurocomp.chip.load import parse_profile
from neurocomp.errors import InputError

TEXT = (profile_folder() / "neuromc.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", array_chip_names())
def test_every_number_has_a_source_and_a_kind(name):
    chip = load_array_chip(name)
    assert chip.name == name
    assert [path for path, origin in chip.provenance.items() if origin.kind == "unstated" or not origin.source] == []
    used = {origin.source for origin in chip.provenance.values()}
    assert [key for key, citation in chip.sources.items() if citation not in used] == []
    assert chip.digest() == load_array_chip(profile_folder() / f"{name}.yaml").digest()


def test_the_two_kinds_of_chips_are_told_apart():
    assert "neuromc" in array_chip_names()
    assert not set(array_chip_names()) & set(profile_names())
    with pytest.raises(InputError, match="array engines, which train networks"):
        load_chip("neuromc")
    with pytest.raises(InputError, match="is an event-driven chip"):
        load_array_chip("loihi2")


def test_a_file_of_ones_own_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT.replace("name: neuromc", "name: mine"), encoding="utf-8")
    assert load_array_chip(path).name == "mine"
    with pytest.raises(InputError, match="no chip profile or file of this name"):
        load_array_chip("neuromcc")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("input: {value: {bits: 1, memory: fp_conv_in_s}", "input: {value: {bits: 1, memory: fp_conv_in_x}",
         "engines.fp.input.memory is 'fp_conv_in_x'; no memory has this name"),
        ("other: {value: {bits: 16, memory: bp_conv_in_w}", "other: {value: {bits: 8, memory: bp_conv_in_w}",
         "engines.bp.other.bits is 8; no register is that wide"),
        ("name: fp_soma_u,", "name: fp_soma_s,", "is 'fp_soma_s', the name of another memory"),
        ("bits: 32, access_pj", "bits: 16, access_pj", "is 16, the width of another register"),
        ("cores: {value: 20,", "cores: {value: 21,", "cores is 21, but the mesh has 20 places"),
        ("along_columns: output_channels", "along_columns: input_channels", "is input_channels, as along_rows"),
        ("style: array", "style: event", "engines.fp.style"),
        ("clock_mhz:", "clock_ghz:", "did you mean clock_mhz?"),
        ("mul_pj: 0.812", "mul_pj: -1", "operations.mul_pj"),
    ],
)  # fmt: skip
def test_mistakes_are_named(old, new, message):
    assert TEXT.count(old) >= 1
    with pytest.raises(InputError) as caught:
        parse_profile(TEXT.replace(old, new, 1), "mine.yaml", ArrayChip)
    assert message in str(caught.value)


def test_sizes_are_those_of_the_published_memories():
    chip = load_array_chip("neuromc")
    tile = {"fp_conv_in_s": 34 * 34 * 16, "bp_conv_in_du": 34 * 34 * 4 * 16, "fp_conv_out_xi": 32 * 32 * 4 * 16}
    assert {name: chip.memory(name).size_bits for name in tile} == tile
    assert chip.memory("fp_conv_in_w").size_bits == 3 * 3 * 128 * 16
    assert chip.register_pj(16) == pytest.approx(16 * chip.register_pj(1), rel=1e-9)
