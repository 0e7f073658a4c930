"""The profiles that come with neurocomp: complete, sourced, and true to the measurements they cite."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurocomp.chip import catalog
from neurocomp.chip.catalog import load_chip, profile_folder, profile_names, summary
from neurocomp.chip.datasheet import describe, rows
from neurocomp.chip.load import chip_from_json
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError

NAMES = profile_names()


@pytest.fixture(scope="module", params=NAMES)
def chip(request: pytest.FixtureRequest) -> ChipSpec:
    return load_chip(request.param)


def test_names() -> None:
    assert {"generic", "loihi", "loihi2", "truenorth"} <= set(NAMES)
    assert list(NAMES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_file_is_named_after_the_chip(name: str) -> None:
    assert load_chip(name).name == name
    assert load_chip(profile_folder() / f"{name}.yaml") == load_chip(name)
    assert load_chip(str(profile_folder() / f"{name}.yaml")) == load_chip(name)


def test_a_file_beside_the_user_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (profile_folder() / "loihi.yaml").read_text(encoding="utf-8").replace("name: loihi\n", "name: mine\n")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "mine").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_chip("mine.yaml").name == load_chip("mine").name == load_chip(Path("mine")).name == "mine"


def test_profiles_lie_in_the_installed_package_or_at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "__file__", str(tmp_path / "neurocomp" / "chip" / "catalog.py"))
    with pytest.raises(InputError, match="the chip profiles of this installation are missing"):
        profile_folder()
    for folder in (tmp_path / "chips", tmp_path / "neurocomp" / "chips"):
        folder.mkdir(parents=True)
        (folder / "a.yaml").touch()
        assert profile_folder() == folder.resolve()


def test_every_number_has_a_source_and_a_kind(chip: ChipSpec) -> None:
    unstated = [path for path, origin in chip.provenance.items() if origin.kind == "unstated" or not origin.source]
    assert unstated == []
    for row in rows(chip):
        if re.search(r"\d", row.text) and not row.path.endswith(".name"):
            assert row.origin is not None, row.path


def test_every_listed_source_is_used(chip: ChipSpec) -> None:
    used = {origin.source for origin in chip.provenance.values()}
    assert [key for key, citation in chip.sources.items() if citation not in used] == []


def test_json_round_trip(chip: ChipSpec) -> None:
    assert chip_from_json(chip.to_json()) == chip


def test_description_prints_every_citation_and_note(chip: ChipSpec) -> None:
    text = re.sub(r"\s+", " ", describe(chip))
    for origin in chip.provenance.values():
        assert re.sub(r"\s+", " ", origin.source) in text
        assert re.sub(r"\s+", " ", origin.note) in text
    for sentence in (*chip.notes, *chip.derivation):
        assert sentence in text


def test_summary(chip: ChipSpec) -> None:
    row = summary(chip)
    assert (row.name, row.cores, row.neurons) == (chip.name, chip.core.count, chip.core.count * chip.core.neurons_max)
    assert row.kinds == chip.kinds_used()


def test_a_full_core_of_neurons_fits_its_own_memory(chip: ChipSpec) -> None:
    memory = chip.memory_of("neuron_state")
    assert memory is not None
    assert chip.core.neurons_max * chip.core.neuron_state_bits <= memory.size_bits


def test_loihi_silicon_constants() -> None:
    """SANA-FE's constants, IEEE TCAD 2025, doi 10.1109/TCAD.2025.3537971."""
    chip = load_chip("loihi")
    fp = chip.engines.fp
    costs = [
        fp.synaptic_operation.dense, fp.synaptic_operation.sparse, fp.synaptic_operation.conv, fp.neuron_access,
        fp.neuron_update, fp.spike_out, fp.packet_out, fp.packet_in, chip.noc.hop_east_west, chip.noc.hop_north_south,
    ]  # fmt: skip
    assert [(cost.energy_pj, cost.latency_ns) for cost in costs] == [
        (35.5, 3.8), (33.6, 4.7), (24.0, 3.1), (51.2, 6.0), (21.6, 3.7), (69.3, 30.0), (111.0, 5.1), (0.0, 16.0),
        (3.0, 4.1), (4.2, 6.5),
    ]  # fmt: skip
    assert chip.step.barrier_ns == {1: 600, 2: 1000, 4: 1400, 29: 1800}
    assert set(chip.kinds_used(["engines.fp"])) == {"measured"}
    core = chip.core
    axons_kib = (core.fan_in_axons_max * core.axon_in_bytes + core.fan_out_axons_max * core.axon_out_bytes) / 1024
    assert axons_kib == chip.memory_of("axons_in").size_kib == 20


