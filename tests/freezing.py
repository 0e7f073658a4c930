"""Shared by the tests of freezing: run a torch module and its frozen network side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from neurocomp.activity.encode import encode_sample
from neurocomp.activity.execute import execute
from neurocomp.chip.catalog import load_chip
from neurocomp.mapping.compile import compile_network
from neurocomp.network import Network
from neurocomp.simulate.inference import simulate


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


def lively(module: Any, factor: float = 2.0) -> Any:
    """In eval mode, with weights large enough to make deep layers fire and batch statistics that are not trivial."""
    from torch import nn

    for child in module.modules():
        if isinstance(child, nn.Linear | nn.Conv1d | nn.Conv2d):
            child.weight.data *= factor
            if child.bias is not None:
                child.bias.data = child.bias.data.abs() * factor
        elif isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.running_mean.uniform_(-0.3, 0.3)
            child.running_var.uniform_(0.05, 0.3)
            child.weight.data.uniform_(0.5, 1.5)
            child.bias.data.uniform_(-0.1, 0.4)
    return module.eval()


def on_a_grid(module: Any, seed: int = 0, gain: float = 3.0) -> Any:
    """In eval mode, with weights and statistics that are random multiples of powers of two.

    Sums of such numbers are exact in float32 in any order, so torch and the engine must agree on every spike, also
    where a membrane is exactly at its threshold: no difference can be put down to rounding. gain: of all weights.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    convolutions = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d
    with torch.no_grad():
        for child in module.modules():
            if isinstance(child, nn.Linear | convolutions):
                fan_in = child.weight[0].numel()
                unit = 2.0 ** math.floor(math.log2(gain / math.sqrt(fan_in)) - 1)
                child.weight.copy_(torch.randint(-5, 6, child.weight.shape) * unit)
                if child.bias is not None:
                    child.bias.copy_(torch.randint(-2, 5, child.bias.shape) / 16)
            elif isinstance(child, nn.modules.batchnorm._BatchNorm):
                child.eps = 0.0
                child.running_var.copy_(4.0 ** torch.randint(-1, 1, child.running_var.shape))
                child.running_mean.copy_(torch.randint(-2, 3, child.running_mean.shape) / 16)
                child.weight.copy_(2.0 ** torch.randint(-1, 1, child.weight.shape))
                child.bias.copy_(torch.randint(-1, 5, child.bias.shape) / 8)
    return module.eval()


def grid_input(*shape: int) -> Any:
    """Random multiples of 1/16 between 0 and 1."""
    import torch

    return torch.randint(0, 17, shape) / 16


def check_model(module: Any, x: Any, low: float = 0.01, **options: Any) -> tuple[Network, int]:
    """Freeze (which itself compares every spike of every neuron with the module), then look again with hooks of our
    own: the number of spikes of every layer at every step of every sample, and what the module returns. Every layer
    must fire. Returns the network and the number of spike sites: neurons x steps x samples."""
    import torch

    from neurocomp.frontend.freeze import freeze

    network = freeze(module, x, **options)
    _reset_spikingjelly(module)
    named = [p.name for p in network.populations if p.neuron is not None and not p.name.startswith("from step ")]
    neurons = {name: module.get_submodule(name) for name in named}
    with torch.no_grad():
        seen = spikes_of(module, x, neurons)
        _reset_spikingjelly(module)
        returned = module(x)
    returned = (returned[0] if isinstance(returned, tuple) else returned).numpy()
    run = execute(network, encode_sample(network.sample))
    sites = 0
    for name, population in ((n, network.by_name[n]) for n in neurons):
        ours = run.trace.dense(name)
        samples, steps = ours.shape[:2]
        sites += samples * steps * population.size
        theirs = np.stack(seen[name]) if len(seen[name]) > 1 else seen[name][0]
        counted = theirs.reshape(-1, samples, population.size).astype(bool).sum(-1).T
        counted = np.pad(counted, [(0, 0), (steps - counted.shape[1], 0)])  # a shorter sequence comes last
        np.testing.assert_array_equal(ours.reshape(samples, steps, -1).astype(bool).sum(-1), counted, err_msg=name)
        assert low < ours.astype(bool).mean() < 0.95, name
    output = run.output.astype(np.float32)
    pooled = {"mean": output.mean(1), "sum": output.sum(1)}
    note = next((a for a in network.assumptions if a.startswith("the output is read out as")), "")
    last = output.swapaxes(0, 1)
    last = last[len(last) - len(returned) :] if returned.size < last.size else last
    ours = pooled.get(note.partition("as the ")[2].partition(" ")[0], last)
    np.testing.assert_allclose(ours.reshape(returned.shape), returned, rtol=1e-4, atol=1e-4)
    return network, sites


def check_compiled(network: Network, most_wrong: float, chip: str = "loihi2") -> Network:
    """Compile for a chip, run it there on the network's own sample, and compare: at most this share of spikes (neuron x
    step x sample) differs from the float run. Returns the network in integers."""
    program = compile_network(network, load_chip(chip), effort="fast")
    run = execute(program.network, encode_sample(network.sample))
    assert simulate(program, run.trace, "bound").steps == run.trace.steps
    neurons = {p.name: p.neuron for p in network.populations if p.neuron is not None}
    spiking = [name for name, neuron in neurons.items() if neuron.output not in ("membrane", "graded")]
    exact = executed(network)
    rounded = {name: run.trace.dense(name) for name in spiking if name in run.trace.populations}
    wrong = sum(int((rounded[name] != exact[name]).sum()) for name in rounded)
    assert wrong <= most_wrong * sum(values.size for values in rounded.values())
    return program.network


def check(
    module: Any,
    x: Any,
    neurons: list[str],
    run: Callable[[Any], Any] | None = None,
    reset: Callable[[], None] | None = None,
    low: float = 0.02,
    **options: Any,
) -> Network:
    """Freeze; then compare every neuron's spikes with what hooks of our own see. run: runs the module where one
    call is one step; reset: puts it into its initial state (SpikingJelly's way if None); low: least activity."""
    from neurocomp.frontend.freeze import freeze

    network = freeze(module, x, **options)
    paths = dict(module.named_modules())
    (reset or (lambda: _reset_spikingjelly(module)))()
    seen = spikes_of(module, x, {n: paths[n] for n in neurons}, run)
    ours = executed(network)
    assert sorted(ours) == sorted(neurons)
    for name in neurons:
        samples, _, *shape = ours[name].shape
        calls = seen[name] if len(seen[name]) > 1 else list(seen[name][0])
        theirs = np.stack([call.reshape(samples, *shape) for call in calls], 1)
        np.testing.assert_array_equal(ours[name], theirs, err_msg=name)
    assert min(activity(ours).values()) > low, activity(ours)
    return network


def op_types(network: Network) -> dict[str, type]:
    """The operator class of every projection, by name."""
    return {p.name: type(p.op) for p in network.projections}


def _reset_spikingjelly(module: Any) -> None:
    from spikingjelly.activation_based import functional

    functional.reset_net(module)
