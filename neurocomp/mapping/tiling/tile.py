"""Tiling: every population that needs cores is cut so that each tile fits one core.

Populations are cut from the output backwards, because the fan-out axons of a tile depend on how those that
listen to it are cut. Feedback closes a circle there; it is solved by repetition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.reach import Explicit
from neurocomp.mapping.tiling.cuts import Assigned, Cut, Grid, Runs, split
from neurocomp.mapping.tiling.grid import best_grid, single_demand
from neurocomp.mapping.tiling.layer import Layer, layers_of
from neurocomp.mapping.tiling.limits import AXONS_OUT, NEURONS, Limits, limits_of
from neurocomp.mapping.tiling.runs import best_runs
from neurocomp.network.layout import channel_last

_ROUNDS = 32


@dataclass(frozen=True, eq=False)
class Tiling:
    """How every tiled population is cut.

    demands: per population int64 (tiles, 4) of each tile (limits.py names the columns; an upper bound where
    paths overlap). stuck: populations of which not even one element fits a core, with the largest demand of a
    single element (each column for itself); in ``cuts`` they stand as one tile. unsettled: populations in a
    feedback loop for which no cut was found that fits what it itself implies.
    """

    layers: dict[str, Layer]
    limits: Limits
    cuts: dict[str, Cut]
    demands: dict[str, np.ndarray]
    stuck: dict[str, np.ndarray]
    unsettled: tuple[str, ...]

    @property
    def tiles(self) -> int:
        return sum(cut.count for cut in self.cuts.values())


def tile(
    problem: Problem, layers: dict[str, Layer] | None = None, neurons_max: Mapping[str, int] | None = None
) -> Tiling:
    """Cut every tiled population. Never fails: ``stuck`` and ``unsettled`` say what does not fit.

    neurons_max: for some populations the largest tile that is wanted, smaller than what a core holds.
    """
    layers = layers_of(problem) if layers is None else layers
    limits = limits_of(problem.chip)
    wanted = {name: _at_most(limits, most) for name, most in (neurons_max or {}).items()}
    cuts: dict[str, Cut] = {name: _assigned(problem, name) for name in problem.tiled if name in problem.assignment}
    listeners = {name: cut.listeners(layers[name]) for name, cut in cuts.items()}
    stuck: dict[str, np.ndarray] = {}
    for _ in range(_ROUNDS):
        changed = False
        for name in reversed(problem.tiled):
            out = _destinations(problem, name, listeners, limits)
            allowed = wanted.get(name, limits)
            if name in cuts and (name in stuck or _holds(cuts[name], layers[name], allowed, out)):
                continue
            changed = True
            cut = _cut(problem, layers[name], allowed, out)
            if cut is None:
                stuck[name] = _single(layers[name], out)
            cuts[name] = cut if cut is not None else _one_tile(layers[name])
            listeners[name] = cuts[name].listeners(layers[name])
        if not changed:
            break
    ordered = {name: cuts[name] for name in problem.tiled}
    demands = {n: c.demands(layers[n], _destinations(problem, n, listeners, limits)) for n, c in ordered.items()}
    unsettled = tuple(
        name for name, cut in ordered.items()
        if name not in stuck and not isinstance(cut, Assigned) and not limits.fits(demands[name]).all()
    )  # fmt: skip
    return Tiling(layers, limits, ordered, demands, stuck, unsettled)


def _at_most(limits: Limits, neurons: int) -> Limits:
    """The limits, with fewer neurons in a tile."""
    return Limits(tuple(
        replace(limit, capacity=min(limit.capacity, max(1, neurons)))
        if limit.weights[NEURONS] == 1 and limit.unit == "neurons" else limit
        for limit in limits.limits
    ))  # fmt: skip


def _holds(cut: Cut, layer: Layer, limits: Limits, out: np.ndarray) -> bool:
    """Whether a cut made earlier still fits; one that the user made is left as it is."""
    return isinstance(cut, Assigned) or bool(limits.fits(cut.demands(layer, out)).all())


def _destinations(
    problem: Problem, name: str, listeners: dict[str, dict[str, np.ndarray]], limits: Limits
) -> np.ndarray:
    """Destination tiles of every element, as far as its listeners are cut; broadcastable int64."""
    result = np.zeros((1, 1, 1), np.int64)
    if not limits.weights[:, AXONS_OUT].any() or not problem.emits(name):
        return result
    for target in problem.listeners[name]:
        if name in listeners.get(target, ()):
            result = result + listeners[target][name]
    return result


def _cut(problem: Problem, layer: Layer, limits: Limits, out: np.ndarray) -> Cut | None:
    if _is_explicit(layer):
        return best_runs(layer, limits, out)
    most = problem.chip.core.fan_out_cores_max
    spread = {source: None if source in problem.network.inputs else most for source in layer.reaches}
    # where no cut respects how few cores a neuron may send to, the check after routing says so
    return best_grid(layer, limits, out, spread) or best_grid(layer, limits, out, {})


def _is_explicit(layer: Layer) -> bool:
    return any(isinstance(reach, Explicit) for reaches in layer.reaches.values() for reach in reaches)


def _single(layer: Layer, out: np.ndarray) -> np.ndarray:
    if not _is_explicit(layer):
        return single_demand(layer, out)
    finest = Runs(np.arange(int(np.prod(layer.shape)) + 1, dtype=np.int64))
    return finest.demands(layer, out).max(axis=0)


def _one_tile(layer: Layer) -> Cut:
    """Stands in for a cut that does not exist, so that the populations before it are judged on their own."""
    if _is_explicit(layer):
        return Runs(np.array([0, int(np.prod(layer.shape))], np.int64))
    return Grid(tuple(split(length, 1) for length in layer.shape))  # type: ignore[arg-type]


def _assigned(problem: Problem, name: str) -> Cut:
    labels = np.asarray(problem.assignment[name], np.int64)
    return Assigned(problem, channel_last(labels, problem.population(name).shape))
