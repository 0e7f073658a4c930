"""What a point says to the mapper, and on how many chips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from neurocomp.errors import bad_input
from neurocomp.mapping.choices import Choices
from neurocomp.sweep.space import Scalar

PREFIX = "mapping."
MAPPING_AXES = tuple(f"{PREFIX}{name}" for name in ("effort", "objective", "seed", "time_budget_s", "chips"))
Chips = tuple[int, int] | Literal["auto"]


def choices_of(settings: Mapping[str, Scalar]) -> Choices:
    """What the mapper is asked for; other axes are left out. Raises InputError for choices that it does not know."""
    given: dict[str, Any] = {
        name.removeprefix(PREFIX): value
        for name, value in settings.items()
        if name.startswith(PREFIX) and name != f"{PREFIX}chips"
    }
    return Choices(**{"effort": "fast", "objective": "traffic", **given})


def chips_of(value: Scalar) -> Chips:
    """Columns and rows of chips that make up one mesh, from ``2x2`` or ``auto``. None: one chip. Raises InputError."""
    if value is None:
        return 1, 1
    if value == "auto":
        return "auto"
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", str(value))
    if match is None:
        raise bad_input(f"{PREFIX}chips", f"is {value!r}", hint="give columns x rows, as in 2x2, or auto")
    return int(match[1]), int(match[2])
