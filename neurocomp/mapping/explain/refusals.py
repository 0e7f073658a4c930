"""Networks that are refused before they are cut, which would take long: by proofs from counts alone.

least.py's counts come first, then those of the layers. What they leave open is cut and searched as usual; small
networks, too, since explain.py can say more of what has been cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, DoesNotFitError, ResourceLimitError
from neurocomp.mapping.explain import (
    WORST,
    available,
    beyond_one_core,
    counted,
    less_fan_out,
    most_synapses,
    too_many_synapses,
    totals,
    where_of,
)
from neurocomp.mapping.explain.bounds import CoreBound, bounds_of, core_bounds, demand_of_one
from neurocomp.mapping.explain.cure import least_change
from neurocomp.mapping.explain.least import (
    FEW_LAYERS,
    Counts,
    counts_by_layer,
    hungriest,
    is_long,
    overfull_tables,
    summed,
)
from neurocomp.mapping.problem import Problem, stored_weight_bits
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import NEURONS, SYNAPSE_BITS, limits_of
from neurocomp.network.graph import Network

_OVERSIZED = 4  # beyond this many times the chip, counting neurons says enough
_HOPELESS = 32  # times the chip, from which on no narrower weights help
_MOST_NEURONS = 1 << 28  # that are mapped at once: every neuron takes some 40 bytes of memory by then
_MANY = 8192  # cores, beyond which cutting takes longer than a refusal may


def refuse_unlowered(network: Network, chip: ChipSpec, forbidden: Iterable[int], chips: tuple[int, int]) -> None:
    """``refuse_early`` for a network as it was read, verified, before it is rounded for the chip: that takes long, too.

    Lowering keeps neurons, and weights between neurons or from inputs to neurons. Where every synapse is stored,
    parallel ones become one: there only neurons are counted.
    """
    forbidden = frozenset(map(int, forbidden))
    problem = Problem(network, chip, forbidden, weight_bits=stored_weight_bits(network, chip), chips=chips)
    if not network.stations:
        refuse_early(problem, direct=True)


def refuse_early(problem: Problem, direct: bool = False) -> None:
    """Raise DoesNotFitError at once for a network that takes many times too much for the chip, or whose tables and
    layers are long and take too much, and ResourceLimitError for one that is too large to be mapped at all.

    direct: count weights without relays alone, see ``refuse_unlowered``.
    """
    total = sum(int(np.prod(problem.shape(name))) for name in problem.tiled)
    cores = max(1, problem.available_cores)
    needed = -(-total // problem.chip.core.neurons_max)
    if total > _MOST_NEURONS and needed <= cores:
        what = f"the network has {total:,} neurons; neurocomp maps at most {_MOST_NEURONS:,} at once"
        hint = f"a network {total / _MOST_NEURONS:.1f} times smaller, or its parts one by one"
        raise ResourceLimitError(Diagnostic(where_of(problem), what, hint=hint))
    if needed <= (1 if total > _MOST_NEURONS else _OVERSIZED) * cores and not is_long(problem):
        return
    core = problem.chip.core
    counts = counts_by_layer(problem, core.kernel_sharing, direct)
    takes = {n: (c.neurons, c.bits(problem.weight_bits, core.synapse_index_bits)) for n, c in counts.items()}
    whole = summed(counts.values())
    least = bounds_of(whole.demand(problem.weight_bits, core.synapse_index_bits), limits_of(problem.chip))
    found = _too_little(problem, takes, least, 1, whole)
    found += _tied_together(problem)
    if found:
        raise DoesNotFitError([*_single_neurons(problem, direct and not core.kernel_sharing), *found])


def refuse_uncut(problem: Problem, layers: Mapping[str, Layer]) -> None:
    """Raise DoesNotFitError for a network that takes many times what the chip has, or more than it has if cutting takes
    long, and for a large one of which single neurons hear too much: before it is cut."""
    size = sum(int(np.prod(problem.shape(name))) for name in problem.tiled)
    long = is_long(problem)
    many = long or size > _MANY * problem.chip.core.neurons_max
    found = too_many_synapses(problem, most_synapses(layers)) if many else []
    for name, layer in layers.items() if many and len(layers) <= FEW_LAYERS else ():
        demand = demand_of_one(problem, layer)
        broken = limits_of(problem.chip).broken(demand)
        found += [beyond_one_core(problem, name, broken, demand, proved=True)] if broken else []
    takes = {n: (math.prod(layer.shape), layer.stored.all_bits(layer.shape)) for n, layer in layers.items()}
    found += _too_little(problem, takes, core_bounds(dict(layers), limits_of(problem.chip)), 1 if long else _HOPELESS)
    if found:
        raise DoesNotFitError(found)


def _single_neurons(problem: Problem, merged: bool) -> list[Diagnostic]:
    """Populations of which a single neuron has too many synapses, or exceeds an empty core. merged: parallel synapses
    may still become one, so that only different sources count."""
    limits, ones = limits_of(problem.chip), {name: hungriest(problem, name) for name in problem.tiled}
    if merged:
        ones = {name: one.merged(problem.weight_bits) for name, one in ones.items()}
    fits = limits.fits(np.array([one.demand for one in ones.values()]))
    found = [
        beyond_one_core(problem, name, limits.broken(ones[name].demand), ones[name].demand, proved=True)
        for name, fit in zip(ones, fits, strict=True) if not fit
    ]  # fmt: skip
    return [*too_many_synapses(problem, {name: one.synapses for name, one in ones.items()}), *found]


def _tied_together(problem: Problem) -> list[Diagnostic]:
    """On chips of which a neuron sends to one core: tables whose targets have to lie on the same one."""
    most = problem.chip.core.neurons_max
    return [
        Diagnostic(
            step.target, f"at least {size:,} of its neurons have to lie on one core; a core has {most:,}",
            f"no mapping exists: on {problem.chip.name} a neuron sends to 1 core, and what the neurons of "
            f"{step.source} reach hangs together", less_fan_out(problem, step.source),
        )
        for step, size in overfull_tables(problem)
    ]  # fmt: skip


def _too_little(
    problem: Problem,
    takes: Mapping[str, tuple[int, int]],
    bounds: list[CoreBound],
    times: int,
    counts: Counts | None = None,
) -> list[Diagnostic]:
    """Everything of which the network takes more than ``times`` what all cores have, in one finding. takes: neurons and
    bits of synaptic memory, by population."""
    cores = problem.available_cores
    bounds = [bound for bound in bounds if bound.cores > times * max(1, cores)]
    if not bounds:
        return []
    limit, needed = bounds[0].limit, bounds[0].cores
    neuron, bit = limit.weights[NEURONS], limit.weights[SYNAPSE_BITS]
    each = {name: neuron * neurons + bit * bits for name, (neurons, bits) in takes.items()}
    worst = sorted(each.items(), key=lambda item: -item[1])[:WORST]
    return [Diagnostic(
        where_of(problem), f"needs at least {counted(needed, 'core')}; {available(problem)}",
        f"no mapping exists: the network takes {totals(bounds, cores)}; the largest layers are "
        + ", ".join(f"{name} ({limit.shown(amount)})" for name, amount in worst),
        least_change(problem, needed, counts),
    )]  # fmt: skip
