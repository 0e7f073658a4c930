"""Thresholds in an exported graph that a time loop has unrolled: the copies of one comparison, step by step.

Elementwise operations in front of a comparison belong to it, back to what the comparisons before it own. Where a
comparison looks back at what another one owns that comes from the same line of code in the same module, it is the
same threshold one step later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neurocomp.frontend.freezing.written.polynomials import COMPARISONS, ELEMENTWISE, Node, Values, base_name, is_node


@dataclass(eq=False)
class Step:
    """One copy. node: the comparison; owned: the elementwise operations in front of it that no earlier comparison
    needs; entries: nodes of others that these use, in graph order."""

    node: Node
    owned: set[Node] = field(default_factory=set)
    entries: list[Node] = field(default_factory=list)


Chain = list[Step]


def open_first_steps(nodes: tuple[Node, ...], values: Values) -> None:
    """A neuron that fires before it is charged compares its initial state at first, a constant. That comparison is the
    first step of its threshold, and what follows from it depends on the neuron as everything else does."""
    while True:
        compared = [node for node in nodes if base_name(node) in COMPARISONS]
        known = {signature(node) for node in compared if node in values.open}
        first = [node for node in compared if node not in values.open and signature(node) in known]
        first = [node for node in first if _is_sent_on(node, values)]
        if not first:
            return
        values.open.update(first)
        for node in nodes:
            if any(n in values.open for n in node.all_input_nodes):
                values.open.add(node)


def _is_sent_on(node: Node, values: Values) -> bool:
    """Whether anything but a neuron's own arithmetic uses a constant: a reset in front of the first charge is none."""
    waiting = list(node.users)
    while waiting:
        user = waiting.pop()
        if base_name(user) not in ELEMENTWISE:
            return True
        if user not in values.open:
            waiting += user.users
    return False


def chains(nodes: tuple[Node, ...], values: Values) -> list[Chain]:
    """The comparisons that depend on the input, by threshold, each in the order of the steps."""
    steps = [Step(node) for node in _once(nodes) if node in values.open]
    return _linked(_owned(steps, values, {n: k for k, n in enumerate(nodes)}))


def _once(nodes: tuple[Node, ...]) -> list[Node]:
    """The comparisons. Of elementwise operations that are done twice on the same, the first hands its users over."""
    known: dict[Any, Node] = {}
    found = []
    for node in nodes:
        if base_name(node) not in ELEMENTWISE or any(isinstance(a, list) for a in (*node.args, *node.kwargs.values())):
            continue
        first = known.setdefault((node.target, node.args, tuple(sorted(node.kwargs.items()))), node)
        if first is not node:
            node.replace_all_uses_with(first)
        elif base_name(node) in COMPARISONS:
            found.append(node)
    return found


def _owned(steps: list[Step], values: Values, rank: dict[Node, int]) -> list[tuple[Step, list[Step]]]:
    """Every step with those whose nodes it uses."""
    owner: dict[Node, Step] = {step.node: step for step in steps}
    found = []
    for step in steps:
        before: set[Step] = set()
        waiting = [n for n in step.node.all_input_nodes if n in values.open]
        entries: set[Node] = set()
        while waiting:
            node = waiting.pop()
            if node in owner:
                entries |= {node} if owner[node] is not step else set()
                before |= {owner[node]} - {step}
            elif base_name(node) in ELEMENTWISE:
                owner[node] = step
                step.owned.add(node)
                waiting += [n for n in node.all_input_nodes if n in values.open]
        step.entries = sorted(entries, key=rank.__getitem__)
        found.append((step, sorted(before, key=lambda s: rank[s.node])))
    return found


def _linked(steps: list[tuple[Step, list[Step]]]) -> list[Chain]:
    chain_of: dict[Step, Chain] = {}
    found: list[Chain] = []
    for step, before in steps:
        mine = signature(step.node)
        last = next((s for s in reversed(before) if signature(s.node) == mine and chain_of[s][-1] is s), None)
        chain = chain_of[last] if last is not None else []
        if last is None:
            found.append(chain)
        chain.append(step)
        chain_of[step] = chain
    return _without_memory(found)


def _without_memory(found: list[Chain]) -> list[Chain]:
    """Thresholds without a memory look back at nothing: their copies are those of one line of code."""
    joined: dict[Any, Chain] = {}
    result: list[Chain] = []
    for chain in found:
        key = signature(chain[0].node)
        if len(chain) == 1 and key in joined:
            joined[key] += chain
            continue
        if len(chain) == 1:
            joined[key] = chain
        result.append(chain)
    return result


def signature(node: Node) -> tuple[Any, ...]:
    """Where in the user's code a node comes from: copies of a time loop have the same."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = tuple(entry[0] for entry in stack.values())
    return (paths, node.meta.get("stack_trace"), str(node.target))


def slots(step: Step) -> dict[Node, tuple[Any, ...]]:
    """Every node that a step owns by its line of code and by where it stands in front of the comparison: as which
    argument of which argument. What is a constant still in one step does not change the place of the others."""
    named: dict[Node, tuple[Any, ...]] = {}
    waiting: list[tuple[Node, tuple[int, ...]]] = [(step.node, ())]
    while waiting:
        node, place = waiting.pop()
        for k, argument in reversed(list(enumerate(node.args))):
            if is_node(argument) and argument in step.owned:
                waiting.append((argument, (*place, k)))
        if node in step.owned and node not in named:
            named[node] = (*signature(node), place)
    return named
