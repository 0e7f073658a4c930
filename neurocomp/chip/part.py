"""What all parts of a chip are made of: frozen values with bounds and units, and the cost of one action.

Consumers read plain numbers; the properties ``*_ps`` and ``*_aj`` give the same values as the integers that the
simulator counts with.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def in_thousandths(value: float) -> int:
    """ns -> ps, mW -> uW; exact for every value written with at most three decimals."""
    return round(Decimal(repr(value)) * 1000)


def in_attojoules(energy_pj: float) -> int:
    """pJ -> aJ; exact for every value written with at most six decimals."""
    return round(Decimal(repr(energy_pj)) * 1_000_000)


def _resolved(places: int, unit: str) -> AfterValidator:
    """Refuse a value that is not zero but would become zero in the integer unit that costs are counted in."""

    def check(value: float) -> float:
        if value and round(Decimal(repr(value)) * 10**places) == 0:
            raise PydanticCustomError("too_fine", "is finer than {unit}", {"unit": unit})
        return value

    return AfterValidator(check)


EnergyPj = Annotated[float, Field(ge=0, le=1e9), _resolved(6, "one attojoule (0.000001 pJ)")]
TimeNs = Annotated[float, Field(ge=0, le=1e9), _resolved(3, "one picosecond (0.001 ns)")]
PowerMw = Annotated[float, Field(ge=0, le=1e6), _resolved(3, "one microwatt (0.001 mW)")]
Bytes = Annotated[float, Field(ge=0, le=65536, multiple_of=0.125)]
Bits = Annotated[int, Field(ge=1, le=32)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Side = Annotated[int, Field(ge=1, le=1024)]
Coordinate = Annotated[int, Field(ge=0, le=1023)]
Sentence = Annotated[str, Field(min_length=1, max_length=4000)]


class Part(BaseModel):
    """Base of all parts of a chip: frozen, no unknown keys, no silent conversions, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Cost(Part):
    """What one action costs. energy_pj is None where it is unknown, which is not the same as nothing."""

    energy_pj: EnergyPj | None
    latency_ns: TimeNs

    @property
    def energy_aj(self) -> int | None:
        return None if self.energy_pj is None else in_attojoules(self.energy_pj)

    @property
    def latency_ps(self) -> int:
        return in_thousandths(self.latency_ns)
