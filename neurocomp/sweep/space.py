"""What a sweep varies: a file of axes, objectives and constraints, checked before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from neurocomp.chip.load import read_profile
from neurocomp.chip.part import Part
from neurocomp.chip.spec import Provenance

Scalar = bool | int | float | str | None
Sampler = Literal["grid", "random", "latin", "guided"]
Direction = Literal["min", "max"]
POINTS_MAX = 1_000_000


class Range(Part):
    """Numbers from low to high, both included. count: how many a grid takes; integer: whole numbers only."""

    low: float
    high: float
    count: Annotated[int, Field(ge=1, le=10_000)] | None = None
    scale: Literal["linear", "log"] = "linear"
    integer: bool = False

    @model_validator(mode="after")
    def _lawful(self) -> Range:
        if not self.low < self.high:
            raise PydanticCustomError("range", "runs from {low} to {high}; low must be below high", _ends(self))
        if self.scale == "log" and self.low <= 0:
            raise PydanticCustomError("range", "begins at {low}; a log scale needs numbers above 0", _ends(self))
        return self


def _ends(axis: Range) -> dict[str, float]:
    return {"low": axis.low, "high": axis.high}


def _form(value: object) -> str:
    return "range" if isinstance(value, dict | Range) else "values"


Values = Annotated[tuple[Scalar, ...], Field(min_length=1, strict=False)]
Axis = Annotated[Annotated[Values, Tag("values")] | Annotated[Range, Tag("range")], Discriminator(_form)]


class Limit(Part):
    """What a point must keep to. None: no limit on that side."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value keeps to the limit; an unknown one does not."""
        if value is None:
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class Sampling(Part):
    """method: ``grid`` takes every combination; ``random`` and ``latin`` (Latin hypercube) as many points as said;
    ``guided`` searches for the front of the objectives. seed: of all but the grid."""

    method: Sampler = "grid"
    points: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Space(Part):
    """A sweep. networks, chips: files or names, every combination is tried. input: .npz, else the stored samples.

    axes: by what they vary: ``chip.PATH`` (any value of the profile), ``mapping.effort``, ``mapping.objective``,
    ``mapping.seed``, ``run.steps``, ``run.noc``. objectives, constraints: by metric.
    """

    noun: ClassVar[str] = "sweep"

    schema_: Literal["neurocomp/sweep/1"] = Field(alias="schema")
    networks: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    chips: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    input: str | None = None
    axes: dict[str, Axis] = Field(default_factory=dict)
    sampler: Sampling = Sampling()
    objectives: Annotated[dict[str, Direction], Field(min_length=1)] = Field(
        default_factory=lambda: {"energy_pj": "min", "latency_ns": "min"}
    )
    constraints: dict[str, Limit] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)
    provenance: dict[str, Provenance] = Field(default_factory=dict)


def read_space(path: str | Path) -> Space:
    """Read a sweep from a .yaml file. Raises InputError with every mistake found in it."""
    return read_profile(Path(path), Space)
