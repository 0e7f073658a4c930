"""Why a network does not fit a chip, in numbers, and the smallest change that would help.

Every violation is reported at once. A statement "no mapping exists" is only made where it is proved by the
chip's limits and what the network takes at least; everything else says that the mapper found none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.mapping.explain.abilities import listed
from neurocomp.mapping.explain.bounds import CoreBound, core_bounds, demand_of_one
from neurocomp.mapping.explain.cure import smallest_change
from neurocomp.mapping.explain.tied import Group, overfull_groups
from neurocomp.mapping.place import Placement, cores_needed
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import Routes
from neurocomp.mapping.routing.usage import Usage
from neurocomp.mapping.tiling.cuts import Assigned
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import AXONS_IN, AXONS_OUT, DEMANDS, SYNAPSE_BITS, Limit
from neurocomp.mapping.tiling.tile import Tiling

if TYPE_CHECKING:
    from neurocomp.mapping.portfolio import Portfolio

WORST = 3


def impossible(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Every reason why no mapping exists, each proved; empty if none was found. What else does not fit is added
    to the proofs, so that all is known at once."""
    proofs = [
        *too_many_synapses(problem, most_synapses(tiling.layers)),
        *_single_elements(problem, tiling, proved=True),
    ]
    proofs += [*_too_little_in_total(problem, tiling), *_sent_too_far(problem, tiling)]
    proofs += [*_too_many_assigned(problem), *_overfull(tiling)]
    return [*proofs, *_single_elements(problem, tiling, proved=False), *_unsettled(tiling)] if proofs else []


def not_found(problem: Problem, tiling: Tiling, portfolio: Portfolio) -> list[Diagnostic]:
    """What stood in the way of every candidate of a search that failed."""
    found = [*_single_elements(problem, tiling, proved=False), *_unsettled(tiling)]
    if portfolio.short is not None:
        found.append(_too_few_cores(problem, tiling, portfolio.short))
    unfit = portfolio.unfit
    if unfit is not None:
        found += _full_cores(problem, tiling, unfit.usage)
        found += _fan_out(problem, unfit.routes)
    if set(problem.tiled) <= set(problem.assignment):  # the user left nothing to search for
        return found
    tried = Diagnostic(
        where_of(problem), f"the search gave up after {counted(len(portfolio.tried), 'candidate')}",
        "no proof that none exists; tried: " + ", ".join(name for name, _ in portfolio.tried),
        "" if portfolio.choices.effort == "best" else "try more: --effort best",
    )  # fmt: skip
    return [*found, tried]


def _full_cores(problem: Problem, tiling: Tiling, usage: Usage) -> list[Diagnostic]:
    """Cores that hold more than they can: the user's assignment, counted exactly."""
    who = "the assignment" if problem.assignment else "the mapping"
    return [
        _full_core(who, core, limit, needed)
        for core, demand in zip(usage.cores, usage.core_demand, strict=True)
        for limit, needed in tiling.limits.broken(demand)
    ]


def _fan_out(problem: Problem, routes: Routes) -> list[Diagnostic]:
    """Populations whose neurons would have to send to more cores than the chip lets them."""
    most = problem.chip.core.fan_out_cores_max
    packets, found = np.diff(routes.packet_ptr), []
    for name in problem.emitting:
        label = routes.route_class[name]
        widest = int(packets[label[label >= 0]].max(initial=0))
        if name in problem.network.inputs or most is None or widest <= most:
            continue
        listeners = ", ".join(_listeners(problem, name))
        found.append(Diagnostic(
            name, f"its neurons have to send to up to {widest} cores; on {problem.chip.name} a neuron sends to {most}",
            f"the mapper found no way to bring {listeners} onto fewer cores",
            less_fan_out(problem, name),
        ))  # fmt: skip
    return found


