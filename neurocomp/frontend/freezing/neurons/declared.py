"""Neuron classes of a user's own that say which canonical neuron they are.

A torch module with a method ``neurocomp_neuron(self) -> Neuron`` is taken as one neuron layer of that kind; freezing
compares every spike with what the module itself gives, so a wrong declaration does not pass. By default a call takes
one step's input and returns its output, and ``reset()``, if there is one, puts the module into its initial state.
Attributes of the class change that: ``neurocomp_time_axis`` (0 or 1) if a call runs all steps along that axis,
``neurocomp_states`` (a tuple of names: "membrane", "current", "spike", "adaptation") if a call takes (input, state) and
returns (output, state), where the state is a tensor, or a tuple of several, and None at the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from neurocomp.errors import InputError
from neurocomp.frontend.freezing.neurons.readings import Port, Reading, refused
from neurocomp.network.neuron import Neuron

METHOD = "neurocomp_neuron"


def read(module: Any, path: str) -> Reading | None:
    """The reading of a module that declares its neuron, or None. Raises InputError for a wrong declaration."""
    if not callable(getattr(type(module), METHOD, None)):
        return None
    kind = type(module).__name__
    neuron = module.neurocomp_neuron()
    axis = getattr(module, "neurocomp_time_axis", None)
    states = tuple(getattr(module, "neurocomp_states", ()))
    problem = _problem(neuron, axis, states)
    if problem:
        raise _wrong(path, kind, problem)
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=neuron,
        time_axis=axis,
        outputs=("membrane" if neuron.output == "membrane" else "spike", *states),
        states=states,
        unpack=lambda args, kwargs: _unpacked(len(states), args, kwargs),
        pack=lambda out: out[0] if not states else (out[0], out[1] if len(states) == 1 else tuple(out[1:])),
        reset=getattr(module, "reset", _nothing),
    )


def _problem(neuron: object, axis: object, states: tuple[object, ...]) -> str:
    if not isinstance(neuron, Neuron):
        return f"{METHOD}() returns a {type(neuron).__name__}, not a neurocomp.network.Neuron"
    if axis not in (None, 0, 1):
        return f"neurocomp_time_axis is {axis!r}; 0, 1 or None is needed"
    unknown = [name for name in states if name not in get_args(Port)]
    return f"neurocomp_states names {unknown[0]!r}; known are {', '.join(get_args(Port))}" if unknown else ""


def _wrong(path: str, kind: str, why: str) -> InputError:
    return refused(path, kind, why, "see docs/freezing.md, neurons of your own")


def _unpacked(count: int, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    if not count:
        return args[0], []
    state = args[1] if len(args) > 1 else next(iter(kwargs.values()), None)
    if state is None:
        return args[0], [None] * count
    return args[0], [state] if count == 1 and not isinstance(state, tuple | list) else list(state)


def _nothing() -> None:
    """A module whose state is passed in and out keeps none."""
