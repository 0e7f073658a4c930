"""A GPU as a baseline: what bounds it from above, and what its memory costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurocomp.chip.catalog import find_profile, profile_folder
from neurocomp.chip.load import read_profile
from neurocomp.chip.part import Part, Sentence
from neurocomp.chip.provenance import Provenance

Precision = Literal["fp16", "fp32"]
Positive = Annotated[float, Field(gt=0, le=1e9)]


class PeakTflops(Part):
    """Largest rate of dense arithmetic, in 10**12 operations per second; a multiply-accumulate is two."""

    fp16: Positive
    fp32: Positive


class GpuSpec(Part):
    """One GPU. memory_pj_per_bit: energy of its DRAM, None where unknown. l2_mib: its last-level cache. board_w: the
    most that the board draws."""

    noun: ClassVar[str] = "GPU profile"

    schema_: Literal["neurocomp/gpu/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    memory_gb_per_s: Positive
    memory_pj_per_bit: Positive | None
    l2_mib: Positive
    peak_tflops: PeakTflops
    board_w: Positive
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    @property
    def l2_bytes(self) -> int:
        return int(self.l2_mib * 2**20)

    def __repr__(self) -> str:
        return f"GpuSpec({self.name!r}: {self.memory_gb_per_s:g} GB/s, {self.board_w:g} W)"

    __str__ = __repr__


def gpu_names() -> tuple[str, ...]:
    """Names of the GPU profiles that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in (profile_folder() / "gpu").glob("*.yaml")))


def load_gpu(name_or_path: str | Path) -> GpuSpec:
    """Read a GPU by the name of a profile (``a100``) or the path of a .yaml file.

    Raises InputError if there is neither, or with every mistake found in the file.
    """
    return read_profile(find_profile(name_or_path, profile_folder() / "gpu", "GPU"), GpuSpec)