def test_loihi2_meets_the_measured_pilotnet_run() -> None:
    """Row P1 of the derivation: 68.3 uJ dynamic and 152.8 us per step, on 74 cores."""
    chip = load_chip("loihi2")
    fp = chip.engines.fp
    hop = (chip.noc.hop_east_west.energy_pj + chip.noc.hop_north_south.energy_pj) / 2
    energy_uj = 1e-6 * (
        2.29e6 * fp.synaptic_operation.conv.energy_pj
        + 158.5e3 * (fp.neuron_access.energy_pj + fp.neuron_update.energy_pj)
        + 35e3 * fp.spike_out.energy_pj
        + 70e3 * fp.packet_out.energy_pj
        + 280e3 * hop
        + chip.step.barrier_energy_pj
    )
    assert 0.95 * 68.3 < energy_uj <= 68.3
    busiest_us = 150.8 * fp.synaptic_operation.conv.latency_ns + chip.barrier_ps(19) * 1e-6
    assert busiest_us == pytest.approx(152.8, rel=0.005)


def test_loihi2_meets_the_measured_winner_take_all_runs() -> None:
    """Row W of the derivation: 0.47 W and 1.78 us per step on 5 cores; at most 2.8 to 4.7 nJ per core and step."""
    chip = load_chip("loihi2")
    fp = chip.engines.fp
    core_nj = 40 * (fp.neuron_access.energy_pj + fp.neuron_update.energy_pj) * 1e-3
    assert core_nj < 2.8
    assert chip.step.least_ps == 1_780_000
    watt = chip.power.static_mw * 1e-3 + (chip.step.barrier_energy_pj * 1e-12 + 5 * core_nj * 1e-9) / 1.78e-6
    assert watt == pytest.approx(0.47, rel=0.02)


def test_loihi2_calls_no_operation_measured() -> None:
    assert set(load_chip("loihi2").kinds_used(["engines", "noc.hop", "step.barrier"])) == {"estimated"}


@pytest.mark.parametrize(("rate_hz", "measured_mw"), [(11.58, 68), (20.07, 71), (95.93, 94)])
def test_truenorth_meets_its_measured_power(rate_hz: float, measured_mw: float) -> None:
    """Akopyan et al. 2015, fig. 17: recurrent networks with 128 synapses per neuron at 0.8 V; the 42.6 hops of
    a spike are those of Merolla et al. 2014, supplement S7."""
    chip = load_chip("truenorth")
    per_spike_pj = 128 * chip.engines.fp.synaptic_operation.dense.energy_pj + 42.6 * chip.noc.hop_east_west.energy_pj
    power_mw = chip.power.static_mw + chip.neurons * rate_hz * per_spike_pj * 1e-9
    assert power_mw == pytest.approx(measured_mw, abs=0.4)


def test_truenorth_core_memory_is_that_of_the_paper() -> None:
    """Merolla et al. 2014: 65,536 + 31,232 + 6,656 + 1,024 = 104,448 bits in a core."""
    chip = load_chip("truenorth")
    bits = {memory.name: memory.size_bits for memory in chip.core.memories}
    assert list(bits.values()) == [65_536, 31_232, 6_656, 1_024]
    assert sum(bits.values()) * chip.cores == pytest.approx(428e6, rel=0.001)


def test_generic_shows_memory_above_arithmetic() -> None:
    fp = load_chip("generic").engines.fp
    assert fp.weight_read.energy_pj + fp.state_access.energy_pj > 50 * fp.synaptic_operation.dense.energy_pj


def test_heavy_packages_load_with_the_module_not_before() -> None:
    code = (
        "import sys, neurocomp.chip\n"
        "assert not {'pydantic', 'yaml'} & set(sys.modules)\n"
        "neurocomp.chip.load_chip('generic')\n"
        "assert {'pydantic', 'yaml'} <= set(sys.modules)\n"
        "assert not {'numpy', 'torch', 'h5py', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
