"""SpikingJelly's parallel spiking neurons (Fang et al. 2023): a stateless threshold on a mixture of time steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import OverTime, Reading, comparison, number
from neurocomp.network.neuron import Neuron

PARALLEL = ("PSN", "MaskedPSN", "SlidingPSN")


def parallel_reading(module: Any, path: str, kind: str) -> Reading:
    """The reading of a PSN. Sliding ones look back a fixed number of steps; the others mix all steps at once.

    The neuron forgets its membrane at every step, so that its reset has no effect."""
    stepped = kind != "PSN" and module.step_mode == "s"
    bias = number(module.bias) if kind == "SlidingPSN" else 0.0
    neuron = Neuron(
        v_decay=0.0,
        threshold=0.0 - np.asarray(bias).item(),
        compare=comparison(path, kind, module.surrogate_function),
    )
    taps, mixture = None, None
    if kind == "SlidingPSN":
        taps = np.ascontiguousarray(_array(module.weight)[::-1])
    else:
        weight = module.weight if kind == "PSN" else module.masked_weight()
        mixture = OverTime(_array(weight), _array(module.bias).reshape(-1))
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=neuron,
        time_axis=None if stepped else 0,
        outputs=("spike",),
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=lambda outputs: outputs[0],
        reset=getattr(module, "reset", _nothing),
        taps=taps,
        over_time=mixture,
    )


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().float().numpy()


def _nothing() -> None:
    """A PSN keeps no state."""
