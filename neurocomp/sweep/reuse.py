"""Which values of a chip decide what: two points that agree in them share a mapping, or a simulation.

Energies enter no time and no count, so points that differ in energies alone are simulated once. The mapper ranks
candidates by what its objective names (mapping/candidate.py): traffic and cores know no energy, and times only where
candidates are equal in everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from neurocomp.chip.spec import ChipSpec
from neurocomp.mapping.candidate import widest_fan_out
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.map import Plan
from neurocomp.mapping.place import place
from neurocomp.mapping.program import Program
from neurocomp.mapping.program_parts import Tile
from neurocomp.mapping.tiling.limits import limits_of

ENERGY, TIME = ("_pj", "_mw"), ("_ns",)  # how names end that hold an energy or a power, and a time
RANKED = ("packet_out", "packet_in")  # engines' energies that the objective energy counts
CAPACITIES = ("count", "neurons_max", "fan_in_axons_max", "fan_out_axons_max", "size_kib")  # what cores can hold
IN_ORDER = ("network order", "network order, cores filled")  # the only candidates of a search that needs no other


def timing_key(program: Program) -> tuple[str, str]:
    """Equal for programs of one network that do the same and take the same time: the content of every core, and the
    chip but for energies and for what cores can hold. Routes follow from both."""
    tree = _tree(program.chip)
    del tree["core"]
    return tiles_digest(program.tiles), _text(_pruned(tree, lambda name: name.endswith(ENERGY)))


def tiles_digest(tiles: Sequence[Tile]) -> str:
    """SHA-256 of what lies on which core."""
    sha = hashlib.sha256()
    for tile in tiles:
        where = tile.box if tile.positions is None else hashlib.sha256(tile.positions.tobytes()).hexdigest()
        sha.update(repr((tile.population, tile.core, where)).encode())
    return sha.hexdigest()


def mapping_key(chip: ChipSpec, objective: str, times: bool = True) -> str:
    """Equal for chips onto which a network is mapped alike under an objective. times: False leaves times out, which is
    right for programs of which ``ignores_times`` holds."""
    tree = _tree(chip)
    if objective == "energy":
        engines = tree["engines"]["fp"]
        kept = {name: engines[name] for name in RANKED}
        tree["engines"]["fp"] = {**_pruned(engines, lambda name: name.endswith(ENERGY)), **kept}
        tree["core"] = _pruned(tree["core"], lambda name: name.endswith(ENERGY))
        tree["step"].pop("barrier_energy_pj", None)
    else:
        dropped = ENERGY if times else ENERGY + TIME
        tree = _pruned(tree, lambda name: name.endswith(dropped))
    return _text(tree)


def ignores_times(program: Program, choices: Choices) -> bool:
    """Whether the same mapping would be found whatever the times of the chip are: the search looked at nothing but
    tiles in network order, and no second one of them was as good in traffic, which times would then decide."""
    if program.quality is None or not in_order(program, choices):
        return False
    fitting = [(trial.hops, trial.hottest_link) for trial in program.quality.trials if trial.cores is not None]
    return len(set(fitting)) == len(fitting)


def in_order(program: Program, choices: Choices) -> bool:
    """Whether the search looked at nothing but tiles in network order."""
    if program.quality is None or choices.effort != "fast" or choices.objective not in ("traffic", "cores"):
        return False
    return all(trial.name in IN_ORDER for trial in program.quality.trials)


def placing_key(plan: Plan, choices: Choices, times: bool) -> tuple[Hashable, ...] | None:
    """Equal for plans whose tiles in network order lie on the same cores and are judged by the same figures: what cores
    can hold is left out, for it enters through the tiles alone. Right for programs of which ``in_order`` holds, or
    without the chip's times ``ignores_times``, and whose candidates all fit, on chips whose cores hold the program
    (``holds``). None: nothing is known to be equal."""
    problem, tiling = plan.problem, plan.tiling
    if tiling.stuck or tiling.unsettled or problem.assignment or choices.effort != "fast":
        return None
    placements = (place(problem, tiling), place(problem, tiling, dense=True))
    tiles = tuple((placement.cores_needed, tiles_digest(placement.tiles)) for placement in placements)
    dropped = ENERGY if times else ENERGY + TIME
    kept = _text(_pruned(_tree(problem.chip), lambda name: name.endswith(dropped) or name in CAPACITIES))
    return (kept, problem.weight_bits, problem.available_cores, problem.chips, *tiles)


def holds(plan: Plan, program: Program) -> bool:
    """Whether the cores of a plan's chip hold a program that was made for others."""
    core = plan.problem.chip.core
    widest = widest_fan_out(plan.problem, program.routes)
    few = core.fan_out_cores_max is None or widest <= core.fan_out_cores_max
    return few and bool(limits_of(plan.problem.chip).fits(program.usage.core_demand).all())


def all_fit(program: Program) -> bool:
    """Whether every candidate of the search fitted."""
    return program.quality is not None and all(trial.cores is not None for trial in program.quality.trials)


def _tree(chip: ChipSpec) -> dict[str, Any]:
    return chip.model_dump(mode="json", by_alias=True, exclude={"provenance"})


def _pruned(tree: Any, drop: Callable[[str], bool]) -> Any:
    """The tree without the entries whose names are to be dropped; what holds them stays, even if it is empty then."""
    if isinstance(tree, dict):
        return {name: _pruned(value, drop) for name, value in tree.items() if not drop(str(name))}
    return [_pruned(value, drop) for value in tree] if isinstance(tree, list) else tree


def _text(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True)
