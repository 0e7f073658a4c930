"""Published mappers, re-implemented from their descriptions: the code is ours, not the authors'.

Each name says after whom it is made; all get the same network, cap and mesh, and the same rates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.mapping_cases import Case, side_of
from benchmarks.mapping_partitions import metis_cut, overlap, streamed
from benchmarks.mapping_placements import (
    Flow,
    annealed,
    flow_of,
    force_directed,
    hilbert,
    row_major,
    spectral,
    swarm,
)
from benchmarks.mapping_synapses import Synapses, split_by_population, synapses_of
from neurocomp.network import Network

Cores = dict[str, np.ndarray]
Rates = dict[str, np.ndarray]
Partition = Callable[[Synapses, int, int], np.ndarray]
Placement = Callable[[Flow, int], np.ndarray]


def _hilbert_forces(flow: Flow, side: int) -> np.ndarray:
    return force_directed(flow, hilbert(flow, side), side)


IN_ORDER: dict[str, tuple[bool, Placement]] = {  # whether pixel after pixel, or map after map
    "PACMAN-like": (False, row_major),
    "SpiNePlacer-like": (False, swarm),
    "ASPLOS'23-like": (False, _hilbert_forces),
    "ASPLOS'23-like, pixels first": (True, _hilbert_forces),
}
PARTITIONED: dict[str, tuple[Partition, Placement]] = {
    "SNEAP-like": (metis_cut, annealed),
    "EdgeMap-like": (streamed, _hilbert_forces),
}
RONZANI = "Ronzani-like"


def baselines_of(case: Case) -> tuple[str, ...]:
    """Those that list synapses one by one only where that is possible."""
    if not case.enumerable:
        return "ASPLOS'23-like", "ASPLOS'23-like, pixels first"
    return "PACMAN-like", "SpiNePlacer-like", "SNEAP-like", "EdgeMap-like", "ASPLOS'23-like", RONZANI


def mapped_by(name: str, case: Case, network: Network, rates: Rates) -> Cores:
    """The core of every neuron."""
    side = side_of(case, network)
    if name in IN_ORDER:
        pixels_first, placement = IN_ORDER[name]
        return placed(network, in_order(network, case.cap, pixels_first), rates, side, placement)
    net = synapses_of(network, rates)
    if name == RONZANI:
        part = overlap(net, case.cap)
        laplacian = hypergraph_laplacian(net, part)

        def placement(flow: Flow, side: int) -> np.ndarray:
            return force_directed(flow, spectral(flow, side, laplacian), side)
    else:
        partition, placement = PARTITIONED[name]
        part = partition(net, case.cap, side * side)
    return placed(network, split_by_population(network, part), rates, side, placement)


def in_order(network: Network, cap: int, pixels_first: bool) -> Cores:
    """Cores filled in the order of the layers; within a layer map after map, or pixel after pixel."""
    part, before = {}, 0
    for population in network.populations:
        number = (before + np.arange(population.size)) // cap
        before += population.size
        if pixels_first and len(population.shape) == 3:
            channels, height, width = population.shape
            number = number.reshape(height, width, channels).transpose(2, 0, 1)
        part[population.name] = number.reshape(population.shape)
    return part


def placed(network: Network, part: Cores, rates: Rates, side: int, placement: Placement) -> Cores:
    parts = 1 + max(int(p.max()) for p in part.values())
    slot = placement(flow_of(network, part, rates, parts), side)
    return {name: slot[p] for name, p in part.items()}


def hypergraph_laplacian(net: Synapses, part: np.ndarray) -> np.ndarray:
    """Normalised Laplacian of the hypergraph of parts (Zhou, Huang and Schoelkopf 2006): 1 - D^-1/2 H W De^-1 H^T
    D^-1/2, one hyperedge for each neuron: its part and those that hear it."""
    parts = int(part.max()) + 1
    own = np.arange(net.neurons) * parts + part
    edge, member = np.divmod(np.unique(np.concatenate([own, net.source * parts + part[net.target]])), parts)
    size = np.bincount(edge, minlength=net.neurons)
    incidence = np.sqrt(net.rate / size)
    degree = np.bincount(member, net.rate[edge], parts)
    table = np.zeros((parts, parts))
    start = np.searchsorted(edge, np.arange(net.neurons + 1))
    for length in np.unique(size):
        some = np.flatnonzero(size == length)
        rows = member[start[some][:, None] + np.arange(length)]
        for column in range(length):
            for other in range(length):
                np.add.at(table, (rows[:, column], rows[:, other]), incidence[some] ** 2)
    scale = 1 / np.sqrt(np.maximum(degree, 1e-12))
    return np.eye(parts) - scale[:, None] * table * scale
