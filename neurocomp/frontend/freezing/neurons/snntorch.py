"""snnTorch neurons (1.0).

A spike where mem > threshold. By default the reset acts one step later: ``subtract`` takes the threshold off the
next step's membrane after its decay; ``zero`` of Leaky clears the membrane before the next decay, which is the
same as clearing it at once, while the other classes throw away the whole next update.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import (
    Port,
    Reading,
    Recurrence,
    comparison,
    number,
    own_behaviour,
    refused,
)
from neurocomp.frontend.freezing.neurons.snntorch_convolving import CONVOLVING, convolving_reading
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Shape

PACKAGE = "snntorch"
_ARGUMENTS = {
    "Leaky": ("mem",),
    "Synaptic": ("syn", "mem"),
    "Lapicque": ("mem",),
    "Alpha": ("syn_exc", "syn_inh", "mem"),
    "RLeaky": ("spk", "mem"),
    "RSynaptic": ("spk", "syn", "mem"),
}
"""The states that a class takes and returns, in order."""
_PORTS: dict[str, Port] = {
    "spk": "spike",
    "syn": "current",
    "syn_exc": "current",
    "syn_inh": "current",
    "mem": "membrane",
}
_PARTS = ("RecurrentOneToOne",)
_COMPOSED = ("SLSTM", "SConv2dLSTM", "AssociativeLeaky")
"""Classes that are no canonical neurons: composed.py puts them together from parts."""
_REFUSED = {
    "DeltaLeaky": "it spikes by how much its membrane has changed",
}


def read(module: Any, path: str) -> Reading | None:
    """The reading of an snnTorch neuron, or None if the module is none. Raises InputError for unknown ones."""
    ancestry = [cls for cls in type(module).__mro__ if cls.__module__.startswith(f"{PACKAGE}._neurons")]
    if not ancestry or ancestry[0].__name__ in _PARTS:
        return None
    kind = ancestry[0].__name__
    if kind in _COMPOSED:
        return None  # its step is followed operation by operation
    if kind not in _ARGUMENTS and kind not in CONVOLVING:
        why = _REFUSED.get(kind, "neurocomp has no form for this model")
        raise refused(path, kind, why, f"supported: {', '.join((*_ARGUMENTS, *CONVOLVING))}")
    own = own_behaviour(module, ancestry[0])
    if own:
        raise refused(
            path,
            type(module).__name__,
            f"the class changes {kind}: {', '.join(own[:4])}",
            "use the framework's own class",
        )
    if kind in CONVOLVING:
        return convolving_reading(module, path, kind)
    _refuse_features(module, path, kind)
    names = _ARGUMENTS[kind]
    states: tuple[Port, ...] = tuple(_PORTS[name] for name in names)
    whole = bool(module.output) or not module.init_hidden
    outputs: tuple[Port, ...] = ("spike", *(s for s in states if s != "spike")) if whole else ("spike",)
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind),
        time_axis=None,
        outputs=outputs,
        states=states,
        unpack=lambda args, kwargs: _unpacked(names, args, kwargs),
        pack=lambda out: tuple(out) if whole else out[0],
        reset=lambda: _reset(module),
        scale=number(module.graded_spikes_factor),
        recurrence=_recurrence(module, path, kind),
        assumptions=_assumptions(module, path),
    )


def _assumptions(module: Any, path: str) -> tuple[str, ...]:
    if getattr(module, "reset_delay", True) or module.reset_mechanism != "subtract":
        return ()
    return (f"{path}: no membrane reaches twice the threshold, where snnTorch delays the next spike",)


def _refuse_features(module: Any, path: str, kind: str) -> None:
    if module.inhibition:
        raise refused(path, kind, "inhibition lets only one neuron of the layer spike, which no chip does in a step")
    if module.state_quant:
        raise refused(
            path,
            kind,
            "its state is quantised by a function of snnTorch",
            "freeze it without state_quant; the chip's own arithmetic is applied when compiling",
        )
    if kind == "Alpha" and module.reset_mechanism == "subtract":
        why = "its reset by subtraction takes the threshold off one of its currents and clears the other"
        raise refused(path, kind, why, 'use reset_mechanism="zero" or "none"')
    if kind == "RSynaptic" and not module.reset_delay:
        raise refused(path, kind, "snnTorch 1.0 itself cannot run RSynaptic with reset_delay=False")


def _unpacked(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    given = dict(zip(("input_", *names), args, strict=False))
    given.update(kwargs)
    return given["input_"], [given.get(name) for name in names]


def _reset(module: Any) -> None:
    import torch

    for name in _PORTS:
        if name in module._buffers:
            # an empty state is what a new module has; the next call gives it the input's shape
            module._buffers[name] = torch.zeros(0, device=module._buffers[name].device)


def _neuron(module: Any, path: str, kind: str) -> Neuron:
    mechanism = module.reset_mechanism
    delayed = getattr(module, "reset_delay", True)
    next_step = delayed and mechanism != "none" and not (kind == "Leaky" and mechanism == "zero")
    common = {
        "threshold": number(module.threshold),
        "compare": comparison(path, kind, module.spike_grad),
        "reset": mechanism,
        "reset_when": "next" if next_step else "now",
    }
    if kind == "Lapicque":
        resistance, capacity, step = number(module.R), number(module.C), number(module.time_step)
        return Neuron(
            v_decay=1.0 - step / (resistance * capacity),
            v_gain=resistance * (1.0 / (resistance * capacity)) * step,
            **common,
        )
    beta = np.clip(number(module.beta), 0, 1)
    if kind == "Alpha":
        return _alpha(module, beta, common)
    if kind in ("Synaptic", "RSynaptic"):
        return Neuron(v_decay=_plain(beta), i_decay=_plain(np.clip(number(module.alpha), 0, 1)), **common)
    return Neuron(v_decay=_plain(beta), **common)


def _alpha(module: Any, beta: Any, common: dict[str, Any]) -> Neuron:
    """mem = tau (exc + inh), where the input is added to exc and taken off inh: exc drives mem one step later."""
    alpha = np.clip(number(module.alpha), 0, 1)
    tau = np.log(alpha) / (np.log(beta) - np.log(alpha)) + 1
    return Neuron(
        v_decay=_plain(beta),
        v_gain=_plain(tau * (alpha - beta)),
        i_decay=_plain(alpha),
        current_when="next",
        reset_current=True,
        **common,
    )


def _plain(value: Any) -> float | np.ndarray:
    return float(value) if np.ndim(value) == 0 else value


def _recurrence(module: Any, path: str, kind: str) -> Recurrence | None:
    if kind not in ("RLeaky", "RSynaptic"):
        return None
    inner = module.recurrent
    where = f"{path}.recurrent"
    if not module.all_to_all:
        weight = number(module.V)
        return Recurrence(lambda shape: OneToOne(_per_element(weight, shape)), None, where)
    weight = np.asarray(inner.weight.detach().cpu().float().numpy())
    bias = None if inner.bias is None else inner.bias.detach().cpu().float().numpy()

    def op(_shape: Shape) -> Op:
        if weight.ndim == 2:
            return Linear(weight)
        return Conv(weight, tuple(inner.stride), tuple(inner.padding), tuple(inner.dilation), inner.groups)

    return Recurrence(op, bias, where)


def _per_element(weight: float | np.ndarray, shape: Shape) -> float | np.ndarray:
    return weight if isinstance(weight, float) else np.ascontiguousarray(np.broadcast_to(weight, shape)).reshape(-1)
