"""The mapper: several candidates, each tiled, placed, routed and counted; the best is checked and returned.

What cannot be mapped is told from what was not found: proofs first, then the search, then what it tried.
check.py judges the result and shares no code with any step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, DoesNotFitError, InputError, bad_input
from neurocomp.mapping.candidate import Candidate
from neurocomp.mapping.check import check_program
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.explain import impossible, not_found
from neurocomp.mapping.explain.abilities import ability_mismatches, beyond_the_chip, station_assumptions
from neurocomp.mapping.explain.bounds import core_bounds
from neurocomp.mapping.explain.mismatch import capability_mismatches, part_assumptions
from neurocomp.mapping.explain.refusals import refuse_early, refuse_uncut
from neurocomp.mapping.fewest_chips import on_fewest_chips
from neurocomp.mapping.portfolio import Portfolio
from neurocomp.mapping.problem import MOST_CHIPS, Problem, stored_weight_bits
from neurocomp.mapping.profile import Activity, profile_of
from neurocomp.mapping.program import Program
from neurocomp.mapping.quality import Quality, Trial, spikes
from neurocomp.mapping.stations import is_fused, placed_view, unplaced
from neurocomp.mapping.stations.levels import levels, timing_mismatches
from neurocomp.mapping.tiling.layer import layers_of
from neurocomp.mapping.tiling.layer_cores import layer_assignment
from neurocomp.mapping.tiling.tile import Tiling, tile
from neurocomp.mapping.traffic_bound import traffic_bound
from neurocomp.network.graph import Network
from neurocomp.network.ops import Pool

Chips = tuple[int, int] | Literal["auto"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A problem that is not known to be impossible, cut in its natural order. roomier: on more chips, if there is hope
    that it takes fewer."""

    problem: Problem
    tiling: Tiling
    roomier: Problem | None = None


def map_network(
    network: Network,
    chip: ChipSpec,
    *,
    assignment: Mapping[str, np.ndarray] | None = None,
    forbidden_cores: Sequence[int] = (),
    seed: int = 0,
    objective: str = "energy",
    effort: str = "default",
    time_budget_s: float | None = None,
    activity: Activity = None,
    chips: Chips = (1, 1),
) -> Program:
    """Map a lowered network onto a chip.

    assignment: for some populations the core of every element, int in the population's shape, instead of the
    mapper's own choice. forbidden_cores stay empty. objective, effort, seed, time_budget_s: see ``Choices``.
    activity: what traffic is weighed with, see ``profile_of``. chips: (columns, rows) of chips that make up one
    mesh, or "auto" for as many as it takes. The result is the same for the same arguments.

    Raises DoesNotFitError with all reasons if it does not fit, InputError for a network that has not been
    lowered or wrong wishes, CheckFailedError if the result is not legal (a defect of the mapper).
    """
    choices = Choices(objective, effort, seed, time_budget_s)
    return map_plan(plan_mapping(network, chip, assignment, forbidden_cores, chips), choices, activity)


def plan_mapping(
    network: Network,
    chip: ChipSpec,
    assignment: Mapping[str, np.ndarray] | None = None,
    forbidden_cores: Sequence[int] = (),
    chips: Chips = (1, 1),
) -> Plan:
    """The first part of ``map_network``: raises at once what can be known without a search or the network's spikes."""
    problem = make_problem(network, chip, assignment or {}, forbidden_cores, most_chips(chips))
    found = beyond_the_chip(problem)
    if found:
        raise DoesNotFitError(found)
    refuse_early(problem)
    whole, found = layer_assignment(problem)  # empty on chips that tile layers
    if found:
        raise DoesNotFitError(found)
    problem = replace(problem, assignment={**problem.assignment, **whole})
    layers = layers_of(problem)
    refuse_uncut(problem, layers)
    tiling = tile(problem, layers)
    roomier = None
    if chips == "auto":
        problem, roomier = on_fewest_chips(problem, tiling)
    found = impossible(problem, tiling)
    if found:
        raise DoesNotFitError(found)
    return Plan(problem, tiling, roomier)


def map_plan(plan: Plan, choices: Choices, activity: Activity = None) -> Program:
    """The second part of ``map_network``: the search."""
    portfolio = Portfolio(plan.problem, plan.tiling, profile_of(plan.problem, activity), choices)
    best = portfolio.search()
    if best is None and plan.roomier is not None:
        return map_plan(Plan(plan.roomier, plan.tiling), choices, activity)
    if best is None:
        raise DoesNotFitError(not_found(plan.problem, plan.tiling, portfolio))
    program = _assembled(portfolio, best)
    check_program(program)
    return program


def make_problem(
    network: Network,
    chip: ChipSpec,
    assignment: Mapping[str, np.ndarray],
    forbidden_cores: Sequence[int],
    chips: tuple[int, int] = (1, 1),
) -> Problem:
    """The problem after all that the user said has been checked. Raises InputError with every finding."""
    bits = stored_weight_bits(network, chip)
    view = placed_view(network)
    problem = Problem(view, chip, frozenset(map(int, forbidden_cores)), {}, bits, chips, network)
    found = [*_not_lowered(network), *_wrong_cores(problem, forbidden_cores)]
    cores: dict[str, np.ndarray] = {}
    for name, value in assignment.items():
        cores[name] = np.asarray(value)
        found += _wrong_assignment(problem, name, cores[name])
    if found:
        raise InputError(found)
    return replace(problem, assignment=cores)


def most_chips(chips: Chips) -> tuple[int, int]:
    """(columns, rows) of the largest grid that may be used. Raises InputError if there is none."""
    return (MOST_CHIPS, MOST_CHIPS) if chips == "auto" else _grid(chips)


