"""A network's own spikes for the arrays that skip absent ones: what each layer of weights was given in a run."""

from __future__ import annotations

import math

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Network, Projection
from neurocomp.network.ops import Conv, Linear, weight_of
from neurocomp.network.verify import population_order
from neurocomp.simulate.engines.skipping import SpikeLayer, unrolled


def spike_layers(network: Network, trace: SpikeTrace, sample: int = 0) -> tuple[SpikeLayer, ...]:
    """Fully connected layers and convolutions of a network with the spikes of one sample, in the order of the network,
    for ``run_layers``.

    trace: of this network; where a layer is fed by a sum or by pooling, recorded with it (``execute(network, inputs,
    record=[...])``). Left out are layers that are given numbers instead of spikes, as a first one is: these arrays have
    another unit for it. Raises InputError for what they do not compute (groups, dilation, kernels and strides that are
    not square), if a spike train is missing, or if no layer is left.
    """
    if not 0 <= sample < trace.samples:
        raise bad_input("sample", f"is {sample}; the trace has {trace.samples}", hint=f"0 to {trace.samples - 1}")
    order = {name: k for k, name in enumerate(population_order(network))}
    weighted = [p for p in network.projections if isinstance(p.op, Linear | Conv)]
    weighted.sort(key=lambda p: (order[p.target], order[p.source]))
    found = [finding for p in weighted for finding in _wrong(p, trace)]
    if found:
        raise InputError(found)
    updating = {p.target: p.name for p in weighted}  # neurons that several layers feed are updated by the last
    layers = [
        _layer(network, p, trace.dense(p.source)[sample].astype(bool), updating[p.target] == p.name)
        for p in weighted
        if trace.populations[p.source].values is None
    ]
    if not layers:
        raise bad_input(network.name, "has no fully connected layer or convolution that is given spikes")
    return tuple(layers)


def _wrong(projection: Projection, trace: SpikeTrace) -> list[Diagnostic]:
    op, found = projection.op, []
    if projection.source not in trace.populations:
        hint = f"run the network with record=[{projection.source!r}]"
        found.append(Diagnostic(projection.name, f"the trace does not hold what {projection.source} gives", hint=hint))
    if isinstance(op, Conv):
        shape = op.weight.shape[2:]
        if op.groups > 1 or any(d > 1 for d in op.dilation):
            found.append(Diagnostic(projection.name, "has groups or dilation, which these arrays do not compute"))
        elif len(shape) != 2 or any(len(set(sizes)) > 1 for sizes in (shape, op.stride, op.padding)):
            found.append(Diagnostic(projection.name, "has a kernel, stride or padding that is not square"))
    return found


def _layer(network: Network, projection: Projection, spikes: np.ndarray, updates: bool) -> SpikeLayer:
    """spikes: bool (steps, *shape of the source)."""
    op, target = projection.op, network.by_name[projection.target]
    neurons = target.size if updates and target.neuron is not None else 0
    weight = weight_of(op)
    if isinstance(op, Conv) and weight is not None:
        rows = unrolled(spikes, op.weight.shape[2], op.stride[0], op.padding[0])
        return SpikeLayer(projection.name, rows, weight.shape[0], neurons, taps=math.prod(op.weight.shape[2:]))
    rows = spikes.reshape(spikes.shape[0], 1, -1)
    return SpikeLayer(projection.name, np.ascontiguousarray(rows), target.size, neurons)
