"""A network's layers as the training engines see them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Network, Projection
from neurocomp.network.kinds import value_kinds
from neurocomp.network.ops import Conv, Linear, Mixture, Sparse, weight_of
from neurocomp.network.verify import population_order
from neurocomp.simulate.engines.layer import Layer, Pair, linear_layer


@dataclass(frozen=True)
class TrainedLayers:
    """layers: in the order in which a step flows through them, named by their projections. assumptions: what they
    leave out, in sentences."""

    layers: tuple[Layer, ...]
    assumptions: tuple[str, ...]


def layers_of(network: Network, *, normalised: bool = False) -> TrainedLayers:
    """The convolutions and fully connected layers of a network.

    normalised: batch normalisation follows every convolution while it is trained; a network that was read from a file
    has it folded into its weights. Neurons that several layers feed are updated by the last of them. Raises InputError
    for a network with tables of synapses, which no array computes, or without layers.
    """
    order = {name: k for k, name in enumerate(population_order(network))}
    weighted = [p for p in network.projections if isinstance(p.op, Linear | Conv | Sparse)]
    weighted.sort(key=lambda p: (order[p.target], order[p.source]))
    found = [
        Diagnostic(p.name, "is a table of synapses, which a PE array does not compute", hint="use a convolution")
        for p in weighted
        if isinstance(p.op, Sparse)
    ]
    if found or not weighted:
        raise InputError(found or [Diagnostic(network.name, "has no convolution and no fully connected layer")])
    updating = {_population_fed(network, p): p.name for p in weighted}
    kinds = value_kinds(network)
    layers = []
    for p in weighted:
        fed = _population_fed(network, p)
        neurons = fed is not None and updating[fed] == p.name
        real = not kinds[p.source].accumulates_only
        layers.append(_layer(network, p, neurons, real, _is_first(network, p), normalised))
    return TrainedLayers(tuple(layers), _left_out(network, normalised))


def _population_fed(network: Network, projection: Projection) -> str | None:
    """The spiking neurons that a layer's results reach without passing other weights; None if there are none."""
    name = projection.target
    for _ in network.populations:
        neuron = network.by_name[name].neuron
        if neuron is not None:
            return None if neuron.output == "membrane" else name
        onward = [p for p in network.outgoing[name] if weight_of(p.op) is None]
        if len(onward) != 1:
            return None
        name = onward[0].target
    return None


def _is_first(network: Network, projection: Projection) -> bool:
    """Whether nothing that is trained lies before it."""
    todo, seen = [projection.source], set()
    while todo:
        name = todo.pop()
        seen.add(name)
        for p in network.incoming[name]:
            if weight_of(p.op) is not None:
                return False
            todo += [p.source] if p.source not in seen else []
    return True


def _layer(network: Network, projection: Projection, neurons: bool, real: bool, first: bool, normalised: bool) -> Layer:
    op, source = projection.op, network.by_name[projection.source].shape
    if isinstance(op, Linear):
        outputs, inputs = op.weight.shape
        plain = linear_layer(projection.name, (inputs, outputs), neurons=neurons)
        return replace(plain, real_input=real, first=first)
    if not isinstance(op, Conv):
        raise InputError(Diagnostic(projection.name, "has no weights"))
    channels = (source[0], op.weight.shape[0])
    kernel, size, out = (_pair(axes) for axes in (op.kernel, source[1:], op.target_shape(source)[1:]))
    return Layer(projection.name, *channels, kernel, size, out, op.groups, normalised, neurons, real, first)


def _pair(axes: tuple[int, ...]) -> Pair:
    """One axis counts as a single row."""
    return (axes[0], axes[1]) if len(axes) == 2 else (1, axes[0])


def _left_out(network: Network, normalised: bool) -> tuple[str, ...]:
    mixing = dict.fromkeys(p.target for p in network.projections if isinstance(p.op, Mixture))
    others = {type(p.op).__name__ for p in network.projections if not isinstance(p.op, Mixture)}
    plain = sorted(others - {"Linear", "Conv", "Sparse"})
    said = [
        f"mixtures of time steps ({', '.join(mixing)}) are not counted, nor are weights in them; steps flow on as if "
        "none had to wait for later ones"
        if mixing
        else "",
        f"pooling and sums of maps ({', '.join(plain)}) are done on the way and cost nothing" if plain else "",
        "" if normalised else "batch normalisation is not counted: the network has none, or it is folded into weights",
    ]
    return tuple(sentence for sentence in said if sentence)