def _grid(chips: tuple[int, int]) -> tuple[int, int]:
    columns, rows = (int(length) for length in chips)
    if not (1 <= columns <= MOST_CHIPS and 1 <= rows <= MOST_CHIPS):
        raise bad_input("chips", f"{columns} x {rows} chips cannot be joined", hint=f"1x1 to {MOST_CHIPS}x{MOST_CHIPS}")
    return columns, rows


def _assembled(portfolio: Portfolio, best: Candidate) -> Program:
    problem = portfolio.problem
    offsets = levels(problem)
    mismatches = capability_mismatches(problem) + ability_mismatches(problem) + timing_mismatches(problem, offsets)
    return Program(
        problem.lowered, problem.chip, best.tiles, best.routes, offsets, best.usage, tuple(sorted(problem.forbidden)),
        (*problem.network.assumptions, *_assumptions(problem)), tuple(mismatches), _quality(portfolio, best),
        problem.chips,
    )  # fmt: skip


def _quality(portfolio: Portfolio, best: Candidate) -> Quality:
    figures, choices, tiling = best.figures, portfolio.choices, portfolio.tiling
    least = traffic_bound(portfolio.problem, tiling.layers, tiling.limits, portfolio.profile)
    cores = core_bounds(tiling.layers, tiling.limits)
    trials = tuple(
        Trial(name) if f is None
        else Trial(name, spikes(f.hops), spikes(f.hottest_link), f.step_ps / 1e3, f.energy_pj, f.cores)
        for name, f in portfolio.tried
    )  # fmt: skip
    return Quality(
        best.name, choices.objective, choices.effort, choices.seed, choices.time_budget_s,
        portfolio.profile.rates.origin,
        figures.cores, max((bound.cores for bound in cores), default=0), spikes(figures.packets), spikes(least.packets),
        spikes(figures.hops), spikes(least.hops), spikes(figures.hottest_link), spikes(figures.between_chips),
        figures.core_ps / 1e3, figures.busiest_core, figures.link_ps / 1e3, figures.step_ps / 1e3, figures.energy_pj,
        trials, spikes(figures.packets_sent),
    )  # fmt: skip


def _assumptions(problem: Problem) -> list[str]:
    chip, found = problem.chip, []
    if problem.lowered.inputs:
        x, y = chip.noc.input_port
        found.append(f"inputs enter the mesh at router ({x}, {y}) and take no core; storing them is not counted")
    readouts = [name for name in problem.tiled if not problem.emits(name)]
    found += [f"the readout {name} takes accumulators, which are counted as neurons" for name in readouts]
    if problem.chips != (1, 1) and chip.noc.chip_link is None:
        found.append(f"on {chip.name}: links between chips are not described; they are taken to cost what others cost")
    if chip.core.kernel_sharing:
        found.append("a core stores the kernels of its output channels once, however many pixels it holds")
    return found + part_assumptions(problem) + station_assumptions(problem)


def _not_lowered(network: Network) -> list[Diagnostic]:
    hint = "compile the network (neurocomp.compile), which lowers it before it maps"
    found = [
        Diagnostic(p.name, f"{p.op.kind} pooling cannot be mapped as it is", hint=hint)
        for p in network.projections
        if isinstance(p.op, Pool) and (p.op.kind == "avg" or (p.op.kind == "max" and not _is_placed(network, p.target)))
    ]
    return found + [Diagnostic(name, "has no place on the chip yet", hint=hint) for name in unplaced(network)]


def _is_placed(network: Network, name: str) -> bool:
    """Whether a maximum is a station, or formed by the neurons that it is wired to."""
    return network.by_name[name].neuron is None and (name in network.stations or is_fused(network, name))


def _wrong_cores(problem: Problem, forbidden: Sequence[int]) -> list[Diagnostic]:
    places = problem.mesh.core_slots
    wrong = np.unique([core for core in forbidden if not 0 <= core < places])
    runs = [part for part in np.split(wrong, np.flatnonzero(np.diff(wrong) > 1) + 1) if part.size]
    said = [f"core {run[0]} does" if run.size == 1 else f"cores {run[0]}-{run[-1]} do" for run in runs]
    hint = f"cores are numbered 0 to {places - 1}"
    return [Diagnostic("forbidden cores", f"{cores} not exist on {problem.chip.name}", hint=hint) for cores in said]


def _wrong_assignment(problem: Problem, name: str, cores: np.ndarray) -> list[Diagnostic]:
    where = f"assignment of {name}"
    if name not in problem.network.by_name or not problem.is_tiled(name):
        return [Diagnostic(where, "is not a population that takes cores",
                           hint=f"these do: {', '.join(problem.tiled)}")]  # fmt: skip
    shape = problem.population(name).shape
    if cores.shape != shape or cores.dtype.kind not in "iu":
        return [
            Diagnostic(where, f"has shape {cores.shape} and type {cores.dtype}; integers of shape {shape} are needed")
        ]
    wrong = np.unique(cores[(cores < 0) | (cores >= problem.mesh.core_slots)])
    if wrong.size:
        return [Diagnostic(where, f"names core {wrong[0]}, which {problem.chip.name} does not have",
                           hint=f"cores are numbered 0 to {problem.mesh.core_slots - 1}")]  # fmt: skip
    dead = np.intersect1d(np.unique(cores), np.array(sorted(problem.forbidden), np.int64))
    hint = "give the layer other cores (--pin, --placement), or do not forbid this one (--forbid-cores)"
    return [Diagnostic(where, f"uses core {dead[0]}, which is forbidden", hint=hint)] if dead.size else []
