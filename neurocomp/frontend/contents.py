"""What is in a torch file that is no frozen network, in words, and what the user can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurocomp.errors import InputError, bad_input
from neurocomp.frontend.checkpoint import unwrap
from neurocomp.frontend.parts import parts_of, several
from neurocomp.frontend.pickled import Made, PickledValue

FREEZE_CALL = 'neurocomp.freeze(net, example_input, "net.pt")'
FREEZE = f"call {FREEZE_CALL} where the network is built"
SOURCE = "--source net.py:build"

_HARMLESS_CALLS = frozenset(
    {
        "torch.device",
        "torch.Size",
        "torch.storage._load_from_bytes",
        "collections.defaultdict",
        "collections.Counter",
        "collections.deque",
        "_codecs.encode",
        "builtins.set",
        "builtins.frozenset",
        "builtins.slice",
        "builtins.complex",
        "builtins.bytearray",
        "copyreg._reconstructor",
        "numpy.dtype",
        "numpy.core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "datetime.datetime",
        "datetime.date",
        "datetime.timedelta",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
    }
)
"""Calls that checkpoint writers make; they build values and do nothing else."""


def refuse_code(where: str, pickled: PickledValue) -> None:
    """Raise InputError, naming it, if loading the pickle with Python would run something."""
    running = [name for name in pickled.called if not _is_harmless(name)]
    if running:
        what = ", ".join(running[:5]) + (" and more" if len(running) > 5 else "")
        raise bad_input(
            where,
            f"would run {what} when loaded: refused",
            why="a pickle is a program; nothing of it has been run",
            hint="ask whoever made the file for a frozen network (neurocomp.freeze) instead",
        )


def describe(path: Path, pickled: PickledValue) -> InputError:
    """The error for a readable torch archive without a frozen network."""
    refuse_code(str(path), pickled)
    weights = unwrap(pickled.value)
    if weights is not None:
        return _only_weights(path, weights.tensors)
    value = pickled.value
    if isinstance(value, Made):
        return _whole_module(path, str(value.what), pickled)
    if isinstance(value, np.ndarray):
        return bad_input(str(path), f"holds a single tensor of shape {value.shape}, not a network", hint=FREEZE)
    parts = parts_of(value)
    if len(parts) > 1:
        return several(parts, str(path))
    if isinstance(value, list | tuple) and value and all(isinstance(part, np.ndarray) for part in value):
        return _unnamed_tensors(path, value)
    if isinstance(value, dict) and any(isinstance(part, Made) for part in value.values()):
        key, part = next((k, v) for k, v in value.items() if isinstance(v, Made))
        return _whole_module(path, f"{part.what} (under {key!r})", pickled)
    return bad_input(str(path), f"holds a {type(value).__name__} without a network", hint=FREEZE)


def _unnamed_tensors(path: Path, tensors: Sequence[np.ndarray]) -> InputError:
    """The error for tensors that have lost their names."""
    shapes = ", ".join("x".join(map(str, tensor.shape)) or "scalar" for tensor in tensors[:4])
    return bad_input(
        str(path),
        f"holds a list of {len(tensors)} tensors without names ({shapes}{', ...' * (len(tensors) > 4)}), not a network",
        why="weights find their layers by name; net.parameters() has none, and lacks batch norm's statistics",
        hint=f"save net.state_dict() instead, and give it with the code that builds the network: {SOURCE}",
    )


def weights_alone(path: Path) -> InputError:
    """The error for a safetensors file without its code."""
    return bad_input(
        str(path),
        "is a safetensors file: it holds weights, not the network",
        hint=f"give the code that builds the network: {SOURCE}",
    )


def stateless(path: Path) -> InputError:
    """The error for an ONNX file where a spiking network is needed."""
    return bad_input(
        str(path),
        "is an ONNX file, which has no spiking neurons",
        hint=f"turn it into a spiking network: neurocomp convert {path.name} --calibrate x.npz",
    )


def _only_weights(path: Path, weights: dict[str, np.ndarray]) -> InputError:
    listed = [f"{name} {'x'.join(map(str, tensor.shape)) or 'scalar'}" for name, tensor in weights.items()]
    shown = ", ".join(listed[:4]) + (", ..." if len(listed) > 4 else "")
    return bad_input(
        str(path),
        f"holds only weights ({len(weights)} tensors: {shown}), not the network",
        why="a state_dict does not say how the layers are joined nor, mostly, what the neurons do",
        hint=f"give the code that builds the network: {SOURCE}, to compile, train or freeze",
    )


def _whole_module(path: Path, name: str, pickled: PickledValue) -> InputError:
    others = [created for created in pickled.created if not created.startswith("torch.nn.") and created != name]
    uses = f"; it uses {', '.join(others[:6])}{' ...' if len(others) > 6 else ''}" if others else ""
    return bad_input(
        str(path),
        f"is a pickled module of class {name}{uses}",
        why="its classes are looked up and checked only where a network is to be frozen",
        hint=f"freeze it: neurocomp freeze {path.name} --input x.npz (--source net.py if classes are your own)",
    )


def _is_harmless(name: str) -> bool:
    return name in _HARMLESS_CALLS or name.startswith("torch._utils._rebuild_")
