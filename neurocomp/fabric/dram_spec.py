"""One DRAM standard as typed, frozen values: organisation, JEDEC timing in clock cycles, controller, energy.

Files lie in chips/dram and follow the conventions of chip profiles: every number plain or with its origin.
Timing names are those of the JEDEC standards (JESD79-3, JESD79-4, JESD209-4, JESD209-5, JESD235, JESD250).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurocomp.chip.lawful import BrokenLaw, Lawful
from neurocomp.chip.part import EnergyPj, Part, PowerMw, Sentence
from neurocomp.chip.provenance import Provenance

MOST_BANKS = 1024  # csrc/dram.h: NC_DRAM_MAX_BANKS
MOST_ENTRIES = 1024  # NC_DRAM_MAX_QUEUE
FIELDS = ("ch", "pc", "ra", "bg", "ba", "ro", "co")

Cycles = Annotated[int, Field(ge=0, le=10**6)]
Entries = Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
Power2 = Annotated[int, Field(ge=1, le=2**31)]
Milliampere = Annotated[float, Field(ge=0, le=1e5)]


class Organisation(Part):
    """Channels with a data bus each. pseudo_channels share the command buses of their channel, not its data bus.

    bus_bits: data bus of one (pseudo) channel; device_bits: of one device, so that bus_bits / device_bits devices
    make up a rank. columns: bus-wide words of a row; burst_length: words of one access;
    words_per_clock: transfers on the data bus per clock cycle of the command bus.
    """

    channels: Power2
    pseudo_channels: Power2 = 1
    ranks: Power2
    bank_groups: Power2
    banks_per_group: Power2
    rows: Power2
    columns: Power2
    bus_bits: Annotated[int, Field(ge=8, le=4096, multiple_of=8)]
    device_bits: Annotated[int, Field(ge=4, le=4096)]
    burst_length: Power2
    words_per_clock: Power2

    @property
    def devices_per_rank(self) -> int:
        return self.bus_bits // self.device_bits

    @property
    def access_bytes(self) -> int:
        """Bytes of one read or write command."""
        return self.bus_bits // 8 * self.burst_length

    @property
    def burst_cycles(self) -> int:
        """Clock cycles for which an access occupies the data bus."""
        return max(1, self.burst_length // self.words_per_clock)

    @property
    def accesses_per_row(self) -> int:
        return self.columns // self.burst_length

    @property
    def banks(self) -> int:
        """Banks of one channel."""
        return self.pseudo_channels * self.ranks * self.bank_groups * self.banks_per_group

    @property
    def capacity_bytes(self) -> int:
        return self.channels * self.banks * self.rows * self.accesses_per_row * self.access_bytes


class Timing(Part):
    """JEDEC timing in clock cycles. tRC: null stands for tRAS + tRP. tRTW: from a read to a write command in the same
    rank; null stands for CL + burst - CWL + tRTRS. tRTRS: gap on the data bus when the rank changes. tREFI 0: no
    refresh."""

    AL: Cycles = 0
    CL: Cycles
    CWL: Cycles
    tRCDRD: Cycles
    tRCDWR: Cycles
    tRP: Cycles
    tRAS: Cycles
    tRC: Cycles | None = None
    tRRD_S: Cycles
    tRRD_L: Cycles
    tFAW: Cycles
    tCCD_S: Cycles
    tCCD_L: Cycles
    tWTR_S: Cycles
    tWTR_L: Cycles
    tWR: Cycles
    tRTP: Cycles
    tRTW: Cycles | None = None
    tRTRS: Cycles
    tPPD: Cycles = 0
    tRFC: Cycles
    tREFI: Cycles


class Controller(Part):
    """The memory controller, as far as it decides about time.

    scheduler: ``bank_queues`` (requests move on to a queue per bank) or ``single_queue``; arbitration between banks:
    ``turns`` or ``oldest`` first. write_high, write_low: when writes are served, see csrc/dram.h. row_hit_cap: row
    hits that may overtake an older request to the bank (0: no limit). front_cycles: from the last data to the
    requester. command_buses: 2 if row and column commands have their own. activate_slots, column_slots: cycles for
    which a command occupies its bus. refresh: ranks one after the other or together.
    """

    scheduler: Literal["bank_queues", "single_queue"] = "bank_queues"
    arbitration: Literal["turns", "oldest"] = "turns"
    read_queue: Entries = 32
    write_queue: Entries = 32
    bank_queue: Entries = 8
    write_high: Entries = 32
    write_low: Annotated[int, Field(ge=0, le=MOST_ENTRIES)] = 8
    row_hit_cap: Annotated[int, Field(ge=0, le=MOST_ENTRIES)] = 4
    front_cycles: Cycles = 1
    command_buses: Literal[1, 2] = 1
    activate_slots: Annotated[int, Field(ge=1, le=64)] = 1
    column_slots: Annotated[int, Field(ge=1, le=64)] = 1
    refresh: Literal["staggered", "together"] = "staggered"


class Currents(Part):
    """Supply currents of one device as data sheets give them (JESD79-4, section IDD). refresh: IDD5B."""

    vdd_v: Annotated[float, Field(gt=0, le=10)]
    idd0_ma: Milliampere
    idd2n_ma: Milliampere
    idd3n_ma: Milliampere
    idd4r_ma: Milliampere
    idd4w_ma: Milliampere
    idd5b_ma: Milliampere


class CommandEnergy(Part):
    """Energy of one command for all devices of a rank, above standby; activate includes the precharge."""

    activate_pj: EnergyPj
    read_pj: EnergyPj
    write_pj: EnergyPj
    refresh_pj: EnergyPj
    active_standby_mw: PowerMw
    precharged_standby_mw: PowerMw


class DramSpec(Lawful):
    """One DRAM: see the parts. address_mapping: fields from the highest to the lowest address bits, two letters each:
    ch channel, pc pseudo channel, ra rank, bg bank group, ba bank, ro row, co column. Exactly one of ``currents`` and
    ``energy`` is given. io_pj_per_bit: drivers, termination and PHY of both sides; None: unknown, left out."""

    noun: ClassVar[str] = "DRAM profile"

    schema_: Literal["neurocomp/dram/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    clock_ps: Annotated[int, Field(ge=1, le=10**6)]
    organisation: Organisation
    address_mapping: str
    timing_cycles: Timing
    controller: Controller = Controller()
    currents: Currents | None = None
    energy: CommandEnergy | None = None
    io_pj_per_bit: Annotated[float, Field(ge=0, le=1e3)] | None = None
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    def broken_laws(self) -> Iterator[BrokenLaw]:
        """Values of the sheet that contradict each other."""
        yield from _broken_laws(self)

    @property
    def fields(self) -> tuple[str, ...]:
        """The address mapping as a tuple, highest bits first."""
        return tuple(re.findall("..", self.address_mapping))

    @property
    def peak_bytes_per_second(self) -> float:
        """Of all data buses."""
        o = self.organisation
        buses = o.channels * o.pseudo_channels
        return buses * o.access_bytes / (o.burst_cycles * self.clock_ps) * 1e12


def _broken_laws(dram: DramSpec) -> Iterator[BrokenLaw]:
    yield from _organisation(dram.organisation)
    yield from _mapping(dram)
    yield from _controller(dram.controller)
    yield from _refresh(dram)
    yield from _turnaround(dram)
    if (dram.currents is None) == (dram.energy is None):
        yield BrokenLaw("energy", "and currents: exactly one of them is needed", "give the other as null")


def _organisation(o: Organisation) -> Iterator[BrokenLaw]:
    for name, value in o:
        if name not in ("bus_bits", "device_bits") and value & (value - 1):
            yield BrokenLaw(f"organisation.{name}", f"is {value}, not a power of two")
    if o.bus_bits % o.device_bits:
        yield BrokenLaw("organisation.device_bits", f"is {o.device_bits}; the bus has {o.bus_bits}, no multiple")
    if o.burst_length > o.columns:
        yield BrokenLaw("organisation.burst_length", f"is {o.burst_length}, more than the {o.columns} columns of a row")
    if o.banks > MOST_BANKS:
        yield BrokenLaw("organisation.ranks", f"make {o.banks} banks in a channel; at most {MOST_BANKS} are possible")


def _mapping(dram: DramSpec) -> Iterator[BrokenLaw]:
    needed = [f for f in FIELDS if f != "pc" or dram.organisation.pseudo_channels > 1]
    if sorted(dram.fields) != sorted(needed) or len(dram.address_mapping) != 2 * len(needed):
        what = f"is {dram.address_mapping!r}, but must name each of {', '.join(needed)} once"
        yield BrokenLaw("address_mapping", what, "for example " + "".join(reversed(["co", *needed[:-1]])))


def _controller(c: Controller) -> Iterator[BrokenLaw]:
    if c.write_high > c.write_queue:
        yield BrokenLaw("controller.write_high", f"is {c.write_high}, more than write_queue holds ({c.write_queue})")
    if c.scheduler == "single_queue" and c.write_low >= c.write_high:
        yield BrokenLaw("controller.write_low", f"is {c.write_low}, not below write_high ({c.write_high})")


def _refresh(dram: DramSpec) -> Iterator[BrokenLaw]:
    """The condition under which csrc/dram_check.c is sure that requests get their turn."""
    t, o = dram.timing_cycles, dram.organisation
    if t.tREFI == 0:
        return
    row_cycle = t.tRAS + t.AL + t.tRTP + t.AL + t.CWL + o.burst_cycles + t.tWR + t.tRP + t.tRCDRD + t.tRCDWR
    ranks = o.pseudo_channels * o.ranks
    least = max(2 * (t.tRFC + ranks * row_cycle), ranks)
    if t.tREFI < least:
        yield BrokenLaw("timing_cycles.tREFI", f"is {t.tREFI}; with tRFC {t.tRFC} it must be at least {least}")


def _turnaround(dram: DramSpec) -> Iterator[BrokenLaw]:
    t = dram.timing_cycles
    least = t.CL + dram.organisation.burst_cycles - t.CWL
    if t.tRTW is not None and t.tRTW < least:
        yield BrokenLaw(
            "timing_cycles.tRTW",
            f"is {t.tRTW}; the data of a write would meet that of the read before it",
            f"at least CL + burst - CWL = {least}, or null",
        )
