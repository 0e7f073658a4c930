"""Numeric results on disk: one .npz with a JSON header, written whole or not at all, read without trust."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurocomp.errors import InputError, bad_input
from neurocomp.files import whole_file

Content = TypeVar("Content")


def write_archive(
    path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, compress: bool = True
) -> None:
    """Write header and arrays. The bytes depend on them alone. compress: smaller, and many times slower to write."""
    content = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(file, **content)  # type: ignore[arg-type]


def read_archive(
    path: Path, schema: str, what: str, take: Callable[[dict[str, Any], np.lib.npyio.NpzFile], Content]
) -> Content:
    """What ``take`` makes of the header and the arrays of a file of the given schema.

    what: what it should be, for messages. Raises InputError if the file is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(bytes(file["header"]))
            if header.get("schema") != schema:
                raise bad_input(str(path), f"is no {what} of schema {schema}")
            return take(header, file)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise bad_input(str(path), "there is no such file") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise bad_input(
            str(path),
            f"is damaged or no {what}",
            why=(str(error).splitlines() or [""])[0][:200],
            hint="run the network again and save its trace",
        ) from error
