"""Are differing spikes nothing but rounding? Every layer is asked by itself, with the module's own spikes in front.

A sum of float32 numbers depends on their order, so a membrane that comes within rounding of its threshold may fire in
torch and not here, and one such spike changes everything behind it. Whether *all* differences come from that is
found out layer by layer: the network is run with the module's recorded spikes in the place of each layer's own
(teacher forcing), and

1. what arrives at every neuron must be what the module gave it, up to ``DRIVE`` of the layer's largest value;
2. the neurons' equations, given what the module gave them, must make the module's spikes, except where the membrane
   is within ``THRESHOLD`` of the threshold; after such a spike a neuron's state is another, and it is not asked again;
3. where a layer gives its membranes (a read-out), the equations must give the module's values, up to ``VALUE`` of the
   layer's largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.activity.reference_neuron import NeuronState
from neurocomp.network.graph import Network, Population, Sample
from neurocomp.network.layout import channel_last
from neurocomp.network.neuron import Neuron

DRIVE = 1e-5
THRESHOLD = 1e-5
VALUE = 1e-4
"""Of membranes and graded spikes: relative to the value, or to the layer's largest."""
_WATCHED = Neuron(v_decay=0.0, reset="none", output="membrane")


@dataclass(frozen=True)
class Forced:
    """drive: largest relative deviation of what arrives at a layer; close: neurons (times samples) whose own
    equations differ from the module once, with the membrane at the threshold."""

    drive: float
    close: int


def forced(
    network: Network, sample: Sample, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> Forced | None:
    """The check above; None if it fails, or if some layer's outputs cannot stand for its spikes.

    inputs, outputs: of the module's neuron layers, by population, (samples, steps, *shape).
    """
    neurons = {p.name: p for p in network.populations if p.neuron is not None}
    told = {name: _told(p.neuron, outputs[name]) for name, p in neurons.items() if p.neuron is not None}
    if set(neurons) != set(outputs) or any(values is None for values in told.values()):
        return None
    drive = _largest_deviation(network, sample, inputs, {k: v for k, v in told.items() if v is not None})
    if not drive <= DRIVE:  # nor where numbers have left float32
        return None
    close = 0
    for name, population in neurons.items():
        found = _own_differences(population, inputs[name], told[name])
        if found is None:
            return None
        close += found
    return Forced(drive, close)


def _told(neuron: Neuron, outputs: np.ndarray) -> np.ndarray | None:
    """What the population sends if it sends what the module sent: a spike may be worth another number there."""
    if neuron.output == "binary":
        return (outputs != 0).astype(np.float32)
    return outputs if neuron.output in ("membrane", "count") else None


def _largest_deviation(
    network: Network, sample: Sample, inputs: Mapping[str, np.ndarray], told: Mapping[str, np.ndarray]
) -> float:
    from neurocomp.activity.encode import encode_sample
    from neurocomp.activity.execute import execute

    given = encode_sample(sample)
    trace = execute(
        _cut_open(network, set(told)), {network.inputs[0]: given, **{_teller(n): v for n, v in told.items()}}
    ).trace
    worst = 0.0
    for name in told:
        theirs = inputs[name]
        largest = max(float(np.abs(theirs).max(initial=0)), 1e-3)
        with np.errstate(invalid="ignore"):  # infinity from itself is no number, which forced() refuses
            away = np.abs(trace.dense(name).reshape(theirs.shape) - theirs)
        worst = np.maximum(worst, float(away.max(initial=0)) / largest)  # hands on what is no number; max() may not
    return float(worst)


def _cut_open(network: Network, names: set[str]) -> Network:
    """The network with each layer's spikes coming from outside, and each layer showing what arrives at it."""
    populations = [replace(p, neuron=_WATCHED) if p.name in names else p for p in network.populations]
    tellers = [Population(_teller(p.name), p.shape) for p in network.populations if p.name in names]
    projections = tuple(replace(p, source=_teller(p.source)) if p.source in names else p for p in network.projections)
    return replace(
        network,
        populations=(*populations, *tellers),
        projections=projections,
        inputs=(*network.inputs, *(p.name for p in tellers)),
        output=None,
        sample=None,
        stations=(),
    )


def _teller(name: str) -> str:
    return f"{name} (module)"


def same_values(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Where membranes or graded spikes of one layer are the module's, up to ``VALUE``."""
    return np.isclose(ours, theirs, rtol=VALUE, atol=VALUE * max(float(np.abs(theirs).max(initial=0)), 1e-3))


def _own_differences(population: Population, inputs: np.ndarray, told: np.ndarray | None) -> int | None:
    """How many neurons, given the module's own input, fire otherwise at their threshold; None if one does elsewhere,
    or if a membrane that is read out is another."""
    neuron = population.neuron
    if neuron is None or told is None:
        return None
    if neuron.output == "membrane":
        return 0 if same_values(_values(population, neuron, inputs), _last(told, population)).all() else None
    close = 0
    for given, spikes in zip(inputs, told, strict=True):
        state = NeuronState(population, neuron, None)
        parted = np.zeros(population.size, bool)
        for x, theirs in zip(_last(given, population), _last(spikes, population), strict=True):
            ours, _ = state.update(x)
            new = (ours != theirs) & ~parted
            reach = THRESHOLD * np.maximum(np.maximum(np.abs(state.theta), np.abs(state.charged)), 1e-3)
            near = np.isfinite(state.charged) & (np.abs(state.charged - state.theta) <= reach)
            if not near[new].all():
                return None
            close += int(new.sum())
            parted |= new
    return close


def _values(population: Population, neuron: Neuron, inputs: np.ndarray) -> np.ndarray:
    """(samples, steps, neurons): what the neuron's own equations send, given the module's inputs."""
    found = []
    for given in inputs:
        state = NeuronState(population, neuron, None)
        found.append([state.update(x)[0] for x in _last(given, population)])
    return np.array(found)


def _last(values: np.ndarray, population: Population) -> np.ndarray:
    """(..., *shape) as (..., neurons), channel-last as the engine has them."""
    steps = values.reshape(-1, *population.shape)
    each = [channel_last(np.ascontiguousarray(x, np.float32), population.shape) for x in steps]
    return np.array(each).reshape(*values.shape[: values.ndim - len(population.shape)], population.size)
