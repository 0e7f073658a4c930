"""The contents of a NIR file: nodes with their parameters and edges, subgraphs dissolved into one graph.

Layout (NIR 0.1 to 1.0.8, HDF5): ``/version``; ``/node`` is a graph: ``type``, ``edges`` (n, 2) and ``nodes``
with one group per node, which holds ``type`` and one dataset per parameter, or is itself a graph.
The primitives are those of Pedersen et al., "Neuromorphic intermediate representation", Nature Communications
15, 8122 (2024).
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.hdf5 import Hdf5Group
from neurocomp.frontend.hdf5_child import open_hdf5

Edge = tuple[str, str]

REQUIRED: dict[str, tuple[str, ...]] = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Conv1d": ("weight", "stride", "padding", "dilation", "groups"),
    "Conv2d": ("weight", "stride", "padding", "dilation", "groups"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": (),
    "Delay": ("delay",),
    "Threshold": ("threshold",),
    "I": ("r",),
    "LI": ("tau", "r", "v_leak"),
    "IF": ("r", "v_threshold"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "Conv1d": ("bias", "input_shape"),
    "Conv2d": ("bias", "input_shape"),
    "Flatten": ("start_dim", "end_dim", "input_type"),
    "IF": ("v_reset",),
    "LIF": ("v_reset",),
    "CubaLI": ("w_in",),
    "CubaLIF": ("w_in", "v_reset"),
}
MAX_MULTIPLICITY = 64
NOT_PARAMETERS = ("type", "metadata")
STORED_DT, STORED_DISCRETISE, STORED_RESET = "neurocomp_dt_s", "neurocomp_discretise", "neurocomp_reset"
"""Metadata that our own writer puts into the graph, so that nothing has to be assumed when the file is read."""
CHOICES = {STORED_DISCRETISE: ("euler", "exp"), STORED_RESET: ("zero", "subtract", "subtract-next")}
EXPORT = "export the network again with nir 1.0.8"
PASS = "pass"
"""Type given here to the Input and Output nodes of subgraphs: what arrives goes on unchanged."""


class NodeProblem(ValueError):
    """Something about one node is wrong; the text says what, the hint what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, eq=False)
class Node:
    """path: name of the node after those of the subgraphs around it, joined by dots; values: its parameters."""

    path: str
    type: str
    values: dict[str, np.ndarray | str]

    def array(self, name: str) -> np.ndarray:
        value = self.values[name]
        if isinstance(value, str):
            raise NodeProblem(f"parameter {name} is the text {value!r} where numbers are expected")
        return value


@dataclass(eq=False)
class NirGraph:
    """A graph without subgraphs. nodes: by path, sorted; edges: (source path, target path), as in the file.
    stored: what our own writer noted down, by the names of STORED_DT and its like."""

    where: str
    version: str = ""
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    stored: dict[str, str | float] = field(default_factory=dict)

    def sources(self) -> dict[str, list[str]]:
        """By node: those from which edges lead to it."""
        found: dict[str, list[str]] = {path: [] for path in self.nodes}
        for a, b in self.edges:
            found[b].append(a)
        return found

    def of_type(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.type == kind]


def read_graph(path: Path) -> NirGraph:
    """The graph in a NIR file. Raises InputError with everything that is malformed in it."""
    with open_hdf5(path) as root:
        graph = NirGraph(str(path), _version(root))
        _Level(graph, root.group("node"), "").read()
        graph.stored = dict(_stored(root.group("node")))
    if graph.findings:
        raise InputError(graph.findings)
    graph.nodes = dict(sorted(graph.nodes.items()))
    _dissolve_passes(graph)
    return graph


def _version(root: Hdf5Group) -> str:
    if not root.has("version"):
        return "unknown"
    version = root.text("version")
    if version.split(".")[0] not in ("0", "1"):
        raise bad_input(
            root.where("version"), f"the file is of NIR version {version}; 0.1 to 1.x are read", hint=EXPORT
        )
    return version


def _stored(group: Hdf5Group) -> Iterator[tuple[str, str | float]]:
    if not group.has("metadata") or not group.is_group("metadata"):
        return
    metadata = group.group("metadata")
    if metadata.has(STORED_DT):
        dt = metadata.array(STORED_DT)
        if dt.size != 1 or not 0 < float(dt.reshape(-1)[0]) < float("inf"):  # false for NaN too
            raise bad_input(metadata.where(STORED_DT), "is not a time step in seconds")
        yield STORED_DT, float(dt.reshape(-1)[0])
    for name, choices in CHOICES.items():
        if not metadata.has(name):
            continue
        if (word := metadata.text(name)) not in choices:
            raise bad_input(metadata.where(name), f"is {word!r}; {', '.join(choices)} are known")
        yield name, word


