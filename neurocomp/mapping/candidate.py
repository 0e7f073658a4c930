"""One complete mapping among several: tiles on cores, routed and counted, with the figures that rank it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurocomp.mapping.problem import Problem
from neurocomp.mapping.profile import Profile
from neurocomp.mapping.program_parts import Routes, Tile, class_tiles
from neurocomp.mapping.routing.figures import Figures, figures_of
from neurocomp.mapping.routing.route import route
from neurocomp.mapping.routing.usage import Usage, usage_of
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import limits_of


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mapping with its name. widest: destination cores of the neuron that has most of them.

    fits: whether every core holds what lies on it and no neuron sends to more cores than it may.
    """

    name: str
    tiles: tuple[Tile, ...]
    routes: Routes
    usage: Usage
    figures: Figures
    widest: int
    fits: bool
    boundary_cost: int = 1

    def rank(self, objective: str) -> tuple[float, ...]:
        """Smaller is better; figures behind the first break ties."""
        return rank_of(self.figures, objective, self.boundary_cost)


def rank_of(figures: Figures, objective: str, boundary_cost: int = 1) -> tuple[float, ...]:
    """What an objective compares, most important first."""
    traffic = (figures.weighted_hops(boundary_cost), figures.hottest_link, figures.packets)
    match objective:
        case "traffic":
            return (*traffic, figures.step_ps, figures.cores)
        case "step-time":
            return (figures.step_ps, *traffic, figures.cores)
        case "cores":
            return (figures.cores, *traffic, figures.step_ps)
        case _:
            return (figures.energy_pj, *traffic, figures.step_ps, figures.cores)


def evaluated(
    name: str, problem: Problem, layers: dict[str, Layer], tiles: Sequence[Tile], profile: Profile
) -> Candidate:
    """Route and count tiles that have their cores."""
    routes = route(problem, tiles)
    homes = class_tiles(tiles, routes, problem.shape)
    usage = usage_of(problem, layers, tiles, routes, homes)
    most, widest = problem.chip.core.fan_out_cores_max, widest_fan_out(problem, routes)
    fits = (most is None or widest <= most) and bool(limits_of(problem.chip).fits(usage.core_demand).all())
    figures = figures_of(problem, tiles, routes, profile, homes)
    return Candidate(name, tuple(tiles), routes, usage, figures, widest, fits, problem.boundary_cost)


def widest_fan_out(problem: Problem, routes: Routes) -> int:
    """Destination cores of the neuron that has most of them; inputs come from outside and may be sent anywhere."""
    packets = np.append(np.diff(routes.packet_ptr), 0)  # the last is for neurons without a class
    neurons = [routes.route_class[n] for n in problem.emitting if n not in problem.network.inputs]
    return max((int(packets[label].max(initial=0)) for label in neurons), default=0)
