"""DRAM configurations in the form of DRAMsim3 (.ini), a form in which many are at hand.

Meaning of the keys after its documentation and code (Li et al., DRAMsim3, IEEE CAL 2020): columns of HBM are
prefetches of two words, those of GDDR whole bursts; missing keys have that simulator's defaults.
"""

from __future__ import annotations

import configparser
from pathlib import Path

from neurocomp.errors import bad_input
from neurocomp.fabric.dram_spec import DramSpec

WORDS_PER_CLOCK = {"GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}  # two for all others
TIMING_DEFAULTS = {
    "AL": 0, "CL": 12, "CWL": 12, "tRP": 10, "tRAS": 24, "tRRD_S": 4, "tRRD_L": 4, "tFAW": 50, "tCCD_S": 4,
    "tCCD_L": 6, "tWTR_S": 5, "tWTR_L": 5, "tWR": 10, "tRTP": 5, "tRTRS": 2, "tPPD": 0, "tRFC": 74, "tREFI": 7800,
}  # fmt: skip
CURRENT_DEFAULTS = {"VDD": 1.2, "IDD0": 48, "IDD2N": 34, "IDD3N": 43, "IDD4R": 135, "IDD4W": 123, "IDD5AB": 250}


def read_dramsim3(path: Path) -> DramSpec:
    """Read a DRAMsim3 configuration. Raises InputError if it is not one, or one of a form that has no counterpart
    here (HMC, refresh of single banks, closed-page policy, queues per rank, a unified queue)."""
    ini = _Ini(path)
    protocol = ini.text("dram_structure", "protocol", "DDR3")
    ini.refuse(protocol == "HMC", "HMC is not a DRAM channel")
    ini.refuse(ini.text("system", "refresh_policy", "").startswith("BANK"), "refreshes single banks")
    ini.refuse(ini.text("system", "row_buf_policy", "OPEN_PAGE") != "OPEN_PAGE", "closes rows after use")
    ini.refuse(ini.text("system", "queue_structure", "PER_BANK") != "PER_BANK", "has queues per rank")
    ini.refuse(ini.text("system", "unified_queue", "false").lower() == "true", "has a unified queue")
    grouped = ini.text("dram_structure", "bankgroup_enable", "true").lower() != "false"
    organisation = _organisation(ini, protocol, grouped)
    return DramSpec.model_validate({
        "schema": "neurocomp/dram/1",
        "name": path.stem,
        "title": f"{protocol} after {path.name}",
        "clock_ps": round(ini.number("timing", "tCK", 1.0) * 1000),
        "organisation": organisation,
        "address_mapping": ini.text("system", "address_mapping", "chrobabgraco"),
        "timing_cycles": _timing(ini, protocol),
        "controller": _controller(ini, protocol),
        "currents": _currents(ini),
    })  # fmt: skip


class _CaseKept(configparser.ConfigParser):
    """Keys keep their case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


class _Ini:
    """Typed access to the file, with messages that name it."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.file = _CaseKept(inline_comment_prefixes=(";",), interpolation=None)
        try:
            self.file.read_string(path.read_text("utf-8"), self.where)
        except (OSError, ValueError, configparser.Error) as error:
            reason = str(error).splitlines()[0]
            raise bad_input(self.where, f"is no DRAMsim3 configuration: {reason}") from None
        self.refuse(not self.file.has_section("dram_structure"), "has no section [dram_structure]")

    def refuse(self, condition: bool, what: str) -> None:
        if condition:
            raise bad_input(self.where, what, hint="write a DRAM profile of your own (chips/dram has examples)")

    def text(self, section: str, key: str, default: str) -> str:
        return self.file.get(section, key, fallback=default).strip()

    def number(self, section: str, key: str, default: float) -> float:
        value = self.text(section, key, str(default))
        try:
            return float(value)
        except ValueError:
            raise bad_input(self.where, f"[{section}] {key} is {value!r}, not a number") from None

    def whole(self, section: str, key: str, default: int) -> int:
        value = self.number(section, key, default)
        self.refuse(value != int(value), f"has [{section}] {key} = {value}, not a whole number")
        return int(value)


def _organisation(ini: _Ini, protocol: str, grouped: bool) -> dict[str, int]:
    groups, banks = ini.whole("dram_structure", "bankgroups", 2), ini.whole("dram_structure", "banks_per_group", 2)
    burst, rows = ini.whole("dram_structure", "BL", 8), ini.whole("dram_structure", "rows", 1 << 16)
    device, bus = ini.whole("dram_structure", "device_width", 8), ini.whole("system", "bus_width", 64)
    columns = ini.whole("dram_structure", "columns", 1 << 10)
    columns *= burst if protocol.startswith("GDDR") else 2 if protocol.startswith("HBM") else 1
    ini.refuse(min(device, bus, columns, burst, rows, groups, banks) < 1, "has a size below one")
    rank_mib = columns * device // 8 * rows // 2**20 * groups * banks * (bus // device)
    ini.refuse(rank_mib == 0, "has ranks of less than one MiB")
    return {
        "channels": ini.whole("system", "channels", 1),
        "ranks": max(1, ini.whole("system", "channel_size", 1024) // rank_mib),
        "bank_groups": groups if grouped else 1,
        "banks_per_group": banks if grouped else banks * groups,
        "rows": rows,
        "columns": columns,
        "bus_bits": bus,
        "device_bits": device,
        "burst_length": burst,
        "words_per_clock": WORDS_PER_CLOCK.get(protocol, 2),
    }


def _timing(ini: _Ini, protocol: str) -> dict[str, int]:
    cycles = {key: ini.whole("timing", key, default) for key, default in TIMING_DEFAULTS.items()}
    both = protocol.startswith(("HBM", "GDDR"))
    together = ini.whole("timing", "tRCD", 10)
    cycles["tRCDRD"] = ini.whole("timing", "tRCDRD", 24) if both else together
    cycles["tRCDWR"] = ini.whole("timing", "tRCDWR", 20) if both else together
    if not (protocol.startswith("GDDR") or protocol == "LPDDR4"):
        cycles["tPPD"] = 0  # no such gap there
    return cycles


def _controller(ini: _Ini, protocol: str) -> dict[str, object]:
    entries = ini.whole("system", "trans_queue_size", 32)
    dual = protocol.startswith("HBM") and ini.text("dram_structure", "hbm_dual_cmd", "true").lower() != "false"
    together = ini.text("system", "refresh_policy", "") == "RANK_LEVEL_SIMULTANEOUS"
    return {
        "read_queue": entries,
        "write_queue": entries,
        "write_high": entries,
        "bank_queue": ini.whole("system", "cmd_queue_size", 16),
        "command_buses": 2 if dual else 1,
        "refresh": "together" if together else "staggered",
    }


def _currents(ini: _Ini) -> dict[str, float]:
    named = {"VDD": "vdd_v", "IDD5AB": "idd5b_ma"}
    return {
        named.get(key, f"{key.lower()}_ma"): ini.number("power", key, default)
        for key, default in CURRENT_DEFAULTS.items()
    }
