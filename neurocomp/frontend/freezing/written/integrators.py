"""Leaky read-outs written out in a network's own loop: ``mem = 0.9 * mem + fc(spikes)``, without spikes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.written.chains import signature
from neurocomp.frontend.freezing.written.polynomials import (
    COMPARISONS,
    ELEMENTWISE,
    Expansion,
    Node,
    Polynomial,
    Values,
    base_name,
    close,
    is_zero,
)
from neurocomp.frontend.freezing.written.stepmap import as_parameter, common_factor
from neurocomp.network.neuron import Neuron


@dataclass(frozen=True, eq=False)
class Integrator:
    """nodes: the membrane of each step; drives: what arrives."""

    neuron: Neuron
    nodes: list[Node]
    drives: list[Polynomial]


def integrators(nodes: tuple[Node, ...], values: Values, steps: int, taken: set[Node]) -> Iterator[Integrator]:
    """taken: nodes that belong to neurons already; grows by those of what is found."""
    if steps < 2:
        return
    for copies in reversed(_copies(nodes, values, steps, taken)):
        if any(node in taken for node in copies):
            continue
        found = _integrator(copies, values)
        if found is not None:
            taken |= _between(copies, values)
            yield found


def _copies(nodes: tuple[Node, ...], values: Values, steps: int, taken: set[Node]) -> list[list[Node]]:
    """Elementwise operations of which there is one per step, in the order of their last copies."""
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        if node in values.open and base_name(node) in ELEMENTWISE - COMPARISONS and node not in taken:
            groups.setdefault(signature(node), []).append(node)
    rank = {node: k for k, node in enumerate(nodes)}
    return sorted((g for g in groups.values() if len(g) == steps), key=lambda g: rank[g[-1]])


def _integrator(copies: list[Node], values: Values) -> Integrator | None:
    """The neuron of which the copies are the membrane, if each is a leaky sum of the one before and of an input."""
    found = [_step(copies, k, values) for k in range(len(copies))]
    steps = [step for step in found if step is not None]
    if len(steps) < len(copies) or not is_zero(steps[0][1]):
        return None
    kept, _, last = steps[-1]
    if is_zero(kept) or not all(close(kept, past) and is_zero(level) for past, level, _ in steps[1:]):
        return None
    if close(kept, 1.0) and not _used_on_the_way(copies):
        return None  # a sum over all steps
    gain = common_factor(last)
    gain = 1.0 if gain is None else gain
    drives = [{key: value / gain for key, value in drive.items()} for _, _, drive in steps]
    decay, gain = as_parameter(kept), as_parameter(gain)
    return Integrator(
        Neuron(v_decay=decay, v_gain=gain, threshold=np.inf, reset="none", output="membrane"), copies, drives
    )


def _step(copies: list[Node], k: int, values: Values) -> tuple[Any, Any, Polynomial] | None:
    """How much of the copy before a copy keeps, what constant it adds, and what arrives; None: it is no such sum."""
    found = Expansion(values, frozenset(copies[:k][-1:]), frozenset()).of(copies[k])
    past = found.pop((copies[k - 1],), 0.0) if k else 0.0
    level = found.pop((), 0.0)
    return None if not found or any(n in copies for key in found for n in key) else (past, level, found)


def _used_on_the_way(copies: list[Node]) -> bool:
    """Whether a membrane before the last one is used by anything but the next one."""
    return any(user not in copies for user in copies[0].users)


def _between(copies: list[Node], values: Values) -> set[Node]:
    """The nodes by which each copy becomes the next one."""
    found = set(copies)
    for k in range(1, len(copies)):
        waiting = list(copies[k].all_input_nodes)
        while waiting:
            node = waiting.pop()
            if node in values.open and node not in found and base_name(node) in ELEMENTWISE:
                found.add(node)
                waiting += node.all_input_nodes
    return found
