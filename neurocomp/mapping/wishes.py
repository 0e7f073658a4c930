"""Where the user wants what: pinned layers, and existing placements to be evaluated as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Network, Population
from neurocomp.network.layout import channel_first

Assignment = dict[str, np.ndarray]
Row = tuple[str, int, int, int]

_MOST_BYTES = 1 << 28
_MOST_CORES = 1 << 31  # no mesh has more
_FORMAT = (
    "CSV with the header population,start,stop,core, or JSON: a list of objects with these keys; start and stop count "
    "elements as in array.reshape(-1), channels first"
)


def pinned(network: Network, pins: Mapping[str, Sequence[int]]) -> Assignment:
    """Every pinned population on its cores, in equal runs of neighbouring elements (channel-last, as tiles are).

    Raises InputError for names that are no population, and for more cores than elements; which cores exist is for the
    mapper to say.
    """
    found = [
        Diagnostic(f"pin {name}", "is no population of the network", hint=f"these are: {', '.join(network.by_name)}")
        for name in pins if name not in network.by_name
    ]  # fmt: skip
    found += [Diagnostic(f"pin {name}", "names no core") for name, cores in pins.items() if not cores]
    found += [
        Diagnostic(f"pin {name}", f"names {len(pins[name]):,} cores for {size:,} elements", "some would stay empty",
                   f"name at most {size:,}")
        for name, size in ((name, network.by_name[name].size) for name in pins if name in network.by_name)
        if len(pins[name]) > size
    ]  # fmt: skip
    if found:
        raise InputError(found)
    result = {}
    for name, cores in pins.items():
        population = network.by_name[name]
        run = np.arange(population.size) * len(cores) // population.size
        result[name] = channel_first(np.array(cores, np.int64)[run], population.shape)
    return result


def placement_from(path: str | Path, network: Network) -> Assignment:
    """A placement from a file or from the folder of a saved program, for the network as it will be mapped.

    Raises InputError with everything that is wrong with it: unknown populations, elements placed twice or not at
    all, text that is not of the format.
    """
    path = Path(path)
    if path.is_dir():
        return _from_program(path, network)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise bad_input(str(path), f"is larger than {_MOST_BYTES >> 20} MiB", hint="give ranges, not elements")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise bad_input(str(path), "cannot be read", why) from error
    rows = _json_rows(path, text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(path, text)
    return _assembled(str(path), network, rows)


def _from_program(folder: Path, network: Network) -> Assignment:
    from neurocomp.mapping.store import load_program

    program = load_program(folder)
    result: Assignment = {}
    for name, tile_of in program.tile_of.items():
        cores = np.array([tile.core for tile in program.tiles], np.int64)[tile_of]
        if (cores < 0).any():
            continue
        known = network.by_name.get(name)
        if known is None or known.shape != program.network.by_name[name].shape:
            shape = "is missing" if known is None else f"has shape {known.shape}"
            raise bad_input(str(folder), f"places {name}, which {shape} in this network",
                            hint="give the program of the same network")  # fmt: skip
        result[name] = channel_first(cores, known.shape)
    return result


def _csv_rows(path: Path, text: str) -> list[Row]:
    reader = csv.DictReader(text.splitlines())
    try:
        if list(reader.fieldnames or ()) != ["population", "start", "stop", "core"]:
            first = text.splitlines()[:1]
            raise bad_input(
                str(path), "is not a placement", f"its first line is {first}" if first else "it is empty", _FORMAT
            )
        return [_row(path, f"line {number}", row) for number, row in enumerate(reader, start=2)]
    except csv.Error as error:  # a cell without end
        raise bad_input(str(path), "is not a placement", str(error), _FORMAT) from None


def _json_rows(path: Path, text: str) -> list[Row]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_input(str(path), "is not a placement", f"{type(error).__name__}: {error}", _FORMAT) from error
    if not isinstance(tree, list):
        raise bad_input(str(path), "is not a placement", "it is not a list", _FORMAT)
    return [_row(path, f"entry {number}", row) for number, row in enumerate(tree)]


def _row(path: Path, place: str, row: object) -> Row:
    if isinstance(row, dict) and None not in row:  # csv keeps cells beyond the header there
        try:
            return str(row["population"]), int(row["start"]), int(row["stop"]), int(row["core"])
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
    raise bad_input(f"{path}, {place}", "does not say which elements of which population lie on which core",
                    hint=_FORMAT)  # fmt: skip


def _assembled(where: str, network: Network, rows: Iterable[Row]) -> Assignment:
    cores: dict[str, np.ndarray] = {}
    found: list[Diagnostic] = []
    rows = list(rows)
    if not rows:
        raise bad_input(where, "places nothing", hint="name at least one population, or leave the placement out")
    for name, start, stop, core in rows:
        population = network.by_name.get(name)
        if population is None:
            found.append(Diagnostic(where, f"{name} is no population of the network",
                                    hint=f"these are: {', '.join(network.by_name)}"))  # fmt: skip
            continue
        if not 0 <= start < stop <= population.size or not 0 <= core < _MOST_CORES:
            what = f"{name}: elements {start} to {stop} on core {core}"
            found.append(Diagnostic(where, what, f"there are elements 0 to {population.size}, and cores from 0 on"))
            continue
        held = cores.setdefault(name, np.full(population.size, -1, np.int64))
        if (held[start:stop] >= 0).any():
            found.append(Diagnostic(where, f"{name}: elements {start} to {stop} are placed twice"))
        held[start:stop] = core
    found += [d for name, held in cores.items() for d in _missing(where, network.by_name[name], held)]
    if found:
        raise InputError(found)
    return {name: held.reshape(network.by_name[name].shape) for name, held in cores.items()}


def _missing(where: str, population: Population, held: np.ndarray) -> list[Diagnostic]:
    missing = int((held < 0).sum())
    what = f"{population.name}: {missing:,} of {population.size:,} elements have no core"
    return [Diagnostic(where, what, hint="place the whole population, or leave it to the mapper")] if missing else []
