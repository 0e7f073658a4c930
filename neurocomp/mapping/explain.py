"""Why a network does not fit a chip, in numbers, and the smallest change that would help.

Every violation is reported at once. A statement "no mapping exists" is only made where it is proved by the
chip's limits and what the network takes at least; everything else says that the mapper found none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neurocomp.errors import Diagnostic, DoesNotFitError, ResourceLimitError
from neurocomp.mapping.bounds import CoreBound, core_bounds, sources_of_one
from neurocomp.mapping.cure import more_chips, smallest_change
from neurocomp.mapping.layer import Layer
from neurocomp.mapping.limits import AXONS_IN, NEURONS, SYNAPSE_BITS, Limit, limits_of
from neurocomp.mapping.place import Placement, cores_needed
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program_parts import Routes
from neurocomp.mapping.tile import Tiling
from neurocomp.mapping.usage import Usage

if TYPE_CHECKING:
    from neurocomp.mapping.portfolio import Portfolio

_WORST = 3
_OVERSIZED = 4  # beyond this many times the chip, counting neurons says enough
_HOPELESS = 32  # times the chip, from which on no narrower weights help
_MOST_NEURONS = 1 << 28  # that are mapped at once: every neuron takes some 40 bytes of memory by then
_MANY = 8192  # cores, beyond which cutting takes longer than a refusal may


def refuse_early(problem: Problem) -> None:
    """Raise DoesNotFitError at once for a network whose neurons alone are many times too many for the chip, and
    ResourceLimitError for one that is too large to be mapped at all."""
    sizes = {name: int(np.prod(problem.shape(name))) for name in problem.tiled}
    total, available = sum(sizes.values()), max(1, problem.available_cores)
    needed = -(-total // problem.chip.core.neurons_max)
    if total > _MOST_NEURONS and needed <= available:
        what = f"the network has {total:,} neurons; neurocomp maps at most {_MOST_NEURONS:,} at once"
        hint = f"a network {total / _MOST_NEURONS:.1f} times smaller, or its parts one by one"
        raise ResourceLimitError(Diagnostic(_where(problem), what, hint=hint))
    if needed <= (1 if total > _MOST_NEURONS else _OVERSIZED) * available:
        return
    cores = problem.available_cores
    room = cores * problem.chip.core.neurons_max
    worst = sorted(sizes.items(), key=lambda item: -item[1])[:_WORST]
    raise DoesNotFitError(Diagnostic(
        _where(problem),
        f"the network has {sum(sizes.values()):,} neurons; {problem.chip.name} has room for {room:,} "
        f"({cores:,} cores of {problem.chip.core.neurons_max:,})",
        f"no mapping exists: at least {needed:,} cores are needed for the neurons alone; the largest layers are "
        + ", ".join(f"{name} ({size:,})" for name, size in worst),
        "; or ".join(filter(None, [
            more_chips(problem, needed),
            f"a chip with {needed:,} such cores, or a network {needed / max(1, cores):.0f} times smaller",
        ])),
    ))  # fmt: skip


def refuse_uncut(problem: Problem, layers: Mapping[str, Layer]) -> None:
    """Raise DoesNotFitError for a network that takes many times what the chip has, and for a large one of which single
    neurons hear too much: before it is cut, which would take long."""
    size = sum(int(np.prod(problem.shape(name))) for name in problem.tiled)
    found = _fan_in(problem, layers) if size > _MANY * problem.chip.core.neurons_max else []
    found += _many_times_too_much(problem, layers)
    if found:
        raise DoesNotFitError(found)


def _many_times_too_much(problem: Problem, layers: Mapping[str, Layer]) -> list[Diagnostic]:
    cores = max(1, problem.available_cores)
    bounds = [b for b in core_bounds(dict(layers), limits_of(problem.chip)) if b.cores > _HOPELESS * cores]
    if not bounds:
        return []
    weights = bounds[0].limit.weights
    takes = {
        name: weights[NEURONS] * int(np.prod(layer.shape)) + weights[SYNAPSE_BITS] * layer.stored.all_bits(layer.shape)
        for name, layer in layers.items()
    }
    worst = sorted(takes.items(), key=lambda item: -item[1])[:_WORST]
    return [Diagnostic(
        _where(problem), f"needs at least {_count(bounds[0].cores, 'core')}; {_available(problem)}",
        f"no mapping exists: the network takes {_totals(bounds, cores)}; the largest layers are "
        + ", ".join(f"{name} ({bounds[0].limit.shown(amount)})" for name, amount in worst),
        "; or ".join(filter(None, [
            more_chips(problem, bounds[0].cores),
            f"a chip with {bounds[0].cores:,} such cores, or a network {bounds[0].cores / cores:.0f} times smaller",
        ])),
    )]  # fmt: skip


def _totals(bounds: list[CoreBound], cores: int) -> str:
    return "; ".join(
        f"{b.limit.shown(b.total)} {_noun(b.limit)} in total, the {cores:,} cores have "
        f"{b.limit.shown(b.limit.capacity * cores)}" for b in bounds
    )  # fmt: skip


def impossible(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Every reason why no mapping exists, each proved; empty if none was found. What else does not fit is added
    to the proofs, so that all is known at once."""
    proofs = [*_fan_in(problem, tiling.layers), *_single_elements(problem, tiling, proved=True)]
    proofs += [*_too_little_in_total(problem, tiling), *_spread_too_wide(problem, tiling), *_too_many_assigned(problem)]
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
        _where(problem), f"the search gave up after {_count(len(portfolio.tried), 'candidate')}",
        "no proof that none exists; tried: " + ", ".join(name for name, _ in portfolio.tried),
        "" if portfolio.choices.effort == "best" else "try more: --effort best",
    )  # fmt: skip
    return [*found, tried]


