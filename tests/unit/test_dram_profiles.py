"""DRAM: profiles and their messages, closed forms, energy, requests, DRAMsim3 configurations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurocomp.errors import InputError
from neurocomp.fabric.dram import DramRequests, simulate_dram
from neurocomp.fabric.dram_bound import least_time, read_latency_ps, sustained_bytes_per_second
from neurocomp.fabric.dram_catalog import dram_folder, dram_names, load_dram
from neurocomp.fabric.dram_channel import channel_of
from neurocomp.fabric.dram_energy import command_costs
from neurocomp.fabric.dram_ini import read_dramsim3
from tests.dram_patterns import pattern

NAMES = dram_names()


def test_all_standards_are_there():
    assert NAMES == ("DDR3-1600", "DDR4-2400", "GDDR6", "HBM2", "HBM2E", "LPDDR4-2400", "LPDDR5-6400")


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_profile_has_an_origin(name):
    dram = load_dram(name)
    assert dram.name == name
    assert all(origin.kind != "unstated" and origin.source for origin in dram.provenance.values())
    assert {"timing_cycles.tRFC", "clock_ps", "organisation.ranks"} <= set(dram.provenance)


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [("DDR4-2400", 19.2), ("LPDDR4-2400", 19.2), ("LPDDR5-6400", 12.8), ("HBM2", 256), ("HBM2E", 409.6),
     ("GDDR6", 56), ("DDR3-1600", 12.8)],
)  # fmt: skip
def test_the_peak_is_what_the_name_says(name, gigabytes):
    assert load_dram(name).peak_bytes_per_second / 1e9 == pytest.approx(gigabytes, rel=0.001)


@pytest.mark.parametrize("name", NAMES)
def test_latency_of_a_lone_read_is_its_closed_form(name):
    dram = load_dram(name)
    o = dram.organisation
    row_bytes = o.capacity_bytes // o.rows  # one step in the row of the same bank
    assert dram.fields[0] == "ro"
    spacing = 600_000  # ps: long after the previous one, long before the first refresh
    requests = DramRequests(np.array([0, 0, row_bytes]), np.zeros(3, bool), np.arange(3) * spacing)
    run = simulate_dram(dram, requests)
    due = -(-np.arange(3) * spacing // dram.clock_ps) * dram.clock_ps  # the first clock edge after arrival
    wanted = [read_latency_ps(dram, row) for row in ("closed", "open", "conflict")]
    assert (run.done_ps - due).tolist() == wanted


@pytest.mark.parametrize("name", ["DDR4-2400", "HBM2", "LPDDR5-6400", "DDR3-1600"])
def test_random_reads_come_close_to_the_sustained_rate(name):
    dram = load_dram(name)
    count = 20_000 * dram.organisation.channels
    run = simulate_dram(dram, pattern(dram, "rand_rd", count))
    assert run.bytes_per_second == pytest.approx(sustained_bytes_per_second(dram), rel=0.15)


def test_the_bound_names_what_limits():
    hbm = load_dram("HBM2")
    assert least_time(hbm, 10_000, 10_000).limit == "activates"
    assert least_time(hbm, 10_000, 100).limit == "data bus"
    assert least_time(hbm, 0, 0).least_ps == 0


def test_energy_of_commands_from_currents():
    """(facts: DDR4-2400, a rank of eight devices, 0.83 ns) 3450, 2932 and 2550 pJ, 693 nJ, 413 and 326 mW."""
    dram = load_dram("DDR4-2400").model_copy(update={"clock_ps": 830})
    cost = command_costs(dram)
    found = (cost.activate_aj / 1e6, cost.read_aj / 1e6, cost.write_aj / 1e6, cost.refresh_aj / 1e9)
    assert found == pytest.approx((3450.1, 2932.2, 2549.8, 692.7), abs=0.1)
    assert (cost.active_standby_uw, cost.precharged_standby_uw) == (412_800, 326_400)


def test_energy_is_counts_times_costs_and_io_is_added_where_known():
    dram = load_dram("HBM2")
    requests = pattern(dram, "rand_mix", 500)
    run, cost = simulate_dram(dram, requests), command_costs(dram)
    assert run.energy.activate_aj == run.counts.activates * cost.activate_aj
    assert run.energy.refresh_aj == run.counts.refreshes * cost.refresh_aj
    assert run.energy.io_aj is None
    wired = simulate_dram(dram.model_copy(update={"io_pj_per_bit": 1.5}), requests).energy
    assert wired.io_aj == 500 * 64 * 8 * 1_500_000
    assert wired.total_aj - run.energy.total_aj == wired.io_aj


def test_idle_channels_are_in_standby_until_all_are_done():
    dram = load_dram("HBM2")
    requests = DramRequests(np.zeros(1, np.int64), np.zeros(1, bool), np.array([50_000_000]))
    run = simulate_dram(dram, requests)
    cycles = run.duration_ps // dram.clock_ps
    assert run.counts.active_cycles + run.counts.precharged_cycles == cycles * 8
    assert run.counts.refreshes == 8 * (cycles // dram.timing_cycles.tREFI)
    assert run.latency_ps.tolist() == [read_latency_ps(dram, "closed")]


def test_writes_alone_have_no_latency_and_nothing_takes_no_time():
    dram = load_dram("DDR4-2400")
    assert simulate_dram(dram, pattern(dram, "seq_wr", 100)).latency_ps.size == 0
    nothing = simulate_dram(dram, pattern(dram, "seq_rd", 0))
    assert (nothing.duration_ps, nothing.bytes_per_second, nothing.row_hit_rate) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("requests", "what"),
    [
        (DramRequests(np.array([2**50]), np.zeros(1, bool)), "request 0 has address"),
        (DramRequests(np.array([-1]), np.zeros(1, bool)), "request 0 has address -1"),
        (DramRequests(np.array([0.5]), np.zeros(1, bool)), "must be whole numbers"),
        (DramRequests(np.array([0]), np.zeros(2, bool)), "write has shape (2,)"),
        (DramRequests(np.array([0]), np.zeros(1)), "write must be true or false"),
        (DramRequests(np.array([0, 0]), np.zeros(2, bool), np.array([5, 4])), "must not decrease"),
        (DramRequests(np.array([0]), np.zeros(1, bool), np.array([2**62])), "must not decrease, from 0 on"),
        (DramRequests(np.array([0]), np.zeros(1, bool), np.array([0.0])), "whole picoseconds"),
    ],
)
def test_malformed_requests_are_refused(requests, what):
    with pytest.raises(InputError) as caught:
        simulate_dram(load_dram("DDR4-2400"), requests)
    assert what in str(caught.value)


def test_the_limit_of_outstanding_reads_is_kept():
    dram = load_dram("DDR4-2400")
    requests = pattern(dram, "rand_rd", 200)
    run = simulate_dram(dram, requests, outstanding=2)
    for accepted in run.accepted_ps:
        assert np.count_nonzero((run.accepted_ps <= accepted) & (run.done_ps > accepted)) <= 2
    assert run.duration_ps > simulate_dram(dram, requests).duration_ps
    with pytest.raises(InputError, match="outstanding is 0"):
        simulate_dram(dram, requests, outstanding=0)
    with pytest.raises(InputError, match="window is 0"):
        simulate_dram(dram, requests, window=0)


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = (dram_folder() / "DDR4-2400.yaml").read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("tRCDRD: 17", "tRCDRX: 17"), "tRCDRX is not a key of a DRAM profile"),
        (("ranks: 2, bank", "ranks: 3, bank"), "organisation.ranks is 3, not a power of two"),
        (("device_bits: 8", "device_bits: 48"), "organisation.device_bits is 48"),
        (("rows: 65536", "rows: 65536.5"), "organisation.rows must be a whole number"),
        (("ranks: 2, bank_groups: 4", "ranks: 128, bank_groups: 4"), "2048 banks in a channel"),
        (("address_mapping: rochrababgco", "address_mapping: rochrababgba"), "name each of ch, ra, bg, ba, ro, co"),
        (("tREFI: 9360", "tREFI: 936"), "timing_cycles.tREFI is 936"),
        (("tRTRS: 1", "tRTRS: 1, tRTW: 3"), "timing_cycles.tRTW is 3; the data of a write would meet"),
        (("io_pj_per_bit: null", "energy: null\ncontroller: {write_high: 40}"), "controller.write_high is 40"),
        (("currents:", "currents: null\nnotcurrents:"), "notcurrents is not a key"),
    ],
)
def test_mistakes_in_a_profile_are_named(tmp_path, change, what):
    with pytest.raises(InputError) as caught:
        load_dram(written(tmp_path, change))
    assert what in str(caught.value)
    assert "mine.yaml:" in caught.value.diagnostics[0].where


def test_a_slip_of_a_name_gets_a_hint():
    with pytest.raises(InputError, match="did you mean DDR4-2400"):
        load_dram("DDR4-2404")


INI = """[dram_structure]
protocol = HBM
bankgroups = 4
banks_per_group = 4
rows = 32768
columns = 64
device_width = 128
BL = 4

