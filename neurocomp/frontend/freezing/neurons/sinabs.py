"""sinabs layers (3.1): IAF, LIF, ALIF, their recurrent forms and the leaky readout, along the time axis of
(batch, time, ...).

By default a neuron of IAF and LIF emits floor(v / threshold) spikes in one step and takes as many thresholds off;
one of ALIF emits one. Squeezing layers take batch and time as one axis.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import Reading, Recurrence, number, refused
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, Op, Shape

PACKAGE = "sinabs"
_LAYERS = ("IAF", "LIF", "ALIF", "ExpLeak", "IAFRecurrent", "LIFRecurrent", "ALIFRecurrent")
MANY = 2**15 - 1
"""Stands for "any number" of spikes in one step."""


def read(module: Any, path: str) -> Reading | None:
    """The reading of a sinabs layer, or None if the module is none. Raises InputError for unknown ones."""
    names = [cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith("sinabs.")]
    if "StatefulLayer" not in names:
        return None
    kind = type(module).__name__
    squeezes = kind.removesuffix("Squeeze") != kind
    if kind.removesuffix("Squeeze") not in _LAYERS:
        raise refused(path, kind, "neurocomp has no form for this layer", f"supported: {', '.join(_LAYERS)}")
    neuron = _neuron(module, path, kind)
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=neuron,
        time_axis=1,
        outputs=("membrane" if neuron.output == "membrane" else "spike",),
        states=(),
        unpack=lambda args, _: (_unsqueezed(module, args[0]) if squeezes else args[0], []),
        pack=lambda out: out[0].flatten(0, 1) if squeezes else out[0],
        reset=module.reset_states,
        recurrence=_recurrence(module, path, kind) if kind.endswith("Recurrent") else None,
        results=(lambda _, returned: [_unsqueezed(module, returned)]) if squeezes else None,
        squeezes=squeezes,
    )


def squeezed_samples(module: Any) -> int | None:
    """How many samples at once the squeezing layers of a network take (-1: any number); None: it has none."""
    layers = [m for m in module.modules() if type(m).__name__.endswith("Squeeze") and hasattr(m, "num_timesteps")]
    return max((int(m.batch_size) for m in layers), default=None)


def _unsqueezed(module: Any, x: Any) -> Any:
    """(batch * time, ...) as (batch, time, ...), the way the layer itself splits it."""
    return x.reshape(module.batch_size, module.num_timesteps, *x.shape[1:])


def _neuron(module: Any, path: str, kind: str) -> Neuron:
    alpha = number(module.alpha_mem_calculated)
    alpha_syn = None if module.alpha_syn_calculated is None else number(module.alpha_syn_calculated)
    gain = 1.0 - np.asarray(alpha, np.float32) if module.norm_input else 1.0
    adapts = kind.startswith("ALIF")
    parameters: dict[str, Any] = {"v_decay": alpha, "v_gain": number(gain) if np.ndim(gain) == 0 else gain}
    if alpha_syn is not None:
        _refuse_scaled_current(module, path, kind, adapts)
        parameters |= {"i_decay": alpha_syn, "i_gain": alpha_syn}
    if kind.startswith("ExpLeak"):
        if module.min_v_mem is not None:
            raise refused(path, kind, "min_v_mem acts after the readout", "train without min_v_mem")
        return Neuron(threshold=np.inf, reset="none", output="membrane", **parameters)
    if module.min_v_mem is not None:
        parameters["v_min"] = _floor(module, path, kind)
    if adapts:
        kept = number(module.alpha_adapt_calculated)
        parameters |= {"a_decay": kept, "a_gain": (1.0 - kept) * number(module.adapt_scale)}
    threshold = number(module.b0 if adapts else module.spike_threshold)
    return _with_spikes(Neuron(reset="subtract", threshold=threshold, compare=">=", **parameters), module, path, kind)


def _refuse_scaled_current(module: Any, path: str, kind: str, adapts: bool) -> None:
    if adapts and module.norm_input:
        why = "with tau_syn and norm_input sinabs scales the current by 1 - alpha_mem anew at every step"
        raise refused(path, kind, why, "use norm_input=False")


def _floor(module: Any, path: str, kind: str) -> float | np.ndarray:
    """sinabs cuts the membrane off after the reset; before the spike it is the same for floors at or below 0 that
    no reset undercuts."""
    lowest = number(module.min_v_mem)
    if np.any(np.asarray(lowest) > 0):
        raise refused(path, kind, f"min_v_mem is {lowest}, above 0", "use a floor at or below 0")
    return lowest


def _with_spikes(neuron: Neuron, module: Any, path: str, kind: str) -> Neuron:
    """The neuron with the module's way to fire and reset."""
    name = getattr(module.spike_fn, "__name__", type(module.spike_fn).__name__)
    resets_to = getattr(module.reset_fn, "reset_value", None)
    subtracts = getattr(module.reset_fn, "subtract_value", None)
    if resets_to not in (None, 0.0):
        raise refused(path, kind, "sinabs adds reset_value to every membrane, fired or not", "reset to 0")
    if subtracts is not None:
        if neuron.v_min is not None:
            raise refused(path, kind, "min_v_mem together with a subtract_value", "use one of them")
        neuron = replace(neuron, v_subtract=float(subtracts))
    if name == "SingleSpike":
        return replace(neuron, reset="subtract" if resets_to is None else "zero")
    if name not in ("MultiSpike", "MaxSpike") or resets_to is not None:
        why = f"spike function {name}" + (" with a reset to zero" if resets_to is not None else "")
        raise refused(path, kind, why, "use MultiSpike or MaxSpike with MembraneSubtract, or SingleSpike")
    limit = getattr(module.spike_fn, "max_num_spikes_per_bin", None) if name == "MaxSpike" else MANY
    return replace(neuron, output="count", max_count=limit or MANY)


def _recurrence(module: Any, path: str, kind: str) -> Recurrence:
    import torch

    inner = module.rec_connect
    layers = [
        m for m in inner.modules() if not isinstance(m, torch.nn.Sequential | torch.nn.Flatten | torch.nn.Identity)
    ]
    if len(layers) != 1 or not isinstance(layers[0], torch.nn.Linear | torch.nn.Conv2d):
        raise refused(path, kind, "rec_connect is more than one linear or convolutional layer")
    layer: Any = layers[0]
    bias = None if layer.bias is None else np.array(layer.bias.detach().cpu().float().numpy())
    weight = np.array(layer.weight.detach().cpu().float().numpy())

    def op(_shape: Shape) -> Op:
        if weight.ndim == 2:
            return Linear(weight)
        return Conv(weight, tuple(layer.stride), tuple(layer.padding), tuple(layer.dilation), layer.groups)

    # nothing has returned at the first step, not even the bias
    return Recurrence(op, bias if bias is not None and bias.any() else None, f"{path}.rec_connect", late=True)
