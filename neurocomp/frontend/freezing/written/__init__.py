"""Neurons written out in a network's own code: found in the exported graph, and made opaque as known classes are.

``mem = 0.5 * mem * (1 - spike) + fc(x); spike = act(mem - 1.0)`` in the network's loop, or in a module of the user's
own, leaves additions, products and a comparison for every step. Where they are the steps of a canonical neuron
(stepmap.py), the comparison of each step becomes one call of that neuron. Freezing then proves it like any other: what
the layers receive and give is taken from the graph as it was before.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.delays import need_whole, shifted
from neurocomp.frontend.freezing.export import NEURON_OP, Call, Graph
from neurocomp.frontend.freezing.neurons.readings import Port, Reading, unique_name
from neurocomp.frontend.freezing.operations.ops import only_recorded
from neurocomp.frontend.freezing.written.chains import Chain, chains, open_first_steps
from neurocomp.frontend.freezing.written.composed import CARRY, carried, event
from neurocomp.frontend.freezing.written.integrators import Integrator, integrators
from neurocomp.frontend.freezing.written.polynomials import Node, Polynomial, Values
from neurocomp.frontend.freezing.written.stepmap import NoNeuron, Written, neuron_of
from neurocomp.network.neuron import Neuron

KIND = "written out"
SENDERS = ("LIAFNode",)
"""Classes that send a function of their membrane; they are put together from parts."""


@dataclass(frozen=True, eq=False)
class Found:
    """graph: with the neurons as opaque calls; readings: of the new neurons; calls: theirs, by path."""

    graph: Graph
    readings: list[Reading]
    calls: dict[str, list[Call]]


@dataclass(frozen=True, eq=False)
class _Layer:
    """A neuron with its nodes, step by step. drives: what arrives; results: what its calls stand for, by port; owned:
    the nodes that belong to it, which use a membrane without needing it afterwards."""

    reading: Reading
    drives: list[Node]
    results: list[dict[Port, Node]]
    owned: set[Node]


def thresholds(graph: Graph) -> list[Chain]:
    """The comparisons of the graph that depend on the input, by threshold and step."""
    return chains(graph.nodes, _values(graph))


def written_neurons(
    graph: Graph, example: Any, readings: list[Reading], calls: dict[str, list[Call]], steps: int
) -> Found:
    """Find the neurons that the graph writes out, and put opaque calls in their place.

    readings, calls: of the neuron modules that are known already.
    """
    taken = {reading.path for reading in readings}
    graph, layers = _neurons(graph, steps, taken)
    first = _made_opaque(graph, example, readings, calls, layers)
    whole = graph.nodes[0].graph
    nodes = tuple(whole.nodes)
    outputs = {node for node in nodes if any(str(n.target).startswith(NEURON_OP) for n in node.all_input_nodes)}
    states = [
        _state(first.graph.path_of(copies[-1]), taken, copies)
        for copies in carried(nodes, _values(first.graph), steps, outputs)
    ]
    known = [*readings, *first.readings]
    graph = replace(first.graph, nodes=tuple(whole.nodes))
    second = _made_opaque(graph, example, known, {**calls, **first.calls}, states)
    if known or states:
        whole.eliminate_dead_code()
    return Found(
        replace(graph, nodes=tuple(whole.nodes)), [*first.readings, *second.readings], {**first.calls, **second.calls}
    )


def _neurons(graph: Graph, steps: int, taken: set[str]) -> tuple[Graph, list[_Layer]]:
    """The thresholds and the leaky read-outs, and the graph with the reasons why others are none."""
    values = _values(graph)
    layers: list[_Layer] = []
    failed: dict[str, str] = {}
    for chain in chains(graph.nodes, values):
        path = graph.path_of(chain[0].node) or "neuron"
        try:
            if len(chain) == 1 < steps:
                continue
            if len(chain) != steps:
                raise NoNeuron(f"it is compared {len(chain)} times in {steps} time steps")
            layers.append(_layer(path, taken, chain, values))
        except NoNeuron as error:
            failed[graph.path_of(chain[0].node)] = str(error)
        except (LookupError, TypeError, AttributeError):  # arguments that the search does not know
            failed[graph.path_of(chain[0].node)] = "its steps are written in a form that is not known"
    owned = {node for layer in layers for node in layer.owned}
    for integrator in integrators(graph.nodes, values, steps, owned):
        with contextlib.suppress(NoNeuron):
            layers.append(_readout(graph.path_of(integrator.nodes[0]) or "readout", taken, integrator))
    return replace(graph, refused=failed), layers


def _made_opaque(
    graph: Graph, example: Any, readings: list[Reading], calls: dict[str, list[Call]], layers: list[_Layer]
) -> Found:
    if not layers:
        return Found(graph, [], {})
    told = _recorded(graph, example, readings, calls, layers)
    for key, layer in enumerate(layers, len(readings)):
        _rewire(layer, key)
    nodes = graph.nodes[0].graph
    gone = {node for layer in layers for node in layer.owned}
    gone |= {node for layer in layers for results in layer.results for node in results.values()}
    for node in reversed(graph.nodes):
        if node in gone and not node.users:
            nodes.erase_node(node)
    return Found(replace(graph, nodes=tuple(nodes.nodes)), [layer.reading for layer in layers], told)


def _layer(path: str, taken: set[str], chain: Chain, values: Values) -> _Layer:
    """The canonical neuron of a chain, or else its threshold alone. Raises NoNeuron."""
    if len(chain) == 1 or not any(node in before.owned for before, step in pairwise(chain) for node in step.entries):
        return _threshold(path, taken, chain, values, "")
    try:
        written = neuron_of(chain, values)
        _need_no_membrane(chain, written)
        drives = [_built(step.node, drive) for step, drive in zip(chain, written.drives, strict=True) if drive]
        if not written.drives[0]:
            drives.insert(0, _nothing(chain[0].node, drives[0]))
        if len(drives) < len(chain):
            raise NoNeuron("nothing arrives at it at some steps")
    except NoNeuron as error:
        return _threshold(path, taken, chain, values, str(error))
    results: list[dict[Port, Node]] = [
        {"spike": step.node} if membrane is None else {"spike": step.node, "membrane": membrane}
        for step, membrane in zip(chain, written.membranes, strict=True)
    ]
    owned = {node for step in chain for node in step.owned}
    reading = _reading(unique_name(path, taken), written.neuron, ("spike", "membrane"), "neuron")
    reading = replace(reading, waits=not written.drives[0])
    return _Layer(reading, drives, results, owned)


def _need_no_membrane(chain: Chain, written: Written) -> None:
    """Raises NoNeuron for a class that sends a function of its membrane and resets that by spikes."""
    stack = chain[0].node.meta.get("nn_module_stack") or {}
    if written.neuron.reset == "none" or not any(
        str(kind).rstrip("'>").endswith(SENDERS) for _, kind in stack.values()
    ):
        return
    own = {node for step in chain for node in (*step.owned, step.node)}
    used = (user for node in written.membranes[:-1] if node is not None for user in node.users)
    if any(user not in own and user.op != "output" and not only_recorded(user) for user in used):
        raise NoNeuron("its membrane is used beside its spikes")


def _threshold(path: str, taken: set[str], chain: Chain, values: Values, why: str) -> _Layer:
    try:
        found = event(chain, values)
    except NoNeuron as error:
        raise NoNeuron(f"{why}, and {error}" if why else str(error)) from error
    results: list[dict[Port, Node]] = [{"spike": step.node} for step in chain]
    reading = _reading(unique_name(path, taken), found.neuron, ("spike",), f"threshold{why and f' ({why})'}")
    return _Layer(reading, found.drives, results, set())


def _readout(path: str, taken: set[str], integrator: Integrator) -> _Layer:
    drives = [_built(node, drive) for node, drive in zip(integrator.nodes, integrator.drives, strict=True)]
    results: list[dict[Port, Node]] = [{"membrane": node} for node in integrator.nodes]
    return _Layer(
        _reading(unique_name(path, taken), integrator.neuron, ("membrane",), "leaky read-out"), drives, results, set()
    )


def _state(path: str, taken: set[str], copies: list[Node]) -> _Layer:
    results: list[dict[Port, Node]] = [{"membrane": node} for node in copies]
    name = unique_name(f"{path}.state" if path else "state", taken)
    return _Layer(_reading(name, CARRY, ("membrane",), "state that a step hands to the next"), copies, results, set())


def _values(graph: Graph) -> Values:
    values = Values(graph.constants, graph.input)
    values.follow(graph.nodes)
    open_first_steps(graph.nodes, values)
    return values


def _reading(path: str, neuron: Neuron, outputs: tuple[Port, ...], what: str) -> Reading:
    return Reading(
        path=path,
        kind=KIND,
        module=None,
        neuron=neuron,
        time_axis=None,
        outputs=outputs,
        states=(),
        unpack=lambda args, _: (args[0], []),
        pack=lambda outputs: outputs[0],
        reset=lambda: None,
        assumptions=(f"{path}: a {what} in the module's own code, recognised by its equations",),
    )


# what arrives ---------------------------------------------------------------------------------------------------
def _built(at: Node, drive: Polynomial) -> Node:
    """A node in front of ``at`` that computes a polynomial."""
    import torch

    aten = torch.ops.aten
    total: Any = None
    with at.graph.inserting_before(at):
        for factors, coefficient in drive.items():
            term: Any = None
            for factor in factors:
                term = factor if term is None else _call(at, aten.mul.Tensor, term, factor)
            number = coefficient.float() if isinstance(coefficient, torch.Tensor) else coefficient
            if term is None:
                total = number if total is None else _call(at, aten.add.Tensor, total, number)
                continue
            if not (isinstance(number, float) and number == 1.0):
                term = _call(at, aten.mul.Tensor, term, number)
            total = term if total is None else _call(at, aten.add.Tensor, total, term)
    if not hasattr(total, "meta"):
        raise NoNeuron("nothing arrives at it in the first step")
    wanted, has = at.meta["val"].shape, getattr(total.meta.get("val"), "shape", None)
    if has != wanted:
        raise NoNeuron(f"what arrives has the shape {has}, its states have {tuple(wanted)}")
    return total


def _nothing(at: Node, later: Node) -> Node:
    """A node in front of ``at``, a comparison with nothing to compare yet: none of what arrives one step later.

    What that is made of may stand behind ``at``, and is moved. Raises NoNeuron if it depends on ``at``.
    """
    import torch

    order = {node: k for k, node in enumerate(at.graph.nodes)}
    moved: set[Node] = set()
    waiting = [later]
    while waiting:
        node = waiting.pop()
        if node is at:
            raise NoNeuron("it fires before it is charged, and hears its own spikes")
        if order[node] > order[at] and node not in moved:
            moved.add(node)
            waiting += node.all_input_nodes
    for node in sorted(moved, key=order.__getitem__):
        at.prepend(node)
    with at.graph.inserting_before(at):
        return _call(at, torch.ops.aten.mul.Tensor, later, 0.0)


def _call(at: Node, function: Any, one: Any, other: Any) -> Node:
    node = at.graph.call_function(function, (one, other))
    node.meta = dict(at.meta)
    values = [part.meta["val"] if hasattr(part, "meta") else part for part in (one, other)]
    shapes = [tuple(getattr(value, "shape", ())) for value in values]
    node.meta["val"] = at.meta["val"].new_empty(np.broadcast_shapes(*shapes))
    return node


def _rewire(layer: _Layer, key: int) -> None:
    """Put the opaque call of each step in the place of its comparison."""
    import operator

    import torch

    for drive, results in zip(layer.drives, layer.results, strict=True):
        at = next(iter(results.values()))
        graph = at.graph
        with graph.inserting_after(at) if drive is at else graph.inserting_before(at):
            call = graph.call_function(torch.ops.neurocomp.neuron.default, (drive, [], key, len(layer.reading.outputs)))
        with graph.inserting_after(call):
            parts = [graph.call_function(operator.getitem, (call, k)) for k in range(len(layer.reading.outputs))]
        for node in (call, *parts):
            node.meta = {k: v for k, v in at.meta.items() if k != "val"}
        for port, part in zip(layer.reading.outputs, parts, strict=True):
            if port in results:
                made = results[port]
                for user in [user for user in made.users if port == "spike" or user not in layer.owned]:
                    if user is not call:
                        user.replace_input_with(made, part)


# what the layers receive and give -------------------------------------------------------------------------------
def _recorded(
    graph: Graph, example: Any, readings: list[Reading], calls: dict[str, list[Call]], layers: list[_Layer]
) -> dict[str, list[Call]]:
    """Run the graph as it is on the example and note what arrives at the new neurons and what they give."""
    import torch

    wanted = {node for layer in layers for node in layer.drives}
    wanted |= {node for layer in layers for results in layer.results for node in results.values()}
    kept: dict[Node, np.ndarray] = {}
    need_whole(graph.nodes, graph.path_of)
    turns = {key: iter(calls[reading.path]) for key, reading in enumerate(readings)}

    class Watching(torch.fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            value = super().run_node(n)
            if n in wanted:
                known = value.detach().cpu()
                kept[n] = (known if known.dtype == torch.bool else known.float()).numpy().copy()
            return value

        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            if str(target).startswith(NEURON_OP):
                return _told(args, readings[args[2]], next(turns[args[2]]))
            if str(target).startswith("aten._assert"):
                return None
            if str(target).startswith("neurocomp.delay"):
                return shifted(*args)
            return super().call_function(target, args, kwargs)

    nodes = graph.nodes[0].graph
    given = [
        example.detach().cpu() if n.name == graph.input else graph.constants.get(n.name) for n in _placeholders(graph)
    ]
    with torch.no_grad():
        Watching(torch.fx.GraphModule(torch.nn.Module(), nodes)).run(*given)
    return {layer.reading.path: _calls(layer, kept) for layer in layers}


def _placeholders(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op == "placeholder"]


def _told(args: Any, reading: Reading, call: Call) -> list[Any]:
    """What a known neuron module returned in the recorded run."""
    import torch

    empty = torch.zeros_like(args[0])
    return [torch.from_numpy(call.outputs[p]) if p in call.outputs else empty for p in reading.outputs]


def _calls(layer: _Layer, kept: dict[Node, np.ndarray]) -> list[Call]:
    return [
        Call(kept[drive], {str(port): kept[node] for port, node in results.items() if node in kept})
        for drive, results in zip(layer.drives, layer.results, strict=True)
    ]
