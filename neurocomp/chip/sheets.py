"""Every kind of data sheet under one roof: what ``neurocomp chips`` lists and shows.

Event-driven chips run and learn networks by events; training chips have FP, BP and WG engines; spike arrays skip the
work of absent spikes; GPUs are baselines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neurocomp.chip.array_chip import ArrayChip
from neurocomp.chip.catalog import array_chip_names, find_profile, load_array_chip, load_chip, profile_folder
from neurocomp.chip.catalog import profile_names as event_chip_names
from neurocomp.chip.gpu import GpuSpec, gpu_names, load_gpu
from neurocomp.chip.sata_sheet import SataSheet, load_sata
from neurocomp.chip.spec import ChipSpec
from neurocomp.chip.spike_array import SpikeArray, load_spike_array, spike_array_folder, spike_array_names
from neurocomp.chip.yaml12 import MAX_BYTES

Sheet = ChipSpec | ArrayChip | SpikeArray | SataSheet | GpuSpec


@dataclass(frozen=True)
class Shelf:
    """One kind of data sheet. schema: the start of its ``schema`` line; title: a heading for people."""

    kind: str
    title: str
    schema: str
    folder: Callable[[], Path]
    names: Callable[[], tuple[str, ...]]
    load: Callable[[str | Path], Sheet]


def _sata_folder() -> Path:
    return spike_array_folder() / "training"


def _sata_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _sata_folder().glob("*.yaml")))


SHELVES = (
    Shelf("event", "event-driven chips (compile, simulate)", "neurocomp/chip/", profile_folder, event_chip_names,
          load_chip),
    Shelf("training", "training chips with array engines (train)", "neurocomp/array-chip/", profile_folder,
          array_chip_names, load_array_chip),
    Shelf("spike-array", "arrays that skip absent spikes (from Python: docs/python.md)", "neurocomp/spike-array/",
          spike_array_folder, spike_array_names, load_spike_array),
    Shelf("training-sheet", "training accelerators in relative energies (from Python: docs/python.md)",
          "neurocomp/sata/", _sata_folder, _sata_names, load_sata),
    Shelf("gpu", "GPUs, as baselines of training", "neurocomp/gpu/", lambda: profile_folder() / "gpu", gpu_names,
          load_gpu),
)  # fmt: skip


def all_sheets() -> Iterator[tuple[Shelf, Sheet]]:
    """Every profile that comes with neurocomp, shelf by shelf."""
    for shelf in SHELVES:
        yield from ((shelf, shelf.load(name)) for name in shelf.names())


def load_sheet(name_or_path: str | Path) -> Sheet:
    """Read any data sheet by the name of a profile or the path of a .yaml file; a profile wins over a file of its name,
    and a file that does not say what it is is read as an event-driven chip. Raises InputError."""
    for shelf in SHELVES:
        if str(name_or_path) in shelf.names() and not isinstance(name_or_path, Path):
            return shelf.load(name_or_path)
    known = tuple(name for shelf in SHELVES for name in shelf.names())
    path = find_profile(name_or_path, profile_folder(), "chip", known)
    return _shelf_of(path).load(path)


def _shelf_of(path: Path) -> Shelf:
    """By the file's schema; what cannot be read is reported by the reader."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES)
    except (OSError, ValueError):
        return SHELVES[0]
    for shelf in SHELVES:
        if re.search(rb"^schema: *" + re.escape(shelf.schema.encode()), text, re.MULTILINE):
            return shelf
    return SHELVES[0]
