"""Norse neurons (1.1): cells of one step, and their forms that run along axis 0.

Forward Euler with dt inside the module; a spike where v > v_th; reset within the step. Parameters are inverse
time constants in 1/s. The synaptic current of LIF acts before it decays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurocomp.frontend.freezing.readings import Port, Reading, comparison, number, refused
from neurocomp.network.neuron import Neuron

PACKAGE = "norse"
_CELLS = ("LIFBoxCell", "LIFCell", "IAFCell", "LIF", "IAF")


def read(module: Any, path: str) -> Reading | None:
    """The reading of a Norse neuron, or None if the module is none. Raises InputError for unknown ones."""
    kind = type(module).__name__
    bases = [cls.__name__ for cls in type(module).__mro__ if cls.__module__ == "norse.torch.module.snn"]
    if not bases:
        return None
    if kind not in _CELLS:
        raise refused(path, kind, "neurocomp has no form for this model", f"supported: {', '.join(_CELLS)}")
    current = kind.startswith("LIF") and "Box" not in kind
    states: tuple[Port, ...] = ("membrane", "current") if current else ("membrane",)
    steps = 0 if "SNN" in bases else None
    if steps == 0 and module.record_states:
        raise refused(path, kind, "record_states returns a state for every step", "freeze it with record_states=False")
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind),
        time_axis=steps,
        outputs=("spike", *states),
        states=states,
        unpack=lambda args, kwargs: _unpacked(len(states), args, kwargs),
        pack=lambda out: (out[0], _state(kind)._make(out[1:])),
        reset=lambda: None,
    )


def _state(kind: str) -> Any:
    import norse.torch as norse

    return {
        "LIFBoxCell": norse.LIFBoxFeedForwardState,
        "LIFCell": norse.LIFFeedForwardState,
        "LIF": norse.LIFFeedForwardState,
    }.get(kind, norse.IAFFeedForwardState)


def _unpacked(count: int, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    state = args[1] if len(args) > 1 else kwargs.get("state")
    return args[0], ([None] * count if state is None else list(state))


def _neuron(module: Any, path: str, kind: str) -> Neuron:
    from norse.torch.functional.reset import reset_value
    from norse.torch.functional.threshold import threshold

    p = module.p
    if getattr(p, "reset_method", reset_value) is not reset_value:
        raise refused(path, kind, "a reset_method other than reset_value")
    common = {
        "threshold": number(p.v_th),
        "v_reset": number(p.v_reset),
        "reset": "zero",
        "compare": comparison(path, kind, lambda u: threshold(u, p.method, p.alpha)),
    }
    if kind.startswith("IAF"):
        return Neuron(v_init=number(p.v_reset), **common)
    rate = module.dt * number(p.tau_mem_inv)
    leak = number(p.v_leak)
    current = {} if "Box" in kind else {"i_decay": 1.0 - module.dt * number(p.tau_syn_inv)}
    return Neuron(v_decay=1.0 - rate, v_gain=rate, leak=leak, v_init=leak, **current, **common)
