"""A network as a NIR graph: nodes, edges, and where one step of time is implied rather than written.

Relays become edges: NIR adds what several edges bring to a node. A projection becomes the nodes of its operator; its
delay a Delay node in front. An edge that closes a loop takes one step in every reader of NIR, so that much is left out
of its Delay; which edges those are depends on the names of the nodes, and is found out by the rule of the reader.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.frontend.nir_loops import late_edges, reached
from neurocomp.frontend.nir_ops import LINEAR_TYPES
from neurocomp.frontend.nir_words import Unwritable, Word, carries, neuron_word, op_words
from neurocomp.network.graph import Float32, Network, Population, Projection
from neurocomp.network.kinds import ValueKind, value_kinds
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.ops import Sparse, Wiring
from neurocomp.network.verify import population_order

ROUNDS = 8
"""Delay nodes can change which edges close a loop; after so many attempts the loop is given up."""

Feeder = tuple[str, int]
"""A node, and the steps that its output takes to where it is needed."""


@dataclass(frozen=True, eq=False)
class Described:
    """nodes: by name; names: of the nodes of the populations that have one of their own; edges: (source, target);
    remarks: what a user should know about the file, in sentences."""

    nodes: dict[str, Word]
    names: dict[str, str]
    edges: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


def describe(network: Network, dt_s: float) -> Described:
    """The NIR graph of a verified network. Raises InputError with everything that NIR cannot express."""
    _refuse_integers(network)
    kinds = value_kinds(network)
    writer = _written(_Writer(network, dt_s, kinds))
    edges = _timed(writer)
    if edges is None:  # numbers in front of the names lead readers through the loops in the network's own order
        writer = _written(_Writer(network, dt_s, kinds, numbered=True))
        writer.remarks.append("nodes have a number in front of their names: readers find loops by the names' order")
        edges = _timed(writer)
    if edges is None:
        what = "has loops in which NIR's readers would count the steps in another way"
        hint = "give each projection that feeds back a delay of 1, and no other of its loop"
        raise bad_input(network.name, what, "an edge that closes a loop takes one step in a NIR file", hint)
    return Described(writer.nodes, writer.own, tuple(sorted(edges)), tuple(writer.remarks))


def _written(writer: _Writer) -> _Writer:
    for end, missing in (("input", not writer.network.inputs), ("output", writer.network.output is None)):
        if missing:
            writer.find(writer.network.name, f"has no {end}, and a NIR graph needs one")
    writer.add_all()
    if writer.findings:
        raise InputError(writer.findings)
    writer.merge_repeated()
    return writer


def _refuse_integers(network: Network) -> None:
    if not isinstance(network.arithmetic, Float32):
        why = "NIR has neither integer weights nor widths of states and decays, so its spikes would change"
        raise bad_input(network.name, "computes in integers", why, "export the network as it was trained")


@dataclass(eq=False)
class _Writer:
    network: Network
    dt_s: float
    kinds: dict[str, ValueKind]
    numbered: bool = False
    nodes: dict[str, Word] = field(default_factory=dict)
    edges: list[tuple[str, str, int]] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    feeders: dict[str, list[Feeder]] = field(default_factory=dict)
    """By population: the nodes whose sum it is."""
    own: dict[str, str] = field(default_factory=dict)

    def add_all(self) -> None:
        needed = _needed(self.network)
        order = [name for name in population_order(self.network) if name in needed]
        fed = reached([(p.source, p.target) for p in self.network.projections], list(self.network.inputs))
        for name in order:
            if name not in fed:
                self.find(name, "hears nothing that an input leads into, which no reader of NIR takes")
        for name in order:
            self._own_node(self.network.by_name[name])
        for name in order:
            self._receive(self.network.by_name[name])
        if self.network.output is not None:
            sink = self.add("output", Word("Output", self.network.by_name[self.network.output].shape))
            self.edges += [(node, sink, steps) for node, steps in self.feeders[self.network.output]]

    def add(self, name: str, word: Word) -> str:
        """A node under this name or, if it is taken, one like it."""
        name = name.replace("/", "_").strip(".") or "node"
        if self.numbered:
            name = f"{len(self.nodes):05d}.{name}"
        taken, k = name, 1
        while taken in self.nodes:
            k += 1
            taken = f"{name}#{k}"
        self.nodes[taken] = word
        self._remark_on(taken, word)
        return taken

    def _remark_on(self, name: str, word: Word) -> None:
        if word.type not in ("Conv1d", "Conv2d"):
            return
        weight = word.values["weight"]
        grouped = int(np.asarray(word.values["groups"])) > 1
        if isinstance(weight, np.ndarray) and (grouped or len(set(weight.shape[2:])) > 1):
            shape = "groups" if grouped else "a kernel that is not square"
            self.remarks.append(f"{name} has {shape}, which nir 1.0.8 reads with type_check=False only")

    def _own_node(self, population: Population) -> None:
        """The node of an input, of neurons, or of a relay whose value is needed in later steps."""
        name, word = population.name, None
        if name in self.network.inputs:
            word = Word("Input", population.shape)
        elif population.neuron is not None:
            word = self._neurons(population, population.neuron)
        elif any(p.delay for p in self.network.outgoing[name]):
            word = Word("Scale", population.shape, {"scale": np.ones(population.shape)})
        if word is not None:
            self.own[name] = self.add(name, word)
            self.feeders[name] = [(self.own[name], 0)]

    def _neurons(self, population: Population, neuron: Neuron) -> Word:
        try:
            word = neuron_word(population, neuron, self.dt_s)
        except Unwritable as lost:
            self.find(population.name, str(lost))
            return Word("I", population.shape)  # stands in for what is refused in the end
        if neuron.compare == ">=" and neuron.output == "binary":
            self.remarks.append(
                f"{population.name} spikes when it reaches its threshold, NIR's neurons above it: the next smaller "
                "number was written"
            )
        return word

    def _receive(self, population: Population) -> None:
        """What arrives at a population: edges to its own node, or the feeders of a relay without one."""
        name = population.name
        if name in self.network.inputs:
            return
        arriving: list[Feeder] = []
        copies = _delayed_copies(self.network, population)
        for source, (delays, _) in copies.items():
            node = self.add(f"{name}.delay", Word("Delay", population.shape, {"delay": delays * self.dt_s}))
            self.edges += [(feeder, node, steps) for feeder, steps in self.feeders[source]]
            arriving.append((node, 0))
        done = {p for _, names in copies.values() for p in names}
        carrier = self._carrier(population)
        for p in self.network.incoming[name]:
            if p.name not in done and p.source in self.feeders:
                arriving += self._through(p, carrier)
        if name in self.own:
            self.edges += [(node, self.own[name], steps) for node, steps in arriving]
        else:
            self.feeders[name] = arriving

    def _carrier(self, population: Population) -> Projection | None:
        """The projection whose node takes the population's bias along."""
        if population.bias is None or not np.any(population.bias):
            return None
        bias, shape = self._bias(population), population.shape
        for p in sorted(self.network.incoming[population.name], key=lambda p: p.delay):
            if carries(p.op, bias, shape):
                return p
        self.find(
            population.name,
            "adds a constant, and nothing with weights leads into it that could carry it as a bias",
        )
        return None

    def _bias(self, population: Population) -> np.ndarray:
        bias = np.asarray(0.0 if population.bias is None else population.bias)
        return np.ascontiguousarray(np.broadcast_to(expand(bias, population.shape), population.shape), np.float32)

    def _through(self, p: Projection, carrier: Projection | None) -> list[Feeder]:
        """The nodes of a projection; what its last one puts out."""
        source, target = self.network.by_name[p.source], self.network.by_name[p.target]
        bias = self._bias(target) if p is carrier else None
        feeders = [(node, steps + p.delay) for node, steps in self.feeders[p.source]]
        try:
            binary = self.kinds[p.source].name == "binary"
            words = op_words(p.op, source.shape, target.shape, bias, binary=binary)
        except Unwritable as lost:
            self.find(p.name, str(lost), f"it leads from {p.source} to {p.target}")
            return []
        for word in words:
            node = self.add(p.name if word is words[-1] else f"{p.name}.{word.type.lower()}", word)
            self.edges += [(feeder, node, steps) for feeder, steps in feeders]
            feeders = [(node, 0)]
        return feeders

    def merge_repeated(self) -> None:
        """What arrives twice by the same way arrives once, doubled: NIR has no edge twice."""
        for (a, b, steps), count in sorted(Counter(self.edges).items()):
            if count == 1:
                continue
            self.edges = [edge for edge in self.edges if edge != (a, b, steps)]
            shape = self.nodes[a].shape
            times = self.add(f"{a}.times", Word("Scale", shape, {"scale": np.full(shape, float(count))}))
            self.edges += [(a, times, steps), (times, b, 0)]

    def find(self, where: str, what: str, why: str = "") -> None:
        self.findings.append(Diagnostic(where, what, why, "NIR cannot express this network; neurocomp.freeze can"))


