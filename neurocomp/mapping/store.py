"""A program on disk: program.json (what a person may want to read) and program.npz (the arrays).

Both files carry digests, so that a changed or incomplete pair is found out; what has been read is checked
for legality like any other program. Reading back gives the program that was written, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.chip.load import chip_from_json
from neurocomp.errors import CheckFailedError, Diagnostic, InputError, bad_input
from neurocomp.mapping.arrays import read_arrays, write_arrays
from neurocomp.mapping.check import check_program
from neurocomp.mapping.problem import MOST_CHIPS
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import Routes, Tile
from neurocomp.mapping.quality import quality_from_tree
from neurocomp.mapping.routing.usage import Usage
from neurocomp.mapping.tiling.limits import DEMANDS
from neurocomp.network.ops import frozen_array
from neurocomp.network.serial import from_tree, to_tree

SCHEMA = "neurocomp/program/2"
_AGAIN = "compile the network again"
_ROUTE_ARRAYS = tuple(f.name for f in fields(Routes) if f.name != "route_class")
_USAGE_ARRAYS = ("cores", "core_demand", "tile_demand")
_INT64 = ("packet_ptr", "synapse_ptr", "link_ptr", *_USAGE_ARRAYS)


def save_program(program: Program, directory: Path) -> None:
    """Write both files; each appears whole or not at all. Raises InputError if the directory cannot be written."""
    network_tree, network_arrays = to_tree(program.network)
    names = list(network_arrays)
    arrays = {f"network.{i}": network_arrays[name] for i, name in enumerate(names)}
    arrays |= {f"route_class.{i}": a for i, a in enumerate(program.routes.route_class.values())}
    arrays |= {f"routes.{name}": getattr(program.routes, name) for name in _ROUTE_ARRAYS}
    arrays |= {f"usage.{name}": getattr(program.usage, name) for name in _USAGE_ARRAYS}
    listed = [t.positions for t in program.tiles if t.positions is not None]
    arrays["positions"] = np.concatenate([np.zeros(0, np.int32), *listed])
    tree: dict[str, Any] = {
        "schema": SCHEMA,
        "chip": json.loads(program.chip.to_json()),
        "tiles": [_tile_tree(tile) for tile in program.tiles],
        "chips": list(program.chips),
        "offsets": program.offsets,
        "forbidden_cores": list(program.forbidden_cores),
        "assumptions": list(program.assumptions),
        "mismatches": list(program.mismatches),
        "weight_bits": program.usage.weight_bits,
        "quality": None if program.quality is None else program.quality.to_tree(),
        "usage": [vars(use) for use in program.usage.by_limit(program.chip)],  # to be read by people
        "route_classes": list(program.routes.route_class),
        "network": network_tree,
        "network_arrays": names,
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write_both(directory, tree, arrays)
    except OSError as error:
        raise bad_input(str(directory), "cannot be written", error.strerror or str(error)) from error


def _write_both(directory: Path, tree: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    targets = directory / "program.npz", directory / "program.json"
    temporary = [target.with_name(f".{target.name}.{os.getpid()}.tmp") for target in targets]
    try:
        write_arrays(temporary[0], arrays)
        tree["arrays_sha256"] = file_digest(temporary[0])
        tree["sha256"] = tree_digest(tree)
        text = json.dumps(tree, indent=1, ensure_ascii=False, default=_plain)
        temporary[1].write_text(text + "\n", encoding="utf-8", newline="\n")
        for source, target in zip(temporary, targets, strict=True):
            os.replace(source, target)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)


def load_program(directory: str | Path) -> Program:
    """Read a program back. Raises InputError if a file is missing, damaged, changed or contradicts the other."""
    folder = Path(directory)
    path, where = folder / "program.json", str(folder / "program.json")
    tree = _read_tree(path)
    arrays = read_arrays(folder / "program.npz")
    if file_digest(folder / "program.npz") != tree.get("arrays_sha256"):
        raise bad_input(str(folder / "program.npz"), "does not belong to the program.json beside it", hint=_AGAIN)
    try:
        program = _program(tree, arrays, where)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
        raise bad_input(where, "the program is damaged", f"{type(error).__name__}: {error}", _AGAIN) from error
    try:
        check_program(program)
    except CheckFailedError as error:
        found = [Diagnostic(where, f"the program contradicts itself: {d.where}: {d.what}", hint=_AGAIN)
                 for d in error.diagnostics]  # fmt: skip
        raise InputError(found) from error
    return program


def _read_tree(path: Path) -> dict[str, Any]:
    where = str(path)
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "give the directory that `neurocomp compile NET --chip CHIP -o DIR` wrote"
        raise bad_input(where, "does not exist", hint=hint) from error
    except NotADirectoryError as error:
        hint = f"compile it first: neurocomp compile {path.parent} --chip CHIP -o DIR, then give DIR"
        raise bad_input(str(path.parent), "is a file, not a folder that neurocomp compile wrote", hint=hint) from error
    except (OSError, ValueError, RecursionError) as error:
        raise bad_input(where, "is not a program", f"{type(error).__name__}: {error}", _AGAIN) from error
    schema = tree.get("schema") if isinstance(tree, dict) else None
    if schema != SCHEMA:
        raise bad_input(where, f"has schema {schema!r}; this version reads {SCHEMA!r}", hint=_AGAIN)
    if tree.get("sha256") != tree_digest(tree):
        raise bad_input(where, "was changed or damaged after it was written", hint=_AGAIN)
    return tree


def _program(tree: dict[str, Any], arrays: dict[str, np.ndarray], where: str) -> Program:
    arrays = {name: frozen_array(array) for name, array in arrays.items()}
    network = from_tree(
        tree["network"], {n: arrays[f"network.{i}"] for i, n in enumerate(tree["network_arrays"])}, where
    )
    chip = chip_from_json(json.dumps(tree["chip"]), where)
    routes = Routes(
        {name: _integers(arrays, f"route_class.{i}", 1, np.int32) for i, name in enumerate(tree["route_classes"])},
        **{name: _integers(arrays, f"routes.{name}", 1, _type(name)) for name in _ROUTE_ARRAYS},
    )
    cores, core_demand, tile_demand = (
        _integers(arrays, f"usage.{name}", 1 if name == "cores" else 2, np.int64) for name in _USAGE_ARRAYS
    )
    usage = Usage(cores, core_demand, tile_demand, int(tree["weight_bits"]))
    tiles = _tiles(tree["tiles"], _integers(arrays, "positions", 1, np.int32))
    offsets = {str(name): int(level) for name, level in tree["offsets"].items()}
    if usage.core_demand.shape != (usage.cores.size, DEMANDS) or usage.tile_demand.shape != (len(tiles), DEMANDS):
        raise ValueError("the usage does not match the tiles")
    known = {p.name for p in network.populations}
    named = {*offsets, *routes.route_class, *(tile.population for tile in tiles)}
    if not known >= named or min(offsets.values(), default=0) < 0:
        raise ValueError("tiles, classes or offsets name populations that the network does not have")
    return Program(
        network, chip, tiles, routes, offsets, usage, tuple(map(int, tree["forbidden_cores"])),
        tuple(map(str, tree["assumptions"])), tuple(map(str, tree["mismatches"])),
        None if tree["quality"] is None else quality_from_tree(tree["quality"]), _chips(tree["chips"]),
    )  # fmt: skip


def _chips(given: Sequence[int]) -> tuple[int, int]:
    columns, rows = (int(length) for length in given)
    if not (1 <= columns <= MOST_CHIPS and 1 <= rows <= MOST_CHIPS):
        raise ValueError(f"{columns} x {rows} chips")
    return columns, rows


def _type(name: str) -> type[np.signedinteger]:
    return np.int64 if name in _INT64 else np.int32


def _integers(arrays: dict[str, np.ndarray], name: str, axes: int, dtype: type[np.signedinteger]) -> np.ndarray:
    array = arrays[name]
    if array.ndim != axes or array.dtype != dtype:
        raise ValueError(f"{name} is {array.ndim}-d {array.dtype}")
    return array


def _tile_tree(tile: Tile) -> dict[str, Any]:
    place = {"positions": tile.positions.size} if tile.positions is not None else {"box": tile.box}
    return {"population": tile.population, "core": tile.core, **place}


def _tiles(trees: Sequence[dict[str, Any]], positions: np.ndarray) -> tuple[Tile, ...]:
    tiles, at = [], 0
    for tree in trees:
        box, listed = None, None
        if "box" in tree:
            (c0, c1), (y0, y1), (x0, x1) = tree["box"]
            box = ((int(c0), int(c1)), (int(y0), int(y1)), (int(x0), int(x1)))
        else:
            listed = positions[at : at + int(tree["positions"])]
            at += int(tree["positions"])
        tiles.append(Tile(str(tree["population"]), int(tree["core"]), box, listed))
    if at != positions.size:
        raise ValueError(f"{positions.size} positions are stored, the tiles list {at}")
    return tuple(tiles)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(tree: dict[str, Any]) -> str:
    """SHA-256 of a program's description, whatever digest stands in it."""
    rest = {key: value for key, value in tree.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    """NumPy scalars as Python numbers, which JSON writes so that they read back exactly."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a program")
