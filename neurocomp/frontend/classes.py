"""Whole modules that were pickled: which classes are in the file, and which of them may come to life.

The file's globals are listed without running anything. Only *classes* pass: ``torch.nn.Module`` subclasses of the
libraries below, their plain objects for surrogates and resets, and classes of the file that the user named with
``--source``. Each is looked up and checked; a name alone never suffices, and a function never passes. torch then
loads the file with these classes and no others (``weights_only``).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.checkpoint import WRAPPERS
from neurocomp.frontend.pickled import Made, PickledValue
from neurocomp.frontend.usercode import UserCode

LIBRARIES = (
    "torch.nn",
    "spikingjelly.activation_based.neuron",
    "spikingjelly.activation_based.layer",
    "spikingjelly.activation_based.surrogate",
    "spikingjelly.activation_based.model",
    "sinabs.layers",
    "sinabs.activation",
    "sinabs.network",
    "snntorch",
    "norse.torch.module",
)
"""Packages whose nn.Module subclasses may be created. Nothing below them is imported but what they import."""
PLAIN = ("spikingjelly.activation_based.surrogate", "sinabs.activation", "snntorch.surrogate")
"""Packages whose other classes may be created too: they hold surrogates, spike functions and resets."""
HARMLESS = frozenset({"argparse.Namespace"})
MAIN = "__main__"


def is_module(pickled: PickledValue) -> bool:
    """Whether a torch file holds objects of classes at its top or where wrappers keep the network."""
    return _made(pickled.value) is not None


def load_module(path: Path, pickled: PickledValue, code: UserCode | None) -> Any:
    """The pickled module in a file. Raises InputError naming every class that may not or cannot be created."""
    import torch

    allowed = _allowed(path, pickled, code)
    try:
        with torch.serialization.safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise bad_input(
            str(path),
            "the pickled module cannot be loaded with its classes alone",
            why=f"{type(error).__name__}: {text}",
            hint="save its weights, torch.save(net.state_dict(), ...), and give the code: --source net.py:build",
        ) from error
    if isinstance(content, dict):
        content = next((content[k] for k in WRAPPERS if isinstance(content.get(k), torch.nn.Module)), content)
    if not isinstance(content, torch.nn.Module):
        raise bad_input(str(path), f"holds a {type(content).__name__} where a module was expected")
    return content


def _made(value: Any) -> Made | None:
    """The object that would be the network."""
    if isinstance(value, Made):
        return value
    if isinstance(value, dict):
        return next((value[k] for k in WRAPPERS if isinstance(value.get(k), Made)), None)
    return None


def _allowed(path: Path, pickled: PickledValue, code: UserCode | None) -> list[Any]:
    """(class, name) pairs for torch. Raises InputError with one finding for each global that may not pass."""
    import torch

    names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    findings: list[Diagnostic] = []
    allowed: list[Any] = []
    for name in names:
        if name in pickled.called:
            what = f"calls {name} when it is loaded: refused"
            findings.append(Diagnostic(str(path), what, "only objects are created, nothing is called",
                                       "save the weights and give the code: --source net.py:build"))  # fmt: skip
            continue
        found = _of_user(name, code) or _of_library(name)
        if isinstance(found, type):
            allowed.append((found, name))
        else:
            findings.append(_refusal(path, name, code, found))
    if findings:
        raise InputError(findings)
    return allowed


def _refusal(path: Path, name: str, code: UserCode | None, found: str | None) -> Diagnostic:
    """The finding for one global. found: why a library's global does not pass; None: it is no library's."""
    if found is not None:
        hint = "save the weights and give the code: --source net.py:build"
        return Diagnostic(str(path), f"refers to {name}", found, hint)
    module = name.rpartition(".")[0]
    if code is not None:
        lacking = f"which is neither in {code.source.path} nor imported by it"
        what = f"is a pickled module that needs the class {name}, {lacking}"
        return Diagnostic(str(path), what, hint=f"give the file that defines it: --source {_file_of(module)}")
    return Diagnostic(
        str(path), f"is a pickled module that needs the class {name}, which no library has that is known here",
        why="loading it would run the code of that class, which is not in the file",
        hint=f"give that code, if you trust it: --source {_file_of(module)}",
    )  # fmt: skip


def _file_of(module: str) -> str:
    return "train.py" if module == MAIN else f"{module.partition('.')[0]}.py"


def _of_user(name: str, code: UserCode | None) -> type | None:
    """A class of the file that the user named, or of a file in its folder that this one imports."""
    if code is None:
        return None
    module, _, attribute = name.rpartition(".")
    if module in (MAIN, code.module.__name__, code.source.path.stem):
        found = getattr(code.module, attribute, None)
        return found if isinstance(found, type) else None
    beside = sys.modules.get(module)  # nothing is imported because a pickle names it
    if beside is None or not code.owns(getattr(beside, "__file__", None) or "/"):
        return None
    found = getattr(beside, attribute, None)
    return found if isinstance(found, type) else None


def _of_library(name: str) -> type | str | None:
    """The class of that name, or why it does not pass; None if the name is no library's."""
    import torch

    module, _, attribute = name.rpartition(".")
    if name in HARMLESS:
        return getattr(importlib.import_module(module), attribute)
    package = next((p for p in LIBRARIES if module == p or module.startswith(f"{p}.")), None)
    if package is None:
        return None
    try:
        importlib.import_module(package)
    except ImportError as error:
        return f"{package.partition('.')[0]} is not installed or does not work here: {error}"
    loaded = sys.modules.get(module)
    found = getattr(loaded, attribute, None)
    if not isinstance(found, type):
        return (
            "the installed version has no such class" if found is None else "it is no class, and functions never pass"
        )
    plain = any(module == p or module.startswith(f"{p}.") for p in PLAIN)
    if found.__module__ != module or not (plain or issubclass(found, torch.nn.Module)):
        return "it is no layer of a network"
    return found
