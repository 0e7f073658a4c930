"""Chips as data: the typed data sheet, its strict reader, and the profiles that come with neurocomp.

The names below are imported on first use, so that importing a neighbour does not load pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurocomp.chip.catalog import load_chip, profile_names, summary
    from neurocomp.chip.datasheet import describe
    from neurocomp.chip.part import Cost
    from neurocomp.chip.provenance import Provenance
    from neurocomp.chip.spec import ChipSpec

_HOME = {
    "ChipSpec": "spec",
    "Cost": "part",
    "Provenance": "provenance",
    "describe": "datasheet",
    "load_chip": "catalog",
    "profile_names": "catalog",
    "summary": "catalog",
}

__all__ = ["ChipSpec", "Cost", "Provenance", "describe", "load_chip", "profile_names", "summary"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
