"""What a sweep varies: a file of axes, objectives and constraints, checked before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from neurocomp.chip.load import read_profile
from neurocomp.chip.part import Part
from neurocomp.chip.provenance import Provenance
from neurocomp.frontend.nir_neurons import Discretise, Reset
from neurocomp.inputs.reading import Reading

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


Values = Annotated[tuple[Scalar, ...], Field(min_length=1, strict=False)]


class Tied(Part):
    """Values that go with those of another axis, a list of as many: the first with its first, and so on."""

    with_: str = Field(alias="with")
    values: Values


def _form(value: object) -> str:
    if isinstance(value, Tied) or (isinstance(value, dict) and "with" in value):
        return "tied"
    return "range" if isinstance(value, dict | Range) else "values"


Axis = Annotated[
    Annotated[Values, Tag("values")] | Annotated[Range, Tag("range")] | Annotated[Tied, Tag("tied")],
    Discriminator(_form),
]


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


Extent = Annotated[int, Field(ge=1, lt=10**6)]


class NetworkFile(Part):
    """A network as ``compile`` takes it. name: what points call it, else the file's path. source, key, input (else the
    space's own), input_shape, steps, encoding: for freezing weights with the code that builds the network, or a
    pickled module. dt_s, reset, discretise: what a NIR file leaves open."""

    file: str
    name: Annotated[str, Field(min_length=1)] | None = None
    source: str | None = None
    key: str | None = None
    input: str | None = None
    input_shape: Annotated[tuple[Extent, ...], Field(min_length=1, strict=False)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    encoding: Literal["direct", "temporal"] | None = None
    dt_s: Annotated[float, Field(gt=0)] | None = None
    reset: Reset | None = None
    discretise: Discretise | None = None

    @model_validator(mode="after")
    def _lawful(self) -> NetworkFile:
        for option in ("key", "steps", "encoding"):
            if not self.live and getattr(self, option) is not None:
                raise PydanticCustomError(
                    "idle", "has {option}, which is for freezing, with source or input", {"option": option}
                )
        return self

    @property
    def label(self) -> str:
        """What points call it."""
        return self.name or self.file

    @property
    def live(self) -> bool:
        """Whether it is frozen before anything runs."""
        return not (self.source is None and self.input is None and self.input_shape is None)

    @property
    def reading(self) -> Reading:
        """How its file is read."""
        shape = None if self.input_shape is None else ",".join(map(str, self.input_shape))
        return Reading(self.source, self.key, shape, self.encoding, self.dt_s, self.reset, self.discretise)


def _spelt_out(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


Networks = tuple[Annotated[NetworkFile, BeforeValidator(_spelt_out)], ...]


class Space(Part):
    """A sweep. networks, chips: files or names, every combination is tried. input: .npz, else the stored samples.
    calibrate: .npz that scales of rounded networks are chosen from, else the input.

    Chips are event-driven (points are inferences) or hold arrays (points are training iterations), not both.
    axes: by what they vary: ``chip.PATH`` (any value of the profile; * in it stands for every name or number), and
    ``mapping.*``, ``run.*`` of inference, ``training.*`` of training. objectives, constraints: by metric.
    """

    noun: ClassVar[str] = "sweep"

    schema_: Literal["neurocomp/sweep/1"] = Field(alias="schema")
    networks: Annotated[Networks, Field(min_length=1, strict=False)]
    chips: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    input: str | None = None
    calibrate: str | None = None
    axes: dict[str, Axis] = Field(default_factory=dict)
    sampler: Sampling = Sampling()
    objectives: Annotated[dict[str, Direction], Field(min_length=1)] = Field(
        default_factory=lambda: {"energy_pj": "min", "latency_ns": "min"}
    )
    constraints: dict[str, Limit] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    @property
    def network_names(self) -> tuple[str, ...]:
        """What points call the networks."""
        return tuple(entry.label for entry in self.networks)

    @property
    def followers(self) -> tuple[str, ...]:
        """Axes that go with others, so that they say nothing of their own."""
        return tuple(name for name, axis in self.axes.items() if isinstance(axis, Tied))


def read_space(path: str | Path) -> Space:
    """Read a sweep from a .yaml file. Raises InputError with every mistake found in it."""
    return read_profile(Path(path), Space)


TRAINING_OBJECTIVES: dict[str, Direction] = {"sample_energy_pj": "min", "sample_ns": "min"}


def with_objectives(space: Space, training: bool) -> Space:
    """The space with the objectives that are taken where it names none."""
    if not training or "objectives" in space.model_fields_set:
        return space
    return space.model_copy(update={"objectives": TRAINING_OBJECTIVES})