[timing]
tCK = 1
CL = 14
tRCDRD = 14
tRCDWR = 13
tREFI = 3900 ; comment

[system]
channel_size = 1024
channels = 8
bus_width = 128
address_mapping = rorabgbachco
"""


def test_a_dramsim3_configuration_is_read_with_its_defaults(tmp_path):
    path = tmp_path / "HBM2.ini"
    path.write_text(INI)
    dram = read_dramsim3(path)
    o, t = dram.organisation, dram.timing_cycles
    assert (o.channels, o.ranks, o.columns, o.access_bytes, o.burst_cycles) == (8, 1, 128, 64, 2)
    assert (t.CL, t.tRCDRD, t.tRCDWR, t.tRP, t.tRTRS, t.tREFI) == (14, 14, 13, 10, 2, 3900)
    assert (dram.controller.command_buses, dram.controller.bank_queue) == (2, 16)
    assert channel_of(dram).gaps.activate_write_bank == 13


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("protocol = HBM", "protocol = HMC", "HMC is not a DRAM channel"),
        ("CL = 14", "CL = fast", "[timing] CL is 'fast'"),
        ("CL = 14", "CL = 14.5", "not a whole number"),
        ("[dram_structure]", "[dram]", "has no section [dram_structure]"),
        ("channels = 8", "row_buf_policy = CLOSE_PAGE", "closes rows after use"),
        ("rows = 32768", "rows = 0", "has a size below one"),
    ],
)
def test_what_is_no_such_configuration_is_refused(tmp_path, old, new, what):
    path = tmp_path / "x.ini"
    path.write_text(INI.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_dramsim3(path)
    assert what in str(caught.value)


def test_the_reference_configuration_is_the_shipped_profile(shared: Path):
    """Apart from the clock, which is 0.833 ns here and 0.83 ns there."""
    for name, file in (("DDR4-2400", "DDR4_8Gb_x8_2400"), ("LPDDR4-2400", "LPDDR4_8Gb_x16_2400"),
                       ("HBM2", "HBM2_8Gb_x128")):  # fmt: skip
        ours, theirs = load_dram(name), read_dramsim3(shared / "reference" / "dram" / "configs" / f"{file}.ini")
        assert channel_of(ours) == channel_of(theirs)
        assert (ours.organisation, ours.currents) == (theirs.organisation, theirs.currents)
        assert ours.clock_ps == pytest.approx(theirs.clock_ps, rel=0.004)
