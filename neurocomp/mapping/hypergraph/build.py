"""From a mapping problem to the hypergraph that partitioners and placers work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from neurocomp.mapping.hypergraph import AXON, MEMORY, Hypergraph
from neurocomp.mapping.hypergraph.atoms import Atoms, Granularity, atoms_of
from neurocomp.mapping.hypergraph.elements import ElementWay, MaskWay, ShapedWay, TableWay, element_nets, renamed_way
from neurocomp.mapping.hypergraph.kernels import shared_memory
from neurocomp.mapping.hypergraph.nets import BoxWay, Nets, box_nets, box_way
from neurocomp.mapping.problem import Problem
from neurocomp.mapping.rates import Rates
from neurocomp.mapping.reach import Explicit, Renamed, Separable, Uniform
from neurocomp.mapping.reach.ways import Way, ways_into
from neurocomp.mapping.rows import pointer
from neurocomp.mapping.tiling.cuts import Assigned, Grid, window_of
from neurocomp.mapping.tiling.layer import Layer
from neurocomp.mapping.tiling.limits import DEMANDS, NEURONS, SYNAPSE_BITS, Limits
from neurocomp.network.ops import Sparse


@dataclass(eq=False)
class _Leaving:
    """All that leaves one population."""

    boxes: list[BoxWay] = field(default_factory=list)
    others: list[ElementWay] = field(default_factory=list)


def hypergraph_of(
    problem: Problem,
    layers: dict[str, Layer],
    limits: Limits,
    rates: Rates,
    granularity: Granularity = Granularity(),  # noqa: B008 - frozen
) -> tuple[Hypergraph, Atoms]:
    """The problem as vertices and nets, and which elements each vertex holds.

    Inputs are the first vertices, tiled populations follow in network order. Nothing is left out or rounded:
    ``part_demands`` of any partition is what the finished program takes of its cores.
    """
    atoms = atoms_of(problem, layers, limits, granularity)
    return hypergraph_over(problem, layers, atoms, rates), atoms


def hypergraph_over(problem: Problem, layers: dict[str, Layer], atoms: Atoms, rates: Rates) -> Hypergraph:
    """The same for pieces that have been cut already: inputs first, then tiled populations in network order."""
    ways = ways_into(problem)
    nets = [*_nets_over(problem, atoms, rates, ways).values()]
    memory = [shared_memory(layers[name], atoms, name) for name in problem.tiled]
    memory += _operand_memory(problem, atoms, rates, ways)
    demand = np.zeros((atoms.vertices, DEMANDS), np.int64)
    number = {population.name: i for i, population in enumerate(problem.network.populations)}
    population = np.zeros(atoms.vertices, np.int32)
    pinned = np.full(atoms.vertices, -1, np.int32)
    for name, cut in atoms.cuts.items():
        at = slice(atoms.first[name], atoms.first[name] + cut.count)
        population[at] = number[name]
        if name in layers:
            demand[at, NEURONS] = atoms.sums(name, np.ones((1, 1, 1), np.int64))
            demand[at, SYNAPSE_BITS] = atoms.sums(name, layers[name].stored.per_element)
        if isinstance(cut, Assigned):
            pinned[at] = list(cut.members)
    for alone, bits, _ in memory:
        np.add.at(demand[:, SYNAPSE_BITS], alone, bits)
    is_input = np.arange(atoms.vertices) < sum(atoms.cuts[n].count for n in atoms.cuts if n not in layers)
    return _joined(demand, is_input, population, pinned, nets, [nets for _, _, nets in memory])


def _joined(
    demand: np.ndarray,
    is_input: np.ndarray,
    population: np.ndarray,
    pinned: np.ndarray,
    axons: list[Nets],
    memory: list[Nets],
) -> Hypergraph:
    parts = [nets for nets in (*axons, *memory) if nets.source.size]
    kind = np.repeat([AXON, MEMORY], [sum(nets.source.size for nets in group) for group in (axons, memory)])
    return Hypergraph(
        demand, is_input, population, pinned, _column([n.source for n in parts], np.int32), kind.astype(np.uint8),
        _column([n.amount for n in parts], np.int64), _column([n.traffic for n in parts], np.int64),
        pointer(_column([n.rows.lengths for n in parts], np.int64)), _column([n.rows.items for n in parts], np.int32),
    )  # fmt: skip


def _column(values: list[np.ndarray], dtype: type[np.integer]) -> np.ndarray:
    """One array of all; not copied where there is nothing to do."""
    if len(values) == 1:
        return values[0].astype(dtype, copy=False)
    return np.concatenate([np.zeros(0, dtype), *values]).astype(dtype, copy=False)


WaysInto = dict[int, dict[str, tuple[Way, ...]] | None]


def _operand_memory(
    problem: Problem, atoms: Atoms, rates: Rates, ways: WaysInto
) -> Iterator[tuple[np.ndarray, np.ndarray, Nets]]:
    """What parts keep of the operands of products, as ``shared_memory`` has it: an operand once in each part."""
    for index in sorted(problem.operands):
        for name, nets in _nets_over(problem, atoms, rates, {index: ways[index]}).items():
            bits, several = nets.amount * problem.operand_bits(name), nets.rows.lengths > 1
            alone, shared = np.flatnonzero(~several), np.flatnonzero(several)
            kept = Nets(np.full(shared.size, -1), bits[shared], np.zeros_like(bits[shared]), nets.rows.taken(shared))
            yield nets.rows.items[nets.rows.ptr[alone]], bits[alone], kept


def _nets_over(problem: Problem, atoms: Atoms, rates: Rates, into: WaysInto) -> dict[str, Nets]:
    """The nets along the given ways, by sending population."""
    leaving = {name: _Leaving() for name in problem.emitting}
    for index, ways in into.items():
        target = problem.network.projections[index].target
        if ways is None or not _is_shaped(atoms, target, ways):
            for source, way in _listed(problem, atoms, index, target).items():
                leaving[source].others.append(way)
            continue
        for source, found in ways.items():
            for way in found:
                _add(leaving[source], atoms, source, target, way)
    nets = {}
    for name, ways in leaving.items():
        rate, cut = rates.of(name), atoms.cuts.get(name)
        if isinstance(cut, Grid) and ways.boxes and not ways.others:
            nets[name] = box_nets(cut, atoms.first[name], ways.boxes, rate, atoms.vertices)
        elif ways.boxes or ways.others:
            shape = problem.shape(name)
            every: list[ElementWay] = [*ways.others, *(ShapedWay(way, shape) for way in ways.boxes)]
            flat = rate.reshape(-1) if rate.size == 1 else np.broadcast_to(rate, shape).reshape(-1)
            nets[name] = element_nets(atoms.flat_labels(name), every, flat, atoms.vertices)
    return nets


def _is_shaped(atoms: Atoms, target: str, ways: dict[str, tuple[Way, ...]]) -> bool:
    """Whether every way can be followed to the pieces of the target: boxes only lead into a grid."""
    boxes = Separable | Renamed
    return isinstance(atoms.cuts[target], Grid) or not any(isinstance(w, boxes) for f in ways.values() for w in f)


def _add(leaving: _Leaving, atoms: Atoms, source: str, target: str, way: Way) -> None:
    cut, first = atoms.cuts[target], atoms.first[target]
    if isinstance(way, Sparse):
        leaving.others.append(TableWay(way.indptr, way.indices, atoms.flat_labels(target)))
    elif isinstance(way, Explicit):
        order = np.argsort(way.table.indices, kind="stable")
        ptr = np.searchsorted(way.table.indices[order], np.arange(way.sources + 1))
        leaving.others.append(TableWay(ptr, way.table.target_of[order], atoms.flat_labels(target)))
    else:
        box = box_way(way, cut, first)
        if box is not None and isinstance(way, Renamed):
            leaving.others.append(renamed_way(ShapedWay(box, way.inner.source), way.index, way.sources))
        elif box is not None:
            leaving.boxes.append(box)
        elif isinstance(way, Uniform):
            mask = np.broadcast_to(way.mask, atoms.shapes[source]).reshape(-1)
            leaving.others.append(MaskWay(mask, first, cut.count))


def _listed(problem: Problem, atoms: Atoms, index: int, target: str) -> dict[str, TableWay]:
    """All paths that end in a projection, found piece by piece of its target."""
    found: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}
    for number, piece in enumerate(atoms.cuts[target].pieces(), start=atoms.first[target]):
        window = window_of(piece.box, piece.positions, problem.shape(target))
        for source, counts in problem.arrivals(index, window).items():
            inside = np.nonzero(counts.expanded())
            corner = zip(inside, counts.start, strict=True)
            at = np.ravel_multi_index(tuple(k + low for k, low in corner), problem.shape(source))
            elements, vertices = found.setdefault(source, ([], []))
            elements.append(at)
            vertices.append(np.full(at.size, number, np.int32))
    ways = {}
    for source, (elements, vertices) in found.items():
        element, vertex = np.concatenate(elements), np.concatenate(vertices)
        order = np.argsort(element, kind="stable")
        size = int(np.prod(problem.shape(source)))
        ptr = np.searchsorted(element[order], np.arange(size + 1))
        ways[source] = TableWay(ptr, np.arange(order.size), vertex[order])
    return ways
