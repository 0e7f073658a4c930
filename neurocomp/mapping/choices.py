"""What the user may ask of the mapper's search: an objective, an effort, a seed and a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from neurocomp.chip.messages import did_you_mean
from neurocomp.errors import Diagnostic, InputError

Objective = Literal["energy", "traffic", "step-time", "cores"]
Effort = Literal["fast", "default", "best"]
OBJECTIVES: tuple[str, ...] = get_args(Objective)
EFFORTS: tuple[str, ...] = get_args(Effort)


@dataclass(frozen=True)
class Choices:
    """objective: what the mapping is ranked by. effort: which candidates are tried. seed: of all searches.

    time_budget_s: nominal seconds of search for one partition, turned into a number of moves at a fixed rate, so that
    the result does not depend on how fast the machine is or how busy; None: by effort and size.
    """

    objective: str = "energy"
    effort: str = "default"
    seed: int = 0
    time_budget_s: float | None = None

    def __post_init__(self) -> None:
        found = []
        for name, value, known in (
            ("objective", self.objective, OBJECTIVES), ("effort", self.effort, EFFORTS),
        ):  # fmt: skip
            if value not in known:
                hint = did_you_mean(str(value), known).replace("known here", "possible are")
                found.append(Diagnostic(name, f"there is no {name} {value!r}", hint=hint))
        if not 0 <= self.seed < 2**64:
            found.append(Diagnostic("seed", f"is {self.seed}; it must be from 0 to 2**64 - 1"))
        if self.time_budget_s is not None and not 0 <= self.time_budget_s <= 86_400:
            found.append(Diagnostic("time budget", f"is {self.time_budget_s}; it must be from 0 to 86400 seconds"))
        if found:
            raise InputError(found)

    def reaches(self, effort: str) -> bool:
        """Whether the chosen effort includes the candidates of another."""
        return EFFORTS.index(effort) <= EFFORTS.index(self.effort)
