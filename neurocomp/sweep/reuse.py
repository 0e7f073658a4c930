"""Which values of a chip decide what: two points that agree in them share a mapping, or a simulation.

Energies enter no time and no count, so points that differ in energies alone are simulated once. The mapper ranks
candidates by what its objective names (mapping/candidate.py): traffic and cores know no energy, and times only where
candidates are equal in everything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from neurocomp.chip.spec import ChipSpec
from neurocomp.mapping.choices import Choices
from neurocomp.mapping.program import Program

ENERGY, TIME = ("_pj", "_mw"), ("_ns",)  # how names end that hold an energy or a power, and a time
RANKED = ("packet_out", "packet_in")  # engines' energies that the objective energy counts
IN_ORDER = ("network order", "network order, cores filled")  # the only candidates of a search that needs no other


def timing_key(program: Program) -> tuple[str, str]:
    """Equal for programs of one network that do the same and take the same time: the content of every core, and the
    chip but for energies and for what cores can hold. Routes follow from both."""
    sha = hashlib.sha256()
    for tile in program.tiles:
        where = tile.box if tile.positions is None else hashlib.sha256(tile.positions.tobytes()).hexdigest()
        sha.update(repr((tile.population, tile.core, where)).encode())
    tree = _tree(program.chip)
    del tree["core"]
    return sha.hexdigest(), _text(_pruned(tree, lambda name: name.endswith(ENERGY)))


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
    quality = program.quality
    if quality is None or choices.effort != "fast" or choices.objective not in ("traffic", "cores"):
        return False
    if any(trial.name not in IN_ORDER for trial in quality.trials):
        return False
    fitting = [(trial.hops, trial.hottest_link) for trial in quality.trials if trial.cores is not None]
    return len(set(fitting)) == len(fitting)


def _tree(chip: ChipSpec) -> dict[str, Any]:
    return chip.model_dump(mode="json", by_alias=True, exclude={"provenance"})


def _pruned(tree: Any, drop: Callable[[str], bool]) -> Any:
    """The tree without the entries whose names are to be dropped; what holds them stays, even if it is empty then."""
    if isinstance(tree, dict):
        return {name: _pruned(value, drop) for name, value in tree.items() if not drop(str(name))}
    return [_pruned(value, drop) for value in tree] if isinstance(tree, list) else tree


def _text(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True)
