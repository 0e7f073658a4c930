"""The frozen network: one torch zip archive holding a JSON description and plain tensors.

``torch.load(path, weights_only=True)`` reads it; so does neurocomp, without torch. Layout::

    {"neurocomp": <JSON text of the tree of network/serial.py>, "tensors": {name: tensor}}
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.files import remove_stale, write_whole
from neurocomp.network.graph import Network
from neurocomp.network.serial import from_tree, to_tree

DESCRIPTION, TENSORS = "neurocomp", "tensors"


def write_frozen(network: Network, path: str | Path) -> Path:
    """Write a network as a frozen file; needs torch. The same network gives the same bytes.

    The file appears whole or not at all. Raises InputError if torch is missing or the path cannot be written.
    """
    torch = need_torch()
    tree, arrays = to_tree(network)
    content = {
        DESCRIPTION: json.dumps(tree, separators=(",", ":")),
        # a copy: torch refuses read-only arrays, and keeps no view of the network's own memory this way
        TENSORS: {name: torch.from_numpy(np.array(array, order="C")) for name, array in arrays.items()},
    }
    # saved to memory first: torch would write the file's own name into a file that it opens itself
    buffer = io.BytesIO()
    torch.save(content, buffer)
    path = Path(path)
    try:
        remove_stale(path.parent)
        write_whole(path, buffer.getvalue())
    except OSError as error:
        raise bad_input(str(path), "cannot be written", why=error.strerror or str(error)) from error
    return path


def is_frozen(content: Any) -> bool:
    """Whether the top-level value of a torch archive is a frozen network."""
    return isinstance(content, dict) and isinstance(content.get(DESCRIPTION), str)


def from_archive(content: dict[str, Any], where: str) -> Network:
    """The network in an archive for which :func:`is_frozen` holds."""
    tensors = content.get(TENSORS, {})
    if not isinstance(tensors, dict) or not all(isinstance(array, np.ndarray) for array in tensors.values()):
        raise bad_input(
            where, "the network description is damaged", why="its tensors are missing", hint="freeze the network again"
        )
    try:
        tree = json.loads(content[DESCRIPTION])
    except (ValueError, RecursionError) as error:
        raise bad_input(
            where,
            "the network description is damaged",
            why=f"{type(error).__name__}: {error}",
            hint="freeze the network again",
        ) from error
    return from_tree(tree, tensors, where)


def need_torch() -> Any:
    """The torch module, or an InputError that says how to get it."""
    try:
        import torch
    except ImportError as error:
        raise bad_input(
            "freeze", "needs PyTorch, which is not installed", hint='pip install "neurocomp[torch]"'
        ) from error
    return torch
