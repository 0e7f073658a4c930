"""What runs in the child process (see child.py): takes a file apart under limits and answers questions about it.

A question is one JSON line, ``[method, argument, ...]``; the answer is one JSON line, followed by the bytes of an
array if it says so.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import NeurocompError, ResourceLimitError

SMALL = 64
"""Elements of a dataset that is told along with its group."""
Answer = Callable[[list[Any]], Any]


def main() -> None:
    """Entry point: ``service path limits`` are the arguments."""
    service, path, limits = sys.argv[2:5]
    allowed = json.loads(limits)
    _limit(allowed["bytes"], allowed["seconds"])
    answer = _SERVICES[service](Path(path))
    for line in sys.stdin.buffer:
        _give(answer, json.loads(line))


def _limit(most_bytes: int, seconds: int) -> None:
    """No more memory and processor time than this, no file written, no crash dump, no further process."""
    import resource

    for what, value in (
        (resource.RLIMIT_AS, most_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        hard = resource.getrlimit(what)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # some systems know a limit and do not let it be set
            resource.setrlimit(what, (most, most))


def _give(answer: Answer, words: list[Any]) -> None:
    out = sys.stdout.buffer
    try:
        value = answer(words)
    except NeurocompError as error:
        found = [(d.where, d.what, d.why, d.hint) for d in error.diagnostics]
        _say({"findings": found, "limit": isinstance(error, ResourceLimitError)})
        return
    except MemoryError:
        what = "needs more memory to be taken apart than a file of its size may"
        _say({"findings": [(sys.argv[3], what, "", "")], "limit": True})
        return
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value).reshape(value.shape)
        value = value.astype(value.dtype.newbyteorder("="), copy=False)
        _say({"array": [value.dtype.str[1:], value.shape]})
        out.write(value.reshape(-1).view(np.uint8).data)
    else:
        _say({"value": value})
    out.flush()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def _hdf5(path: Path) -> Answer:
    """Groups and datasets of an HDF5 file by place; methods are those of Hdf5Group."""
    from neurocomp.frontend.hdf5 import Hdf5File, Hdf5Group

    opened: list[Hdf5File] = []
    groups: dict[tuple[str, ...], Hdf5Group] = {}

    def group_at(place: tuple[str, ...]) -> Hdf5Group:
        if not opened:
            opened.append(Hdf5File(path))
            groups[()] = opened[0].__enter__()
        if place not in groups:
            groups[place] = group_at(place[:-1]).group(place[-1])
        return groups[place]

    def answer(words: list[Any]) -> Any:
        method, place, *arguments = words
        group = group_at(tuple(place))
        if method == "strings":
            found = group.strings(*arguments)
            return [list(found.shape), found.reshape(-1).tolist()]
        if method == "contents":
            return _contents(group)
        if method == "several":
            return [_contents_if_sound(group_at, (*place, name)) for name in arguments[0]]
        return {"array": group.array, "is_group": group.is_group, "is_text": group.is_text}[method](*arguments)

    return answer


def _contents(group: Any) -> list[Any]:
    return [[name, *_member(group, name)] for name in group.members]


def _contents_if_sound(group_at: Callable[[tuple[str, ...]], Any], place: tuple[str, ...]) -> list[Any] | None:
    """What is in a group; None if something is wrong with it, which waits until it is asked for alone."""
    try:
        return _contents(group_at(place))
    except NeurocompError:
        return None


def _member(group: Any, name: str) -> tuple[str, Any]:
    """What a member of a group is, with its value if that is small: questions saved. Problems wait until it is asked
    for by name."""
    try:
        if group.is_group(name):
            return "group", None
        if group.is_text(name):
            found = group.strings(name, SMALL)
            return "text", [list(found.shape), found.reshape(-1).tolist()]
        shape = group.shape(name)
        if math.prod(shape) > SMALL:
            return "array", None
        array = group.array(name)
        return "array", [array.dtype.newbyteorder("=").str[1:], list(shape), array.reshape(-1).tolist()]
    except NeurocompError:
        return "", None


def _rehearsal(path: Path) -> Answer:
    """Reads what the parent is about to read: whether that ends, and within the limits. Builds no tensors.

    What is wrong with the file otherwise, its reader says.
    """

    def answer(words: list[Any]) -> None:
        from neurocomp.frontend.pickled import PickleDamaged

        try:
            _REHEARSED[words[0]](path, *words[1:])
        except PickleDamaged as error:
            if isinstance(error.__cause__, MemoryError):
                raise MemoryError from error
        except ValueError:
            pass

    return answer


def _bare_pickle(path: Path, skip: int) -> None:
    from neurocomp.frontend.pickled import read_pickle
    from neurocomp.frontend.torchzip import MAX_PICKLE_BYTES

    with path.open("rb") as file:
        data = file.read(MAX_PICKLE_BYTES)
    for _ in range(skip):
        data = data[read_pickle(data).size :]
    read_pickle(data)


def _entry(path: Path, suffix: str = "") -> bytes:
    """An entry of a zip archive; without a name only the table of contents is read."""
    from neurocomp.frontend.torchzip import MAX_PICKLE_BYTES, TorchZip

    with TorchZip(path) as archive:
        name = archive.find(suffix)
        return b"" if name is None else archive.read(name, MAX_PICKLE_BYTES)


def _zipped_pickle(path: Path) -> None:
    from neurocomp.frontend.pickled import read_pickle

    read_pickle(_entry(path, "data.pkl"))


def _onnx(path: Path) -> None:
    from neurocomp.frontend.onnx_wire import read_onnx

    read_onnx(path)


_REHEARSED: dict[str, Callable[..., object]] = {
    "bare": _bare_pickle,
    "json": lambda path, suffix: json.loads(_entry(path, suffix) or b"0"),
    "onnx": _onnx,
    "pickle": _zipped_pickle,
    "zip": _entry,
}
_SERVICES: dict[str, Callable[[Path], Answer]] = {"hdf5": _hdf5, "rehearsal": _rehearsal}
