"""The memories of a profile: those of a core, with what an access costs where that is known, and the DRAM outside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurocomp.chip.part import EnergyPj, Part, PowerMw

Holding = Literal["synapses", "neuron_state", "axons_in", "axons_out"]
DramName = Literal["DDR3-1600", "DDR4-2400", "GDDR6", "HBM2", "HBM2E", "LPDDR4-2400", "LPDDR5-6400"]

# what the table behind neurocomp.fabric.sram covers: KiB of one bank, and nodes by device type
BANK_KIB = (1, 1024)
NODES_NM = {"hp": (22, 65), "lop": (22, 32)}


class SramMacro(Part):
    """An SRAM whose costs are taken from CACTI 7 (neurocomp.fabric.sram) instead of being stated.

    width_bits: of one access; banks: equal macros that make up the memory, one of which serves an access; cell:
    device type, high performance or low operating power.
    """

    node_nm: Annotated[float, Field(ge=22, le=65)]
    width_bits: Annotated[int, Field(ge=32, le=128)]
    banks: Annotated[int, Field(ge=1, le=2**20)] = 1
    cell: Literal["hp", "lop"] = "hp"


class Memory(Part):
    """One memory of a core and what it holds; several kinds of content share its space.

    access_bits: of one read or write; read_pj, write_pj: its energy; leakage_mw: of the whole memory. What is None is
    taken from ``sram`` if that is given, and is unknown otherwise; see neurocomp.fabric.chip_memory.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")]
    size_kib: Annotated[float, Field(gt=0, le=2**20)]
    holds: Annotated[tuple[Holding, ...], Field(strict=False, min_length=1)]
    access_bits: Annotated[int, Field(ge=1, le=65536)] | None = None
    read_pj: EnergyPj | None = None
    write_pj: EnergyPj | None = None
    leakage_mw: PowerMw | None = None
    sram: SramMacro | None = None

    @property
    def size_bits(self) -> int:
        return int(self.size_kib * 8192)


class Dram(Part):
    """The DRAM beside the chip. standard: one of chips/dram; channels: as many of its channels as the chip has."""

    standard: DramName
    channels: Annotated[int, Field(ge=1, le=128)] = 1