def _sent_too_far(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Proofs that neurons have to send to more cores than they may; no population as a sender of two of them."""
    found = _spread_too_wide(problem, tiling)
    known = {finding.where for finding in found}
    groups = overfull_groups(problem, tiling.layers, tiling.limits)
    return found + [_tied(problem, tiling, group) for group in groups if not known.intersection(group.senders)]


def _tied(problem: Problem, tiling: Tiling, group: Group) -> Diagnostic:
    """That elements which have to share a core do not fit one."""
    needs = [f"{a} {_noun(limit)}, a core has {b}" for limit, n in tiling.limits.broken(group.demand)
             for a, b in [limit.beside(n)]]  # fmt: skip
    tied, senders = listed(list(group.sizes)), listed(group.senders)
    whose = "their" if len(group.sizes) > 1 else "its"
    return Diagnostic(
        tied, f"{sum(group.sizes.values()):,} of {whose} neurons have to lie on one core, which needs "
        + "; ".join(needs),
        f"no mapping exists: on {problem.chip.name} a neuron sends to 1 core, and what the neurons of {senders} reach "
        "hangs together",
        f"make {tied} small enough for 1 core, or insert layers that copy the neurons of {senders}",
    )  # fmt: skip


def _spread_too_wide(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Populations that reach all neurons of others, which fill more cores than a neuron may send to."""
    most, found = problem.chip.core.fan_out_cores_max, []
    for name in problem.emitting if most is not None else ():
        dense = [t for t in _listeners(problem, name) if _hears_everything(tiling, t, name)]
        total = sum(_size(tiling, target) for target in dense)
        room = most * problem.chip.core.neurons_max  # type: ignore[operator]
        if name in problem.network.inputs or total <= room:
            continue
        needed = -(-total // problem.chip.core.neurons_max)
        found.append(Diagnostic(
            name, f"its neurons have to send to at least {needed} cores; on {problem.chip.name} a neuron sends to "
            f"{most}",
            f"no mapping exists: every neuron of {name} reaches all {total:,} neurons of {', '.join(dense)}, and "
            f"{most} core{'s hold' if most and most > 1 else ' holds'} at most {room:,}",
            less_fan_out(problem, name),
        ))  # fmt: skip
    return found


def _listeners(problem: Problem, name: str) -> list[str]:
    return list(problem.listeners[name])


def less_fan_out(problem: Problem, name: str) -> str:
    """What would help neurons that send to too many cores."""
    most = problem.chip.core.fan_out_cores_max
    return (
        f"make {', '.join(_listeners(problem, name))} small enough for {most} core{'s' if most != 1 else ''}, or "
        f"insert layers that copy the neurons of {name}"
    )


def where_of(problem: Problem) -> str:
    """The network and the chip."""
    return f"{problem.network.name} on {problem.chip.name}"


def _size(tiling: Tiling, name: str) -> int:
    return int(np.prod(tiling.layers[name].shape))


def _hears_everything(tiling: Tiling, target: str, source: str) -> bool:
    from neurocomp.mapping.reach import Uniform

    return any(isinstance(reach, Uniform) for reach in tiling.layers[target].reaches.get(source, ()))


def most_synapses(layers: Mapping[str, Layer]) -> dict[str, int]:
    """Synapses of the neuron that has most of them, by population."""
    return {name: int(layer.fan_in.max()) for name, layer in layers.items()}


def too_many_synapses(problem: Problem, needs: Mapping[str, int]) -> list[Diagnostic]:
    """Populations of which a neuron has more synapses than the chip allows. needs: synapses of that neuron, by name."""
    most = problem.chip.core.fan_in_max
    if most is None:
        return []
    return [
        Diagnostic(name, f"a neuron has {need:,} synapses; {problem.chip.name} allows {most:,}",
                   "no mapping exists: the limit holds for every single neuron",
                   f"{_ratio(need, most)} fewer inputs per neuron (smaller kernels, grouped convolution, pruning)")
        for name, need in needs.items() if need > most
    ]  # fmt: skip


def _single_elements(problem: Problem, tiling: Tiling, proved: bool) -> list[Diagnostic]:
    """Populations of which not even one neuron fits an empty core; everything that it exceeds in one finding.
    proved: those of which this is certain, or those of which it is not."""
    found = []
    for name in (name for name in problem.tiled if name in tiling.stuck):
        demand, limits = tiling.stuck[name], tiling.limits
        certain = not limits.fits(demand_of_one(problem, tiling.layers[name]))
        if certain == proved:
            found.append(beyond_one_core(problem, name, limits.broken(demand), demand, proved))
    return found


def beyond_one_core(
    problem: Problem, name: str, broken: list[tuple[Limit, int]], demand: np.ndarray, proved: bool
) -> Diagnostic:
    """That a single neuron of a population exceeds a core. broken: the limits, with what it takes of them; demand:
    int64 (4), see limits.py."""
    needs = [f"{a} {_noun(limit)}, a core has {b}" for limit, n in broken for a, b in [limit.beside(n)]]
    worst, needed = max(broken, key=lambda item: item[1] / item[0].capacity)
    multiplied = any(edge.projection in problem.operands for edge in problem.edges_into[name])
    return Diagnostic(
        name, f"a single {_element(problem, name)} needs " + "; ".join(needs),
        "no mapping exists: already one neuron exceeds what an empty core has" if proved
        else "the mapper found none: it cut the layer as finely as it can",
        _smaller_product(worst) if multiplied else _cure(problem, worst, demand, needed),
    )  # fmt: skip


def _element(problem: Problem, name: str) -> str:
    return "element" if name in problem.lowered.stations else "neuron"


def _smaller_product(limit: Limit) -> str:
    """What brings one element of a product below a limit: it keeps a row of one operand and a column of the other."""
    return (
        "a product keeps a row and a column of its operands for each element: fewer tokens, fewer channels per head, "
        f"or a chip whose cores have more {limit.name}"
    )


def _unsettled(tiling: Tiling) -> list[Diagnostic]:
    """Layers with feedback that the mapper could not cut: finer tiles need more fan-out, which needs finer tiles."""
    return [
        Diagnostic(
            name, f"the best cut found, into {tiling.cuts[name].count:,} tiles, needs up to {limit.beside(needed)[0]} "
            f"{_noun(limit)} on a core; a core has {limit.beside(needed)[1]}",
            "the mapper found no cut: the finer the layer is cut, the more cores its feedback has to reach",
            "fewer recurrent synapses, or a chip whose cores have more " + limit.name,
        )
        for name in tiling.unsettled for limit, needed in tiling.limits.broken(tiling.demands[name].max(axis=0))
    ]  # fmt: skip


def _cure(problem: Problem, limit: Limit, demand: np.ndarray, needed: int) -> str:
    """The smallest change that brings one neuron below the limit."""
    core, bits = problem.chip.core, problem.weight_bits
    if limit.weights[SYNAPSE_BITS]:
        rest = needed - int(demand[SYNAPSE_BITS])
        for width in sorted((b for b in core.weight_bits if b < bits), reverse=True):
            if rest + int(demand[SYNAPSE_BITS]) * width // bits <= limit.capacity:
                return f"weights of {width} bits instead of {bits} would fit"
    if limit.weights[AXONS_IN]:
        return (
            f"{_ratio(needed, limit.capacity)} fewer inputs per neuron (grouped convolution, smaller kernels, pooling)"
        )
    return f"a chip whose cores have at least {limit.shown(needed)} {_noun(limit)}"


def _too_many_assigned(problem: Problem) -> list[Diagnostic]:
    """The user's assignment takes more cores than there are."""
    held = {int(core) for cores in problem.assignment.values() for core in np.unique(cores)}
    if len(held) <= problem.available_cores:
        return []
    what = f"takes {len(held):,} cores; {available(problem)}"
    return [Diagnostic("assignment", what, "no mapping exists that follows it", "assign fewer cores")]


def _overfull(tiling: Tiling) -> list[Diagnostic]:
    """Cores to which the user assigned more than they hold; what several of its populations hear counts once."""
    held: dict[int, np.ndarray] = {}
    for name, cut in tiling.cuts.items():
        for core, demand in zip(cut.members, tiling.demands[name], strict=True) if isinstance(cut, Assigned) else ():
            known = held.get(core, np.zeros(DEMANDS, np.int64))
            together = known + demand
            together[AXONS_IN], together[AXONS_OUT] = max(known[AXONS_IN], demand[AXONS_IN]), 0
            held[core] = together
    return [
        _full_core("the assignment", core, limit, needed, "no mapping exists that follows it")
        for core, demand in sorted(held.items()) for limit, needed in tiling.limits.broken(demand)
    ]  # fmt: skip


def _full_core(who: str, core: int, limit: Limit, needed: int, why: str = "") -> Diagnostic:
    amount, capacity = limit.beside(needed)
    hint = "assign fewer elements to this core" if who == "the assignment" else ""
    return Diagnostic(f"core {core}", f"{who} needs {amount} {_noun(limit)} on it; it has {capacity}", why, hint)


def _too_little_in_total(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Everything of which the network takes more than all cores have together, in one finding."""
    cores = problem.available_cores
    bounds = [b for b in core_bounds(tiling.layers, tiling.limits) if b.cores > cores]
    if not bounds:
        return []
    least = bounds[0].cores
    return [Diagnostic(
        where_of(problem), f"needs at least {counted(least, 'core')}; {available(problem)}",
        f"no mapping exists: the network takes {totals(bounds, cores)}. {_worst_layers(tiling)}",
        smallest_change(problem, tiling, max(least, cores_in_order(problem, tiling)), impossible),
    )]  # fmt: skip


def _too_few_cores(problem: Problem, tiling: Tiling, placement: Placement) -> Diagnostic:
    needed = placement.cores_needed
    bound = core_bounds(tiling.layers, tiling.limits)[0]
    return Diagnostic(
        where_of(problem), f"needs {needed:,} cores; {available(problem)}",
        f"the mapper found none with fewer; any mapping takes at least {bound.cores:,} ({bound.limit.name}). "
        + _worst_layers(tiling),
        smallest_change(problem, tiling, needed, impossible),
    )  # fmt: skip


def available(problem: Problem) -> str:
    """How many cores there are."""
    forbidden = f", {len(problem.forbidden):,} are forbidden" if problem.forbidden else ""
    return f"{problem.available_cores:,} are available{forbidden}"


def cores_in_order(problem: Problem, tiling: Tiling) -> int:
    """Cores that the tiles take in network order; 0 where there are no such tiles."""
    return 0 if tiling.stuck or tiling.unsettled else cores_needed(problem, tiling)


def _worst_layers(tiling: Tiling) -> str:
    worst = sorted(tiling.cuts.items(), key=lambda item: -item[1].count)[:WORST]
    names = ", ".join(
        f"{name} ({counted(cut.count, 'tile')}, bound by {_binding(tiling, name)})" for name, cut in worst
    )
    return f"Largest layers: {names}"


def _binding(tiling: Tiling, name: str) -> str:
    """The limit that the tiles of a population fill most, on average."""
    shares = (tiling.limits.used(tiling.demands[name]) / tiling.limits.capacities).mean(axis=0)
    return tiling.limits.limits[int(shares.argmax())].name


def _noun(limit: Limit) -> str:
    """What an amount of the limit is called behind its number."""
    return f"of {limit.name}" if limit.unit == "bits" else limit.name


def _ratio(needed: int, available: int) -> str:
    return f"{needed / available:.1f} times"


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def totals(bounds: list[CoreBound], cores: int) -> str:
    """What the network takes of each limit and what all cores have."""
    found = []
    for bound in bounds:
        amount, room = replace(bound.limit, capacity=bound.limit.capacity * cores).beside(bound.total)
        found.append(f"{amount} {_noun(bound.limit)} in total, the {cores:,} cores have {room}")
    return "; ".join(found)