def _needed(network: Network) -> set[str]:
    """Populations that neurons or the output depend on: the others are relays that lead nowhere."""
    ends = [p.name for p in network.populations if p.neuron is not None or p.name == network.output]
    needed, waiting = set(ends), ends + list(network.inputs)
    while waiting:
        new = {p.source for p in network.incoming[waiting.pop()]} - needed
        needed |= new
        waiting += sorted(new)
    return needed | set(network.inputs)


def _delayed_copies(network: Network, population: Population) -> dict[str, tuple[np.ndarray, list[str]]]:
    """By source: steps that each element takes to its own place in the population, and the names of the projections
    that say so together. For sources of which every element arrives once, by several projections."""
    found: dict[str, tuple[np.ndarray, list[str]]] = {}
    for p in network.incoming[population.name]:
        chosen = _copied(p) if network.by_name[p.source].shape == population.shape else None
        if chosen is None:
            continue
        delays, names = found.setdefault(p.source, (np.full(population.size, -1, np.int64), []))
        if np.all(delays[chosen] < 0):
            delays[chosen] = p.delay
            names.append(p.name)
    return {a: (d.reshape(population.shape), n) for a, (d, n) in found.items() if d.min() >= 0 and len(n) > 1}


def _copied(p: Projection) -> np.ndarray | None:
    """The elements that a projection copies to their own places, or None if it does something else."""
    op = p.op
    if isinstance(op, Wiring):
        wired = np.flatnonzero(op.index >= 0)
        return wired if np.array_equal(op.index[wired], wired) else None
    if not isinstance(op, Sparse) or np.any(op.weight != 1):
        return None
    counts = np.diff(op.indptr)
    return op.indices if counts.max(initial=0) <= 1 and np.array_equal(np.flatnonzero(counts), op.indices) else None


