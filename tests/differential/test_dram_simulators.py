"""Bandwidth, latency and energy of the DRAM model against runs of DRAMsim3 and Ramulator 2.1.

The reference runs had random numbers of their own, so that single rows scatter by about a percent.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from neurocomp.fabric.dram import DramRun, run_channel, simulate_dram
from neurocomp.fabric.dram_bound import read_latency_ps
from neurocomp.fabric.dram_catalog import load_dram
from neurocomp.fabric.dram_channel import Channel, ChannelRequests, channel_of
from neurocomp.fabric.dram_ini import read_dramsim3
from neurocomp.fabric.dram_spec import DramSpec
from tests.dram_patterns import pattern

MAKES_ROWS = 20000  # requests of each Ramulator row


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "dram"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=8)
def configuration(path: Path) -> DramSpec:
    return read_dramsim3(path)


def served(folder: Path, row: dict[str, str]) -> DramRun:
    dram = configuration(folder / "configs" / row["config"])
    load = None if row["load_frac_of_peak"] == "closed" else float(row["load_frac_of_peak"])
    return simulate_dram(dram, pattern(dram, row["pattern"], int(row["n_req"]), load=load))


def check(errors: list[float], on_average: float, at_most: float) -> None:
    assert mean(abs(error) for error in errors) <= on_average
    assert max(abs(error) for error in errors) <= at_most


def test_closed_loop_bandwidth_and_energy_are_those_of_dramsim3(folder: Path) -> None:
    rows = [row for row in rows_of(folder / "dramsim3.csv") if row["load_frac_of_peak"] == "closed"]
    bandwidth, dynamic, total = [], [], []
    for row in rows:
        run = served(folder, row)
        bits = int(row["n_req"]) * int(row["req_bytes"]) * 8
        bandwidth.append(run.bytes_per_second / 1e9 / float(row["bw_GBs"]) - 1)
        dynamic.append(run.energy.dynamic_aj / 1e6 / bits / float(row["pJ_per_bit_dyn"]) - 1)
        total.append(run.energy.total_aj / 1e6 / bits / float(row["pJ_per_bit_total"]) - 1)
    assert len(rows) >= 24
    check(bandwidth, 0.01, 0.03)
    check(dynamic, 0.01, 0.05)
    check(total, 0.01, 0.05)


def test_open_loop_read_latency_is_that_of_dramsim3(folder: Path) -> None:
    rows = [
        row for row in rows_of(folder / "dramsim3.csv")
        if row["load_frac_of_peak"] != "closed" and float(row["load_frac_of_peak"]) <= 0.6
    ]  # fmt: skip
    errors = [served(folder, row).latency_ps.mean() / 1000 / float(row["avg_rd_lat_ns"]) - 1 for row in rows]
    assert len(rows) >= 26
    check(errors, 0.03, 0.10)


def test_rows_without_chance_are_exact(folder: Path) -> None:
    """A sequential read leaves nothing to chance: cycles and every quantile of the latency are the same."""
    rows = [row for row in rows_of(folder / "dramsim3.csv") if row["pattern"] == "seq_rd"]
    for row in (row for row in rows if row["load_frac_of_peak"] == "closed"):
        run = served(folder, row)
        cycles = (run.done_ps - run.accepted_ps) // run.dram.clock_ps
        assert cycles.mean() == pytest.approx(float(row["avg_rd_lat_cyc"]), abs=0.01)
        assert np.percentile(cycles, [50, 99]).tolist() == [int(row["p50_cyc"]), int(row["p99_cyc"])]
        assert run.counts.activates == int(row["n_act"])


# GB/s, pJ/bit without and with standby of DRAMsim3 with HBM2_8Gb_x128.ini, 64 requests a channel waiting for room
HBM2_RUNS = {
    "seq_rd": (235.4, 1.62, 1.96), "seq_wr": (237.2, 2.13, 2.46), "seq_mix": (221.3, 1.80, 2.15),
    "rand_rd": (60.8, 3.19, 4.51), "rand_wr": (62.9, 3.70, 4.96), "rand_mix": (60.8, 3.37, 4.68),
    "spike_rd128": (119.2, 2.38, 3.05), "spike_rd256": (224.5, 1.98, 2.33), "spike_rd512": (224.1, 1.78, 2.13),
    "spike_rd1024": (216.3, 1.68, 2.04), "spike_rd4096": (207.2, 1.62, 2.00),
}  # fmt: skip


def test_eight_channels_of_hbm2_behind_one_door_are_those_of_dramsim3() -> None:
    dram, count = load_dram("HBM2"), 80_000
    bandwidth, energy = [], []
    for name, (gigabytes, dynamic, total) in HBM2_RUNS.items():
        run = simulate_dram(dram, pattern(dram, name, count), window=64 * dram.organisation.channels)
        bits = count * dram.organisation.access_bytes * 8
        bandwidth.append(run.bytes_per_second / 1e9 / gigabytes - 1)
        energy.append(run.energy.dynamic_aj / 1e6 / bits / dynamic - 1)
        energy.append(run.energy.total_aj / 1e6 / bits / total - 1)
    check(bandwidth, 0.04, 0.08)
    check(energy, 0.01, 0.04)


# what the second simulator has instead of queues per bank
SINGLE_QUEUE = {
    "scheduler": "single_queue", "arbitration": "oldest", "write_high": 26, "write_low": 6, "row_hit_cap": 0,
}  # fmt: skip


def as_in_ramulator(name: str) -> tuple[DramSpec, Channel]:
    """The presets DDR4_2400R, HBM2_2000Mbps (with queues of 64 entries) and LPDDR5_6400 of that simulator."""
    dram = load_dram({"DDR4": "DDR4-2400", "HBM2": "HBM2", "LPDDR5": "LPDDR5-6400"}[name])
    organisation, timing, controller = {}, {}, dict(SINGLE_QUEUE)
    if name == "DDR4":
        organisation = {"ranks": 1}
        timing = {
            "CL": 16, "tRCDRD": 16, "tRCDWR": 16, "tRP": 16, "tRC": 55, "tRTRS": 2, "tRTW": 10, "tRFC": 433,
            "tREFI": 9364,
        }  # fmt: skip
    if name == "HBM2":
        organisation = {"channels": 1, "pseudo_channels": 2, "bus_bits": 64, "device_bits": 64}
        timing = {
            "CWL": 5, "tRCDWR": 12, "tFAW": 16, "tCCD_S": 2, "tCCD_L": 4, "tRTW": 13, "tRFC": 160,
        }  # fmt: skip
        controller |= {
            "refresh": "together", "activate_slots": 2, "read_queue": 64, "write_queue": 64, "write_high": 52,
            "write_low": 12,
        }  # fmt: skip
    dram = dram.model_copy(update={
        "organisation": dram.organisation.model_copy(update=organisation),
        "timing_cycles": dram.timing_cycles.model_copy(update=timing),
        "controller": dram.controller.model_copy(update=controller),
    })  # fmt: skip
    return dram, channel_of(dram)


def ramulator_requests(channel: Channel, name: str, read_percent: int) -> ChannelRequests:
    """stream and seq go through the bank groups in turn; rand_x<n> are random rows of n accesses."""
    draw = np.random.default_rng(1)
    if name.startswith("rand"):
        length = int(name.removeprefix("rand_x"))
        rows = -(-MAKES_ROWS // length)
        bank = np.repeat(draw.integers(0, channel.ranks * channel.groups * channel.banks, rows), length)[:MAKES_ROWS]
        row = np.repeat(draw.integers(0, 8192, rows), length)[:MAKES_ROWS]
    else:
        rest, group = np.divmod(np.arange(MAKES_ROWS), channel.groups)
        rest, rank = np.divmod(rest, channel.ranks)
        row, in_group = np.divmod(rest // 64, channel.banks)
        bank = (rank * channel.groups + group) * channel.banks + in_group
    write = draw.random(MAKES_ROWS) * 100 >= read_percent
    return ChannelRequests(np.zeros(MAKES_ROWS, np.int64), bank, row, write)


def test_bandwidth_is_that_of_ramulator(folder: Path) -> None:
    rows = [row for row in rows_of(folder / "ramulator21.csv") if not row["pattern"].startswith("probe")]
    errors = []
    for row in rows:
        dram, channel = as_in_ramulator(row["dram"])
        requests = ramulator_requests(channel, row["pattern"], int(row["read_ratio"]))
        cycles = run_channel(channel, requests).counts.cycles
        moved = MAKES_ROWS * dram.organisation.access_bytes
        errors.append(moved / (cycles * dram.clock_ps) * 1e3 / float(row["tput_GBs"]) - 1)
    assert len(rows) == 27
    check(errors, 0.02, 0.06)


@pytest.mark.parametrize("name", ["DDR4", "HBM2", "LPDDR5"])
def test_latency_of_a_lone_probe_is_that_of_ramulator(folder: Path, name: str) -> None:
    """The least loaded run, a row miss each time."""
    probes = [r for r in rows_of(folder / "ramulator21.csv") if r["dram"] == name and r["pattern"].startswith("probe")]
    lone = min(probes, key=lambda row: float(row["tput_GBs"]))
    found = read_latency_ps(as_in_ramulator(name)[0], "conflict") / 1000
    assert found == pytest.approx(float(lone["lat_ns_probe"]), rel=0.06)


def test_the_comparison_can_fail(folder: Path) -> None:
    """A model without refreshes or with a wrong activation window is told apart."""
    rows = rows_of(folder / "dramsim3.csv")
    row = next(r for r in rows if r["pattern"] == "rand_rd" and r["load_frac_of_peak"] == "closed")
    dram = configuration(folder / "configs" / row["config"])
    channel = channel_of(dram)
    places = served(folder, row)
    wrong = replace(channel, gaps=replace(channel.gaps, window=2 * channel.gaps.window))
    draw = np.random.default_rng(2)
    n = int(row["n_req"])
    requests = ChannelRequests(
        np.zeros(n, np.int64), draw.integers(0, dram.organisation.banks, n), draw.integers(0, 8192, n), np.zeros(n)
    )
    slow, right = run_channel(wrong, requests).counts.cycles, run_channel(channel, requests).counts.cycles
    assert right == pytest.approx(places.duration_ps / dram.clock_ps, rel=0.02)
    assert slow > 1.3 * right
