"""The chip profiles that come with neurocomp, and how a user names a chip: by profile or by file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from neurocomp.chip.array_chip import ARRAY_SCHEMA, ArrayChip
from neurocomp.chip.load import read_chip, read_profile
from neurocomp.chip.messages import closest
from neurocomp.chip.provenance import Kind
from neurocomp.chip.spec import ChipSpec
from neurocomp.chip.yaml12 import MAX_BYTES, printable
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
    """Names of the event-driven chips that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in profile_folder().glob("*.yaml") if not _holds_arrays(path)))


def array_chip_names() -> tuple[str, ...]:
    """Names of the chips with array engines that come with neurocomp, sorted."""
    return tuple(sorted(path.stem for path in profile_folder().glob("*.yaml") if _holds_arrays(path)))


def load_chip(name_or_path: str | Path) -> ChipSpec:
    """Read a chip by the name of a profile or the path of a .yaml file; a profile wins over a file of its name.

    Raises InputError if there is neither, or with every mistake found in the file.
    """
    path = find_profile(name_or_path, profile_folder(), "chip", profile_names())
    if _holds_arrays(path):
        hint = f"see neurocomp train and load_array_chip; event-driven chips: {', '.join(profile_names())}"
        raise bad_input(printable(str(name_or_path)), "describes array engines, which train networks", hint=hint)
    return read_chip(path)


def load_array_chip(name_or_path: str | Path) -> ArrayChip:
    """Read a chip with array engines, named as in :func:`load_chip`. Raises InputError likewise."""
    path = find_profile(name_or_path, profile_folder(), "chip", array_chip_names())
    if path in [profile_folder() / f"{name}.yaml" for name in profile_names()]:
        hint = f"chips with array engines: {', '.join(array_chip_names())}; local learning rules: --plastic LAYER"
        what = "is an event-driven chip and does not train by back-propagation"
        raise bad_input(printable(str(name_or_path)), what, hint=hint)
    return read_profile(path, ArrayChip)


def describes_arrays(name_or_path: str | Path) -> bool:
    """Whether what a user names is a chip with array engines. Raises InputError if there is neither such a profile nor
    such a file."""
    return _holds_arrays(find_profile(name_or_path, profile_folder(), "chip", profile_names() + array_chip_names()))


def _holds_arrays(path: Path) -> bool:
    """Whether a file says that it is a data sheet of array engines; what cannot be read is reported by its reader."""
    try:
        with path.open("rb") as file:
            return re.search(rb"^schema: *" + ARRAY_SCHEMA.encode(), file.read(MAX_BYTES), re.MULTILINE) is not None
    except (OSError, ValueError):
        return False


def find_profile(name_or_path: str | Path, folder: Path, noun: str, known: tuple[str, ...] | None = None) -> Path:
    """The file that a user names: a profile in this folder, or the path of a .yaml file. known: the profiles that
    messages name, all by default. Raises InputError."""
    given = str(name_or_path)
    path = Path(given)
    stored = tuple(sorted(file.stem for file in folder.glob("*.yaml")))
    names = stored if known is None else known
    is_name = path.name == given and path.suffix not in SUFFIXES and not isinstance(name_or_path, Path)
    if is_name and given in stored:
        return folder / f"{given}.yaml"
    if not (given and _exists(path)):
        what = f"there is no {noun} profile or file of this name" if is_name else "there is no such file"
        if is_name and any(file.stem == given for file in profile_folder().rglob("*.yaml")):
            what = "is a data sheet of another kind; neurocomp chips lists what each is for"
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
