"""A chip whose cores hold array engines for training: frozen, typed, every value with its origin.

It is a data sheet of its own beside ChipSpec, because nothing of an event-driven core (axons, crossbar, synaptic
memory, time-step barrier) exists here. The conventions of the file are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurocomp.chip.array_engine import (
    ArrayEngine,
    ArrayMemory,
    Normalisation,
    Operations,
    Optimizers,
    Pointwise,
    Register,
    Traffic,
    TrainingEngines,
)
from neurocomp.chip.lawful import BrokenLaw, Lawful
from neurocomp.chip.memory import Dram
from neurocomp.chip.part import Count, EnergyPj, Part, PowerMw, Sentence, Side
from neurocomp.chip.provenance import Provenance

ARRAY_SCHEMA = "neurocomp/array-chip/1"


class ArrayNoc(Part):
    """The mesh between the cores. What is None is unknown: it costs nothing and is never the slowest."""

    width: Side
    height: Side
    link_bits_per_cycle: Count | None = None
    hop_pj_per_bit: EnergyPj | None = None


class ArrayDram(Dram):
    """The DRAM beside the chip; its time is that of its standard. access_pj_per_bit: of a read or write."""

    access_pj_per_bit: EnergyPj | None = None


class ArrayChip(Lawful):
    """One chip. clock_mhz: of all engines. value_bits, spike_bits: of what travels to DRAM. tile_side: pixels of a map
    that a core works on at a time, along each axis.

    provenance: for each value, under its dotted path, where it came from; numbers without a stated source are
    ``unstated``.
    """

    noun: ClassVar[str] = "array chip profile"

    schema_: Literal["neurocomp/array-chip/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    derivation: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    cores: Count
    clock_mhz: Annotated[float, Field(gt=0, le=100_000)]
    spike_bits: Annotated[int, Field(ge=1, le=64)]
    value_bits: Annotated[int, Field(ge=1, le=64)]
    tile_side: Count
    noc: ArrayNoc
    operations: Operations
    registers: Annotated[tuple[Register, ...], Field(strict=False, min_length=1)]
    memories: Annotated[tuple[ArrayMemory, ...], Field(strict=False, min_length=1)]
    engines: TrainingEngines
    normalisation: Normalisation
    optimizers: Optimizers
    dram: ArrayDram
    static_mw: PowerMw | None = None
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    def broken_laws(self) -> Iterator[BrokenLaw]:
        """Values of the sheet that contradict each other."""
        yield from _broken_laws(self)

    def memory(self, name: str) -> ArrayMemory:
        """The memory of this name; the laws have checked that it exists."""
        return next(memory for memory in self.memories if memory.name == name)

    def register_pj(self, bits: int) -> float:
        """Energy of one access to a register of this width."""
        return next(register.access_pj for register in self.registers if register.bits == bits)

    @property
    def cycle_ps(self) -> float:
        return 1e6 / self.clock_mhz

    def __repr__(self) -> str:
        return f"ArrayChip({self.name!r}: {self.cores} cores with FP, BP and WG engines)"

    __str__ = __repr__


def _broken_laws(chip: ArrayChip) -> Iterator[BrokenLaw]:
    names = [memory.name for memory in chip.memories]
    widths = [register.bits for register in chip.registers]
    for i, name in enumerate(names):
        if name in names[:i]:
            yield BrokenLaw(f"memories[{i}].name", f"is {name!r}, the name of another memory")
    for i, bits in enumerate(widths):
        if bits in widths[:i]:
            yield BrokenLaw(f"registers[{i}].bits", f"is {bits}, the width of another register")
    places = chip.noc.width * chip.noc.height
    if chip.cores > places:
        yield BrokenLaw("cores", f"is {chip.cores}, but the mesh has {places} places")
    yield from _dangling(chip, names, widths)


def _dangling(chip: ArrayChip, names: list[str], widths: list[int]) -> Iterator[BrokenLaw]:
    """References to what does not exist."""
    for path, name in _memories_used(chip):
        if name not in names:
            yield BrokenLaw(path, f"is {name!r}; no memory has this name", f"memories: {', '.join(names)}")
    for path, bits in _registers_used(chip):
        if bits not in widths:
            yield BrokenLaw(path, f"is {bits}; no register is that wide", f"registers: {', '.join(map(str, widths))}")
    for path, engine in _engines(chip):
        if engine.along_rows == engine.along_columns:
            yield BrokenLaw(f"{path}.along_columns", f"is {engine.along_columns}, as along_rows")


def _engines(chip: ArrayChip) -> Iterator[tuple[str, ArrayEngine]]:
    yield "engines.fp", chip.engines.fp
    yield "engines.bp", chip.engines.bp
    yield "engines.wg", chip.engines.wg


def _pointwise(chip: ArrayChip) -> Iterator[tuple[str, Pointwise]]:
    for path, engine in _engines(chip):
        if engine.pointwise is not None:
            yield f"{path}.pointwise", engine.pointwise
    norm = chip.normalisation
    yield "normalisation.forward", norm.forward
    yield "normalisation.forward_channel", norm.forward_channel
    yield "normalisation.backward", norm.backward
    yield "normalisation.backward_channel", norm.backward_channel
    for name in ("sgd", "adam", "momentum", "weight_decay"):
        update = getattr(chip.optimizers, name)
        if update is not None:
            yield f"optimizers.{name}.each", update.each


def _memories_used(chip: ArrayChip) -> Iterator[tuple[str, str]]:
    """(path, name) of every reference to a memory."""
    for path, engine in _engines(chip):
        yield from ((f"{path}.{role}.memory", getattr(engine, role).memory) for role in ("input", "other", "output"))
        if engine.real_input is not None:
            yield f"{path}.real_input.input.memory", engine.real_input.input.memory
            if engine.real_input.other is not None:
                yield f"{path}.real_input.other.memory", engine.real_input.other.memory
    for path, pointwise in _pointwise(chip):
        yield from _named(path, pointwise.memory)


def _named(path: str, traffic: tuple[Traffic, ...]) -> Iterator[tuple[str, str]]:
    yield from ((f"{path}.memory[{i}].memory", entry.memory) for i, entry in enumerate(traffic))


def _registers_used(chip: ArrayChip) -> Iterator[tuple[str, int]]:
    """(path, bits) of every reference to a register."""
    for path, engine in _engines(chip):
        yield from ((f"{path}.{role}.bits", getattr(engine, role).bits) for role in ("input", "other", "output"))
        if engine.real_input is not None:
            yield f"{path}.real_input.input.bits", engine.real_input.input.bits
    for path, pointwise in _pointwise(chip):
        yield from ((f"{path}.registers[{i}].bits", entry.bits) for i, entry in enumerate(pointwise.registers))
