"""Weights alone: what training scripts save, out of whatever it is wrapped in.

Tensors of a ``.pt`` file come through our own reader, which runs nothing; files of torch before 1.6 and
``.safetensors`` through torch (weights only, onto the CPU) and the safetensors library.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import bad_input

WRAPPERS = ("model_state_dict", "state_dict", "net", "model", "network", "weights")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
MAX_UNWRAPPED = 4
LIGHTNING = "pytorch-lightning_version"


@dataclass(frozen=True, eq=False)
class Weights:
    """tensors: arrays by name, as in the file; found: what they were unwrapped from, in words ('' where bare);
    others: names of entries beside them that are no tensors; rivals: places of other weights in the same file."""

    tensors: dict[str, np.ndarray]
    found: str = ""
    others: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


def unwrap(value: Any, depth: int = 0) -> Weights | None:
    """The tensors of a state_dict, bare, alone in a list or in one of the usual wrappers; None if there are none."""
    if isinstance(value, list | tuple) and len(value) == 1 and depth < MAX_UNWRAPPED:
        found = unwrap(value[0], depth + 1)
        return (
            None if found is None else replace(found, found=f"alone in a list{', ' * bool(found.found)}{found.found}")
        )
    if not isinstance(value, dict) or depth > MAX_UNWRAPPED:
        return None
    for key in WRAPPERS:
        inner = value.get(key)
        if isinstance(inner, dict) and inner:
            found = unwrap(inner, depth + 1)
            if found is not None:
                kind = " of a Lightning checkpoint" if LIGHTNING in value else ""
                return Weights(
                    found.tensors, f"under {key!r}{kind}{', ' * bool(found.found)}{found.found}", found.others
                )
    return bare(value)


def bare(value: dict[Any, Any]) -> Weights | None:
    """A dictionary as a state_dict, if most of it is tensors."""
    tensors = {str(key): part for key, part in value.items() if isinstance(part, np.ndarray)}
    if not tensors or len(tensors) < len(value) - len(tensors):
        return None
    return Weights(tensors, "", tuple(str(key) for key, part in value.items() if not isinstance(part, np.ndarray)))


def read_safetensors(path: Path) -> Weights:
    """The tensors of a safetensors file; floats that NumPy lacks (bfloat16) become float32."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise bad_input(
            str(path), "needs the safetensors library, which is not installed",
            hint='pip install "neurocomp[safetensors]"',
        ) from error  # fmt: skip
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return Weights({name: _array(file.get_tensor(name)) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError, json.JSONDecodeError) as error:
        raise bad_input(
            str(path), "is a damaged or truncated safetensors file", why=" ".join(str(error).split())[:200],
            hint="copy or download it again",
        ) from error  # fmt: skip


def read_old_torch(path: Path) -> Any:
    """The content of a file of torch before 1.6, tensors as arrays; torch loads weights only."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise bad_input(
            str(path), "torch does not load it as weights alone", why=" ".join(str(error).split())[:200],
            hint="save the weights again: torch.save(net.state_dict(), ...)",
        ) from error  # fmt: skip
    return _arrays(content)


def _arrays(value: Any) -> Any:
    """Nested dictionaries and lists with arrays for tensors."""
    if hasattr(value, "detach"):
        return _array(value)
    if isinstance(value, dict):
        return {key: _arrays(part) for key, part in value.items()}
    return [_arrays(part) for part in value] if isinstance(value, list | tuple) else value


def _array(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    half = str(tensor.dtype) in ("torch.bfloat16", "torch.float8_e4m3fn", "torch.float8_e5m2")
    return (tensor.float() if half else tensor).numpy()
