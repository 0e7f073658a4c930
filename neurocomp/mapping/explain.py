"""Why a network does not fit a chip, in numbers, and the smallest change that would help.

Every violation is reported at once. A statement "no mapping exists" is only made where it is proved by the
chip's limits and what the network takes at least; everything else says that the mapper found none.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from neurocomp.errors import Diagnostic, DoesNotFitError
from neurocomp.mapping.bounds import CoreBound, core_bounds, sources_of_one
from neurocomp.mapping.layer import layers_of
from neurocomp.mapping.limits import AXONS_IN, SYNAPSE_BITS, Limit, Limits
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.program import Routes
from neurocomp.mapping.tile import Tiling, tile
from neurocomp.mapping.usage import Usage

_WORST = 3
_OVERSIZED = 4  # beyond this many times the chip, counting neurons says enough


def refuse_early(problem: Problem) -> None:
    """Raise DoesNotFitError at once for a network whose neurons alone are many times too many for the chip."""
    sizes = {name: int(np.prod(problem.shape(name))) for name in problem.tiled}
    needed = -(-sum(sizes.values()) // problem.chip.core.neurons_max)
    if needed <= _OVERSIZED * max(1, problem.available_cores):
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
        f"a chip with {needed:,} such cores, or a network {needed / max(1, cores):.0f} times smaller",
    ))  # fmt: skip


def refuse_cores(problem: Problem, tiling: Tiling, placement: Placement) -> None:
    """Raise DoesNotFitError if some neuron fits no core or there are too few cores."""
    found = [*_fan_in(problem, tiling), *_single_elements(problem, tiling)]
    found += _unsettled(tiling)
    if not tiling.stuck and not placement.fits:
        found.append(_too_few_cores(problem, tiling, placement))
    elif tiling.stuck:
        found += _cores_at_least(problem, tiling)
    if found:
        raise DoesNotFitError(found)


def refuse_fan_out(problem: Problem, tiling: Tiling, placement: Placement, routes: Routes) -> NoReturn:
    """Raise DoesNotFitError: neurons would have to send to more cores than the chip lets them."""
    most = problem.chip.core.fan_out_cores_max
    packets, found = np.diff(routes.packet_ptr), []
    for name in problem.emitting:
        label = routes.route_class[name]
        widest = int(packets[label[label >= 0]].max(initial=0))
        if name in problem.network.inputs or most is None or widest <= most:
            continue
        listeners = sorted({edge.target for edge in problem.edges if edge.source == name})
        room = most * problem.chip.core.neurons_max
        crowded = [t for t in listeners if _hears_everything(tiling, t, name) and _size(tiling, t) > room]
        why = (
            f"no mapping exists: every neuron of {name} reaches all {_size(tiling, crowded[0]):,} neurons of "
            f"{crowded[0]}, and {most} core{'s' if most > 1 else ''} hold at most {room:,}"
            if crowded else f"the mapper found no way to bring {', '.join(listeners)} onto fewer cores"
        )  # fmt: skip
        found.append(Diagnostic(
            name, f"its neurons have to send to up to {widest} cores; on {problem.chip.name} a neuron sends to {most}",
            why, f"make {', '.join(listeners)} small enough for {most} core{'s' if most > 1 else ''}, or insert "
            "layers that copy the neurons of " + name,
        ))  # fmt: skip
    raise DoesNotFitError(found)


def refuse_full_cores(limits: Limits, usage: Usage) -> None:
    """Raise DoesNotFitError if the user assigned more to a core than it holds; counted exactly."""
    found = [
        Diagnostic(
            f"core {core}",
            f"the assignment needs {limit.shown(needed)} {_noun(limit)} on it; it has {limit.shown(limit.capacity)}",
            hint="assign fewer elements to this core",
        )
        for core, demand in zip(usage.cores, usage.core_demand, strict=True)
        for limit, needed in limits.broken(demand)
    ]
    if found:
        raise DoesNotFitError(found)


def _where(problem: Problem) -> str:
    return f"{problem.network.name} on {problem.chip.name}"


def _size(tiling: Tiling, name: str) -> int:
    return int(np.prod(tiling.layers[name].shape))


def _hears_everything(tiling: Tiling, target: str, source: str) -> bool:
    from neurocomp.mapping.reach import Uniform

    return any(isinstance(reach, Uniform) for reach in tiling.layers[target].reaches.get(source, ()))


def _fan_in(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    most = problem.chip.core.fan_in_max
    if most is None:
        return []
    needs = {name: int(layer.fan_in.max()) for name, layer in tiling.layers.items()}
    return [
        Diagnostic(name, f"a neuron has {need:,} synapses; {problem.chip.name} allows {most:,}",
                   "no mapping exists: the limit holds for every single neuron",
                   f"{_ratio(need, most)} fewer inputs per neuron (smaller kernels, grouped convolution, pruning)")
        for name, need in needs.items() if need > most
    ]  # fmt: skip


def _single_elements(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Populations of which not even one neuron fits an empty core; everything that it exceeds in one finding."""
    found = []
    for name in (name for name in problem.tiled if name in tiling.stuck):
        demand, limits = tiling.stuck[name], tiling.limits
        proved = limits.used(np.array([1, sources_of_one(problem, tiling.layers[name]), 0, demand[SYNAPSE_BITS]]))
        broken = limits.broken(demand)
        certain = any(proved[limits.limits.index(limit)] > limit.capacity for limit, _ in broken)
        needs = [f"{limit.shown(n)} {_noun(limit)}, a core has {limit.shown(limit.capacity)}" for limit, n in broken]
        worst, needed = max(broken, key=lambda item: item[1] / item[0].capacity)
        found.append(Diagnostic(
            name, "a single neuron needs " + "; ".join(needs),
            "no mapping exists: already one neuron exceeds what an empty core has" if certain
            else "the mapper found none: it cut the layer as finely as it can",
            _cure(problem, worst, demand, needed),
        ))  # fmt: skip
    return found


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


