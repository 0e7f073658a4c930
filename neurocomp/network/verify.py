"""Is a network well formed? Shapes, numbers, names and loops; every finding is reported at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.network.graph import Integer, Network, Population, Projection, Sample
from neurocomp.network.neuron import expand
from neurocomp.network.ops import AllSteps, ShapeMismatch, weight_of
from neurocomp.network.verify_held import held_findings
from neurocomp.network.verify_neuron import neuron_findings
from neurocomp.network.verify_ops import operator_findings, products
from neurocomp.network.verify_time import time_findings


def verify(network: Network) -> Network:
    """Return the network unchanged, or raise InputError with all that is wrong with it. A network is looked at once:
    nothing in it changes."""
    if _SOUND not in network.__dict__:
        found = _findings(network)
        if found:
            raise InputError(found)
        network.__dict__[_SOUND] = True
    return network


_SOUND = "_is_sound"  # noted with the network


def _findings(network: Network) -> list[Diagnostic]:
    found = [*_names(network)]
    if not found:
        for population in network.populations:
            found += _population(network, population)
        for projection in network.projections:
            found += _projection(network, projection)
        found += products(network)
        found += time_findings(network)
        found += _loops(network)
        found += _arithmetic(network)
        found += _sample(network)
        for function in dict.fromkeys(p.op.function for p in network.projections if isinstance(p.op, AllSteps)):
            found += _findings(function)
    return found


def population_order(network: Network) -> list[str]:
    """Populations in an order in which every zero-delay projection points forward (ties: network order).

    Populations on a loop without delay are left out; :func:`verify` reports them.
    """
    waiting = {p.name: 0 for p in network.populations}
    for projection in network.projections:
        if projection.delay == 0:
            waiting[projection.target] += 1
    rank = {p.name: i for i, p in enumerate(network.populations)}
    ready = sorted((name for name, count in waiting.items() if count == 0), key=rank.__getitem__)
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for projection in network.outgoing[name]:
            if projection.delay:
                continue
            waiting[projection.target] -= 1
            if waiting[projection.target] == 0:
                ready.append(projection.target)
    return order


def value_order(network: Network) -> list[str]:
    """Populations, each after those whose values its own depend on: relays and membranes before it, however late what
    they send arrives. Spikes are spikes, so loops through spiking neurons close no circle here; populations in a circle
    of others come last."""
    waits = {p.name: {q.source for q in network.incoming[p.name] if _sends_values(network, q.source)}
             for p in network.populations}  # fmt: skip
    readers: dict[str, list[str]] = {}
    for name, sources in waits.items():
        for source in sources:
            readers.setdefault(source, []).append(name)
    rank = {name: i for i, name in enumerate(population_order(network))}
    ready, order = [name for name in rank if not waits[name]], dict[str, None]()
    while ready:
        order.update(dict.fromkeys(ready))
        free = []
        for name in ready:
            for reader in readers.get(name, ()):
                waits[reader].remove(name)
                free += [reader] if not waits[reader] and reader in rank else []
        ready = sorted(free, key=rank.__getitem__)
    return [*order, *(name for name in rank if name not in order)]


def _sends_values(network: Network, name: str) -> bool:
    neuron = network.by_name[name].neuron
    return neuron is None or neuron.output in ("membrane", "graded")


def _names(network: Network) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for name in [p.name for p in network.populations]:
        if name in seen:
            yield Diagnostic(name, "two populations have this name", hint="give each population its own name")
        seen.add(name)
    if not network.populations:
        yield Diagnostic(network.name, "the network has no populations")
    for name in (*network.inputs, *([network.output] if network.output is not None else [])):
        if name not in seen:
            yield Diagnostic(name, "is named as an input or output but no population has this name")
    yield from _stations(network)
    used: set[str] = set()
    for projection in network.projections:
        if projection.name in used:
            yield Diagnostic(projection.name, "two projections have this name")
        used.add(projection.name)
        for end in (projection.source, projection.target):
            if end not in seen:
                yield Diagnostic(projection.name, f"joins population {end!r}, which does not exist")


def _stations(network: Network) -> Iterator[Diagnostic]:
    relays = {p.name for p in network.populations if p.neuron is None} - set(network.inputs)
    for name in network.stations:
        if name not in relays:
            yield Diagnostic(name, "is named as a station but is no relay of this network")


def _population(network: Network, population: Population) -> Iterator[Diagnostic]:
    name = population.name
    if not population.shape or min(population.shape) < 1:
        yield Diagnostic(name, f"has shape {population.shape}; every axis must be at least 1")
        return
    if name in network.inputs:
        if population.neuron is not None:
            yield Diagnostic(name, "is an input and has neurons; an input only carries values")
        if network.incoming[name]:
            yield Diagnostic(name, "is an input but receives projections")
    elif population.neuron is None and not network.incoming[name]:
        yield Diagnostic(name, "has no neurons, is no input and receives nothing")
    parameters = dict(population.neuron.parameters()) if population.neuron is not None else {}
    if population.bias is not None:
        parameters["bias"] = population.bias
    for key, value in parameters.items():
        yield from _parameter(network, population, key, value)
    if population.neuron is not None:
        yield from neuron_findings(network, name, population.neuron)
    yield from held_findings(network, population)


def _parameter(network: Network, population: Population, key: str, value: object) -> Iterator[Diagnostic]:
    if isinstance(value, int | float) and math.isfinite(value) and (float(value).is_integer() or _is_float(network)):
        return  # most are such numbers, and many layers have many of them
    array = np.asarray(value)
    try:
        expand(array, population.shape)
    except ValueError as error:
        yield Diagnostic(population.name, f"parameter {key}: {error}")
        return
    if np.isnan(array).any() or (key != "threshold" and np.isinf(array).any()):
        yield Diagnostic(population.name, f"parameter {key} holds NaN or infinite values")
    elif isinstance(network.arithmetic, Integer):
        finite = array[np.isfinite(array)]
        if not np.array_equal(finite, np.trunc(finite)):
            yield Diagnostic(population.name, f"parameter {key} is not an integer in a network of integer arithmetic")


def _is_float(network: Network) -> bool:
    return not isinstance(network.arithmetic, Integer)


def _projection(network: Network, projection: Projection) -> Iterator[Diagnostic]:
    source, target = network.by_name[projection.source], network.by_name[projection.target]
    name = projection.name
    if projection.delay < 0:
        yield Diagnostic(name, f"has a delay of {projection.delay} steps; it must be 0 or more")
    weight = weight_of(projection.op)
    if weight is not None and not np.isfinite(weight).all():
        bad = int(weight.size - np.isfinite(weight).sum())
        yield Diagnostic(name, f"{bad} of {weight.size} weights are NaN or infinite", hint="was the training stable?")
    if weight is not None and isinstance(network.arithmetic, Integer) and weight.dtype.kind not in "iu":
        yield Diagnostic(name, f"has {weight.dtype} weights in a network of integer arithmetic")
    yield from operator_findings(network, projection)
    try:
        shape = projection.op.target_shape(source.shape)
    except ShapeMismatch as error:
        yield Diagnostic(name, f"{source.name} {source.shape} -> {target.name}: {error}")
        return
    if shape != target.shape:
        yield Diagnostic(name, f"makes {shape} of {source.name} {source.shape}, but {target.name} has {target.shape}")


def _loops(network: Network) -> Iterator[Diagnostic]:
    ordered = set(population_order(network))
    left_out = [p.name for p in network.populations if p.name not in ordered]
    if left_out:
        yield Diagnostic(
            " -> ".join(left_out),
            "these populations lie on or behind a loop without delay",
            why="a spike would have to arrive before it was sent",
            hint="give the feedback projection a delay of 1",
        )


# what the 32-bit states and 16-bit weights of the engine can hold
INTEGER_RANGES = {
    "weight_bits": (1, 16),
    "state_bits": (2, 32),
    "decay_bits": (0, 20),
    "state_shift": (0, 16),
    "input_bits": (1, 31),
}


def _arithmetic(network: Network) -> Iterator[Diagnostic]:
    if not isinstance(network.arithmetic, Integer):
        return
    for key, (low, high) in INTEGER_RANGES.items():
        value = getattr(network.arithmetic, key)
        if not low <= value <= high:
            yield Diagnostic(network.name, f"integer arithmetic with {key} = {value}; {low} to {high} are supported")
    if not (network.arithmetic.input_scale > 0 and math.isfinite(network.arithmetic.input_scale)):
        yield Diagnostic(network.name, f"an input scale of {network.arithmetic.input_scale}; it must be above 0")


def _sample(network: Network) -> Iterator[Diagnostic]:
    sample = network.sample
    if sample is None:
        return
    if len(network.inputs) != 1:
        yield Diagnostic(
            "sample", f"a sample needs exactly one input population, the network has {len(network.inputs)}"
        )
        return
    shape = network.by_name[network.inputs[0]].shape
    expected = (sample.steps, *shape) if sample.encoding == "temporal" else shape
    if sample.inputs.shape[1:] != expected:
        yield Diagnostic("sample", f"inputs of shape {sample.inputs.shape} where (samples, {expected}) is expected")
    if sample.steps < 1:
        yield Diagnostic("sample", f"{sample.steps} time steps; at least 1 is needed")
    if sample.labels is not None and sample.labels.shape != sample.inputs.shape[:1]:
        yield Diagnostic("sample", f"{sample.labels.shape} labels for {math.prod(sample.inputs.shape[:1])} samples")
    yield from _labels(network, sample)
    if sample.inputs.dtype.kind == "f" and not np.isfinite(sample.inputs).all():
        yield Diagnostic("sample", "the inputs hold NaN or infinite values")


def _labels(network: Network, sample: Sample) -> Iterator[Diagnostic]:
    labels = sample.labels
    if labels is None or not labels.size:
        return
    if labels.dtype.kind not in "iu":
        yield Diagnostic("sample", f"labels of type {labels.dtype}; class numbers (integers) are needed")
        return
    classes = network.by_name[network.output].size if network.output is not None else 0
    wrong = labels[(labels < 0) | (labels >= classes)] if classes else labels[:0]
    if wrong.size:
        yield Diagnostic("sample", f"label {int(wrong.flat[0])}, but the network has outputs 0 to {classes - 1}")
