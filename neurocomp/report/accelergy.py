"""Counts and costs in the form of Accelergy's files, so that its tools, and those built on it, can go on from here.

Files of format version 0.3 (Wu, Emer, Sze, ICCAD 2019; accelergy.mit.edu): ``action_counts.yaml`` says how
often each action of each component happened in the run, ``ERT.yaml`` what one action costs in picojoules. Components
are ``chip.core[17].synapse`` and so on, with one table for all cores; what belongs to no single core is below
``chip.shared``. Costs that the profile
does not know are left out of the ERT and named in a comment; static power is no action and in neither file.
"""

from __future__ import annotations

from collections.abc import Iterator

from neurocomp.chip.spec import ChipSpec
from neurocomp.energy.table import action_costs
from neurocomp.simulate.counters import CHIP, Counters
from neurocomp.simulate.simulation import Simulation

VERSION = "0.3"
TOP = "chip"

Counts = dict[str, dict[str, dict[str, int]]]  # place, component, action


def accelergy_files(simulation: Simulation, chip: ChipSpec) -> dict[str, str]:
    """Names and texts of both files; equal runs give equal bytes."""
    counts = _counts(simulation.counters)
    return {
        "action_counts.yaml": _counts_text(counts),
        "ERT.yaml": _ert_text(counts, chip, simulation.core_busy_ps.size),
    }


def _counts(counters: Counters) -> Counts:
    """Summed over layers, in ascending order of cores; shared last."""
    found: Counts = {}
    for row in sorted(counters.rows, key=lambda row: (row.core == CHIP, row.core, row.unit, row.action)):
        place = "shared" if row.core == CHIP else f"core[{row.core}]"
        actions = found.setdefault(place, {}).setdefault(row.unit, {})
        actions[row.action] = actions.get(row.action, 0) + row.count
    return found


def _action(name: str) -> str:
    """Actions are plain words there."""
    return name.replace(".", "_")


def _counts_text(counts: Counts) -> str:
    lines = ["action_counts:", f"  version: {VERSION}", "  subtree:"]
    for place, components in counts.items():
        lines += [f'    - name: "{TOP}.{place}"', "      local:"]
        for component, actions in components.items():
            lines += [f"        - name: {component}", "          action_counts:"]
            for action, count in actions.items():
                lines += [f"            - name: {_action(action)}", f"              counts: {count}"]
    return "\n".join(lines) + "\n"


def _ert_text(counts: Counts, chip: ChipSpec, cores: int) -> str:
    costs = action_costs(chip)
    unknown = sorted({_action(a) for places in counts.values() for found in places.values() for a in found
                      if costs[a][1] is None})  # fmt: skip
    remark = [f"# energies in pJ, of {chip.digest()}"]
    remark += [f"# not known, and left out: {', '.join(unknown)}"] if unknown else []
    lines = [*remark, "ERT:", f"  version: {VERSION}", "  tables:"]
    for (place, component), actions in _tables(counts, cores).items():
        rows = list(_costs(actions, costs))
        if rows:
            lines += [f'    - name: "{TOP}.{place}.{component}"', "      actions:", *rows]
    return "\n".join(lines) + "\n"


def _tables(counts: Counts, cores: int) -> dict[tuple[str, str], list[str]]:
    """Actions by component; all cores are alike and share a table."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for place, components in counts.items():
        where = place if place == "shared" else f"core[0..{cores - 1}]"
        for component, actions in components.items():
            found.setdefault((where, component), {}).update(dict.fromkeys(actions))
    return {key: sorted(actions) for key, actions in found.items()}


def _costs(actions: list[str], costs: dict[str, tuple[str, int | None]]) -> Iterator[str]:
    for action in actions:
        energy_aj = costs[action][1]
        if energy_aj is not None:
            yield f"        - name: {_action(action)}"
            yield "          arguments: null"
            yield f"          energy: {_pj(energy_aj)}"


def _pj(energy_aj: int) -> str:
    """Exact decimals, as YAML reads numbers."""
    whole, rest = divmod(energy_aj, 1_000_000)
    return f"{whole}.{f'{rest:06d}'.rstrip('0') or '0'}"
