"""Neurons written out in a network's own code: found in the exported graph, and made opaque as known classes are.

``mem = 0.5 * mem * (1 - spike) + fc(x); spike = act(mem - 1.0)`` in the network's loop, or in a module of the user's
own, leaves additions, products and a comparison for every step. Where they are the steps of a canonical neuron
(stepmap.py), the comparison of each step becomes one call of that neuron. Freezing then proves it like any other: what
the layers receive and give is taken from the graph as it was before.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurocomp.frontend.freezing.chains import Chain, chains
from neurocomp.frontend.freezing.export import Call, Graph
from neurocomp.frontend.freezing.integrators import Integrator, integrators
from neurocomp.frontend.freezing.polynomials import Node, Polynomial, Values
from neurocomp.frontend.freezing.readings import Port, Reading
from neurocomp.frontend.freezing.stepmap import NoNeuron, Written, neuron_of
from neurocomp.network.neuron import Neuron

KIND = "written out"


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
    values = _values(graph)
    rank = {node: k for k, node in enumerate(graph.nodes)}
    taken = {reading.path for reading in readings}
    layers: list[_Layer] = []
    failed: dict[str, str] = {}
    found = chains(graph.nodes, values)
    for chain in found:
        path = graph.path_of(chain[0].node)
        try:
            if len(chain) == 1 < steps:
                continue
            if len(chain) != steps:
                raise NoNeuron(f"it is compared {len(chain)} times in {steps} time steps")
            layers.append(_layer(path or "neuron", taken, chain, neuron_of(chain, values, rank)))
        except NoNeuron as error:
            failed[path] = str(error)
    graph = replace(graph, refused=failed)
    owned = {node for chain in found for step in chain for node in step.owned}
    for integrator in integrators(graph.nodes, values, steps, owned):
        with contextlib.suppress(NoNeuron):
            layers.append(_readout(graph.path_of(integrator.nodes[0]) or "readout", taken, integrator))
    if not layers:
        return Found(graph, [], {})
    told = _recorded(graph, example, readings, calls, layers)
    for key, layer in enumerate(layers, len(readings)):
        _rewire(layer, key)
    nodes = graph.nodes[0].graph
    nodes.eliminate_dead_code()
    return Found(replace(graph, nodes=tuple(nodes.nodes)), [layer.reading for layer in layers], told)


def _layer(path: str, taken: set[str], chain: Chain, written: Written) -> _Layer:
    drives = [_built(step.node, drive) for step, drive in zip(chain, written.drives, strict=True)]
    results: list[dict[Port, Node]] = [
        {"spike": step.node} if membrane is None else {"spike": step.node, "membrane": membrane}
        for step, membrane in zip(chain, written.membranes, strict=True)
    ]
    owned = {node for step in chain for node in step.owned}
    return _Layer(_reading(_free(path, taken), written.neuron, ("spike", "membrane")), drives, results, owned)


def _readout(path: str, taken: set[str], integrator: Integrator) -> _Layer:
    drives = [_built(node, drive) for node, drive in zip(integrator.nodes, integrator.drives, strict=True)]
    results: list[dict[Port, Node]] = [{"membrane": node} for node in integrator.nodes]
    return _Layer(_reading(_free(path, taken), integrator.neuron, ("membrane",)), drives, results, set())


def _values(graph: Graph) -> Values:
    values = Values(graph.constants, graph.input)
    values.follow(graph.nodes)
    return values


def _free(path: str, taken: set[str]) -> str:
    name, count = path, 1
    while name in taken:
        count += 1
        name = f"{path}#{count}"
    taken.add(name)
    return name


def _reading(path: str, neuron: Neuron, outputs: tuple[Port, ...]) -> Reading:
    what = "neuron" if "spike" in outputs else "leaky read-out"
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
        assumptions=(f"{path}: a {what} written out in the module's own code, recognised by its equations",),
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
        with graph.inserting_before(at):
            call = graph.call_function(torch.ops.neurocomp.neuron.default, (drive, [], key, len(layer.reading.outputs)))
            parts = [graph.call_function(operator.getitem, (call, k)) for k in range(len(layer.reading.outputs))]
        for node in (call, *parts):
            node.meta = {k: v for k, v in at.meta.items() if k != "val"}
        for port, part in zip(layer.reading.outputs, parts, strict=True):
            if port in results:
                for user in [user for user in results[port].users if port == "spike" or user not in layer.owned]:
                    user.replace_input_with(results[port], part)


# what the layers receive and give -------------------------------------------------------------------------------
def _recorded(
    graph: Graph, example: Any, readings: list[Reading], calls: dict[str, list[Call]], layers: list[_Layer]
) -> dict[str, list[Call]]:
    """Run the graph as it is on the example and note what arrives at the new neurons and what they give."""
    import torch

    wanted = {node for layer in layers for node in layer.drives}
    wanted |= {node for layer in layers for results in layer.results for node in results.values()}
    kept: dict[Node, np.ndarray] = {}
    turns = {key: iter(calls[reading.path]) for key, reading in enumerate(readings)}

    class Watching(torch.fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            value = super().run_node(n)
            if n in wanted:
                kept[n] = value.detach().cpu().float().numpy().copy()
            return value

        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            if str(target).startswith("neurocomp.neuron"):
                return _told(args, readings[args[2]], next(turns[args[2]]))
            if str(target).startswith("neurocomp.delay"):
                raise NoNeuron("a layer.Delay lies in the same network")
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
