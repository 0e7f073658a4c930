"""Shared by the tests of freezing: run a torch module and its frozen network side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.network import Network


def spikes_of(module: Any, example: Any, neurons: dict[str, Any], run: Callable[[Any], Any] | None = None) -> dict:
    """Run a torch module (``run(example)``, or the module itself) and collect what each neuron module returns, in
    call order; of several results the first."""
    import torch

    seen: dict[str, list[np.ndarray]] = {path: [] for path in neurons}
    handles = []
    for path, neuron in neurons.items():
        def hook(_m: Any, _args: Any, output: Any, path: str = path) -> None:
            first = output[0] if isinstance(output, tuple) else output
            seen[path].append(first.detach().numpy().copy())

        handles.append(neuron.register_forward_hook(hook))
    with torch.no_grad():
        (run or module)(example)
    for handle in handles:
        handle.remove()
    return seen


def executed(network: Network) -> dict[str, np.ndarray]:
    """Outputs of every neuron population on the network's own sample, (samples, steps, *shape) as float32."""
    assert network.sample is not None
    trace = execute(network, encode_sample(network.sample)).trace
    return {p.name: trace.dense(p.name).astype(np.float32) for p in network.populations if p.neuron is not None}


def activity(outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean output per population: a comparison of silent layers would show nothing."""
    return {name: float(np.mean(values != 0)) for name, values in outputs.items()}
