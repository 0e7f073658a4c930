"""Reads NIR files (Neuromorphic Intermediate Representation, versions 0.1 to 1.x) without the nir package.

Every node becomes an operator on a projection or a population of neurons. What a file does not say, such as
the time step, is assumed and said in the network's ``assumptions``.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError
from neurocomp.frontend.joins import join_relays, verified
from neurocomp.frontend.nir_file import NirGraph, Node, NodeProblem, read_graph
from neurocomp.frontend.nir_loops import forward_order, late_edges, reached
from neurocomp.frontend.nir_neurons import NEURON_TYPES, Discretise, Reset, Timing, neuron
from neurocomp.frontend.nir_ops import LINEAR_TYPES, MAX_ELEMENTS, bias, delayed_copies, fit, operator
from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.ops import OneToOne, Op, Shape, ShapeMismatch

TRANSPOSED = "NIR weights are (targets, sources); some exporters (Spyx) write them the other way round"
LOST_EDGE = "the exporter lost an edge; export the network again"


def read_nir(
    path: str | Path, *, dt_s: float | None = None, reset: Reset | None = None, discretise: Discretise | None = None
) -> Network:
    """The network in a NIR file.

    dt_s: time step in seconds (1e-4 if not given). reset: what a spike does: ``zero`` sets v to v_reset,
    ``subtract`` takes the threshold off at once, ``subtract-next`` in the following step. discretise:
    ``euler`` or ``exp``, see nir_neurons.py. Raises InputError with all that is wrong with the file.
    """
    path = Path(path)
    graph = read_graph(path)
    timing = Timing(dt_s, reset, discretise, graph.stored)
    network = _Builder(graph, timing).network(path)
    _refuse_unused(graph.where, timing)
    return verified(network, graph.where)


@dataclass(eq=False)
class _Builder:
    graph: NirGraph
    timing: Timing
    shapes: dict[str, Shape] = field(default_factory=dict)
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)

    def network(self, path: Path) -> Network:
        inputs, outputs = self.graph.of_type("Input"), self.graph.of_type("Output")
        self._check_ends(inputs, outputs)
        self._stop()
        starts = [node.path for node in inputs]
        delayed = self._delayed(starts)
        sources = self.graph.sources()
        for name in forward_order(list(self.graph.nodes), self.graph.edges, starts):
            self._node(self.graph.nodes[name], sources[name])
        self._stop()
        self._edges(delayed)
        self._stop()
        return join_relays(
            Network(
                tuple(self.populations),
                tuple(self.projections),
                tuple(starts),
                outputs[0].path,
                name=path.stem,
                origin=f"NIR {self.graph.version}",
                assumptions=self._assumptions(path.name),
            )
        )

    def _check_ends(self, inputs: list[Node], outputs: list[Node]) -> None:
        if not inputs:
            self._find("", "has no Input node", hint="export the network again")
        if len(outputs) != 1:
            self._find(
                "",
                f"has {len(outputs)} Output nodes; exactly one can be read",
                hint="export the network again with one output",
            )
        into, out_of = {b for _, b in self.graph.edges}, {a for a, _ in self.graph.edges}
        heard = reached(self.graph.edges, [node.path for node in inputs])
        # behind a node without any edge into it: then only that one is reported
        silent = [name for name, node in self.graph.nodes.items() if node.type != "Input" and name not in into]
        behind = reached(self.graph.edges, silent) if silent else set()
        for name, node in self.graph.nodes.items():
            if node.type != "Input" and name not in into:
                self._find(name, "receives nothing: no edge leads to it", hint=LOST_EDGE)
            elif inputs and name not in heard and name not in behind:
                self._find(name, "hears only a loop that no Input leads into", hint=LOST_EDGE)
            if node.type not in ("Output", *NEURON_TYPES) and name not in out_of:
                self._find(name, "leads nowhere: no edge leaves it", hint=LOST_EDGE)

    def _delayed(self, starts: list[str]) -> set[tuple[str, str]]:
        """The edges that get one step of delay, so that no loop acts on itself within a step."""
        linear = {name for name, node in self.graph.nodes.items() if node.type in LINEAR_TYPES}
        late, closing = late_edges(list(self.graph.nodes), self.graph.edges, starts, linear)
        for source, target in closing:
            self.notes.append(f"the edge {source} -> {target} closes a loop: what it carries arrives one step later")
        return late

    def _node(self, node: Node, sources: list[str]) -> None:
        """Add the populations that stand for one node, which hears the sources; unreported, none for one behind a
        faulty one."""
        known = [self.shapes[a] for a in sources if a in self.shapes]
        try:
            if node.type == "Input":
                self._add(Population(node.path, self._input_shape(node)))
            elif known and node.type in NEURON_TYPES:
                shape = _common(known)
                self._add(Population(node.path, shape, neuron(node, shape, self.timing)))
            elif known and node.type == "Output":
                self._add(Population(node.path, _common(known)))
                self._note_output(node)
            elif known:
                self._linear(node, _common(known))
        except NodeProblem as problem:
            self._find(node.path, str(problem), problem.hint)
        except ShapeMismatch as problem:
            self._find(node.path, str(problem), TRANSPOSED if "transposed" in str(problem) else "")

    def _linear(self, node: Node, source: Shape) -> None:
        """A relay that sums up what arrives, a relay that holds the result, and the operator between them."""
        ops: list[tuple[Op, int]]
        if node.type == "Delay":
            ops = delayed_copies(node.array("delay"), source, self.timing.dt_s)
        else:
            ops = [(operator(node, source), 0)]
        target = ops[0][0].target_shape(source)
        _check_size(target)  # before a bias is spread over it
        self._add(Population(_entry(node), source))
        self._add(Population(node.path, target, bias=bias(node, target)))
        for op, delay in ops:
            self.projections.append(Projection(self._unique(node.path), _entry(node), node.path, op, delay))

    def _edges(self, delayed: set[tuple[str, str]]) -> None:
        shape_of = {p.name: p.shape for p in self.populations}
        for a, b in self.graph.edges:
            target = _entry(self.graph.nodes[b])
            if a not in shape_of or target not in shape_of:
                continue
            have, need = shape_of[a], shape_of[target]
            if not _alike(have, need):
                self._find("", f"the edge {a} -> {b} carries {have} elements to where {need} are expected")
                continue
            op = OneToOne(shape=None if have == need else need)
            self.projections.append(Projection(self._unique(f"{a}->{b}"), a, target, op, int((a, b) in delayed)))

    def _add(self, population: Population) -> None:
        _check_size(population.shape)
        self.populations.append(population)
        self.shapes[population.name] = population.shape

    def _input_shape(self, node: Node) -> Shape:
        """The declared shape, without the batch and time axes that some exporters put in front."""
        declared = _shape_value(node)
        readers = [self.graph.nodes[b] for a, b in self.graph.edges if a == node.path]
        fitting = [k for k in range(len(declared)) if all(_accepts(reader, declared[k:]) for reader in readers)]
        flat = len(declared) - 1
        cut = flat if flat in fitting and set(declared[:flat]) <= {1} else min(fitting, default=0)
        if cut:
            self.notes.append(
                f"the shape {declared} of Input {node.path} was read as {declared[cut:]}: "
                f"the first {cut} axes are taken for batch and time"
            )
        return declared[cut:]

    def _note_output(self, node: Node) -> None:
        declared, found = _shape_value(node), self.shapes[node.path]
        if math.prod(declared) != math.prod(found):
            self.notes.append(f"Output {node.path} declares {declared}, the network delivers {found}")

    def _unique(self, name: str) -> str:
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name}#{self.names[name]}"

    def _find(self, place: str, what: str, hint: str = "") -> None:
        where = self.graph.where
        if place:
            node = self.graph.nodes[place]
            where += f": {place} ({node.type})"
        self.findings.append(Diagnostic(where, what, hint=hint))

    def _stop(self) -> None:
        if self.findings:
            raise InputError(self.findings)

    def _assumptions(self, file: str) -> tuple[str, ...]:
        return (*self.timing.assumptions(file), *self.notes, *self.timing.notes)


def _entry(node: Node) -> str:
    """The population that receives a node's inputs."""
    return f"{node.path}.in" if node.type in (*LINEAR_TYPES, "Delay") else node.path


