"""From what a space says about its networks to files that every process can read: frozen once, kept by content.

A frozen network lies in the sweep's folder together with a list of all files that were read for it and their hashes.
It is taken from there as long as none of them has changed. A user's code is run only if the user says so where the
sweep is started: a space may have been written by somebody else.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.files import write_whole
from neurocomp.frontend.opened import files_read
from neurocomp.frontend.usercode import Source
from neurocomp.inputs.reading import Reading
from neurocomp.network.graph import Network
from neurocomp.sweep.given import Given, Saved
from neurocomp.sweep.space import NetworkFile, Space
from neurocomp.sweep.store import Store
from neurocomp.version import VERSION

NETWORKS = "networks"
OPTION = "--run-code"
LIBRARIES = ("torch", "numpy", "spikingjelly", "snntorch", "norse", "sinabs")


def needs_freezing(space: Space) -> bool:
    """Whether a network of the space is frozen before its points are computed."""
    return any(entry.live for entry in space.networks)


def gathered(space: Space, folder: Path, run_code: bool = False) -> Given:
    """The files of a space's points; what has to be frozen is frozen into the sweep's folder. run_code: whether code
    that the space names may be run. Raises InputError with all that is wrong with its networks."""
    found: list[Diagnostic] = []
    networks: list[tuple[str, Saved]] = []
    data = None if space.input is None else Path(space.input)
    for entry in space.networks:
        try:
            networks.append((entry.label, _saved(entry, data, folder, run_code)))
        except InputError as error:
            found += error.diagnostics
    if found:
        raise InputError(found)
    return Given(data, None if space.calibrate is None else Path(space.calibrate), tuple(networks))


def _saved(entry: NetworkFile, data: Path | None, folder: Path, run_code: bool) -> Saved:
    if not entry.live:
        return Saved(Path(entry.file), entry.reading)
    inputs = data if entry.input is None and entry.input_shape is None else None
    inputs = Path(entry.input) if entry.input is not None else inputs
    named = hashlib.sha256(json.dumps(_named(entry, inputs)).encode()).hexdigest()
    path = folder / NETWORKS / f"{Path(entry.file).stem}-{named[:16]}.ncomp"
    if not _still_right(path):
        if entry.source is not None and not run_code:
            what = f"names code, {entry.source}, that builds the network and would be run"
            raise bad_input(entry.label, what, hint=f"look at it; if you trust it, say so: {OPTION}")
        Store(folder)
        path.parent.mkdir(exist_ok=True)
        _freeze(entry, inputs, path)
    return Saved(path)


def _freeze(entry: NetworkFile, inputs: Path | None, path: Path) -> None:
    """Write the frozen network, and beside it which files it was made from."""
    from neurocomp.frontend.frozen import write_frozen

    read = {Path(entry.file), *([] if inputs is None else [inputs])}
    source = None if entry.source is None else Source.parse(entry.source).path
    with files_read((source or Path(entry.file)).absolute().parent) as opened:
        network = _network(entry.reading, Path(entry.file), inputs, entry.steps)
    read |= opened | (set() if source is None else {source})
    hashes = {str(file.absolute()): _sha256(file) for file in sorted(read)}
    write_frozen(network, path)
    tree = {"network": _sha256(path), "files": hashes}
    write_whole(_list_of(path), json.dumps(tree, indent=1, sort_keys=True) + "\n")


def _network(reading: Reading, file: Path, inputs: Path | None, steps: int | None) -> Network:
    from neurocomp.frontend.live import freeze_file

    example = reading.example(inputs, steps)
    if example is None:
        hint = "add input: x.npz to it or to the space, or only the shape of a sample, input_shape: [1, 28, 28]"
        raise bad_input(str(file), "needs an example of what the network takes, to be frozen with", hint=hint)
    return freeze_file(file, reading.source, example, reading.key)


def _named(entry: NetworkFile, inputs: Path | None) -> list[Any]:
    """What a frozen network is named by: everything but the contents of files."""
    files = [str(Path(entry.file).absolute()), None if inputs is None else str(inputs.absolute())]
    return [VERSION, *map(_version, LIBRARIES), *files, entry.model_dump(mode="json", exclude={"name"})]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _still_right(path: Path) -> bool:
    """Whether a frozen network is there and all files that it was made from are as they were."""
    try:
        tree = json.loads(_list_of(path).read_text("utf-8"))
        return _sha256(path) == tree["network"] and all(_sha256(Path(f)) == known for f, known in tree["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _list_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
