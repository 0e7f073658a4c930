"""What the memories of a chip profile cost: an access to a core's memory, and the DRAM beside the chip.

A figure that the profile states is the profile's, with its origin. What it leaves open comes from the SRAM macro that
it names (neurocomp.fabric.sram) and is ``derived``; without a macro it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurocomp.chip.memory import Memory
from neurocomp.chip.messages import did_you_mean
from neurocomp.chip.provenance import Provenance
from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import bad_input
from neurocomp.fabric.dram_catalog import load_dram
from neurocomp.fabric.dram_spec import DramSpec
from neurocomp.fabric.sram import sram_cost

FIGURES = {"access_bits": "bit", "read_pj": "pJ", "write_pj": "pJ", "leakage_mw": "mW"}


@dataclass(frozen=True)
class MemoryCost:
    """What one memory of a core costs. read_pj, write_pj: one access of ``access_bits``; leakage_mw: the whole memory
    of one core, always. Each with its origin; None where it is unknown."""

    memory: str
    access_bits: Provenance | None
    read_pj: Provenance | None
    write_pj: Provenance | None
    leakage_mw: Provenance | None


def memory_cost(chip: ChipSpec, name: str) -> MemoryCost:
    """The costs of a core's memory by its name. Raises InputError if no memory has that name."""
    for place, memory in enumerate(chip.core.memories):
        if memory.name == name:
            derived = _from_macro(memory)
            stated = {figure: _stated(chip, place, memory, figure) for figure in FIGURES}
            return MemoryCost(name, **{figure: stated[figure] or derived.get(figure) for figure in FIGURES})
    names = [memory.name for memory in chip.core.memories]
    raise bad_input(chip.name, f"no memory of a core is called {name!r}", hint=did_you_mean(name, names))


def _stated(chip: ChipSpec, place: int, memory: Memory, figure: str) -> Provenance | None:
    value = getattr(memory, figure)
    if value is None:
        return None
    return chip.provenance.get(f"core.memories[{place}].{figure}") or Provenance(value=value)


def _from_macro(memory: Memory) -> dict[str, Provenance]:
    macro = memory.sram
    if macro is None:
        return {}
    bank_kib = memory.size_kib / macro.banks
    cost = sram_cost(bank_kib, macro.width_bits, macro.node_nm, macro.cell)
    several = f"{macro.banks} banks of " if macro.banks > 1 else ""
    note = f"{several}{bank_kib:g} KiB, {macro.width_bits} bits wide, {macro.node_nm:g} nm {macro.cell}"
    note += f" ({cost.note})" if cost.note else ""
    values = {
        "access_bits": macro.width_bits,
        "read_pj": round(cost.read_pj, 6),
        "write_pj": round(cost.write_pj, 6),
        "leakage_mw": round(cost.leakage_mw * macro.banks, 6),
    }
    return {
        figure: Provenance(value=value, source=cost.source, kind="derived", note=note)
        for figure, value in values.items()
    }


def dram_of(chip: ChipSpec) -> DramSpec | None:
    """The DRAM that the profile names, with as many channels as the chip has; None if it names none."""
    if chip.dram is None:
        return None
    standard = load_dram(chip.dram.standard)
    organisation = standard.organisation.model_copy(update={"channels": chip.dram.channels})
    return standard.model_copy(update={"organisation": organisation})


def describe_memories(chip: ChipSpec) -> str:
    """As text: what follows from the macros and the standard that the profile names; empty if it names none."""
    lines = [line for memory in chip.core.memories if memory.sram is not None for line in _memory_lines(chip, memory)]
    dram = dram_of(chip)
    if dram is not None:
        o = dram.organisation
        lines.append(
            f"  dram: {dram.peak_bytes_per_second / 1e9:.4g} GB/s at most, {o.capacity_bytes / 2**30:g} GiB, "
            f"{o.channels} x {o.bus_bits * o.pseudo_channels} bits, bursts of {o.access_bytes} bytes"
        )
    return "\n".join(["", "costs that follow from the memories named above", *lines, ""]) if lines else ""


def _memory_lines(chip: ChipSpec, memory: Memory) -> Iterator[str]:
    cost = memory_cost(chip, memory.name)
    note = ""
    for figure, unit in FIGURES.items():
        found = getattr(cost, figure)
        if found is not None and found.kind == "derived" and found.source and getattr(memory, figure) is None:
            note = f"      {found.source}: {found.note}"
            yield f"  {memory.name + '.' + figure:<40} {f'{found.value:g} {unit}':<14} {found.kind}"
    if note:
        yield note
