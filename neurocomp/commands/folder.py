"""The folder that a command writes: whole or not at all, and nothing of anybody else's is touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from neurocomp.errors import bad_input
from neurocomp.interrupts import put_off

PROGRAM = ("program.json", "program.npz")
RESULT, PAGE = "result.json", "report.html"
TRAINING = "training.json"
MARKS = (b'"neurocomp/', b'content="neurocomp"')  # a JSON file begins with its schema, a page with its generator


class OutputFolder:
    """Checked before the work starts; raises InputError if it could not be written at the end, or holds another kind of
    answer: a folder of training (``training``) is not one of a program, nor the other way round."""

    def __init__(self, path: Path, force: bool = False, *, training: bool = False) -> None:
        self.path, self.training = path, training
        try:
            self._check(path, force)
        except OSError as error:
            raise _unwritable(path, error) from error
        self.beside = path if path.is_dir() else path.absolute().parent
        if not os.access(self.beside, os.W_OK):
            raise bad_input(str(path), "cannot be written (permission denied)", hint="give another folder: -o DIR")

    def _check(self, path: Path, force: bool) -> None:
        where = str(path)
        if path.exists() and not path.is_dir():
            raise bad_input(where, "exists and is not a folder", hint="give another one: -o DIR")
        if path.is_dir():
            if not force and any(path.iterdir()) and not _is_ours(path):
                raise bad_input(
                    where,
                    "the folder is not empty and was not written by neurocomp",
                    hint="give another one: -o DIR, or write into it all the same: --force",
                )
            other = (RESULT, PROGRAM[0]) if self.training else (TRAINING,)
            if not force and any((path / name).exists() for name in other):
                raise bad_input(
                    where,
                    f"holds the answer to another question ({next(n for n in other if (path / n).exists())})",
                    hint="give another folder: -o DIR, or write into it all the same: --force",
                )
        elif not path.absolute().parent.is_dir():
            raise bad_input(where, f"there is no folder {path.parent} to put it in", hint="make it first")

    def write(self, *writers: Callable[[Path], None]) -> None:
        """Let each writer put its files into a temporary folder, then move them into place."""
        try:
            temporary = Path(tempfile.mkdtemp(prefix=".neurocomp-", dir=self.beside))
        except OSError as error:
            raise _unwritable(self.path, error) from error
        try:
            for writer in writers:
                writer(temporary)
            if self.path.is_dir():
                with put_off():  # or files of two runs would lie side by side
                    for file in sorted(temporary.iterdir()):
                        os.replace(file, self.path / file.name)
            else:
                temporary.chmod(0o777 & ~_umask())
                os.rename(temporary, self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> Exception:
    return bad_input(
        str(path), "cannot be written", why=error.strerror or str(error), hint="give another folder: -o DIR"
    )


def text_writer(name: str, text: str) -> Callable[[Path], None]:
    """A writer of one text file; the bytes do not depend on the machine."""
    return bytes_writer(name, text.encode())


def bytes_writer(name: str, content: bytes) -> Callable[[Path], None]:
    """A writer of one file."""

    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def _is_ours(path: Path) -> bool:
    for name in (PROGRAM[0], RESULT, TRAINING, PAGE):
        try:
            with (path / name).open("rb") as file:
                head = file.read(200)
                if any(mark in head for mark in MARKS):
                    return True
        except OSError:
            continue
    return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
