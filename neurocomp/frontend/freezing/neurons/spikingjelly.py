"""SpikingJelly neurons (2.0, and 0.0.0.0.14, whose parameters have the same names).

Charge, fire, reset, all within one step; a spike where v >= v_threshold. v_reset None means subtraction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons import spikingjelly_variants as variants
from neurocomp.frontend.freezing.neurons.readings import Reading, number, own_behaviour, refused
from neurocomp.frontend.freezing.neurons.spikingjelly_filter import FILTER, filter_reading
from neurocomp.frontend.freezing.neurons.spikingjelly_parallel import PARALLEL, parallel_reading
from neurocomp.frontend.freezing.neurons.spikingjelly_variants import common
from neurocomp.network.neuron import Neuron

PACKAGE = "spikingjelly"
_BASES = ("BaseNode", "SimpleBaseNode", "NonSpikingBaseNode", "ILCBaseNode", "NoisyBaseNode", "NoisyNonSpikingBaseNode")
_OTHERS = ("FewSpikeNode", "STBIFNode", "FlexSN")

Build = Callable[[Any, str, str], Neuron]


def read(module: Any, path: str) -> Reading | None:
    """The reading of a SpikingJelly neuron, or None if the module is none. Raises InputError for unknown ones."""
    ancestry = [cls for cls in type(module).__mro__ if cls.__module__.startswith(f"{PACKAGE}.")]
    names = [cls.__name__ for cls in ancestry]
    if FILTER in names:
        return filter_reading(module, path)
    if not any(".neuron" in cls.__module__ for cls in ancestry):
        return None
    kind = names[0]
    if kind in _COMPOSED:
        return None  # its step is followed operation by operation
    if kind not in _BUILD and kind not in PARALLEL and kind not in _READOUTS:
        own = type(module).__name__
        if kind in _REFUSED:
            raise refused(path, own, _REFUSED[kind], _supported())
        known = any(base in names for base in (*_BASES, *_OTHERS))
        raise refused(path, own if known else kind, "neurocomp has no form for this model", _supported())
    own = own_behaviour(module, ancestry[0])
    if own:
        why = f"the class changes {kind}: {', '.join(own[:4])}"
        raise refused(path, type(module).__name__, why, "use the framework's own class")
    _check_online(module, path, kind)
    if kind in PARALLEL:
        return parallel_reading(module, path, kind)
    if kind in _READOUTS:
        return _readout(module, path, kind)
    return _reading(module, path, kind)


def _check_online(module: Any, path: str, kind: str) -> None:
    """OTTT neurons run one step per call, and return their traces as well while they are trained."""
    if kind != "OTTTLIFNode":
        return
    if module.step_mode != "s":
        why = "SpikingJelly runs it one step per call; with step_mode='m' its own forward pass fails"
        raise refused(path, kind, why, "set its step_mode to 's' and call it once per time step")
    if module.training:
        raise refused(path, kind, "in training mode it returns traces with its spikes", "call module.eval() first")


def _supported() -> str:
    return f"supported: {', '.join((*_BUILD, *PARALLEL, *_READOUTS))}"


def _reading(module: Any, path: str, kind: str) -> Reading:
    mode = getattr(module, "step_mode", "s")
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_BUILD[kind](module, path, kind),
        time_axis=0 if mode == "m" else None,
        outputs=("spike",),
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=lambda outputs: outputs[0],
        reset=module.reset,
        scale=variants.worth_of_a_spike(module, kind),
    )


def _integrator(module: Any, path: str, kind: str) -> Neuron:
    return Neuron(**common(module, path, kind))


def _leaky(module: Any, path: str, kind: str) -> Neuron:
    rate = number(module.w.sigmoid()) if kind == "ParametricLIFNode" else 1.0 / number(module.tau)
    given = common(module, path, kind)
    # v += (x - (v - rest)) * rate, or v += x - (v - rest) * rate where the input does not decay
    if module.decay_input:
        return Neuron(v_decay=1.0 - rate, v_gain=rate, leak=given["v_reset"], **given)
    return Neuron(v_decay=1.0 - rate, leak=given["v_reset"] * rate, **given)


def _with_current(module: Any, path: str, kind: str) -> Neuron:
    return Neuron(v_decay=number(module.v_decay), i_decay=number(module.c_decay), **common(module, path, kind))


_BUILD: dict[str, Build] = {
    "IFNode": _integrator,
    "LIFNode": _leaky,
    "ParametricLIFNode": _leaky,
    "CUBALIFNode": _with_current,
    "SimpleIFNode": _integrator,
    "SimpleLIFNode": _leaky,
    "HalfThresholdIFNode": _integrator,
    "OTTTLIFNode": _leaky,
    "SLTTLIFNode": _leaky,
    **variants.BUILD,
}
_READOUTS = ("NonSpikingIFNode", "NonSpikingLIFNode")
_COMPOSED = ("LIAFNode",)
"""Classes that are no canonical neurons: composed.py puts them together from parts."""
_REFUSED = {
    "FewSpikeNode": "it takes the sum over all steps, then fires for as many steps: its layers run one after the other",
    "OutlierAwareThresholdNode": "it takes the sum over all steps, then fires for as many steps",
    "HGNode": "it takes the sum over all steps, then fires for as many steps",
    "STBIFNode": "it counts what it has sent and stops at a bound, a rule that no chip here has",
    "FlexSN": "its step is a function of the user's own",
}


def _readout(module: Any, path: str, kind: str) -> Reading:
    """A membrane without spikes; what the module makes of it over time (decode) is part of the graph."""
    rate = 1.0 if kind == "NonSpikingIFNode" else 1.0 / number(module.tau)
    decay = 1.0 if kind == "NonSpikingIFNode" else 1.0 - rate

    def decoded(outputs: list[Any]) -> Any:
        v = outputs[0]
        match module.decode:
            case "max-mem":
                return v.max(0).values
            case "max-abs-mem":
                high, low = v.max(0).values, v.min(0).values
                return high * (high.abs() > low.abs()) + low * (high.abs() <= low.abs())
            case "mean-mem":
                return v.mean(0)
            case "last_mem":
                return v[-1]
            case _:
                return list(v.unbind(0))

    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=Neuron(v_decay=decay, v_gain=rate, threshold=np.inf, reset="none", output="membrane"),
        time_axis=0,
        outputs=("membrane",),
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=decoded,
        reset=lambda: None,
        results=lambda x, _: [_membranes(module, x)],
    )


def _membranes(module: Any, x: Any) -> Any:
    """The membrane at every step, by the module's own charging."""
    import torch

    module.v = torch.zeros_like(x[0])
    steps = []
    for given in x:
        module.neuronal_charge(given)
        steps.append(module.v)
    return torch.stack(steps)
