"""The smallest change that makes a network fit: narrower weights, several chips, another chip that we know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, InputError
from neurocomp.mapping.candidate import widest_fan_out
from neurocomp.mapping.explain.abilities import beyond_the_chip
from neurocomp.mapping.explain.bounds import bounds_of, core_bounds
from neurocomp.mapping.explain.least import Counts, counts_by_layer, is_long, is_open, summed
from neurocomp.mapping.place import cores_needed, place
from neurocomp.mapping.problem import MOST_CHIPS, Problem, stored_weight_bits
from neurocomp.mapping.routing.route import route
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.layer_cores import layer_assignment
from neurocomp.mapping.tiling.limits import SYNAPSE_BITS, limits_of
from neurocomp.mapping.tiling.tile import Tiling, tile

_NEURONS = 2_000_000  # larger networks are not cut for every chip, only to name one
_ROUTED = 1 << 16  # neurons of those that are routed for it

Proofs = Callable[[Problem, Tiling], list[Diagnostic]]


def smallest_change(problem: Problem, tiling: Tiling, needed: int, proofs: Proofs) -> str:
    """Everything that would help, the least first. needed: cores that the mapper takes, or would take; proofs: that no
    mapping exists, of what is recommended."""
    cores = problem.available_cores
    ways = (_fewer_forbidden(problem, needed), _narrower_weights(problem, tiling, proofs), more_chips(problem, needed))
    found = [text for text in ways if text]
    found.append(f"{needed:,} core{'' if needed == 1 else 's'} instead of {cores:,}")
    found += _other_chips(problem, proofs)
    return "; or ".join(found)


def least_change(problem: Problem, needed: int, counts: Counts | None = None) -> str:
    """What might help where nothing has been cut. needed: cores that any mapping takes, so that more may be needed;
    counts: of the whole network on this chip, if they are known."""
    cores, counts = problem.available_cores, counts or _counts(problem, problem.chip)
    ways = (_fewer_forbidden(problem, needed), _bounded_weights(problem, counts), more_chips(problem, needed))
    found = [f"{text}, or more" if text == ways[2] else text for text in ways if text]
    smaller = needed / max(1, cores)
    found.append(f"a chip with {needed:,} such cores, or more")
    found += [f"a network {smaller:.{int(smaller < 10)}f} times smaller"] if cores else []
    return "; or ".join([*found, *_other_bounded(problem, counts)])


def _least_cores(problem: Problem, counts: Counts) -> int:
    """Cores that a network takes at least, by counts alone."""
    demand = counts.demand(problem.weight_bits, problem.chip.core.synapse_index_bits)
    return bounds_of(demand, limits_of(problem.chip))[0].cores


def _counts(problem: Problem, chip: ChipSpec) -> Counts:
    return summed(counts_by_layer(problem, chip.core.kernel_sharing).values())


def _bounded_weights(problem: Problem, counts: Counts) -> str:
    """The widest weights with which counts do not say that the network is too large."""
    for bits in sorted((b for b in problem.chip.core.weight_bits if b < problem.weight_bits), reverse=True):
        needed = _least_cores(problem.with_weight_bits(bits), counts)
        if needed <= problem.available_cores:
            return f"weights of {bits} bits instead of {problem.weight_bits}, which take at least {needed:,} cores"
    return ""


def _other_bounded(problem: Problem, counts: Counts) -> list[str]:
    """Profiles that come with neurocomp and that counts do not rule out. counts: on this chip."""
    found, known = [], {problem.chip.core.kernel_sharing: counts}
    for name, other in _on_other_chips(problem):
        sharing = other.chip.core.kernel_sharing
        own = known[sharing] = known[sharing] if sharing in known else _counts(problem, other.chip)
        if other.chip.core.layer_cores is None and is_open(other, own):
            found.append(f"{name} ({other.chip.cores:,} cores, at least {_least_cores(other, own):,} needed)")
    return [f"another chip, perhaps: {', '.join(found)}"] if found else []


def _fewer_forbidden(problem: Problem, needed: int) -> str:
    """Where the forbidden cores would do."""
    missing, most = needed - problem.available_cores, len(problem.forbidden)
    return f"no more than {most - missing:,} forbidden cores instead of {most:,}" if 0 < missing <= most else ""


def _narrower_weights(problem: Problem, tiling: Tiling, proofs: Proofs) -> str:
    cores = problem.available_cores
    weightless = [b for b in core_bounds(tiling.layers, tiling.limits) if not b.limit.weights[SYNAPSE_BITS]]
    if any(bound.cores > cores for bound in weightless):
        return ""
    if is_long(problem):
        return _bounded_weights(problem, _counts(problem, problem.chip))
    for bits in sorted((b for b in problem.chip.core.weight_bits if b < problem.weight_bits), reverse=True):
        room = _room_for(problem.with_weight_bits(bits), proofs)
        if room is not None:
            fit = "fit" if room.shown else "perhaps fit"
            return f"weights of {bits} bits instead of {problem.weight_bits}, which {fit} on {room.cores:,} cores"
    return ""


def more_chips(problem: Problem, needed: int) -> str:
    """The smallest grid of such chips that has the cores."""
    have = problem.chips[0] * problem.chips[1]
    lost = problem.chip.core.count * have - problem.available_cores
    grid = smallest_grid(-(-(needed + lost) // problem.chip.core.count))
    if not have < grid[0] * grid[1] or max(grid) > MOST_CHIPS:
        return ""
    return f"{grid[0] * grid[1]:,} such chips (--chips {grid[0]}x{grid[1]})"


def smallest_grid(chips: int) -> tuple[int, int]:
    """(columns, rows) of the smallest grid with room for so many chips, as square as it can be."""
    sizes = [
        (columns * rows, columns - rows, columns, rows)
        for rows in range(1, max(1, int(chips**0.5)) + 1) for columns in [-(-chips // rows)]
        if columns <= MOST_CHIPS or rows == int(chips**0.5)
    ]  # fmt: skip
    return min(sizes, default=(chips, chips, chips, 1))[2:]


def _other_chips(problem: Problem, proofs: Proofs) -> list[str]:
    """Profiles that come with neurocomp and hold the network as it is; perhaps those of which that is not known."""
    if is_long(problem) or sum(problem.population(name).size for name in problem.tiled) > _NEURONS:
        return _other_bounded(problem, _counts(problem, problem.chip))
    found = []
    for name, other in _on_other_chips(problem):
        room = _room_for(other, proofs)
        if room is not None:
            perhaps, uses = ("", f" and would use {room.cores:,}") if room.shown else ("perhaps ", "")
            found.append(f"{perhaps}{name}, which has {other.chip.cores:,} cores{uses}")
    return [f"another chip: {', '.join(found)}"] if found else []


def _on_other_chips(problem: Problem) -> Iterator[tuple[str, Problem]]:
    """The problem on other profiles that come with neurocomp and can do what the network asks for."""
    from neurocomp.chip.catalog import profile_names

    for name in profile_names():
        chip = _profile(name)
        if chip is None or chip.name == problem.chip.name:
            continue
        bits = stored_weight_bits(problem.network, chip)
        other = Problem(problem.network, chip, weight_bits=bits, given=problem.given)
        if not beyond_the_chip(other):
            yield name, other


@cache
def _profile(name: str) -> ChipSpec | None:
    """A profile that cannot be read must not hide why the network does not fit."""
    from neurocomp.chip.catalog import load_chip

    try:
        return load_chip(name)
    except InputError:
        return None


class _Room(NamedTuple):
    """cores: that a network takes in its order; shown: whether it fits them for certain."""

    cores: int
    shown: bool


def _room_for(problem: Problem, proofs: Proofs) -> _Room | None:
    """The cores that a problem takes in network order; None if it does not fit that way, or not at all."""
    if problem.chip.core.layer_cores is not None:
        whole, _ = layer_assignment(problem)
        return _Room(len(whole), True) if whole else None
    layers = layers_of(problem)
    if core_bounds(layers, limits_of(problem.chip))[0].cores > problem.available_cores:
        return None
    cut = tile(problem, layers)
    needed = cores_needed(problem, cut)
    if cut.stuck or cut.unsettled or needed > problem.available_cores or proofs(problem, cut):
        return None
    return _Room(needed, _sends_near(problem, cut))


def _sends_near(problem: Problem, cut: Tiling) -> bool:
    """Whether tiles in network order are known to lie on few enough cores for the neurons that send to them."""
    most = problem.chip.core.fan_out_cores_max
    if most is None:
        return True
    if sum(problem.population(name).size for name in problem.tiled) > _ROUTED:
        return False
    return widest_fan_out(problem, route(problem, place(problem, cut).tiles)) <= most
