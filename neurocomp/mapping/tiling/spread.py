"""Tilings that spread work over idle cores: a step lasts as long as the busiest core works.

Every population is cut into as many tiles as its share of the work asks for, at several levels, up to all the
cores that there are. Which level pays is for the figures to say: more cores mean shorter steps and more packets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.mapping.hypergraph import TRAFFIC_PER_SPIKE
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.routing.figures import Load, packet_service_ps
from neurocomp.mapping.stations.terms import product_terms
from neurocomp.mapping.tiling.tile import Tiling, tile

_HALVINGS = 40
_RETRIES = 6


def spread_tilings(problem: Problem, tiling: Tiling, load: Load, levels: int) -> Iterator[tuple[str, Tiling]]:
    """(name, tiling), finer ones last; load: any routed mapping of the problem, for the work of each population.

    levels: how many numbers of cores are tried between the present one and all.
    """
    work = population_work_ps(load)
    held = len({tile.core for tile in load.tiles if tile.core >= 0})
    most, seen = problem.available_cores, {tiling.tiles}
    if held >= most or not any(work.values()):
        return
    for target in sorted({int(t) for t in np.geomspace(held, most, levels + 1)[1:]}):
        finer = _tiled_onto(problem, tiling, work, target)
        if finer is not None and finer.tiles not in seen:
            seen.add(finer.tiles)
            yield f"spread over {finer.tiles} cores", finer


def population_work_ps(load: Load) -> dict[str, float]:
    """Mean work per step of every tiled population, over all its tiles: the longer of sending and receiving."""
    problem, routes = load.problem, load.routes
    engine = problem.chip.engines.fp
    service = packet_service_ps(problem.network, problem.chip, routes) * (load.packet_traffic / TRAFFIC_PER_SPIKE)
    first_tile = routes.synapse_tile[routes.synapse_ptr[:-1]]
    received = np.bincount(first_tile, service, len(load.tiles))
    work: dict[str, float] = dict.fromkeys(problem.tiled, 0.0)
    for index, part in enumerate(load.tiles):
        if part.core >= 0:
            work[part.population] += float(received[index])
    for name in problem.tiled:
        updated = load.profile.active.get(name, 0.0) * engine.neuron_update.latency_ps
        sending = problem.population(name).size * (engine.neuron_access.latency_ps + updated)
        if problem.emits(name):
            sending += load.profile.spikes(problem, name) / TRAFFIC_PER_SPIKE * engine.spike_out.latency_ps
        work[name] = max(work[name], sending)
    for name, terms in product_terms(problem, load.profile).items():
        work[name] += terms * engine.product_cost.latency_ps
    return work


def _tiled_onto(problem: Problem, tiling: Tiling, work: dict[str, float], cores: int) -> Tiling | None:
    """A tiling of about as many tiles as there are cores, each with about as much work; None if none was found."""
    loose = [name for name in problem.tiled if name not in problem.assignment]
    aim = cores
    for _ in range(_RETRIES):
        parts = _parts(problem, {name: work[name] for name in loose}, aim)
        caps = {name: -(-problem.population(name).size // count) for name, count in parts.items()}
        finer = tile(problem, tiling.layers, caps)
        if finer.stuck or finer.unsettled:
            return None
        if finer.tiles <= cores:
            return finer
        aim -= max(1, finer.tiles - cores)
        if aim < len(loose):
            return None
    return None


def _parts(problem: Problem, work: dict[str, float], cores: int) -> dict[str, int]:
    """Parts for each population so that the largest share of work is least, with no more parts than cores."""

    def parts_at(level: float) -> dict[str, int]:
        return {
            name: min(problem.population(name).size, max(1, int(np.ceil(amount / level))))
            for name, amount in work.items()
        }

    low, high = 0.0, max(work.values(), default=0.0) or 1.0
    for _ in range(_HALVINGS):
        level = (low + high) / 2
        if level > 0 and sum(parts_at(level).values()) <= cores:
            high = level
        else:
            low = level
    return parts_at(high)
