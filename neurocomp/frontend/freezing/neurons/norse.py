"""Norse neurons (1.1): cells of one step, and their forms that run along axis 0.

Forward Euler with dt inside the module; a spike where v > v_th; reset within the step. Parameters are inverse
time constants in 1/s. The synaptic current of LIF acts before it decays; that of LSNN one step after it arrived.
The recurrent forms hold the weights of their input and of their recurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import Port, Reading, Recurrence, comparison, number, refused
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Linear

PACKAGE = "norse"


@dataclass(frozen=True)
class _Class:
    """family: of the equations; states: of a cell in the order of its state tuple; runs: along axis 0;
    recurrent: with weights of its own; nested: the leading states sit in a tuple of their own."""

    family: str
    states: tuple[Port, ...]
    runs: bool = False
    recurrent: bool = False
    nested: int = 0


_BOX: tuple[Port, ...] = ("membrane",)
_LIF: tuple[Port, ...] = ("membrane", "current")
_LSNN: tuple[Port, ...] = ("membrane", "current", "adaptation")
_CLASSES = {
    "LIFBoxCell": _Class("LIFBox", _BOX),
    "LIFCell": _Class("LIF", _LIF),
    "LIF": _Class("LIF", _LIF, runs=True),
    "LIFRecurrentCell": _Class("LIF", ("spike", *_LIF), recurrent=True),
    "LIFRecurrent": _Class("LIF", ("spike", *_LIF), runs=True, recurrent=True),
    "IAFCell": _Class("IAF", _BOX),
    "IAF": _Class("IAF", _BOX, runs=True),
    "LSNNCell": _Class("LSNN", _LSNN),
    "LSNN": _Class("LSNN", _LSNN, runs=True),
    "LSNNRecurrentCell": _Class("LSNN", ("spike", *_LSNN), recurrent=True),
    "LSNNRecurrent": _Class("LSNN", ("spike", *_LSNN), runs=True, recurrent=True),
    "LIFRefracCell": _Class("LIFRefrac", (*_LIF, "refractory"), nested=2),
    "LIFRefracRecurrentCell": _Class("LIFRefrac", ("spike", *_LIF, "refractory"), recurrent=True, nested=3),
    "LIFRefracRecurrent": _Class("LIFRefrac", ("spike", *_LIF, "refractory"), runs=True, recurrent=True, nested=3),
    "LICell": _Class("LI", _LIF),
    "LI": _Class("LI", _LIF, runs=True),
    "LILinearCell": _Class("LI", _LIF),
    "LIBoxCell": _Class("LIBox", _BOX),
}
_COMPOSED = ("LIFAdEx", "LIFEx", "Izhikevich", "LIFMC")
"""Beginnings of the names of classes that are no canonical neurons: composed.py puts them together from parts."""


def read(module: Any, path: str) -> Reading | None:
    """The reading of a Norse neuron, or None if the module is none. Raises InputError for unknown ones."""
    kind = type(module).__name__
    bases = [cls.__name__ for cls in type(module).__mro__ if cls.__module__ == "norse.torch.module.snn"]
    if not bases and kind != "LILinearCell":
        return None
    if kind.startswith(_COMPOSED) and "Refrac" in kind and type(module).__module__.startswith("norse."):
        raise refused(path, kind, "its refractory steps are counted", "use the form without it")
    if kind.startswith(_COMPOSED) and type(module).__module__.startswith("norse."):
        return None  # its step is followed operation by operation
    if kind not in _CLASSES or not type(module).__module__.startswith("norse."):
        raise refused(path, kind, "neurocomp has no form for this model", f"supported: {', '.join(_CLASSES)}")
    known = _CLASSES[kind]
    if known.runs and module.record_states:
        raise refused(path, kind, "record_states returns a state for every step", "freeze it with record_states=False")
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind, known.family),
        time_axis=0 if known.runs else None,
        outputs=("membrane" if known.family in ("LI", "LIBox") else "spike", *known.states),
        states=known.states,
        unpack=lambda args, kwargs: _unpacked(module, known, args, kwargs),
        pack=lambda out: (out[0], _state(kind, known, out[1:])),
        reset=lambda: None,
        recurrence=_recurrence(module, path) if known.recurrent else None,
        forgets=True,
    )


def _state(kind: str, known: _Class, values: list[Any]) -> Any:
    """The state tuple that the module returns."""
    import norse.torch as norse
    from norse.torch.functional.leaky_integrator import LIState
    from norse.torch.functional.leaky_integrator_box import LIBoxState
    from norse.torch.functional.lif_refrac import LIFRefracFeedForwardState, LIFRefracState
    from norse.torch.functional.lsnn import LSNNFeedForwardState, LSNNState

    plain = {
        "LIFBox": norse.LIFBoxFeedForwardState,
        "LIF": norse.LIFState if known.recurrent else norse.LIFFeedForwardState,
        "IAF": norse.IAFFeedForwardState,
        "LSNN": LSNNState if known.recurrent else LSNNFeedForwardState,
        "LI": LIState,
        "LIBox": LIBoxState,
    }
    if known.nested:
        inner: Any = norse.LIFState if known.recurrent else norse.LIFFeedForwardState
        outer: Any = LIFRefracState if known.recurrent else LIFRefracFeedForwardState
        return outer(inner._make(values[: known.nested]), *values[known.nested :])
    return plain[known.family]._make(values)


def _unpacked(module: Any, known: _Class, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    import torch

    state = args[1] if len(args) > 1 else kwargs.get("state")
    x = args[0]
    if hasattr(module, "input_weights"):
        x = torch.nn.functional.linear(x, module.input_weights)
    if state is None:
        return x, [None] * len(known.states)
    return x, [*state[0], *state[1:]] if known.nested else list(state)


def _recurrence(module: Any, path: str) -> Recurrence:
    weight = np.array(module.recurrent_weights.detach().cpu().float().numpy())
    return Recurrence(lambda _shape: Linear(weight), None, f"{path}.recurrent_weights")


def _neuron(module: Any, path: str, kind: str, family: str) -> Neuron:
    p = module.p.lif if family == "LIFRefrac" else module.p
    if family in ("LI", "LIBox"):
        return Neuron(threshold=np.inf, reset="none", output="membrane", **_integration(module, p, family))
    spikes = _spikes(p, path, kind)
    if family == "IAF":
        return Neuron(v_init=number(p.v_reset), **spikes)
    if family == "LSNN":
        kept = 1.0 - module.dt * number(p.tau_adapt_inv)
        # the threshold decays before it is compared: what a spike adds has decayed once by then
        rarer = {"a_decay": kept, "a_gain": kept * number(p.beta)}
        return Neuron(**spikes, **_integration(module, p, family), current_when="next", **rarer)
    if family == "LIFRefrac":
        steps = number(module.p.rho_reset)
        if not isinstance(steps, float) or steps != round(steps):
            raise refused(path, kind, f"rho_reset is {steps}", "give it one whole number of steps")
        return Neuron(**spikes, **_integration(module, p, family), refractory=int(steps))
    return Neuron(**spikes, **_integration(module, p, family))


def _spikes(p: Any, path: str, kind: str) -> dict[str, Any]:
    from norse.torch.functional.reset import reset_value
    from norse.torch.functional.threshold import threshold

    if getattr(p, "reset_method", reset_value) is not reset_value:
        raise refused(path, kind, "a reset_method other than reset_value")
    return {
        "threshold": number(p.v_th),
        "v_reset": number(p.v_reset),
        "reset": "zero",
        "compare": comparison(path, kind, lambda u: threshold(u, p.method, p.alpha)),
    }


def _integration(module: Any, p: Any, family: str) -> dict[str, Any]:
    """Leak of the membrane, and the current where there is one."""
    rate, leak = module.dt * number(p.tau_mem_inv), number(p.v_leak)
    current = {} if family.endswith("Box") else {"i_decay": 1.0 - module.dt * number(p.tau_syn_inv)}
    return {"v_decay": 1.0 - rate, "v_gain": rate, "leak": leak, "v_init": leak, **current}
