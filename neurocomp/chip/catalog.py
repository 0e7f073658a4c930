"""The chip profiles that come with neurocomp, and how a user names a chip: by profile or by file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurocomp.chip.load import read_chip
from neurocomp.chip.messages import closest
from neurocomp.chip.spec import ChipSpec, Kind
from neurocomp.chip.yaml12 import printable
from neurocomp.errors import bad_input

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class ChipSummary:
    """One line of ``neurocomp chips``. neurons: of the whole chip; kinds: number of values of each kind."""

    name: str
    title: str
    cores: int
    neurons: int
    process: str
    kinds: dict[Kind, int]


def profile_folder() -> Path:
    """Where the profiles lie: inside the installed package, or at the root of a source tree."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "chips", package.parent / "chips"):
        if any(folder.glob("*.yaml")):
            return folder
    hint = "install neurocomp again, or name a profile's file"
    raise bad_input(str(package / "chips"), "the chip profiles of this installation are missing", hint=hint)


def profile_names() -> tuple[str, ...]:
    """Names of the profiles that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in profile_folder().glob("*.yaml")))


def load_chip(name_or_path: str | Path) -> ChipSpec:
    """Read a chip by the name of a profile or the path of a .yaml file; a profile wins over a file of its name.

    Raises InputError if there is neither, or with every mistake found in the file.
    """
    return read_chip(find_profile(name_or_path, profile_folder(), "chip"))


def find_profile(name_or_path: str | Path, folder: Path, noun: str) -> Path:
    """The file that a user names: a profile in this folder, or the path of a .yaml file. Raises InputError."""
    given = str(name_or_path)
    path = Path(given)
    names = tuple(sorted(file.stem for file in folder.glob("*.yaml")))
    is_name = path.name == given and path.suffix not in SUFFIXES and not isinstance(name_or_path, Path)
    if is_name and given in names:
        return folder / f"{given}.yaml"
    if not (given and _exists(path)):
        what = f"there is no {noun} profile or file of this name" if is_name else "there is no such file"
        close = closest(path.stem, names)
        hint = (f"did you mean {close}? " if close else "") + f"profiles: {', '.join(names)}"
        raise bad_input(printable(given) or noun, what, hint=hint)
    return path


def summary(chip: ChipSpec) -> ChipSummary:
    """The chip in one line."""
    return ChipSummary(chip.name, chip.title, chip.cores, chip.neurons, chip.process, chip.kinds_used())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that the file system cannot hold
        return False
