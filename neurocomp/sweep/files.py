"""Which files a space means: paths are relative to the folder of its file, as in most tools.

A path that leads nowhere from there, but somewhere from the folder that the command runs in, means the latter.
"""

from __future__ import annotations

import os
from pathlib import Path

from neurocomp.chip.catalog import SUFFIXES, array_chip_names, describes_arrays, profile_names
from neurocomp.errors import InputError
from neurocomp.sweep.space import NetworkFile, Space


def located(space: Space, folder: Path) -> Space:
    """The space with the files that it names found from this folder. Absolute paths and names of chips stay."""
    profiles = profile_names() + array_chip_names()
    chips = tuple(name if name in profiles else found_from(folder, name) for name in space.chips)
    networks = tuple(_entry(entry, folder) for entry in space.networks)
    data = {name: getattr(space, name) for name in ("input", "calibrate")}
    there = {name: found_from(folder, path) for name, path in data.items() if path is not None}
    return space.model_copy(update={"networks": networks, "chips": chips, **there})


def _entry(entry: NetworkFile, folder: Path) -> NetworkFile:
    """The same network with its files found."""
    found = {"file": found_from(folder, entry.file)}
    if entry.input is not None:
        found["input"] = found_from(folder, entry.input)
    if entry.source is not None:
        file, colon, name = entry.source.rpartition(":")
        found["source"] = f"{found_from(folder, file)}:{name}" if colon else found_from(folder, entry.source)
    return entry.model_copy(update=found)


def found_from(folder: Path, name: str) -> str:
    """A file's path from the folder that the command runs in. What is nowhere is looked for beside the space's file,
    but for a word that looks like the name of a chip."""
    here, there = Path(name), folder / name
    if here.is_absolute():
        return name
    if _exists(there) or (not _exists(here) and (here.name != name or here.suffix in (*SUFFIXES, ".npz", ".pt"))):
        return _short(there)
    return name


def is_training(space: Space) -> bool:
    """Whether every chip of a space holds arrays; those that cannot be found are not counted."""
    known = [arrays for name in space.chips if (arrays := _holds_arrays(name)) is not None]
    return bool(known) and all(known)


def is_mixed(space: Space) -> bool:
    """Whether some chips hold arrays and some do not."""
    return len({_holds_arrays(name) for name in space.chips} - {None}) > 1


def _holds_arrays(name: str) -> bool | None:
    try:
        return describes_arrays(name)
    except InputError:
        return None


def _short(path: Path) -> str:
    """Without steps up and down again, where that is the same file."""
    plain = Path(os.path.normpath(path))
    return str(plain if not _exists(path) or (_exists(plain) and plain.samefile(path)) else path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that the file system cannot hold
        return False
