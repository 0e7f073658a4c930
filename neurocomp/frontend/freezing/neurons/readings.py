"""What a neuron module does, as read from its parameters: the contract between the frameworks and freezing.

Each framework has a file with a function ``read(module, path) -> Reading | None`` that knows its neuron classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neurocomp.errors import InputError, bad_input
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Op, Shape

Port = Literal["spike", "membrane", "current", "adaptation", "refractory"]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A connection of a neuron layer to itself, one step later, that is part of the neuron module.

    op: given the layer's shape; bias: per channel or None; path: of the weights. late: the bias comes with what
    returns, so not in the first step.
    """

    op: Callable[[Shape], Op]
    bias: np.ndarray | None
    path: str
    late: bool = False


@dataclass(frozen=True, eq=False)
class OverTime:
    """drive(t) = offset[t] + sum over s of weight[t, s] * input(s): weight (steps, steps), offset (steps,)."""

    weight: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True, eq=False)
class Reading:
    """A neuron module, its class (kind) and its path in the network.

    neuron: scalar parameters as floats; others as arrays that broadcast against (batch, *shape).
    time_axis: axis of the input along which the module steps (0 or 1), or None if one call is one step.
    outputs: what a call returns, in order; states: what it may be given besides the input, in the order of the
    arguments. scale: what a spike is worth. unpack(args, kwargs) -> (input, states); pack(outputs) -> what the
    module returns; reset() -> puts the module into its initial state. results(x, returned) -> the outputs, in order,
    where the module does not return them as they are. taps: the neuron is driven by its input of this and of earlier
    steps, times these numbers (this step's first). over_time: it is driven by a mixture of all steps.
    forgets: the module keeps no state between its calls; without one given back to it, it starts anew. squeezes: it
    takes samples and steps as one axis, the steps of a sample after each other. waits: it fires before it is charged,
    so that what arrives in a step is heard in the next one, and nothing in the first.
    """

    path: str
    kind: str
    module: Any
    neuron: Neuron
    time_axis: int | None
    outputs: tuple[Port, ...]
    states: tuple[Port, ...]
    unpack: Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, list[Any]]]
    pack: Callable[[list[Any]], Any]
    reset: Callable[[], None]
    scale: float | np.ndarray = 1.0
    recurrence: Recurrence | None = None
    results: Callable[[Any, Any], list[Any]] | None = None
    taps: np.ndarray | None = None
    over_time: OverTime | None = None
    forgets: bool = False
    squeezes: bool = False
    waits: bool = False
    assumptions: tuple[str, ...] = field(default=())


def refused(path: str, kind: str, why: str, hint: str = "") -> InputError:
    """The InputError for a neuron that cannot be frozen."""
    return bad_input(path, f"neuron {kind} cannot be frozen", why=why, hint=hint)


def number(value: Any) -> float | np.ndarray:
    """A parameter of a module (number or tensor) as a float, or as a float32 array if it has several elements."""
    if hasattr(value, "detach"):
        array = value.detach().cpu().float().numpy()
        return float(array.reshape(-1)[0]) if array.size == 1 else array
    return float(value)


def comparison(path: str, kind: str, fires: Callable[[Any], Any]) -> Literal[">", ">="]:
    """How a spike function treats membranes below, at and above the threshold: it is asked, not looked up.

    fires: maps membrane minus threshold (a tensor) to spikes. Raises InputError if that is no step function.
    """
    import torch

    with torch.no_grad():
        asked = torch.tensor([-2.0, -1e-3, 0.0, 1e-3, 2.0])
        answers = [float(s) for s in fires(asked)]
    if answers == [0, 0, 0, 1, 1]:
        return ">"
    if answers == [0, 0, 1, 1, 1]:
        return ">="
    raise refused(
        path,
        kind,
        f"its spike function answers {answers} to membranes below, at and above the threshold",
        "use a surrogate whose forward pass is a step (spiking=True)",
    )


def own_behaviour(module: Any, known: type) -> tuple[str, ...]:
    """Methods that a user's subclass of a known neuron class adds or replaces; its behaviour is then unknown."""
    harmless = {
        "__init__",
        "extra_repr",
        "__module__",
        "__doc__",
        "__qualname__",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__repr__",
    }
    names: list[str] = []
    for cls in type(module).__mro__:
        if cls is known:
            break
        names += [name for name in vars(cls) if name not in harmless]
    return tuple(names)


def unique_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if it is taken; it is taken from now on."""
    found, count = name, 1
    while found in taken:
        count += 1
        found = f"{name}#{count}"
    taken.add(found)
    return found
