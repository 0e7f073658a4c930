"""The mapper's options as they stand on the command line, and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from neurocomp.errors import Diagnostic, InputError

if TYPE_CHECKING:
    import numpy as np

    from neurocomp.mapping.choices import Choices
    from neurocomp.network.graph import Network

_MOST = 1 << 24  # no chip has more cores


@dataclass(frozen=True)
class MappingOptions:
    """Options as they were given; None where they were not."""

    effort: str | None = None
    objective: str | None = None
    time_budget_s: float | None = None
    chips: str | None = None
    forbid_cores: str | None = None
    pins: tuple[str, ...] = ()
    placement: Path | None = None
    rates: str | None = None

    def __post_init__(self) -> None:
        found: list[Diagnostic] = []
        for parse in (self._grid, self._forbidden, self._pins, self._rates):
            try:
                parse()
            except InputError as error:
                found += error.diagnostics
        if self.pins and self.placement is not None:
            found.append(Diagnostic("--placement", "and --pin both say where layers lie", hint="give one of them"))
        if found:
            raise InputError(found)

    def choices(self, seed: int | None) -> Choices:
        """What the mapper's search is asked for. Raises InputError."""
        from neurocomp.mapping.choices import Choices

        default = Choices()
        return Choices(
            self.objective or default.objective, self.effort or default.effort, seed or 0, self.time_budget_s
        )

    @property
    def grid(self) -> tuple[int, int] | Literal["auto"]:
        """Columns and rows of chips."""
        return self._grid()

    @property
    def forbidden(self) -> tuple[int, ...]:
        return self._forbidden()

    @property
    def uniform(self) -> bool:
        """Whether every neuron counts the same, whatever it does on the inputs."""
        return self._rates() == "uniform"

    def assignment(self, network: Network) -> dict[str, np.ndarray]:
        """The cores that the user chose, for the network as it is mapped. Raises InputError."""
        from neurocomp.mapping.wishes import pinned, placement_from

        if self.placement is not None:
            return placement_from(self.placement, network)
        return pinned(network, self._pins())

    def _grid(self) -> tuple[int, int] | Literal["auto"]:
        if self.chips is None:
            return 1, 1
        if self.chips == "auto":
            return "auto"
        match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", self.chips)
        if match is None:
            raise InputError(
                Diagnostic("--chips", f"is {self.chips!r}", hint="give columns x rows, as in 2x2, or auto")
            )
        return int(match[1]), int(match[2])

    def _forbidden(self) -> tuple[int, ...]:
        return () if self.forbid_cores is None else core_list("--forbid-cores", self.forbid_cores)

    def _pins(self) -> dict[str, tuple[int, ...]]:
        pins: dict[str, tuple[int, ...]] = {}
        for text in self.pins:
            name, equals, cores = text.rpartition("=")
            if not equals or not name:
                raise InputError(Diagnostic("--pin", f"is {text!r}", hint="give layer=core, or layer=core,core-core"))
            if name in pins:
                raise InputError(Diagnostic("--pin", f"names {name} twice", hint="give all of its cores at once"))
            pins[name] = core_list("--pin", cores)
        return pins

    def _rates(self) -> str:
        if self.rates not in (None, "measured", "uniform"):
            hint = "measured: the spikes of this run; uniform: every neuron counts the same"
            raise InputError(Diagnostic("--rates", f"there are no rates {self.rates!r}", hint=hint))
        return self.rates or "measured"


def core_list(option: str, text: str) -> tuple[int, ...]:
    """Cores from text such as 3,7-9. Raises InputError."""
    cores: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,8})(?:\s*-\s*(\d{1,8}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < _MOST:
            raise InputError(Diagnostic(option, f"{part!r} is no core", hint="give numbers and ranges, as in 3,7-9"))
        cores += range(first, last + 1)
    return tuple(dict.fromkeys(cores))
