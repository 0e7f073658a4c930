"""The chip as typed, frozen values: a mesh of routers with cores; a core is memories plus engines.

Consumers read plain numbers; where each came from lies beside them in ``ChipSpec.provenance``. Units are
in the names; the properties ``*_ps``, ``*_aj`` and ``*_uw`` give the same values as the integers that the
simulator counts with (microwatts times picoseconds are attojoules exactly). Laws that tie several fields
together are in laws.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from neurocomp.chip.core import Core
from neurocomp.chip.engines import Engines
from neurocomp.chip.lawful import BrokenLaw, Lawful
from neurocomp.chip.laws import broken_laws
from neurocomp.chip.memory import Dram, Holding, Memory
from neurocomp.chip.noc import Noc
from neurocomp.chip.numeric import Numeric
from neurocomp.chip.part import Sentence
from neurocomp.chip.power import Power
from neurocomp.chip.provenance import Kind, Provenance, count_kinds
from neurocomp.chip.step import Step


class ChipSpec(Lawful):
    """One chip. dram: beside it; None if there is none or it plays no part. notes: what the profile does not model
    or only guesses; reports print them. derivation: how its derived and estimated values were found.

    provenance: for each value, under its dotted path (``core.neurons_max``, ``core.memories[0].size_kib``,
    ``step.barrier_ns.4``), where it came from; numbers without a stated source are ``unstated``.
    """

    schema_: Literal["neurocomp/chip/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    derivation: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    noc: Noc
    core: Core
    engines: Engines
    step: Step
    power: Power
    numeric: Numeric
    dram: Dram | None = None
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    def broken_laws(self) -> Iterator[BrokenLaw]:
        """Values of the sheet that contradict each other."""
        yield from broken_laws(self.noc, self.core, self.step, self.numeric, self.dram)

    @property
    def cores(self) -> int:
        return self.core.count

    @property
    def neurons(self) -> int:
        """Neurons of the whole chip."""
        return self.core.count * self.core.neurons_max

    def barrier_ps(self, routers_used: int) -> int:
        """Duration of the barrier when this many routers have a core in use."""
        return self.step.barrier_ps(routers_used)

    def memory_of(self, holding: Holding) -> Memory | None:
        """The memory of a core that holds this; None if no memory limits it (then only counts do)."""
        return next((memory for memory in self.core.memories if holding in memory.holds), None)

    def kinds_used(self, prefixes: Iterable[str] = ("",)) -> dict[Kind, int]:
        """How many values are of each kind, best kinds first, kinds without values left out.

        A list counts once, a value that is null does not count. prefixes: count only values whose dotted path
        starts with one of these, e.g. ``engines.fp``.
        """
        return count_kinds(self.provenance, prefixes)

    def to_json(self) -> str:
        """The chip with its provenance as JSON; :func:`neurocomp.chip.load.chip_from_json` reads it back."""
        return self.model_dump_json(by_alias=True)

    def __repr__(self) -> str:
        noc = self.noc
        return f"ChipSpec({self.name!r}: {self.cores} cores on a {noc.width}x{noc.height} {noc.topology})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from neurocomp.chip.datasheet import to_html

        return to_html(self)
