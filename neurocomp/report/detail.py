"""The run core by core and step by step: what maps and curves are drawn from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from neurocomp.energy.table import EnergyTable
from neurocomp.mapping.program import Program
from neurocomp.mapping.tiling.limits import NEURONS, limits_of
from neurocomp.simulate.simulation import Simulation

BINS = 240  # of a curve over steps


@dataclass(frozen=True)
class CoreFacts:
    """One core in use; totals of the run. x, y: its router. fullest: the limit that is nearest to its capacity, share:
    how much of it is taken. busy_ps: its longer one of sending and receiving work, summed over steps. energy_aj:
    dynamic. layers: populations with a part on it, in network order."""

    core: int
    x: int
    y: int
    neurons: int
    fullest: str
    share: float
    busy_ps: int
    energy_aj: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class StepBin:
    """Chip steps first to last (both included): mean and longest duration; what of the mean was computing, routing, and
    barrier or tick; spikes, and copies of packets delivered, per step."""

    first: int
    last: int
    mean_ps: float
    max_ps: int
    compute_ps: float
    routing_ps: float
    barrier_ps: float
    spikes: float
    packets: float


def core_facts(program: Program, simulation: Simulation, table: EnergyTable) -> tuple[CoreFacts, ...]:
    """Every core in use, in ascending order."""
    usage, mesh = program.usage, program.mesh
    limits = limits_of(program.chip)
    shares = limits.used(usage.core_demand) / limits.capacities
    energy, layers = table.by_core(), _layers(program)
    per_router = program.chip.noc.cores_per_router
    found = []
    for row, core in enumerate(usage.cores.tolist()):
        router, fullest = core // per_router, int(shares[row].argmax())
        found.append(CoreFacts(
            core, router % mesh.width, router // mesh.width, int(usage.core_demand[row, NEURONS]),
            limits.limits[fullest].name, float(shares[row, fullest]), int(simulation.core_busy_ps[core]),
            energy.get(core, 0), layers.get(core, ()),
        ))  # fmt: skip
    return tuple(found)


def _layers(program: Program) -> dict[int, tuple[str, ...]]:
    found: dict[int, dict[str, None]] = {}
    for tile in program.tiles:
        if tile.core >= 0:
            found.setdefault(tile.core, {})[tile.population] = None
    return {core: tuple(names) for core, names in found.items()}


def step_bins(simulation: Simulation) -> tuple[StepBin, ...]:
    """The steps of the run, at most ``BINS`` bins of nearly equal length."""
    series = simulation.series
    steps = series.total_ps.size
    edges = np.arange(min(BINS, steps) + 1) * steps // max(1, min(BINS, steps))
    sizes = np.diff(edges)

    def mean(values: np.ndarray) -> list[float]:
        return (np.add.reduceat(values.astype(np.float64), edges[:-1]) / sizes).tolist()

    longest = np.maximum.reduceat(series.total_ps, edges[:-1]).tolist()
    columns = [
        mean(series.total_ps), longest, mean(series.work_ps - series.routing_ps), mean(series.routing_ps),
        mean(series.total_ps - series.work_ps), mean(series.spikes), mean(series.packets),
    ]  # fmt: skip
    return tuple(
        StepBin(int(first), int(last) - 1, *(column[k] for column in columns))
        for k, (first, last) in enumerate(itertools.pairwise(edges))
    )