def _full_cores(problem: Problem, tiling: Tiling, usage: Usage) -> list[Diagnostic]:
    """Cores that hold more than they can: the user's assignment, counted exactly."""
    who = "the assignment" if problem.assignment else "the mapping"
    return [
        Diagnostic(
            f"core {core}",
            f"{who} needs {limit.shown(needed)} {_noun(limit)} on it; it has {limit.shown(limit.capacity)}",
            hint="assign fewer elements to this core" if problem.assignment else "",
        )
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
            _less_fan_out(problem, name),
        ))  # fmt: skip
    return found


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
            _less_fan_out(problem, name),
        ))  # fmt: skip
    return found


def _listeners(problem: Problem, name: str) -> list[str]:
    return list(problem.listeners[name])


def _less_fan_out(problem: Problem, name: str) -> str:
    most = problem.chip.core.fan_out_cores_max
    return (
        f"make {', '.join(_listeners(problem, name))} small enough for {most} core{'s' if most != 1 else ''}, or "
        f"insert layers that copy the neurons of {name}"
    )


def _where(problem: Problem) -> str:
    return f"{problem.network.name} on {problem.chip.name}"


def _size(tiling: Tiling, name: str) -> int:
    return int(np.prod(tiling.layers[name].shape))


def _hears_everything(tiling: Tiling, target: str, source: str) -> bool:
    from neurocomp.mapping.reach import Uniform

    return any(isinstance(reach, Uniform) for reach in tiling.layers[target].reaches.get(source, ()))


def _fan_in(problem: Problem, layers: Mapping[str, Layer]) -> list[Diagnostic]:
    most = problem.chip.core.fan_in_max
    if most is None:
        return []
    needs = {name: int(layer.fan_in.max()) for name, layer in layers.items()}
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
        sure = limits.used(np.array([1, sources_of_one(problem, tiling.layers[name]), 0, demand[SYNAPSE_BITS]]))
        broken = limits.broken(demand)
        certain = any(sure[limits.limits.index(limit)] > limit.capacity for limit, _ in broken)
        if certain != proved:
            continue
        needs = [f"{limit.shown(n)} {_noun(limit)}, a core has {limit.shown(limit.capacity)}" for limit, n in broken]
        worst, needed = max(broken, key=lambda item: item[1] / item[0].capacity)
        found.append(Diagnostic(
            name, f"a single {_element(problem, name)} needs " + "; ".join(needs),
            "no mapping exists: already one neuron exceeds what an empty core has" if certain
            else "the mapper found none: it cut the layer as finely as it can",
            _smaller_product(worst) if tiling.layers[name].operand_bits else _cure(problem, worst, demand, needed),
        ))  # fmt: skip
    return found


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
            name, f"the best cut found, into {tiling.cuts[name].count:,} tiles, needs up to {limit.shown(needed)} "
            f"{_noun(limit)} on a core; a core has {limit.shown(limit.capacity)}",
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
    what = f"takes {len(held):,} cores; {_available(problem)}"
    return [Diagnostic("assignment", what, "no mapping exists that follows it", "assign fewer cores")]


def _too_little_in_total(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Everything of which the network takes more than all cores have together, in one finding."""
    cores = problem.available_cores
    bounds = [b for b in core_bounds(tiling.layers, tiling.limits) if b.cores > cores]
    if not bounds:
        return []
    least = bounds[0].cores
    return [Diagnostic(
        _where(problem), f"needs at least {_count(least, 'core')}; {_available(problem)}",
        f"no mapping exists: the network takes {_totals(bounds, cores)}. {_worst_layers(tiling)}",
        smallest_change(problem, tiling, max(least, cores_in_order(problem, tiling))),
    )]  # fmt: skip


def _too_few_cores(problem: Problem, tiling: Tiling, placement: Placement) -> Diagnostic:
    needed = placement.cores_needed
    bound = core_bounds(tiling.layers, tiling.limits)[0]
    return Diagnostic(
        _where(problem), f"needs {needed:,} cores; {_available(problem)}",
        f"the mapper found none with fewer; any mapping takes at least {bound.cores:,} ({bound.limit.name}). "
        + _worst_layers(tiling),
        smallest_change(problem, tiling, needed),
    )  # fmt: skip


def _available(problem: Problem) -> str:
    forbidden = f", {len(problem.forbidden):,} are forbidden" if problem.forbidden else ""
    return f"{problem.available_cores:,} are available{forbidden}"


def cores_in_order(problem: Problem, tiling: Tiling) -> int:
    """Cores that the tiles take in network order; 0 where there are no such tiles."""
    return 0 if tiling.stuck or tiling.unsettled else cores_needed(problem, tiling)


def _worst_layers(tiling: Tiling) -> str:
    worst = sorted(tiling.cuts.items(), key=lambda item: -item[1].count)[:_WORST]
    names = ", ".join(f"{name} ({_count(cut.count, 'tile')}, bound by {_binding(tiling, name)})" for name, cut in worst)
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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
