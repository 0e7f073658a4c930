"""SATA, an accelerator for training by back-propagation through time, as its authors' energy model describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurocomp.chip.catalog import find_profile
from neurocomp.chip.load import read_profile
from neurocomp.chip.part import Count, Part, Sentence
from neurocomp.chip.provenance import Provenance
from neurocomp.chip.spike_array import spike_array_folder

Units = Annotated[float, Field(ge=0, le=1e6)]
Many = Annotated[int, Field(ge=0, le=100)]


class SataOperations(Part):
    """Energy of one 16-bit operation, in the authors' units."""

    mul: Units
    accumulate: Units
    add: Units
    bitwise_and: Units
    compare: Units
    mux: Units
    register_access: Units
    shift: Units


class SataCounts(Part):
    """How many of each operation one action takes."""

    mul: Many = 0
    accumulate: Many = 0
    add: Many = 0
    bitwise_and: Many = 0
    compare: Many = 0
    mux: Many = 0
    register_access: Many = 0
    shift: Many = 0


class SataActions(Part):
    """neuron: update in FP; gradient: of a neuron in BP; *_mac: one multiply-accumulate of each phase."""

    neuron: SataCounts
    gradient: SataCounts
    forward_mac: SataCounts
    backward_mac: SataCounts
    update_mac: SataCounts


class SataMemory(Part):
    """Energy of moving one 16-bit value."""

    dram: Units
    buffer: Units
    scratchpad: Units


class SataSheet(Part):
    """The accelerator. All energies are in one unit, that of the authors' synthesis; mac: of one multiply-accumulate of
    an ANN in it. full_bits: the width that the energies are for; FP costs its share of it."""

    noun: ClassVar[str] = "SATA profile"

    schema_: Literal["neurocomp/sata/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    elements: Count
    full_bits: Count
    operations: SataOperations
    actions: SataActions
    memory: SataMemory
    mac: Units
    provenance: dict[str, Provenance] = Field(default_factory=dict)


def load_sata(name_or_path: str | Path = "sata") -> SataSheet:
    """Read the profile that comes with neurocomp, or a file of one's own. Raises InputError."""
    return read_profile(find_profile(name_or_path, spike_array_folder() / "training", "SATA"), SataSheet)
