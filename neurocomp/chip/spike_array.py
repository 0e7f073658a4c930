"""Accelerators that skip the work of absent spikes: the few numbers that their published cycle models need.

Each has a scheme of its own; what the schemes count is in neurocomp.simulate.engines.skipping.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurocomp.chip.catalog import find_profile, profile_folder
from neurocomp.chip.load import read_profile
from neurocomp.chip.part import Count, EnergyPj, Part, PowerMw, Sentence, Side
from neurocomp.chip.provenance import Provenance


class ProductScheme(Part):
    """Tiles of spike rows. reuse: a row takes over the result of a row that is its subset (product sparsity);
    otherwise every spike costs a cycle (bit sparsity). tile_rows x tile_inputs x tile_outputs: one tile. counters:
    rows counted per cycle before the search. neuron_units: updates per two cycles."""

    scheme: Literal["product"]
    reuse: bool
    tile_rows: Count
    tile_inputs: Annotated[int, Field(ge=1, le=64)]
    tile_outputs: Count
    counters: Count
    neuron_units: Count


class TimeBatchScheme(Part):
    """A systolic array whose columns take windows of ``window_steps`` time steps; input rows that share no window are
    packed together. Each update of a neuron takes three cycles of one of the rows."""

    scheme: Literal["time_batch"]
    rows: Side
    columns: Annotated[int, Field(ge=1, le=64)]
    window_steps: Count


class RowScheme(Part):
    """Spike rows dealt out to the least loaded element; each spike costs a cycle per output. The neurons' updates of
    all steps are a tree."""

    scheme: Literal["rows"]
    elements: Count


class SerialScheme(Part):
    """One spike per cycle, added to ``elements`` outputs at a time; ``neuron_rows`` as rows of a time batch."""

    scheme: Literal["serial"]
    elements: Count
    neuron_rows: Count


class DenseScheme(Part):
    """A weight-stationary array that does not look at zeros."""

    scheme: Literal["dense"]
    rows: Side
    columns: Side


Scheme = Annotated[
    ProductScheme | TimeBatchScheme | RowScheme | SerialScheme | DenseScheme, Field(discriminator="scheme")
]


class SpikeArray(Part):
    """One accelerator. dram_bits_per_cycle: width of its port; None: never the slowest. power_mw: of the whole chip
    while it works; dram_pj_per_bit: of what it moves."""

    noun: ClassVar[str] = "spike array profile"

    schema_: Literal["neurocomp/spike-array/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    clock_mhz: Annotated[float, Field(gt=0, le=100_000)]
    weight_bits: Annotated[int, Field(ge=1, le=64)]
    scheme: Scheme
    dram_bits_per_cycle: Count | None = None
    power_mw: PowerMw | None = None
    dram_pj_per_bit: EnergyPj | None = None
    provenance: dict[str, Provenance] = Field(default_factory=dict)


def spike_array_folder() -> Path:
    """Where the profiles lie."""
    return profile_folder() / "arrays"


def spike_array_names() -> tuple[str, ...]:
    """Names of the profiles that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in spike_array_folder().glob("*.yaml")))


def load_spike_array(name_or_path: str | Path) -> SpikeArray:
    """Read an accelerator by the name of a profile (``prosperity``) or the path of a .yaml file.

    Raises InputError if there is neither, or with every mistake found in the file.
    """
    return read_profile(find_profile(name_or_path, spike_array_folder(), "spike array"), SpikeArray)
