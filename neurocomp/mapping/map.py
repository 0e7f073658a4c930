"""The mapper: tile, place, route, check; and explain where it ends in failure.

Each step is a pure function with one signature, so that other algorithms can stand in its place; check.py
judges the result of all of them and shares no code with any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.errors import Diagnostic, InputError
from neurocomp.mapping.check import check_program
from neurocomp.mapping.explain import refuse_cores, refuse_early, refuse_fan_out, refuse_full_cores
from neurocomp.mapping.layer import layers_of
from neurocomp.mapping.levels import levels, timing_mismatches
from neurocomp.mapping.mismatch import capability_mismatches
from neurocomp.mapping.place import Placement, place
from neurocomp.mapping.problem import Problem, stored_weight_bits
from neurocomp.mapping.program import Program, Routes
from neurocomp.mapping.route import route
from neurocomp.mapping.tile import Tiling, tile
from neurocomp.mapping.usage import usage_of
from neurocomp.network.graph import Network
from neurocomp.network.ops import Pool


def map_network(
    network: Network,
    chip: ChipSpec,
    *,
    assignment: Mapping[str, np.ndarray] | None = None,
    forbidden_cores: Sequence[int] = (),
    seed: int = 0,
) -> Program:
    """Map a lowered network onto a chip.

    assignment: for some populations the core of every element, int in the population's shape, instead of the
    mapper's own choice. forbidden_cores stay empty. The result is the same for the same arguments.

    Raises DoesNotFitError with all reasons if it does not fit, InputError for a network that has not been
    lowered or a wrong assignment, CheckFailedError if the result is not legal (a defect of the mapper).
    """
    problem = make_problem(network, chip, assignment or {}, forbidden_cores)
    refuse_early(problem)
    tiling = tile(problem, layers_of(problem))
    placement = place(problem, tiling, seed)
    refuse_cores(problem, tiling, placement)
    placement, routes = _routed(problem, tiling, placement, seed)
    program = _assembled(problem, tiling, placement, routes)
    check_program(program)
    return program


def make_problem(
    network: Network, chip: ChipSpec, assignment: Mapping[str, np.ndarray], forbidden_cores: Sequence[int]
) -> Problem:
    """The problem after all that the user said has been checked. Raises InputError with every finding."""
    found = [*_not_lowered(network), *_wrong_cores(chip, forbidden_cores)]
    cores: dict[str, np.ndarray] = {}
    bits = stored_weight_bits(network, chip)
    problem = Problem(network, chip, frozenset(map(int, forbidden_cores)), weight_bits=bits)
    for name, value in assignment.items():
        cores[name] = np.asarray(value)
        found += _wrong_assignment(problem, name, cores[name])
    if found:
        raise InputError(found)
    return Problem(network, chip, problem.forbidden, cores, bits)


def _routed(problem: Problem, tiling: Tiling, placement: Placement, seed: int) -> tuple[Placement, Routes]:
    """Routes; where a neuron would have to send to too many cores, tiles are moved together once."""
    routes = route(problem, placement.tiles, seed)
    most = problem.chip.core.fan_out_cores_max
    if most is None or _widest(problem, routes) <= most:
        return placement, routes
    closer = place(problem, tiling, seed, dense=True)
    if closer.fits:
        placement, routes = closer, route(problem, closer.tiles, seed)
    if _widest(problem, routes) > most:
        refuse_fan_out(problem, tiling, placement, routes)
    return placement, routes


def _widest(problem: Problem, routes: Routes) -> int:
    """Destination cores of the neuron that has most of them; inputs come from outside and may be sent anywhere."""
    packets = np.diff(routes.packet_ptr)
    neurons = [routes.route_class[n] for n in problem.emitting if n not in problem.network.inputs]
    return max((int(packets[label[label >= 0]].max(initial=0)) for label in neurons), default=0)


def _assembled(problem: Problem, tiling: Tiling, placement: Placement, routes: Routes) -> Program:
    offsets = levels(problem)
    mismatches = capability_mismatches(problem) + timing_mismatches(problem, offsets)
    usage = usage_of(problem, tiling.layers, placement.tiles, routes)
    refuse_full_cores(tiling.limits, usage)
    return Program(
        problem.network, problem.chip, placement.tiles, routes, offsets, usage, tuple(sorted(problem.forbidden)),
        (*problem.network.assumptions, *_assumptions(problem)), tuple(mismatches),
    )  # fmt: skip


def _assumptions(problem: Problem) -> list[str]:
    chip, network = problem.chip, problem.network
    found = []
    if network.inputs:
        x, y = chip.noc.input_port
        found.append(f"inputs enter the mesh at router ({x}, {y}) and take no core; storing them is not counted")
    readouts = [name for name in problem.tiled if not problem.emits(name)]
    found += [f"the readout {name} takes accumulators, which are counted as neurons" for name in readouts]
    if chip.core.kernel_sharing:
        found.append("a core stores the kernels of its output channels once, however many pixels it holds")
    return found


def _not_lowered(network: Network) -> list[Diagnostic]:
    return [
        Diagnostic(p.name, f"{p.op.kind} pooling cannot be mapped as it is",
                   hint="compile the network (neurocomp.compile), which replaces such pooling before it maps")
        for p in network.projections if isinstance(p.op, Pool) and p.op.kind != "sum"
    ]  # fmt: skip


def _wrong_cores(chip: ChipSpec, forbidden: Sequence[int]) -> list[Diagnostic]:
    places = chip.noc.width * chip.noc.height * chip.noc.cores_per_router
    return [
        Diagnostic("forbidden cores", f"core {core} does not exist on {chip.name}",
                   hint=f"cores are numbered 0 to {places - 1}")
        for core in forbidden if not 0 <= core < places
    ]  # fmt: skip


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
    return [Diagnostic(where, f"uses core {dead[0]}, which is forbidden")] if dead.size else []
