"""snnTorch neurons (1.0).

A spike where mem > threshold. By default the reset acts one step later: ``subtract`` takes the threshold off the
next step's membrane after its decay; ``zero`` of Leaky clears the membrane before the next decay, which is the
same as clearing it at once, while the other classes throw away the whole next update.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.readings import Port, Reading, Recurrence, comparison, number, own_behaviour, refused
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Shape

PACKAGE = "snntorch"
_STATES: dict[str, tuple[Port, ...]] = {
    "Leaky": ("membrane",),
    "Synaptic": ("current", "membrane"),
    "Lapicque": ("membrane",),
    "RLeaky": ("spike", "membrane"),
    "RSynaptic": ("spike", "current", "membrane"),
}
_PARTS = ("RecurrentOneToOne",)
_ARGUMENTS = {"spike": "spk", "current": "syn", "membrane": "mem"}


def read(module: Any, path: str) -> Reading | None:
    """The reading of an snnTorch neuron, or None if the module is none. Raises InputError for unknown ones."""
    ancestry = [cls for cls in type(module).__mro__ if cls.__module__.startswith(f"{PACKAGE}._neurons")]
    if not ancestry or ancestry[0].__name__ in _PARTS:
        return None
    kind = ancestry[0].__name__
    if kind not in _STATES:
        raise refused(path, kind, "neurocomp has no form for this model", f"supported: {', '.join(_STATES)}")
    own = own_behaviour(module, ancestry[0])
    if own:
        raise refused(
            path,
            type(module).__name__,
            f"the class changes {kind}: {', '.join(own[:4])}",
            "use the framework's own class",
        )
    _refuse_features(module, path, kind)
    states = _STATES[kind]
    whole = bool(module.output) or not module.init_hidden
    outputs: tuple[Port, ...] = ("spike", *(s for s in states if s != "spike")) if whole else ("spike",)
    assumptions = ()
    if not getattr(module, "reset_delay", True) and module.reset_mechanism == "subtract":
        assumptions = (f"{path}: no membrane reaches twice the threshold, where snnTorch delays the next spike",)
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind),
        time_axis=None,
        outputs=outputs,
        states=states,
        unpack=lambda args, kwargs: _unpacked(states, args, kwargs),
        pack=lambda out: tuple(out) if whole else out[0],
        reset=lambda: _reset(module),
        scale=number(module.graded_spikes_factor),
        recurrence=_recurrence(module, path, kind),
        assumptions=assumptions,
    )


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
    if kind == "RSynaptic" and not module.reset_delay:
        raise refused(path, kind, "snnTorch 1.0 itself cannot run RSynaptic with reset_delay=False")


def _unpacked(states: tuple[Port, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    given = dict(zip(("input_", *(_ARGUMENTS[s] for s in states)), args, strict=False))
    given.update(kwargs)
    passed = [given.get(_ARGUMENTS[s]) for s in states]
    return given["input_"], passed


def _reset(module: Any) -> None:
    import torch

    for name in ("mem", "syn", "spk"):
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
    if kind in ("Synaptic", "RSynaptic"):
        return Neuron(v_decay=_plain(beta), i_decay=_plain(np.clip(number(module.alpha), 0, 1)), **common)
    return Neuron(v_decay=_plain(beta), **common)


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
