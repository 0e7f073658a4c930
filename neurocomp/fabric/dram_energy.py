"""Energy of a DRAM: counts of commands times energy per command, plus standby, refresh and, if known, I/O.

Commands follow the method of Micron's technical notes TN-41-01 and TN-40-07 (Calculating memory system power): an
activate with its precharge is the IDD0 loop less the standby in it, a burst is IDD4 less active standby, a refresh
IDD5B less active standby; currents times supply voltage times time, for all devices of a rank. Attojoules, integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from neurocomp.errors import check_failed
from neurocomp.fabric.dram_channel import Counts
from neurocomp.fabric.dram_gaps import gaps_of
from neurocomp.fabric.dram_spec import Currents, DramSpec


@dataclass(frozen=True)
class CommandCosts:
    """Attojoules per command; microwatts per rank in standby (microwatts times picoseconds are attojoules)."""

    activate_aj: int
    read_aj: int
    write_aj: int
    refresh_aj: int
    active_standby_uw: int
    precharged_standby_uw: int


@dataclass(frozen=True)
class DramEnergy:
    """Attojoules by cause. io_aj: None if the energy per bit on the wires is unknown; it is then in no sum."""

    activate_aj: int
    read_aj: int
    write_aj: int
    refresh_aj: int
    active_standby_aj: int
    precharged_standby_aj: int
    io_aj: int | None

    @property
    def dynamic_aj(self) -> int:
        """Activates, reads and writes."""
        return self.activate_aj + self.read_aj + self.write_aj

    @property
    def background_aj(self) -> int:
        return self.active_standby_aj + self.precharged_standby_aj

    @property
    def total_aj(self) -> int:
        return self.dynamic_aj + self.refresh_aj + self.background_aj + (self.io_aj or 0)


def command_costs(dram: DramSpec) -> CommandCosts:
    """What each command costs, for all devices of a rank."""
    if dram.energy is not None:
        e = dram.energy
        pj = (e.activate_pj, e.read_pj, e.write_pj, e.refresh_pj)
        mw = (e.active_standby_mw, e.precharged_standby_mw)
        return CommandCosts(*(_whole(x, 10**6) for x in pj), *(_whole(x, 1000) for x in mw))
    if dram.currents is not None:
        return _from_currents(dram, dram.currents)
    raise check_failed(dram.name, "has neither currents nor energies")  # its laws demand one of them


def _from_currents(dram: DramSpec, i: Currents) -> CommandCosts:
    t, gaps = dram.timing_cycles, gaps_of(dram)
    burst = dram.organisation.burst_cycles
    row_cycle = gaps.activate_activate_bank
    # milliampere x volt x picosecond = femtojoule
    per_cycle = Fraction(str(i.vdd_v)) * dram.organisation.devices_per_rank * dram.clock_ps * 1000
    idd0, idd2n, idd3n = (Fraction(str(x)) for x in (i.idd0_ma, i.idd2n_ma, i.idd3n_ma))
    idd4r, idd4w, idd5b = (Fraction(str(x)) for x in (i.idd4r_ma, i.idd4w_ma, i.idd5b_ma))
    standby = idd3n * t.tRAS + idd2n * (row_cycle - t.tRAS)
    per_rank_uw = Fraction(str(i.vdd_v)) * dram.organisation.devices_per_rank * 1000
    return CommandCosts(
        activate_aj=max(0, round((idd0 * row_cycle - standby) * per_cycle)),
        read_aj=max(0, round((idd4r - idd3n) * burst * per_cycle)),
        write_aj=max(0, round((idd4w - idd3n) * burst * per_cycle)),
        refresh_aj=max(0, round((idd5b - idd3n) * t.tRFC * per_cycle)),
        active_standby_uw=round(idd3n * per_rank_uw),
        precharged_standby_uw=round(idd2n * per_rank_uw),
    )


def dram_energy(dram: DramSpec, counts: Counts) -> DramEnergy:
    """Energy of what was counted in one or several channels of a DRAM."""
    cost = command_costs(dram)
    bits = (counts.reads + counts.writes) * dram.organisation.access_bytes * 8
    return DramEnergy(
        activate_aj=counts.activates * cost.activate_aj,
        read_aj=counts.reads * cost.read_aj,
        write_aj=counts.writes * cost.write_aj,
        refresh_aj=counts.refreshes * cost.refresh_aj,
        active_standby_aj=counts.active_cycles * dram.clock_ps * cost.active_standby_uw,
        precharged_standby_aj=counts.precharged_cycles * dram.clock_ps * cost.precharged_standby_uw,
        io_aj=None if dram.io_pj_per_bit is None else bits * _whole(dram.io_pj_per_bit, 10**6),
    )


def _whole(value: float, factor: int) -> int:
    return round(Fraction(str(value)) * factor)
