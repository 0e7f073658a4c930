"""The user's own Python file: imported only where it was named, and left as if it had never been.

What goes wrong in it becomes one message with file and line. While it runs, its folder is on the search path,
``sys.argv`` holds its name alone and what it prints goes to stderr; all of that is put back afterwards.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.sniff import missing_file

OPTION = "--source"
LIKELY = ("build", "make", "create", "get", "net", "model")
PRIVATE = "_neurocomp_source_"


@dataclass(frozen=True)
class Source:
    """``net.py:build``: a Python file, and in it what builds the network; name is None where only the file is given."""

    path: Path
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> Source:
        """Raises InputError if there is no such file."""
        head, colon, tail = text.rpartition(":")
        named = bool(colon) and all(part.isidentifier() for part in tail.split("."))
        path = Path(head if named else text)
        if path.is_dir():
            raise bad_input(OPTION, f"{path} is a folder", hint="name a Python file and what builds the network in it: "
                            f"{OPTION} {path / 'net.py'}:build")  # fmt: skip
        if not path.is_file():
            (found,) = missing_file(path).diagnostics
            raise bad_input(OPTION, f"{found.where} {found.what}", found.why, found.hint)
        return cls(path, tail if named else None)

    def __str__(self) -> str:
        return str(self.path) if self.name is None else f"{self.path}:{self.name}"


class UserCode:
    """The imported file. A context manager: its side effects on this process last as long as the block."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root = source.path.absolute().parent
        self._exit = contextlib.ExitStack()
        self.module: ModuleType

    def __enter__(self) -> UserCode:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_put_back(self.root))
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            with self.told():
                self.module = _imported(self.source.path)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @contextmanager
    def told(self, through: bool = False) -> Iterator[None]:
        """Around every call into the user's code: what it raises becomes an InputError with file and line.

        through: the call goes through code of ours; what does not come from the user's stays what it is.
        """
        try:
            yield
        except InputError:
            raise
        except SystemExit as error:
            raise bad_input(
                self.place(error), f"ends the program (SystemExit {error.code!r})",
                hint='put what is only for a script under: if __name__ == "__main__":',
            ) from error  # fmt: skip
        except Exception as error:
            if through and self.place(error) == str(self.source.path):
                raise
            raise bad_input(self.place(error), one_line(error), hint=_advice(error)) from error

    def place(self, error: BaseException) -> str:
        """``file:line`` of the innermost line of the user's own code that an error came through."""
        if isinstance(error, SyntaxError) and error.filename and self.owns(error.filename):
            return f"{_short(error.filename)}:{error.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if self.owns(frame.filename):
                return f"{_short(frame.filename)}:{frame.lineno}"
        return str(self.source.path)

    def owns(self, filename: str) -> bool:
        """Whether a file is the user's: in the folder of the one that was named, or below."""
        path = Path(filename).absolute()
        return path.is_relative_to(self.root) and "site-packages" not in path.parts

    def built(self) -> Any:
        """What the named function returns, or the named object itself: a torch.nn.Module. Raises InputError."""
        import torch

        found = self._named()
        if not isinstance(found, torch.nn.Module):
            self._check_arguments(found)
            with self.told():
                found = found()
        if not isinstance(found, torch.nn.Module):
            hint = "return the network itself" if isinstance(found, tuple | list | dict) else ""
            what = f"{self.source.name} gives a {type(found).__name__} where a torch.nn.Module is needed"
            raise bad_input(str(self.source.path), what, hint=hint)
        return found

    def _named(self) -> Any:
        if self.source.name is None:
            able = self._builders()
            example = f"{self.source.path}:{able[0] if able else 'build'}"
            raise bad_input(
                OPTION, f"does not say what in {self.source.path} builds the network",
                why=f"it holds {', '.join(able[:8])}" if able else "", hint=f"as in {OPTION} {example}",
            )  # fmt: skip
        found: Any = self.module
        for part in self.source.name.split("."):
            if not hasattr(found, part):
                close = difflib.get_close_matches(part, self._builders(), n=3, cutoff=0.4) or self._builders()[:5]
                hint = f"did you mean {' or '.join(close)}?" if close else ""
                raise bad_input(str(self.source.path), f"has no {self.source.name}", hint=hint)
            found = getattr(found, part)
        if not callable(found):
            what = f"{self.source.name} is of type {type(found).__name__}; a function that builds the network is needed"
            raise bad_input(str(self.source.path), what)
        return found

    def _builders(self) -> list[str]:
        """Names of functions, then of classes, that the file itself defines; the likeliest first."""
        own = self.module.__name__
        named = {n: v for n, v in vars(self.module).items() if callable(v) and not n.startswith("_")}
        found = [n for n, v in named.items() if getattr(v, "__module__", None) == own]
        return sorted(found, key=lambda name: (isinstance(named[name], type), not name.startswith(LIKELY)))

    def _check_arguments(self, factory: Callable[..., Any]) -> None:
        try:
            inspect.signature(factory).bind()
        except TypeError as error:
            raise bad_input(
                str(self.source.path), f"{self.source.name} cannot be called without arguments", why=str(error),
                hint="add a function without arguments that calls it with the ones the network was trained with",
            ) from error  # fmt: skip
        except ValueError:
            return  # a callable that does not tell its arguments


@contextmanager
def placed(code: UserCode | None) -> Iterator[None]:
    """Errors that came through the user's code say where."""
    try:
        with contextlib.nullcontext() if code is None else code.told(through=True):
            yield
    except InputError as error:
        raise with_place(error, code) from error.__cause__


def with_place(error: InputError, code: UserCode | None) -> InputError:
    """The same error, with file and line if an exception of the user's code is behind it."""
    cause = error.__cause__
    if code is None or cause is None or isinstance(cause, InputError):
        return error
    place = code.place(cause)
    if place == str(code.source.path):
        return error
    first, *rest = error.diagnostics
    moved = Diagnostic(place, f"{first.where}: {first.what}", first.why, first.hint)
    placed = InputError([moved, *rest])
    placed.__cause__ = cause
    return placed


def one_line(error: BaseException) -> str:
    """Kind and text of an error, on one line."""
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _advice(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"install {error.name} where neurocomp runs, or put the file beside"
    return ""


def _imported(path: Path) -> ModuleType:
    """Run the file as the module of its stem, so that pickles and sibling files find it; never over another one."""
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else f"{PRIVATE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _put_back(root: Path) -> Iterator[None]:
    """The folder ``root`` first on the search path; path, arguments, folder and modules from it are put back."""
    path, argv, folder, bytecode = list(sys.path), list(sys.argv), os.getcwd(), sys.dont_write_bytecode
    before = set(sys.modules)
    sys.path.insert(0, str(root))
    sys.argv = [str(root)]
    sys.dont_write_bytecode = True  # nothing is written beside the user's files
    try:
        yield
    finally:
        sys.path[:], sys.argv, sys.dont_write_bytecode = path, argv, bytecode
        os.chdir(folder)
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if name.startswith(PRIVATE) or (file and Path(file).is_relative_to(root) and "site-packages" not in file):
                del sys.modules[name]


def _short(filename: str) -> str:
    """The file as one would type it here."""
    path = Path(filename)
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)
