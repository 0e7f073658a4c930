"""From JEDEC timing to the least gaps between two commands, in clock cycles.

The rules are those of the standards' command tables (e.g. JESD79-4C, table 169): data bursts must not collide, the
data bus needs tRTRS when ranks change, tWTR runs from the end of the write's data.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurocomp.fabric.dram_spec import DramSpec


@dataclass(frozen=True)
class Gaps:
    """Cycles from the first command to the second, named first_second_scope; scope is where both go: the same bank,
    bank group, rank, or another rank on the same data bus. Not positive: no restriction."""

    activate_read_bank: int
    activate_write_bank: int
    activate_precharge_bank: int
    activate_activate_bank: int
    activate_activate_group: int
    activate_activate_rank: int
    window: int
    precharge_activate_bank: int
    precharge_precharge_rank: int
    read_read_group: int
    read_read_rank: int
    read_read_other: int
    read_write_rank: int
    read_write_other: int
    read_precharge_bank: int
    write_write_group: int
    write_write_rank: int
    write_write_other: int
    write_read_group: int
    write_read_rank: int
    write_read_other: int
    write_precharge_bank: int
    refresh_activate: int
    read_data: int
    write_data: int


def gaps_of(dram: DramSpec) -> Gaps:
    """The gaps of a DRAM. window: span within which a rank takes at most four activates (tFAW); read_data and
    write_data: from the command to the end of its burst."""
    t, burst = dram.timing_cycles, dram.organisation.burst_cycles
    read_latency, write_latency = t.AL + t.CL, t.AL + t.CWL
    read_to_write = read_latency + burst - write_latency + t.tRTRS
    written = write_latency + burst
    return Gaps(
        activate_read_bank=t.tRCDRD - t.AL,
        activate_write_bank=t.tRCDWR - t.AL,
        activate_precharge_bank=t.tRAS,
        activate_activate_bank=t.tRAS + t.tRP if t.tRC is None else t.tRC,
        activate_activate_group=t.tRRD_L,
        activate_activate_rank=t.tRRD_S,
        window=t.tFAW,
        precharge_activate_bank=t.tRP,
        precharge_precharge_rank=t.tPPD,
        read_read_group=max(burst, t.tCCD_L),
        read_read_rank=max(burst, t.tCCD_S),
        read_read_other=burst + t.tRTRS,
        read_write_rank=read_to_write if t.tRTW is None else t.tRTW,
        read_write_other=read_to_write,
        read_precharge_bank=t.AL + t.tRTP,
        write_write_group=max(burst, t.tCCD_L),
        write_write_rank=max(burst, t.tCCD_S),
        write_write_other=burst,
        write_read_group=written + t.tWTR_L,
        write_read_rank=written + t.tWTR_S,
        write_read_other=written + t.tRTRS - read_latency,
        write_precharge_bank=written + t.tWR,
        refresh_activate=t.tRFC,
        read_data=read_latency + burst,
        write_data=written,
    )
