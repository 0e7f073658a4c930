"""sinabs layers (3.1): IAF and LIF along the time axis of (batch, time, ...).

By default a neuron emits floor(v / threshold) spikes in one step and takes as many thresholds off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.readings import Reading, number, refused
from neurocomp.network.neuron import Neuron

PACKAGE = "sinabs"
_LAYERS = ("IAF", "LIF")
MANY = 2**15 - 1
"""Stands for "any number" of spikes in one step."""


def read(module: Any, path: str) -> Reading | None:
    """The reading of a sinabs layer, or None if the module is none. Raises InputError for unknown ones."""
    names = [cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith("sinabs.")]
    if "StatefulLayer" not in names:
        return None
    kind = type(module).__name__
    if kind not in _LAYERS:
        raise refused(path, kind, "neurocomp has no form for this layer", f"supported: {', '.join(_LAYERS)}")
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=_neuron(module, path, kind),
        time_axis=1,
        outputs=("spike",),
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=lambda out: out[0],
        reset=module.reset_states,
    )


def _neuron(module: Any, path: str, kind: str) -> Neuron:
    if module.min_v_mem is not None:
        raise refused(path, kind, "min_v_mem cuts the membrane off from below", "train without min_v_mem")
    alpha = number(module.alpha_mem_calculated)
    alpha_syn = None if module.alpha_syn_calculated is None else number(module.alpha_syn_calculated)
    gain = 1.0 - np.asarray(alpha, np.float32) if module.norm_input else 1.0
    synapse: dict[str, float | np.ndarray | None] = {}
    if alpha_syn is not None:
        synapse = {"i_decay": alpha_syn, "i_gain": alpha_syn}
    neuron = Neuron(
        v_decay=alpha,
        v_gain=number(gain) if np.ndim(gain) == 0 else gain,
        reset="subtract",
        threshold=number(module.spike_threshold),
        compare=">=",
    )
    return _with_spikes(neuron.with_parameters(synapse), module, path, kind)


def _with_spikes(neuron: Neuron, module: Any, path: str, kind: str) -> Neuron:
    """The neuron with the module's way to fire and reset."""
    name = getattr(module.spike_fn, "__name__", type(module.spike_fn).__name__)
    resets_to = getattr(module.reset_fn, "reset_value", None)
    subtracts = getattr(module.reset_fn, "subtract_value", None)
    if subtracts is not None or resets_to not in (None, 0.0):
        raise refused(path, kind, "a reset other than to zero or by the threshold")
    if name == "SingleSpike":
        return replace(neuron, reset="subtract" if resets_to is None else "zero")
    if name not in ("MultiSpike", "MaxSpike") or resets_to is not None:
        why = f"spike function {name}" + (" with a reset to zero" if resets_to is not None else "")
        raise refused(path, kind, why, "use MultiSpike or MaxSpike with MembraneSubtract, or SingleSpike")
    limit = getattr(module.spike_fn, "max_num_spikes_per_bin", None) if name == "MaxSpike" else MANY
    return replace(neuron, output="count", max_count=limit or MANY)
