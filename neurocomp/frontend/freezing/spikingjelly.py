"""SpikingJelly neurons (2.0, and 0.0.0.0.14, whose parameters have the same names).

Charge, fire, reset, all within one step; a spike where v >= v_threshold. v_reset None means subtraction.
"""

from __future__ import annotations

from typing import Any

from neurocomp.frontend.freezing.readings import Reading, comparison, number, own_behaviour, refused
from neurocomp.network.neuron import Neuron

PACKAGE = "spikingjelly"
_NEURONS = ("IFNode", "LIFNode", "ParametricLIFNode", "CUBALIFNode", "SimpleIFNode", "SimpleLIFNode")
_READOUTS = ("NonSpikingIFNode", "NonSpikingLIFNode")
_BASES = ("BaseNode", "SimpleBaseNode", "NonSpikingBaseNode")


def read(module: Any, path: str) -> Reading | None:
    """The reading of a SpikingJelly neuron, or None if the module is none. Raises InputError for unknown ones."""
    names = [cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith(f"{PACKAGE}.")]
    in_neurons = any(".neuron" in cls.__module__ for cls in type(module).__mro__)
    if not in_neurons or not names:
        return None
    known = next((cls for cls in type(module).__mro__ if cls.__name__ in _NEURONS), None)
    if known is None or (names[0] != known.__name__ and names[0] not in _NEURONS):
        if names[0] in _READOUTS or not any(base in names for base in _BASES):
            raise refused(path, names[0], "neurocomp has no form for this model", _supported())
        raise refused(path, type(module).__name__, "neurocomp has no form for this model", _supported())
    own = own_behaviour(module, known)
    if own:
        raise refused(
            path,
            type(module).__name__,
            f"the class changes {known.__name__}: {', '.join(own[:4])}",
            "use the framework's own class",
        )
    return _reading(module, path, known.__name__)


def _supported() -> str:
    return f"supported: {', '.join(_NEURONS)}"


def _reading(module: Any, path: str, kind: str) -> Reading:
    mode = getattr(module, "step_mode", "s")
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind),
        time_axis=0 if mode == "m" else None,
        outputs=("spike",),
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=lambda outputs: outputs[0],
        reset=module.reset,
    )


def _neuron(module: Any, path: str, kind: str) -> Neuron:
    v_reset = None if module.v_reset is None else float(module.v_reset)
    rest = v_reset or 0.0
    common = {
        "threshold": number(module.v_threshold),
        "reset": "subtract" if v_reset is None else "zero",
        "compare": comparison(path, kind, module.surrogate_function),
        "v_reset": rest,
        "v_init": 0.0 if kind.startswith("Simple") else rest,
    }
    if kind in ("IFNode", "SimpleIFNode"):
        return Neuron(**common)
    if kind == "CUBALIFNode":
        return Neuron(v_decay=number(module.v_decay), i_decay=number(module.c_decay), **common)
    rate = number(module.w.sigmoid()) if kind == "ParametricLIFNode" else 1.0 / number(module.tau)
    # v += (x - (v - rest)) * rate, or v += x - (v - rest) * rate where the input does not decay
    if module.decay_input:
        return Neuron(v_decay=1.0 - rate, v_gain=rate, leak=rest, **common)
    return Neuron(v_decay=1.0 - rate, leak=rest * rate, **common)
