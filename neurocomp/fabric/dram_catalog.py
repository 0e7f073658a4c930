"""The DRAM standards that come with neurocomp, and how a user names one: by standard or by file."""

from __future__ import annotations

from pathlib import Path

from neurocomp.chip.catalog import find_profile, profile_folder
from neurocomp.chip.load import read_profile
from neurocomp.fabric.dram_spec import DramSpec


def dram_folder() -> Path:
    """Where the profiles lie."""
    return profile_folder() / "dram"


def dram_names() -> tuple[str, ...]:
    """Names of the DRAM profiles that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in dram_folder().glob("*.yaml")))


def load_dram(name_or_path: str | Path) -> DramSpec:
    """Read a DRAM by the name of a profile (``DDR4-2400``) or the path of a .yaml file.

    Raises InputError if there is neither, or with every mistake found in the file.
    """
    return read_profile(find_profile(name_or_path, dram_folder(), "DRAM"), DramSpec)
