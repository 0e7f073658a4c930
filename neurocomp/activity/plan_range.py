"""Whether the sums of an integer network stay within the 32 bits that the engine keeps them in."""

from __future__ import annotations

import math

import numpy as np

from neurocomp.activity.host import HOST_LARGEST
from neurocomp.errors import InputError, bad_input
from neurocomp.network.gains import largest_gain, largest_product
from neurocomp.network.graph import Integer, Network, Population, Projection, state_shift
from neurocomp.network.ops import Factor, Host, Mixture, weight_of
from neurocomp.network.verify import value_order

MOST = 2.0**31  # sums stay below


def check_range(network: Network, arithmetic: Integer, largest_input: float | None) -> None:
    """Integer sums are kept in 32 bits; refuse a network in which the largest possible sum would not fit."""
    for name, total in largest_sums(network, arithmetic, largest_input).items():
        if total >= MOST:
            raise _too_large(network, name, total)
    for p in network.projections:
        weight = weight_of(p.op)
        if weight is not None and weight.size and max(abs(int(weight.min())), abs(int(weight.max()))) > 32767:
            raise bad_input(p.name, "has integer weights beyond 16 bits", hint="use fewer weight bits")


def largest_sums(network: Network, arithmetic: Integer, largest_input: float | None) -> dict[str, float]:
    """An upper bound on the magnitude of each population's sums in an integer network, shifted as they enter states.

    largest_input: largest magnitude among the inputs; None: all that the arithmetic allows."""
    fed = 2.0 ** (arithmetic.input_bits - 1) if largest_input is None else largest_input
    sent: dict[str, float] = dict.fromkeys(network.inputs, fed)
    sums: dict[str, float] = {}
    for name in value_order(network):
        if name in network.inputs:
            continue
        population = network.by_name[name]
        total = float(np.max(np.abs(population.bias))) if population.bias is not None else 0.0
        factor = 2.0 ** max(state_shift(arithmetic, population), 0)
        arriving = [
            (p, sent.get(p.source, _largest_output(arithmetic, network.by_name[p.source])))
            for p in network.incoming[name]
        ]
        if arriving and isinstance(arriving[0][0].op, Factor):
            total += largest_product(arriving[0][0].op, [size for _, size in arriving])
        else:
            total += sum(_largest_arriving(p, size) for p, size in arriving) * factor
        sums[name] = total
        bound = _largest_output(arithmetic, population)
        sent[name] = bound if population.neuron is not None else min(total, bound)
    return sums


def _too_large(network: Network, name: str, total: float) -> InputError:
    what = f"weighted sums may reach {total:.3g}, beyond 32-bit integers"
    values = [p.source for p in network.incoming[name] if _is_chained(network, p)]
    if not values:
        return bad_input(name, what, hint="use fewer weight bits or a coarser input scale")
    why = f"{', '.join(values[:3])} has no neurons: its sums are real values, which further weights multiply"
    hint = "put neurons between these layers, or join the layers into one before the network is saved"
    return bad_input(name, what, why, hint)


def _is_chained(network: Network, projection: Projection) -> bool:
    """Whether weights multiply sums that earlier weights made."""
    source = network.by_name[projection.source]
    if source.neuron is not None or weight_of(projection.op) is None:
        return False
    return any(weight_of(p.op) is not None for p in network.incoming[source.name])


def _largest_output(arithmetic: Integer, population: Population) -> float:
    """The largest value that a population can send, whatever arrives."""
    neuron = population.neuron
    if neuron is not None and neuron.output not in ("membrane", "graded"):
        return float(neuron.max_count)
    if population.held is not None:
        return float(population.held.limit)
    return 2.0 ** (arithmetic.state_bits - 1) if neuron is not None else MOST


def _largest_arriving(projection: Projection, sent: float) -> float:
    op = projection.op
    if isinstance(op, Host | Mixture) and op.units is not None:
        return float(HOST_LARGEST)
    return largest_gain(op) * sent + _offset(projection)


def _offset(projection: Projection) -> float:
    """What a function of the host may give beyond what it gets: the limits of a clamp, a sign."""
    if not isinstance(projection.op, Host):
        return 0.0
    limits = [np.abs(np.asarray(value, np.float64)).max() for value in projection.op.parameters.values()]
    return 1.0 + sum(float(limit) for limit in limits if math.isfinite(limit))
