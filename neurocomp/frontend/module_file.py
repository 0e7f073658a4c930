"""A live module out of a file and the code that belongs to it: weights and a factory, or a pickled module."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurocomp.errors import bad_input
from neurocomp.frontend.checkpoint import Weights, read_old_torch, read_safetensors
from neurocomp.frontend.classes import is_module, load_module
from neurocomp.frontend.freezing.quiet import TRITON, hushed
from neurocomp.frontend.frozen import is_frozen, need_torch
from neurocomp.frontend.parts import OPTION, weights_in
from neurocomp.frontend.pt2_module import module_of
from neurocomp.frontend.sniff import sniff
from neurocomp.frontend.strict import load_strictly
from neurocomp.frontend.torchfile import is_exported, is_old_torch, read_saved
from neurocomp.frontend.usercode import Source, UserCode, placed

_AWAY = f"leave {OPTION} away"


@contextlib.contextmanager
def open_module(path: Path, source: str | None, key: str | None = None) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
    """The live module of a file and its code in eval mode, its name, and what was unwrapped for it.

    What goes wrong in the user's code within the block is told with file and line.
    """
    with opened(path, source, key) as (module, name, notes, code), placed(code):
        yield module.to("cpu").eval(), name, notes


@contextlib.contextmanager
def opened(
    path: Path | None, source: str | None, key: str | None = None
) -> Iterator[tuple[Any, str, tuple[str, ...], UserCode | None]]:
    """The same, with the user's code or None, and nothing told. key: which of several state_dicts in the file."""
    need_torch()
    parsed = None if source is None else Source.parse(source)
    if path is not None and parsed is not None and path.suffix == ".py" and _same(path, parsed.path):
        path = None
    if key is not None and (parsed is None or path is None):
        raise bad_input(OPTION, "goes with a file of weights and --source, the code of their network", hint=_AWAY)
    if parsed is None:
        if path is None:
            raise bad_input("--source", "is missing: there is neither a file nor code")
        with hushed(logging.ERROR, TRITON):
            yield _library_module(path), path.stem, (), None
        return
    with UserCode(parsed) as code, hushed(logging.ERROR, TRITON):
        module, notes = module_with_weights(path, code, key)
        yield module, (path or parsed.path).stem, notes, code


def _library_module(path: Path) -> Any:
    """A pickled module of library classes. Raises InputError for what is not one."""
    from neurocomp.frontend.contents import describe, stateless, weights_alone

    kind = sniff(path)
    if kind in ("safetensors", "onnx"):
        raise weights_alone(path) if kind == "safetensors" else stateless(path)
    if kind != "torch":
        raise bad_input(str(path), "is no torch module: it needs no example", hint="leave --input-shape away")
    if is_exported(path):
        return module_of(path)
    pickled = _pickled(path)
    if is_frozen(pickled.value):
        raise bad_input(str(path), "is frozen already")
    if not is_module(pickled):
        raise describe(path, pickled)
    return load_module(path, pickled, None)


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def module_with_weights(path: Path | None, code: UserCode, key: str | None = None) -> tuple[Any, tuple[str, ...]]:
    """The user's network with its weights, and what was unwrapped for that."""
    if path is None:
        return code.built(), ()
    kind = sniff(path)
    if kind == "safetensors":
        held = read_safetensors(path)
        weights = held if key is None else weights_in(held.tensors, key, str(path))
        return _with_weights(code, weights or held, path)
    if kind != "torch":
        raise bad_input("--source", f"does not go with {path}, which holds a whole network", hint="leave it away")
    pickled = _pickled(path, old=True)
    plain = isinstance(pickled, dict | list)
    if not plain and is_frozen(pickled.value):
        raise bad_input("--source", f"does not go with {path}, which is frozen already", hint="leave it away")
    weights = weights_in(pickled if plain else pickled.value, key, str(path))
    if weights is not None:
        return _with_weights(code, weights, path)
    if plain or not is_module(pickled):
        raise bad_input(str(path), "holds neither weights nor a pickled module")
    if key is not None:
        raise bad_input(OPTION, f"does not go with {path}, which is a pickled module", hint=_AWAY)
    return load_module(path, pickled, code), ()


def _with_weights(code: UserCode, weights: Weights, path: Path) -> tuple[Any, tuple[str, ...]]:
    from neurocomp.frontend.freeze import unwrapped

    module = unwrapped(code.built())
    return module, load_strictly(module, weights, str(path))


def _pickled(path: Path, old: bool = False) -> Any:
    """The pickle of a torch file, read and not run; for files of torch before 1.6 (``old``) what torch loads."""
    if old and is_old_torch(path):
        content = read_old_torch(path)
        return content if isinstance(content, dict | list) else {}
    return read_saved(path)
