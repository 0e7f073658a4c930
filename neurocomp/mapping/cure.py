"""The smallest change that makes a network fit: narrower weights, several chips, another chip that we know."""

from __future__ import annotations

from functools import cache

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import InputError
from neurocomp.mapping.abilities import beyond_the_chip
from neurocomp.mapping.bounds import core_bounds
from neurocomp.mapping.layer import layers_of
from neurocomp.mapping.layer_cores import layer_assignment
from neurocomp.mapping.limits import SYNAPSE_BITS, limits_of
from neurocomp.mapping.place import cores_needed
from neurocomp.mapping.problem import MOST_CHIPS, Problem, stored_weight_bits
from neurocomp.mapping.tile import Tiling, tile

_NEURONS = 2_000_000  # larger networks are not cut for every chip, only to name one


def smallest_change(problem: Problem, tiling: Tiling, needed: int) -> str:
    """Everything that would help, the least first. needed: cores that the mapper takes, or would take."""
    cores = problem.available_cores
    ways = (_fewer_forbidden(problem, needed), _narrower_weights(problem, tiling), more_chips(problem, needed))
    found = [text for text in ways if text]
    found.append(f"{needed:,} core{'' if needed == 1 else 's'} instead of {cores:,}")
    found += _other_chips(problem)
    return "; or ".join(found)


def _fewer_forbidden(problem: Problem, needed: int) -> str:
    """Where the forbidden cores would do."""
    missing, most = needed - problem.available_cores, len(problem.forbidden)
    return f"no more than {most - missing:,} forbidden cores instead of {most:,}" if 0 < missing <= most else ""


def _narrower_weights(problem: Problem, tiling: Tiling) -> str:
    cores = problem.available_cores
    weightless = [b for b in core_bounds(tiling.layers, tiling.limits) if not b.limit.weights[SYNAPSE_BITS]]
    if any(bound.cores > cores for bound in weightless):
        return ""
    for bits in sorted((b for b in problem.chip.core.weight_bits if b < problem.weight_bits), reverse=True):
        needed = _cores_of(problem.with_weight_bits(bits))
        if needed is not None:
            return f"weights of {bits} bits instead of {problem.weight_bits}, which fit on {needed:,} cores"
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


def _other_chips(problem: Problem) -> list[str]:
    """Profiles that come with neurocomp and hold the network as it is."""
    from neurocomp.chip.catalog import profile_names

    if sum(problem.population(name).size for name in problem.tiled) > _NEURONS:
        return []
    found = []
    for name in profile_names():
        chip = _profile(name)
        if chip is None or chip.name == problem.chip.name:
            continue
        bits = stored_weight_bits(problem.network, chip)
        other = Problem(problem.network, chip, weight_bits=bits, given=problem.given)
        if beyond_the_chip(other):
            continue
        needed = _cores_of(other)
        if needed is not None:
            found.append(f"{name}, which has {chip.cores:,} cores and would use {needed:,}")
    return [f"another chip: {', '.join(found)}"] if found else []


@cache
def _profile(name: str) -> ChipSpec | None:
    """A profile that cannot be read must not hide why the network does not fit."""
    from neurocomp.chip.catalog import load_chip

    try:
        return load_chip(name)
    except InputError:
        return None


def _cores_of(problem: Problem) -> int | None:
    """Cores that a problem takes in network order; None if it does not fit that way."""
    if problem.chip.core.layer_cores is not None:
        whole, _ = layer_assignment(problem)
        return len(whole) or None
    layers = layers_of(problem)
    if core_bounds(layers, limits_of(problem.chip))[0].cores > problem.available_cores:
        return None
    cut = tile(problem, layers)
    needed = cores_needed(problem, cut)
    return None if cut.stuck or cut.unsettled or needed > problem.available_cores else needed
