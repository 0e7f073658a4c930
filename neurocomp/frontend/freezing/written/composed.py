"""Neurons that are no canonical ones, put together from parts that are: thresholds without a memory, and states that a
step hands to the next one.

An adaptive exponential neuron or an LSTM whose output is a spike is a threshold on sums, products and functions of what
arrives and of its own states. Everything but the threshold has a form of its own; a state becomes a layer that hands
its input on (it forgets at once and sends its membrane), at which the loop over the steps is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.written.chains import Chain
from neurocomp.frontend.freezing.written.polynomials import Expansion, Node, Values, base_name, constant, is_node
from neurocomp.frontend.freezing.written.stepmap import NoNeuron, as_parameter, compare_of
from neurocomp.network.neuron import Neuron

NEURON = "neurocomp.neuron"
CARRY = Neuron(v_decay=0.0, threshold=np.inf, reset="none", output="membrane")
"""Hands its input on unchanged."""
_FILLING = ("aten.select_scatter", "aten.slice_scatter")
"""What writes the results of the steps into one tensor."""


@dataclass(frozen=True, eq=False)
class Event:
    """A threshold without a memory. drives: what it compares, at each step."""

    neuron: Neuron
    drives: list[Node]


def event(chain: Chain, values: Values) -> Event:
    """The threshold of a chain alone. Raises NoNeuron if what it is compared with changes."""
    compared = [_compared(step.node, values) for step in chain]
    level = compared[0][1]
    if any(not np.array_equal(other, level) for _, other in compared):
        raise NoNeuron("its threshold is another one at other steps")
    neuron = Neuron(v_decay=0.0, threshold=as_parameter(level), compare=compare_of(chain[0].node))
    return Event(neuron, [node for node, _ in compared])


def _compared(node: Node, values: Values) -> tuple[Node, Any]:
    """The signal that is compared, and with what."""
    signal = node.args[0]
    other = 0.0 if base_name(node) == "aten.heaviside" else node.args[1]
    if not _is_open(signal, values) or _is_open(other, values):
        raise NoNeuron("it compares two signals")
    level = _constant(other, values)
    if base_name(signal) == "aten.sub" and _is_open(signal.args[0], values) and not _is_open(signal.args[1], values):
        return (signal.args[0], level + _constant(signal.args[1], values)) if not signal.kwargs else (signal, level)
    return signal, level


def _is_open(argument: Any, values: Values) -> bool:
    return is_node(argument) and argument in values.open


def _constant(argument: Any, values: Values) -> Any:
    return constant(values.of(argument) if is_node(argument) else argument).get((), 0.0)


def carried(nodes: tuple[Node, ...], values: Values, steps: int, outputs: set[Node]) -> list[list[Node]]:
    """States that a step hands to the next one and that come back to themselves, by step. outputs: what neurons send,
    at which loops are closed already."""
    ends = _ends(nodes, steps)
    if steps < 2 or not ends:
        return []
    later = _later(ends)
    step_of = _steps(ends)
    earlier = {new: old for old, new in later.items()}
    found: list[list[Node]] = []
    closed = set(outputs)
    for before in nodes:
        last = later.get(before)
        if last is None or step_of.get(before) != steps - 2 or before not in values.open or before in closed:
            continue
        crossing = any(step_of.get(user) == steps - 1 for user in before.users)
        if not crossing or base_name(before) in _FILLING or _adds_up(before, last, values):
            continue
        group = [last]
        while group[0] in earlier:
            group.insert(0, earlier[group[0]])
        if len(group) in (steps - 1, steps) and _comes_back(before, last, values, closed):
            found.append(group)
            closed.update(group)
    for group in found:
        if len(group) < steps:  # nothing needs it after the last step; every layer is called in every step
            group.append(_advanced(group[-1], later, values))
    return found


def _advanced(node: Node, later: dict[Node, Node], values: Values) -> Node:
    """The copy of a node one step later; made if there is none."""
    if node not in values.open or node.op != "call_function":
        return node
    if node not in later:
        given = {n: _advanced(n, later, values) for n in node.all_input_nodes}
        with node.graph.inserting_before(node.graph.output_node()):
            later[node] = node.graph.node_copy(node, given.__getitem__)
    return later[node]


def _ends(nodes: tuple[Node, ...], steps: int) -> list[list[Node]]:
    """What is needed of each step, by step: the inputs of neurons, and what is stacked as a result."""
    calls: dict[int, list[Node]] = {}
    found = []
    for node in nodes:
        if base_name(node).startswith(NEURON):
            calls.setdefault(node.args[2], []).append(node)
        elif base_name(node) in ("aten.stack", "aten.cat") and len(node.args[0]) == steps:
            found.append(list(node.args[0]))
    for called in calls.values():
        if len(called) == steps:
            found.append([call.args[0] for call in called])
            found += _results(called)
    return found


def _results(called: list[Node]) -> list[list[Node]]:
    """What the calls of a neuron return, by step, of each of its results."""
    parts = [{user.args[1]: user for user in call.users} for call in called]
    return [[part[k] for part in parts] for k in parts[0] if all(k in part for part in parts)]


def _later(ends: list[list[Node]]) -> dict[Node, Node]:
    """Every node's copy one step later, as far as the steps do the same."""
    known: dict[Node, Node] = {}
    waiting = [pair for called in ends for pair in pairwise(called)]
    waiting.reverse()
    while waiting:
        one, other = waiting.pop()
        if one is other or one in known or one.target != other.target or one.op != "call_function":
            continue
        known[one] = other
        if len(one.all_input_nodes) == len(other.all_input_nodes):
            waiting += zip(one.all_input_nodes, other.all_input_nodes, strict=True)
    return known


def _steps(ends: list[list[Node]]) -> dict[Node, int]:
    """The first step that needs a node."""
    found: dict[Node, int] = {}
    for step, needed in enumerate(zip(*ends, strict=True)):
        waiting = list(needed)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = step
                waiting += node.all_input_nodes
    return found


def _adds_up(before: Node, last: Node, values: Values) -> bool:
    """Whether a copy is only the sum so far of something: a read-out over all steps."""
    if set(before.users) != {last}:
        return False
    return Expansion(values, frozenset({before}), frozenset()).of(last).get((before,)) == 1.0


def _comes_back(before: Node, last: Node, values: Values, closed: set[Node]) -> bool:
    """Whether a copy is made of the one before, other than through what is closed."""
    waiting, seen = list(last.all_input_nodes), set()
    while waiting:
        node = waiting.pop()
        if node is before:
            return True
        if node in values.open and node not in seen and node not in closed and not base_name(node).startswith(NEURON):
            seen.add(node)
            waiting += node.all_input_nodes
    return False
