"""Rectifiers become integrate-and-fire neurons, whose firing rates stand for what the rectifiers gave.

With an input that stays, soft reset and threshold ``lambda``, a neuron's rate times ``lambda`` approaches
``min(max(x, 0), lambda)`` as the time steps grow (Diehl et al., IJCNN 2015; Rueckauer et al., Front. Neurosci. 11:682,
2017). ``lambda`` is taken from data: the largest value, or a percentile, which leaves outliers clipped and all others
finer steps. With half a threshold as initial membrane the rate is rounded to the nearest step, not down (QCFS, Bu et
al., ICLR 2022). Weights and biases are scaled so that all thresholds are 1 and spikes are plain events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.conversion.maxima import (
    MAX_POOLS,
    MaxPool,
    averaged,
    is_maximum,
    rectified_first,
    with_largest_sums,
)
from neurocomp.frontend.conversion.values import batches
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Host, Linear, OneToOne, Op, Pool, Reduce, Wiring
from neurocomp.network.verify import population_order, verify

Method = Literal["max", "percentile", "qcfs"]
METHODS = get_args(Method)
PERCENTILE = 99.9
RECTIFIERS = ("relu", "clamp")
KEPT_VALUES = 2**20
"""Of each rectifier, for its percentile; every n-th of more."""


@dataclass(frozen=True, eq=False)
class Conversion:
    """network: the spiking one; thresholds: per rectifier, in the values of the network without spikes."""

    network: Network
    thresholds: dict[str, float]


def spiking(
    network: Network, inputs: np.ndarray, method: Method = "percentile", max_pool: MaxPool = "counts"
) -> Conversion:
    """Convert a network of linear maps, pooling, sums and rectifiers.

    inputs: (samples, *shape) to take the thresholds from. method: ``max``, ``percentile`` (99.9 %), or ``qcfs``: the
    percentile, or where a rectifier clips, what it clips to, and a membrane that begins at half the threshold.
    max_pool: ``counts`` takes the maximum of sums over time (maxima.py), ``average`` puts averages in place of maxima.
    Raises InputError naming everything that has no spiking form.
    """
    if method not in METHODS:
        raise bad_input("--method", f"is {method!r}", hint=f"possible are {', '.join(METHODS)}")
    if max_pool not in MAX_POOLS:
        raise bad_input("--max-pool", f"is {max_pool!r}", hint=f"possible are {', '.join(MAX_POOLS)}")
    maxima = sum(is_maximum(p) for p in network.projections)
    network = averaged(network) if max_pool == "average" else rectified_first(network)
    rectifiers = [p.target for p in network.projections if isinstance(p.op, Host)]
    _check(network, rectifiers)
    thresholds = _thresholds(network, rectifiers, inputs, method)
    neuron = Neuron(threshold=1.0, reset="subtract", compare=">=", v_init=0.5 if method == "qcfs" else 0.0)
    made = with_largest_sums(_with_neurons(network, thresholds, neuron))
    least = "half a threshold" if method == "qcfs" else "zero"
    told = (
        f"converted from a network without spikes: {len(thresholds)} rectifiers became integrate-and-fire neurons with "
        f"soft reset, thresholds by {_WORDS[method]} on {len(inputs)} samples, membranes begin at {least}",
        "an input is the same at each step; outputs are read out as sums over the steps",
        *([_POOLED[max_pool].format(f"{maxima} maximum pooling{'s' * (maxima > 1)}")] if maxima else []),
    )
    return Conversion(verify(replace(made, assumptions=(*network.assumptions, *told))), thresholds)


_WORDS = {
    "max": "the largest value",
    "percentile": f"the {PERCENTILE:g} % percentile of the values",
    "qcfs": f"the value a rectifier clips to, or the {PERCENTILE:g} % percentile",
}


_POOLED: dict[MaxPool, str] = {
    "counts": "{}: maxima are those of the sums since the first step; --max-pool average would put averages there",
    "average": "{} became average pooling (--max-pool average): this is another network than the one that was trained",
}


def _check(network: Network, rectifiers: list[str]) -> None:
    found = []
    for p in network.projections:
        if isinstance(p.op, Host) and p.op.function not in RECTIFIERS:
            found.append(Diagnostic(p.name, f"{p.op.function} has no form as a firing rate", hint="train with ReLU"))
        elif not isinstance(p.op, _CONVERTIBLE):
            found.append(Diagnostic(p.name, f"{type(p.op).__name__} has no form as a firing rate"))
    found += [Diagnostic(p.name, "has neurons already") for p in network.populations if p.neuron is not None]
    if not rectifiers and not found:
        found.append(Diagnostic(network.name, "has no rectifier (ReLU) that could become neurons"))
    if found:
        raise InputError(found)


_CONVERTIBLE = (Conv, Linear, Pool, OneToOne, Wiring, Reduce, Host)


def _thresholds(network: Network, rectifiers: list[str], inputs: np.ndarray, method: Method) -> dict[str, float]:
    """What each rectifier's rate of one spike per step stands for."""
    held: dict[str, list[np.ndarray]] = {name: [] for name in rectifiers}
    largest = dict.fromkeys(rectifiers, 0.0)
    for values in batches(network, inputs):
        for name in rectifiers:
            flat = values[name].reshape(-1)
            stride = max(1, flat.size * -(-len(inputs) // len(values[name])) // KEPT_VALUES)
            held[name].append(flat[::stride])
            largest[name] = max(largest[name], float(flat.max(initial=0)))
    found = {}
    for p in network.projections:
        if isinstance(p.op, Host):
            clipped = p.op.parameters.get("high") if p.op.function == "clamp" else None
            if method == "qcfs" and clipped is not None:
                found[p.target] = float(np.asarray(clipped))
                continue
            values = np.concatenate(held[p.target])
            level = largest[p.target] if method == "max" else float(np.percentile(values, PERCENTILE))
            found[p.target] = level or largest[p.target] or 1.0
    return found


def _with_neurons(network: Network, thresholds: dict[str, float], neuron: Neuron) -> Network:
    """The spiking network: every population in units of its own, rectifiers in units of their thresholds."""
    units = _units(network, thresholds)
    populations: dict[str, Population] = {}
    gone: dict[str, str] = {}
    for p in network.populations:
        bias = None if p.bias is None else (np.asarray(p.bias) / units[p.name]).astype(np.float32)
        populations[p.name] = replace(p, bias=bias, neuron=neuron if p.name in thresholds else None)
    projections: list[Projection] = []
    for p in network.projections:
        if isinstance(p.op, Host):
            if _absorbable(network, p):
                gone[p.source] = p.target
                continue
            p = replace(p, op=OneToOne(1.0, network.by_name[p.target].shape))
        projections.append(replace(p, op=_scaled(p, units)))
    for relay, target in gone.items():
        bias, shape = populations.pop(relay).bias, network.by_name[target].shape
        populations[target] = replace(
            populations[target], bias=bias if bias is None or bias.ndim == 1 else bias.reshape(shape)
        )
    projections = [replace(p, target=gone.get(p.target, p.target)) for p in projections]
    order = [n for n in population_order(network) if n in populations]
    return replace(network, populations=tuple(populations[n] for n in order), projections=tuple(projections))


def _absorbable(network: Network, rectifier: Projection) -> bool:
    """Whether only the rectifier reads its source, so that both become one population of neurons."""
    source = rectifier.source
    alone = len(network.outgoing[source]) == 1 and source not in network.inputs and source != network.output
    return alone and network.by_name[source].shape == network.by_name[rectifier.target].shape


def _units(network: Network, thresholds: dict[str, float]) -> dict[str, float]:
    """Real value of 1 in each population. A relay in front of neurons has their unit, with pooling between or not; one
    behind pooling its source's; all others, the output among them, are in real values."""
    units: dict[str, float] = {}
    rectified = [p for p in network.projections if isinstance(p.op, Host) and _absorbable(network, p)]
    fed = {p.source: thresholds[p.target] for p in rectified}
    for name in population_order(network):
        arriving = network.incoming[name]
        if name in thresholds:
            units[name] = thresholds[name]
        elif name in fed:
            units[name] = fed[name]
        elif arriving and (ahead := _ahead(network, name, {**thresholds, **fed})) and all(map(_weighted, arriving)):
            units[name] = ahead
        elif name != network.output and arriving and not any(map(_weighted, arriving)):
            sources = {units[p.source] for p in arriving}
            units[name] = sources.pop() if len(sources) == 1 else 1.0
        else:
            units[name] = 1.0
    return units


def _weighted(p: Projection) -> bool:
    return isinstance(p.op, Conv | Linear | OneToOne)


def _ahead(network: Network, name: str, known: dict[str, float]) -> float | None:
    """The unit that a relay is read in through nothing but operators without weights; None if there is no such one."""
    while name not in known:
        readers = network.outgoing[name]
        if len(readers) != 1 or _weighted(readers[0]) or isinstance(readers[0].op, Host) or name == network.output:
            return None
        name = readers[0].target
    return known[name]


def _scaled(p: Projection, units: dict[str, float]) -> Op:
    """The operator from the source's unit to the target's."""
    factor = units[p.source] / units[p.target]
    op = p.op
    if isinstance(op, Conv | Linear):
        return replace(op, weight=(op.weight * factor).astype(np.float32))
    if isinstance(op, OneToOne):
        scale = op.scale * factor
        return replace(op, scale=scale.astype(np.float32) if isinstance(scale, np.ndarray) else float(scale))
    if factor == 1.0:
        return op
    raise bad_input(
        p.name, f"joins values of different scales through {type(op).__name__}, which has no weights to scale",
        hint="put a 1x1 convolution or a linear layer behind it",
    )  # fmt: skip
