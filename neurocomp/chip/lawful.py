"""A data sheet whose values are tied to each other by laws, and that is known by its content."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from neurocomp.chip.part import Part


@dataclass(frozen=True)
class BrokenLaw:
    """path: dotted path of the value; what: the fact about it; hint: what to change."""

    path: str
    what: str
    hint: str = ""


class Lawful(Part, ABC):
    """Base of data sheets; one that breaks a law is refused with all that it breaks (chip/load.py reads them)."""

    @abstractmethod
    def broken_laws(self) -> Iterator[BrokenLaw]:
        """Every field is already within its own bounds."""

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        broken = tuple(self.broken_laws())
        if broken:
            text = "; ".join(f"{law.path}: {law.what}" for law in broken)
            raise PydanticCustomError("laws", "{text}", {"text": text, "broken": broken})
        return self

    def digest(self) -> str:
        """SHA-256 of everything in the sheet: equal if and only if the sheets are."""
        canonical = json.dumps(json.loads(self.model_dump_json(by_alias=True)), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
