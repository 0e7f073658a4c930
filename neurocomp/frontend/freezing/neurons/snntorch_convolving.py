"""snnTorch's neurons without reset, which compute all steps at once: leaky sums of their input over time (axis 0)."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurocomp.frontend.freezing.neurons.readings import Reading, comparison, number, refused
from neurocomp.network.neuron import Neuron

CONVOLVING = ("LeakyParallel", "LeakyKernel", "StateLeaky", "LinearLeaky")


def convolving_reading(module: Any, path: str, kind: str) -> Reading:
    """The reading of such a module. Those with weights of their own apply them before the neuron."""
    rectifies = kind in ("LeakyParallel", "LeakyKernel")
    if not rectifies and (module.state_quant or module.kernel_truncation_steps is not None):
        why = "its state is quantised" if module.state_quant else "its memory ends after kernel_truncation_steps"
        raise refused(path, kind, why, "freeze it without state_quant and kernel_truncation_steps")
    decay = _diagonal(module, path, kind) if rectifies else number((-1.0 / module.tau).exp())
    neuron = Neuron(
        v_decay=decay,
        v_min=0.0 if rectifies else None,
        threshold=number(module.threshold),
        compare=comparison(path, kind, module.spike_grad),
        reset="none",
    )
    both = not rectifies and bool(module.output)
    only_membrane = not rectifies and not module.output
    return Reading(
        path=path,
        kind=kind,
        module=module,
        neuron=neuron,
        time_axis=0,
        outputs=("spike", "membrane") if both else ("membrane",) if only_membrane else ("spike",),
        states=(),
        unpack=lambda args, _: (_weighted(module, kind, args[0]), []),
        pack=lambda out: tuple(out) if both else out[0],
        reset=lambda: None,
        scale=number(module.graded_spikes_factor),
    )


def _weighted(module: Any, kind: str, x: Any) -> Any:
    import torch

    if kind == "StateLeaky":
        return x
    if kind == "LinearLeaky":
        return module.linear(x)
    rnn = module.rnn
    bias = rnn.bias_ih_l0 + rnn.bias_hh_l0 if rnn.bias else None
    return torch.nn.functional.linear(x, rnn.weight_ih_l0, bias)


def _diagonal(module: Any, path: str, kind: str) -> float | np.ndarray:
    """The decays, which lie on the diagonal of the recurrent weights."""
    weight = np.asarray(number(module.rnn.weight_hh_l0)).reshape(module.hidden_size, module.hidden_size)
    decays = np.ascontiguousarray(np.diagonal(weight))
    if np.any(weight - np.diag(decays)):
        why = "its membranes drive each other (weight_hh_enable=True)"
        raise refused(path, kind, why, "keep the recurrent weights diagonal")
    return decays