def _common(shapes: list[Shape]) -> Shape:
    if not all(_alike(shape, shapes[0]) for shape in shapes):
        raise NodeProblem(f"receives values of different shapes: {', '.join(map(str, sorted(set(shapes))))}")
    return max(shapes, key=lambda shape: (-len(shape), shape))


def _alike(one: Shape, other: Shape) -> bool:
    """Whether two shapes differ in axes of length 1 at most."""
    return [n for n in one if n != 1] == [n for n in other if n != 1]


def _shape_value(node: Node) -> Shape:
    value = np.atleast_1d(node.array("shape"))
    if value.ndim != 1 or not value.size or value.dtype.kind not in "iu" or value.min() < 1:
        raise NodeProblem(f"parameter shape is not a list of positive whole numbers: {value.tolist()!r:.80}")
    return tuple(int(n) for n in value)


def _accepts(node: Node, shape: Shape) -> bool:
    """Whether a node can take values of this shape."""
    try:
        if node.type in ("Flatten", "Output"):
            declared = node.values.get("input_type" if node.type == "Flatten" else "shape")
            return not isinstance(declared, np.ndarray) or tuple(declared.reshape(-1)) == shape
        if node.type in LINEAR_TYPES:
            operator(node, shape).target_shape(shape)
        else:
            for name in node.values:
                fit(node.array(name), shape, name)
    except (NodeProblem, ShapeMismatch):
        return False
    return True


def _refuse_unused(where: str, timing: Timing) -> None:
    """An option that changes nothing is a misunderstanding, so it is an error."""
    given = {"dt": timing.dt_option_s, "reset": timing.reset_option, "discretise": timing.discretise_option}
    needs = {"dt": "depends on time", "reset": "spikes and is reset", "discretise": "has a time constant"}
    unused = [name for name, value in given.items() if value is not None and name not in timing.used]
    if unused:
        raise InputError(
            [
                Diagnostic(
                    where, f"--{name} has no effect: no node of this file {needs[name]}", hint=f"leave --{name} away"
                )
                for name in unused
            ]
        )


def _check_size(shape: Shape) -> None:
    if math.prod(shape) > MAX_ELEMENTS or min(shape, default=0) < 1:
        raise NodeProblem(f"has shape {shape}; 1 to {MAX_ELEMENTS:,} elements are possible")
