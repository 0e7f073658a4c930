"""A module that takes several tensors: they are fed side by side as one, and its forward takes them apart again."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from neurocomp.errors import bad_input

Parts = list[tuple[str | None, tuple[int, ...]]]
"""Name (of a dictionary's entries) and shape without the leading axes, in the order in which they lie."""


@contextmanager
def one_input(module: Any, example: Any) -> Iterator[tuple[Any, str]]:
    """The example as one input, and what was done to it in words, if anything. Within the block the module takes that.

    example: a tensor, or a tuple, list or dictionary of several whose leading axes agree. Raises InputError.
    """
    tensors = _tensors(example)
    if tensors is None:
        yield example, ""
        return
    lead = _lead([tensor for _, tensor in tensors])
    parts = [(name, tuple(tensor.shape[lead:])) for name, tensor in tensors]
    joined = _side_by_side([tensor for _, tensor in tensors], lead)
    forward, own = module.forward, vars(module).get("forward")
    hand_over = _way_to_call(forward, example)

    def called(x: Any) -> Any:
        return hand_over(_apart(x, parts, lead))

    vars(module)["forward"] = called
    try:
        sizes = ", ".join(f"{name + ': ' if name else ''}{math.prod(shape)}" for name, shape in parts)
        yield joined, f"the module's {len(parts)} inputs are fed side by side as one, elements in this order: {sizes}"
    finally:
        vars(module).pop("forward", None)
        if own is not None:
            vars(module)["forward"] = own


def _tensors(example: Any) -> list[tuple[str | None, Any]] | None:
    """Name and tensor of each of several inputs; None if there is only one."""
    import numpy as np
    import torch

    named = isinstance(example, dict)
    if not named and not (isinstance(example, tuple | list) and len(example) > 1):
        return None
    found = []
    for name, value in example.items() if named else ((None, value) for value in example):
        tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        if not isinstance(tensor, torch.Tensor):
            hint = "give numbers and options to the module itself"
            raise bad_input("example_input", f"holds a {type(value).__name__} beside tensors", hint=hint)
        found.append((name, tensor.detach().cpu().float()))
    return found


def _lead(tensors: list[Any]) -> int:
    """How many leading axes, of samples and time steps, the inputs share: two if they can."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    shared = next(
        (k for k, sizes in enumerate(zip(*shapes, strict=False)) if len(set(sizes)) > 1), min(map(len, shapes))
    )
    if not shared:
        raise bad_input(
            "example_input",
            f"its tensors of shapes {' and '.join(map(str, shapes))} have no first axis in common",
            why="samples (and time steps, if any) come first in each of them",
            hint="repeat what is the same at every step over the steps",
        )
    return min(shared, 2, max(1, min(map(len, shapes)) - 1))


def _side_by_side(tensors: list[Any], lead: int) -> Any:
    import torch

    return torch.cat([tensor.reshape(*tensor.shape[:lead], -1) for tensor in tensors], -1)


def _apart(x: Any, parts: Parts, lead: int) -> dict[str | None, Any] | list[Any]:
    """The inputs again. A call of a single step has an axis less in front."""
    begin, found = 0, []
    widths = [math.prod(shape) for _, shape in parts]
    front = x.shape[:-1] if x.ndim <= lead + 1 else x.shape[:lead]
    for (_, shape), width in zip(parts, widths, strict=True):
        found.append(x[..., begin : begin + width].reshape(*front, *shape))
        begin += width
    return {name: value for (name, _), value in zip(parts, found, strict=True)} if parts[0][0] is not None else found


def _way_to_call(forward: Callable[..., Any], example: Any) -> Callable[[Any], Any]:
    parameters = [
        p for p in inspect.signature(forward).parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    many = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    if isinstance(example, dict):
        names = {p.name for p in parameters}
        return (lambda found: forward(**found)) if set(example) <= names else forward
    if many or sum(p.default is inspect.Parameter.empty for p in parameters) >= 2 or len(parameters) >= len(example):
        return lambda found: forward(*found)
    return lambda found: forward(type(example)(found))
