"""The smallest grid of chips for a network: by what any mapping takes, by a short search for parts, by its tiles in
network order.

Counts say where the search begins, tiles that share cores in network order where it ends. In between parts are sought
with little search, and none for larger networks. Parts know nothing of how many cores a neuron may send to, so that a
grid on which only parts were found is a hope, beside which the one of the tiles is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from neurocomp.mapping.explain.bounds import core_bounds
from neurocomp.mapping.explain.cure import smallest_grid
from neurocomp.mapping.hypergraph import Hypergraph
from neurocomp.mapping.hypergraph.build import hypergraph_of
from neurocomp.mapping.partition import partition
from neurocomp.mapping.place import cores_needed
from neurocomp.mapping.problem import MOST_CHIPS, Problem
from neurocomp.mapping.rates import uniform_rates
from neurocomp.mapping.tiling.tile import Tiling

_SOUGHT, _CORES = 1 << 16, 256  # elements, and cores that these take at least, up to which parts are sought
_TRIES = 4  # grids on which they are
_PINS = 200_000  # of the hypergraphs of all tries by the method that takes long: some two seconds


def on_fewest_chips(problem: Problem, tiling: Tiling) -> tuple[Problem, Problem | None]:
    """The problem on the smallest grid that may have room, and on one that has in network order, if that is larger.

    Where there are no tiles in network order, the latter has as many cores as any mapping takes, and tiles that do not
    fit one each. problem: on the largest grid.
    """
    least = core_bounds(tiling.layers, tiling.limits)[0].cores
    in_order = not (tiling.stuck or tiling.unsettled)
    needed = cores_needed(problem, tiling, dense=True) if in_order else max(least, tiling.tiles)
    grids = _grids(problem, min(least, needed))
    first = next(grids)
    large = least > _CORES or sum(problem.population(name).size for name in problem.tiled) > _SOUGHT
    if first.available_cores >= needed or large:
        return _with_room(problem, needed), None
    graph = hypergraph_of(problem, tiling.layers, tiling.limits, uniform_rates(problem))[0]
    for number, grid in enumerate((first, *grids)):
        if grid.available_cores >= needed or number == _TRIES:
            break
        methods = ("natural", "multilevel") if (number + 1) * graph.pin.size <= _PINS else ("natural",)
        if grid.available_cores >= least and _has_parts(graph, grid, tiling, methods):
            return grid, _with_room(problem, needed)
    return _with_room(problem, needed), None


def _grids(problem: Problem, cores: int) -> Iterator[Problem]:
    """The problem on grids with so many cores and more, those that the user named among them, the smallest first; at
    least one."""
    chips = max(1, -(-cores // problem.chip.core.count))
    named = max((int(held.max(initial=0)) for held in problem.assignment.values()), default=0)
    while True:
        columns, rows = smallest_grid(chips)
        grid = replace(problem, chips=(min(MOST_CHIPS, columns), min(MOST_CHIPS, rows)))
        most = max(columns, rows) >= MOST_CHIPS
        if most or named < grid.mesh.core_slots:
            yield grid
        if most:
            return
        chips = columns * rows + 1


def _with_room(problem: Problem, cores: int) -> Problem:
    grid = problem
    for grid in _grids(problem, cores):
        if grid.available_cores >= cores:
            break
    return grid


def _has_parts(graph: Hypergraph, grid: Problem, tiling: Tiling, methods: tuple[str, ...]) -> bool:
    most = grid.available_cores
    return any(
        partition(graph, tiling.limits, most_parts=most, method=method, effort="fast") is not None
        for method in methods
    )  # fmt: skip
