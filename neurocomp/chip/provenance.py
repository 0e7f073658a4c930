"""Where the values of a profile came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from neurocomp.chip.part import Part

Kind = Literal["measured", "published-presilicon", "published-vendor", "derived", "estimated", "unstated"]
KINDS: tuple[Kind, ...] = (
    "measured", "published-presilicon", "published-vendor", "derived", "estimated", "unstated",
)  # fmt: skip


class Provenance(Part):
    """Where one value came from. source: the full citation; empty where ``kind`` is ``unstated``."""

    value: int | float | bool | str | None
    source: str = ""
    kind: Kind = "unstated"
    note: str = ""


def count_kinds(provenance: Mapping[str, Provenance], prefixes: Iterable[str] = ("",)) -> dict[Kind, int]:
    """How many values below these paths are of each kind; a list counts once, a value that is null does not count."""
    wanted = tuple(prefixes)
    counted = {
        re.sub(r"\[\d+\]$", "", path): origin.kind
        for path, origin in provenance.items()
        if path.startswith(wanted) and origin.value is not None
    }
    kinds = list(counted.values())
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
