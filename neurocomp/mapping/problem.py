"""What is to be mapped: which populations need cores, which send spikes, and what lies between them.

Relays (populations without neurons: pooling, residual sums, a flattening) get no place on the chip. A spike
passes them within its step, so the operators along a chain of relays are composed into one: from each
*emitting* population (an input or neurons) to each *tiled* one (neurons, or the network's output, which
needs accumulators even if it is a relay).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from neurocomp.chip.spec import ChipSpec
from neurocomp.fabric.chip_network import mesh_of
from neurocomp.fabric.topology import Mesh
from neurocomp.mapping.stations import operand_projections, payload_bits, placed_view
from neurocomp.mapping.stations.relays import emits, relay_order
from neurocomp.network.graph import Float32, Integer, Network, Population
from neurocomp.network.kinds import ValueKind, value_kinds
from neurocomp.network.structure import Corner, Window, as_map, backward
from neurocomp.network.verify import population_order

MOST_CHIPS = 64  # along each side of a grid
UNKNOWN_BOUNDARY = 4


@dataclass(frozen=True)
class Edge:
    """All paths from an emitting to a tiled population that end in the same projection.

    projection: index of that last projection in the network; delays: total delays of the paths, ascending.
    """

    source: str
    target: str
    projection: int
    delays: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Problem:
    """A lowered network, a chip, and what the user decided.

    network: as it is placed (stations.py): stations count as neurons there, those of the host as inputs. given: the
    lowered network itself, where it has stations. forbidden: cores that must stay empty. assignment: for some
    populations the core of every element, int array in the population's shape. weight_bits: width at which weights are
    stored. chips: (columns, rows) of equal chips that make up one mesh; routers and cores are numbered through all of
    them.
    """

    network: Network
    chip: ChipSpec
    forbidden: frozenset[int] = frozenset()
    assignment: dict[str, np.ndarray] = field(default_factory=dict)
    weight_bits: int = 8
    chips: tuple[int, int] = (1, 1)
    given: Network | None = None

    @property
    def lowered(self) -> Network:
        """The network as it runs."""
        return self.network if self.given is None else self.given

    @cached_property
    def kinds(self) -> dict[str, ValueKind]:
        """What every population sends."""
        return value_kinds(self.lowered)

    @cached_property
    def operands(self) -> frozenset[int]:
        """Indices of the projections that bring operands of a product."""
        return operand_projections(self.network)

    def operand_bits(self, name: str) -> int:
        """Bits that a core keeps of one value of a population that is multiplied there."""
        return max(1, payload_bits(self.lowered, name, self.kinds[name]))

    @cached_property
    def mesh(self) -> Mesh:
        return mesh_of(self.chip, self.chips)

    @cached_property
    def input_router(self) -> int:
        return self.mesh.router_at(*self.chip.noc.input_port)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Populations, along every zero-delay projection; as the network lists them if that order will do."""
        rank = {p.name: i for i, p in enumerate(self.network.populations)}
        if all(p.delay or rank[p.source] < rank[p.target] for p in self.network.projections):
            return tuple(rank)
        return tuple(population_order(self.network))

    def emits(self, name: str) -> bool:
        return emits(self.network, name)

    def is_tiled(self, name: str) -> bool:
        if name in self.network.inputs:
            return False
        return self.network.by_name[name].neuron is not None or name == self.network.output

    @cached_property
    def emitting(self) -> tuple[str, ...]:
        """Inputs and neurons, in network order (along zero-delay projections)."""
        return tuple(name for name in self.order if self.emits(name))

    @cached_property
    def tiled(self) -> tuple[str, ...]:
        """Populations that need cores, in network order."""
        return tuple(name for name in self.order if self.is_tiled(name))

    @cached_property
    def rank(self) -> dict[str, int]:
        """Emitting populations numbered in network order, and relays, each with a higher number than those before
        it."""
        return {name: i for names in (self.emitting, self.relays) for i, name in enumerate(names)}

    @cached_property
    def relays(self) -> tuple[str, ...]:
        """Relays, each before those that it feeds. Raises InputError if relays feed each other in a circle."""
        return relay_order(self.network)

    @cached_property
    def indexed(self) -> dict[str, tuple[int, ...]]:
        """Indices of the projections into each population."""
        index: dict[str, list[int]] = {p.name: [] for p in self.network.populations}
        for i, projection in enumerate(self.network.projections):
            index[projection.target].append(i)
        return {name: tuple(rows) for name, rows in index.items()}

    def shape(self, name: str) -> Corner:
        """The population's shape as (channels, height, width)."""
        return as_map(self.network.by_name[name].shape)

    def population(self, name: str) -> Population:
        return self.network.by_name[name]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every (emitting, tiled, last projection), by target in network order."""
        return tuple(edge for target in self.tiled for i in self.indexed[target] for edge in _edges(self, target, i))

    @cached_property
    def edges_into(self) -> dict[str, tuple[Edge, ...]]:
        """The edges by target."""
        groups: dict[str, list[Edge]] = {name: [] for name in self.tiled}
        for edge in self.edges:
            groups[edge.target].append(edge)
        return {name: tuple(group) for name, group in groups.items()}

    @cached_property
    def listeners(self) -> dict[str, tuple[str, ...]]:
        """Tiled populations that hear each emitting one, sorted by name."""
        groups: dict[str, set[str]] = {name: set() for name in self.emitting}
        for edge in self.edges:
            groups[edge.source].add(edge.target)
        return {name: tuple(sorted(group)) for name, group in groups.items()}

    @cached_property
    def boundary_cost(self) -> int:
        """A link between chips in links within one: by energy or by latency, whichever is more; where the profile
        does not know, UNKNOWN_BOUNDARY."""
        noc, link = self.chip.noc, self.chip.noc.chip_link
        if link is None:
            return UNKNOWN_BOUNDARY
        ratios = [1.0]
        for hop in (noc.hop_east_west, noc.hop_north_south):
            ratios += [link.latency_ns / hop.latency_ns] if hop.latency_ns else []
            ratios += [link.energy_pj / hop.energy_pj] if hop.energy_pj and link.energy_pj else []
        return round(min(1000.0, max(ratios)))

    @cached_property
    def available_cores(self) -> int:
        """Cores that may be used: those the chip has, without the forbidden ones. No more than ``core_order`` names,
        which takes long to list on thousands of chips."""
        noc, count = self.chip.noc, self.chips[0] * self.chips[1]
        dead = np.array([core for core in self.forbidden if 0 <= core < self.mesh.core_slots], np.int64)
        lost = np.bincount(self._chip_of(dead), minlength=count)
        return int(np.minimum(noc.routers * noc.cores_per_router - lost, self.chip.core.count).sum())

    @cached_property
    def core_order(self) -> np.ndarray:
        """int64: cores that may be used, along a space-filling curve. Of a single chip with more places than cores
        any may be used, as long as they are not too many; of each of several, those that come first."""
        order, dead = self.mesh.core_order().astype(np.int64), np.array(sorted(self.forbidden), np.int64)
        order = order[~np.isin(order, dead)]
        if self.chips == (1, 1):
            return order
        chip = self._chip_of(order)
        order = order[np.argsort(chip, kind="stable")]
        chip = np.sort(chip)
        rank = np.arange(chip.size) - np.searchsorted(chip, chip)
        return order[rank < self.chip.core.count]

    def _chip_of(self, cores: np.ndarray) -> np.ndarray:
        """The number of the chip that each core lies on."""
        y, x = np.divmod(self.mesh.router_of(cores), self.mesh.width)
        return y // self.chip.noc.height * self.chips[0] + x // self.chip.noc.width

    def with_weight_bits(self, bits: int) -> Problem:
        return replace(self, weight_bits=bits)

    def arrivals(self, projection: int, window: Window) -> dict[str, Window]:
        """Synapses from each emitting population into a box of a tiled one, over all paths that end in ``projection``.

        window: how often each target element counts (1 inside a tile). Returns the counts per source element.
        """
        network = self.network
        found: dict[str, Window] = {}
        waiting: dict[str, Window] = {}

        def reached(index: int, counts: Window) -> None:
            step = network.projections[index]
            result = backward(step.op, network.by_name[step.source].shape, counts)
            if not result.is_empty:
                into = found if self.emits(step.source) else waiting
                into[step.source] = _added(into.get(step.source), result)

        reached(projection, window)
        while waiting:
            relay = max(waiting, key=self.rank.__getitem__)
            counts = waiting.pop(relay)
            for index in self.indexed[relay]:
                reached(index, counts)
        return found


def problem_of(network: Network, chip: ChipSpec) -> Problem:
    """The problem of a lowered network on one chip, with nothing that the user decided."""
    return Problem(placed_view(network), chip, given=network)


def stored_weight_bits(network: Network, chip: ChipSpec) -> int:
    """The narrowest width of the chip's weights that holds the network's; its widest if none does."""
    if isinstance(network.arithmetic, Integer):
        needed = network.arithmetic.weight_bits
    else:
        needed = 32 if chip.numeric.arithmetic == "float32" else chip.numeric.weight_bits
    return min((bits for bits in chip.core.weight_bits if bits >= needed), default=max(chip.core.weight_bits))


def carries_floats(network: Network) -> bool:
    return isinstance(network.arithmetic, Float32)


def _added(a: Window | None, b: Window) -> Window:
    if a is None:
        return b
    start: Corner = tuple(map(min, a.start, b.start))  # type: ignore[assignment]
    stop: Corner = tuple(map(max, a.stop, b.stop))  # type: ignore[assignment]
    if a.extent == b.extent and (a.start, a.stop) == (b.start, b.stop):
        return Window(start, stop, a.counts + b.counts)
    counts = np.zeros(tuple(q - p for p, q in zip(start, stop, strict=True)), np.int64)
    for part in (a, b):
        counts[tuple(slice(p - o, q - o) for p, q, o in zip(part.start, part.stop, start, strict=True))] += part.counts
    return Window(start, stop, counts)


def _edges(problem: Problem, target: str, projection: int) -> list[Edge]:
    """The edges that end in one projection, sources in network order."""
    network = problem.network
    found: dict[str, set[int]] = {}
    waiting: dict[str, set[int]] = {}

    def reached(index: int, delays: set[int]) -> None:
        step = network.projections[index]
        into = found if problem.emits(step.source) else waiting
        into.setdefault(step.source, set()).update(delay + step.delay for delay in delays)

    reached(projection, {0})
    while waiting:
        relay = max(waiting, key=problem.rank.__getitem__)
        delays = waiting.pop(relay)
        for index in problem.indexed[relay]:
            reached(index, delays)
    return [
        Edge(source, target, projection, tuple(sorted(found[source])))
        for source in sorted(found, key=problem.rank.__getitem__)
    ]
