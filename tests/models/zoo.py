"""SpikingJelly's model zoo without torchvision, which it imports for download addresses only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NAMES = ("", ".models", ".transforms", ".datasets", "._internally_replaced_utils", ".datasets.utils")


class _StandIn(ModuleType):
    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")

    def __call__(self, *_arguments: Any, **_options: Any) -> None:
        return None


@contextmanager
def model_zoo() -> Iterator[Any]:
    """Gives a function from the name of one of the zoo's files to its module."""
    names = [f"torchvision{name}" for name in _NAMES]
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        module = _StandIn(name)
        module.__spec__ = ModuleSpec(name, None)
        sys.modules[name] = module
    sys.modules["torchvision._internally_replaced_utils"].load_state_dict_from_url = None  # type: ignore[attr-defined]
    try:
        yield lambda name: importlib.import_module(f"spikingjelly.activation_based.model.{name}")
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