@dataclass(eq=False)
class _Level:
    """One graph of the file while it is being read. ports: of each subgraph, paths of its (inputs, outputs)."""

    graph: NirGraph
    group: Hdf5Group
    prefix: str
    kinds: dict[str, str] = field(default_factory=dict)
    ports: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)

    def read(self) -> None:
        kind = self.group.text("type")
        if kind != "NIRGraph":
            raise bad_input(self.group.where("type"), f"is {kind!r} where a NIRGraph is expected")
        nodes = self.group.group("nodes")
        for name in nodes.names():
            self._node(nodes.group(name), name)
        for edge in self._edges():
            self._edge(edge)

    def _node(self, group: Hdf5Group, name: str) -> None:
        kind = self.kinds[name] = group.text("type")
        path = self.prefix + name
        if kind == "NIRGraph":
            inner = _Level(self.graph, group, path + ".")
            inner.read()
            ends = {side: [n for n, k in inner.kinds.items() if k == side] for side in ("Input", "Output")}
            self.ports[name] = (ends["Input"], ends["Output"])
            return
        if kind not in REQUIRED:
            alike = difflib.get_close_matches(kind, REQUIRED, n=1)
            self._find(
                path,
                f"has the type {kind!r}, which is not among the primitives that are read",
                hint=f"did you mean {alike[0]}?" if alike else f"known are {', '.join(REQUIRED)}",
            )
            return
        if path in self.graph.nodes:
            self._find(path, "two nodes have this path", hint="rename the node or the subgraph")
            return
        values = self._values(group, path, kind)
        inside = self.prefix and kind in ("Input", "Output")
        self.graph.nodes[path] = Node(path, PASS if inside else kind, values)

    def _values(self, group: Hdf5Group, path: str, kind: str) -> dict[str, np.ndarray | str]:
        known = REQUIRED[kind] + OPTIONAL.get(kind, ())
        present = [name for name in group.names() if name not in NOT_PARAMETERS]
        for name in present:
            if name not in known:
                self._find(
                    path,
                    f"has a parameter {name!r}, which {kind} does not have",
                    why="what it means is not known, so the network would not be what you trained",
                )
        for name in REQUIRED[kind]:
            if name not in present:
                self._find(path, f"lacks the parameter {name!r} of {kind}", hint=EXPORT)
        values: dict[str, np.ndarray | str] = {}
        for name in present:
            if name in known:
                values[name] = group.text(name) if group.is_text(name) else group.array(name)
        return values

    def _edges(self) -> list[Edge]:
        if not self.group.is_text("edges") and self.group.array("edges").size == 0:
            return []
        pairs = self.group.strings("edges")
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise bad_input(self.group.where("edges"), f"has shape {pairs.shape} where (edges, 2) is expected")
        found = [(str(a), str(b)) for a, b in pairs]
        for (a, b), count in Counter(found).items():
            if count > 1:
                self._find(
                    "",
                    f"the edge {a} -> {b} is listed {count} times",
                    hint="export the network again; to add a value to itself, use a Scale node",
                )
        return found

    def _edge(self, edge: Edge) -> None:
        a, b = (self._end(edge, side) for side in (0, 1))
        if a and b:
            self.graph.edges.append((a, b))

    def _end(self, edge: Edge, side: int) -> str | None:
        """The path that one end of an edge names, or None after noting what is wrong with it."""
        name = edge[side]
        shown = f"the edge {edge[0]} -> {edge[1]}"
        if name in self.ports:
            inner = self.ports[name][1 - side]
            if len(inner) == 1:
                return f"{self.prefix}{name}.{inner[0]}"
            port = ("Output", "Input")[side]
            self._find(
                "",
                f"{shown} ends at the subgraph {name}, which has {len(inner)} {port} nodes",
                hint=f"name one of them: {name}.{inner[0]}" if inner else f"give the subgraph an {port} node",
            )
            return None
        if name in self.kinds:
            if self.kinds[name] == ("Output", "Input")[side]:
                self._find("", f"{shown} {('leaves an Output', 'leads into an Input')[side]}")
                return None
            return self.prefix + name
        subgraph, _, port = name.rpartition(".")
        if subgraph in self.ports and port in self.ports[subgraph][1 - side]:
            return f"{self.prefix}{subgraph}.{port}"
        alike = difflib.get_close_matches(name, self.kinds, n=1)
        self._find(
            "",
            f"{shown} names {name!r}, which is no node of this graph",
            hint=f"did you mean {alike[0]!r}?" if alike else EXPORT,
        )
        return None

    def _find(self, path: str, what: str, why: str = "", hint: str = "") -> None:
        place = path or self.prefix.rstrip(".")
        where = f"{self.graph.where}: {place}" if place else self.graph.where
        self.graph.findings.append(Diagnostic(where, what, why, hint))


def _dissolve_passes(graph: NirGraph) -> None:
    """Join the edges into and out of each subgraph's Input and Output nodes; leaves the edges sorted."""
    before: dict[str, Counter[str]] = {path: Counter() for path in graph.nodes}
    after: dict[str, Counter[str]] = {path: Counter() for path in graph.nodes}

    def join(a: str, b: str, count: int) -> None:
        after[a][b] += count
        before[b][a] += count
        if after[a][b] > MAX_MULTIPLICITY:
            raise bad_input(graph.where, f"node {b} receives the output of {a} more than {MAX_MULTIPLICITY} times")

    for a, b in graph.edges:
        join(a, b, 1)
    for path in [node.path for node in graph.of_type(PASS)]:
        sources, targets = before.pop(path), after.pop(path)
        if path in targets:
            raise bad_input(graph.where, f"the subgraph port {path} leads back to itself without a node between")
        for a in sources:
            del after[a][path]
        for b in targets:
            del before[b][path]
        for a, b in itertools.product(sources, targets):
            join(a, b, sources[a] * targets[b])
        del graph.nodes[path]
    graph.edges = sorted(edge for a in after for edge in ((a, b) for b in after[a].elements()))