def _too_few_cores(problem: Problem, tiling: Tiling, placement: Placement) -> Diagnostic:
    cores, needed = problem.available_cores, placement.cores_needed
    bounds = core_bounds(tiling.layers, tiling.limits)
    worst = sorted(tiling.cuts.items(), key=lambda item: -item[1].count)[:_WORST]
    layers = ", ".join(f"{name} ({cut.count:,} tiles, bound by {_binding(tiling, name)})" for name, cut in worst)
    if bounds[0].cores > cores:
        why = f"no mapping exists: {_bound_text(bounds[0], cores)}"
    else:
        why = (
            f"the mapper found none with fewer; any mapping takes at least {bounds[0].cores:,} ({bounds[0].limit.name})"
        )
    return Diagnostic(
        _where(problem), f"needs {needed:,} cores; {cores:,} are available", f"{why}. Largest layers: {layers}",
        _smallest_change(problem, tiling, needed),
    )  # fmt: skip


def _cores_at_least(problem: Problem, tiling: Tiling) -> list[Diagnostic]:
    """Where some layer cannot be cut at all: do the others fit?"""
    worst = core_bounds(tiling.layers, tiling.limits)[0]
    if worst.cores <= problem.available_cores:
        return []
    what = f"needs at least {worst.cores:,} cores; {problem.available_cores:,} are available"
    why = f"no mapping exists: {_bound_text(worst, problem.available_cores)}"
    return [Diagnostic(_where(problem), what, why)]


def _bound_text(bound: CoreBound, cores: int) -> str:
    limit = bound.limit
    return (
        f"the network takes {limit.shown(bound.total)} {_noun(limit)} in total, the {cores:,} cores have "
        f"{limit.shown(limit.capacity * cores)}, so at least {bound.cores:,} cores are needed"
    )


def _binding(tiling: Tiling, name: str) -> str:
    """The limit that the tiles of a population fill most, on average."""
    shares = (tiling.limits.used(tiling.demands[name]) / tiling.limits.capacities).mean(axis=0)
    return tiling.limits.limits[int(shares.argmax())].name


def _smallest_change(problem: Problem, tiling: Tiling, needed: int) -> str:
    """Narrower weights if they suffice, otherwise more cores."""
    cores = problem.available_cores
    weightless = [b for b in core_bounds(tiling.layers, tiling.limits) if not b.limit.weights[SYNAPSE_BITS]]
    hopeless = any(bound.cores > cores for bound in weightless)
    for bits in sorted(problem.chip.core.weight_bits, reverse=True):
        if bits >= problem.weight_bits or hopeless:
            continue
        thinner = problem.with_weight_bits(bits)
        cut = tile(thinner, layers_of(thinner))
        placement = place(thinner, cut)
        if not cut.stuck and not cut.unsettled and placement.fits:
            return (
                f"weights of {bits} bits instead of {problem.weight_bits}, which fit on {placement.cores_needed:,} "
                f"cores; or {needed:,} cores instead of {cores:,}"
            )
    return f"{needed:,} cores instead of {cores:,} (a larger chip or several of them)"


def _noun(limit: Limit) -> str:
    """What an amount of the limit is called behind its number."""
    return f"of {limit.name}" if limit.unit == "bits" else limit.name


def _ratio(needed: int, available: int) -> str:
    return f"{needed / available:.1f} times"