def _timed(writer: _Writer) -> list[tuple[str, str]] | None:
    """The edges, with Delay nodes where they are needed; None if there are loops whose steps cannot be written."""
    delays = {edge: edge[2] for edge in writer.edges}
    for _ in range(ROUNDS):
        nodes, parts = _with_delays(writer, delays)
        linear = {name for name, word in nodes.items() if word.type in LINEAR_TYPES}
        starts = sorted(name for name, word in nodes.items() if word.type == "Input")
        late, _ = late_edges(sorted(nodes), sorted(e for way in parts.values() for e in way), starts, linear)
        wanted = {edge: edge[2] - sum(part in late for part in way) for edge, way in parts.items()}
        if wanted == delays:
            writer.nodes = nodes
            return [part for way in parts.values() for part in way]
        if min(wanted.values()) < 0:
            return None
        delays = wanted
    return None


def _with_delays(
    writer: _Writer, delays: dict[tuple[str, str, int], int]
) -> tuple[dict[str, Word], dict[tuple[str, str, int], list[tuple[str, str]]]]:
    """All nodes, and for each edge the edges that stand for it: one, or two with a Delay node between them."""
    nodes, parts = dict(writer.nodes), {}
    for (a, b, steps), written in sorted(delays.items()):
        if written == 0:
            parts[a, b, steps] = [(a, b)]
            continue
        name, shape = f"{b}.delay", writer.nodes[a].shape
        name = next(n for n in (name, *(f"{name}#{k}" for k in range(2, len(delays) + 3))) if n not in nodes)
        nodes[name] = Word("Delay", shape, {"delay": np.full(shape, written * writer.dt_s)})
        parts[a, b, steps] = [(a, name), (name, b)]
    return nodes, parts
