"""Published mappers, re-implemented from their descriptions: the code is ours, not the authors'.

Each name says after whom it is made; all get the same network, cap and mesh, and the same rates.
"""

from __future__ import annotations

import math
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


IN_ORDER: dict[str, tuple[str, Placement]] = {
    "PACMAN-like": ("neurons", row_major),
    "SpiNePlacer-like": ("neurons", swarm),
    "ASPLOS'23-like": ("neurons", _hilbert_forces),
    "ASPLOS'23-like, channels first": ("channels", _hilbert_forces),
    "ASPLOS'23-like, pixels first": ("pixels", _hilbert_forces),
}
PARTITIONED: dict[str, tuple[Partition, Placement]] = {
    "SNEAP-like": (metis_cut, annealed),
    "EdgeMap-like": (streamed, _hilbert_forces),
}
RONZANI = "Ronzani-like"


def baselines_of(case: Case) -> tuple[str, ...]:
    """Those that list synapses one by one only where that is possible."""
    if not case.enumerable:
        return "ASPLOS'23-like", "ASPLOS'23-like, channels first", "ASPLOS'23-like, pixels first"
    return "PACMAN-like", "SpiNePlacer-like", "SNEAP-like", "EdgeMap-like", "ASPLOS'23-like", RONZANI


def mapped_by(name: str, case: Case, network: Network, rates: Rates) -> Cores:
    """The core of every neuron."""
    side = side_of(case, network)
    if name in IN_ORDER:
        order, placement = IN_ORDER[name]
        return placed(network, in_order(network, case.cap, order), rates, side, placement)
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


def in_order(network: Network, cap: int, order: str) -> Cores:
    """Cores filled in the order of the layers. Within a layer neurons come map after map (``neurons``), or in blocks
    of up to 64 channels and a square of pixels, an eighth of a core each: all blocks of the first channels before
    those of the next (``channels``), or all channels of a square before the next square (``pixels``)."""
    part, before = {}, 0
    for population in network.populations:
        number = np.arange(before, before + population.size)
        before += population.size
        if order != "neurons" and len(population.shape) == 3:
            sequence = np.argsort(_blocks(population.shape, cap, order).reshape(-1), kind="stable")
            number[sequence] = number.copy()
        part[population.name] = (number // cap).reshape(population.shape)
    return part


def _blocks(shape: tuple[int, ...], cap: int, order: str) -> np.ndarray:
    """The block of every element, in the order in which they come."""
    channels, height, width = shape
    together = min(channels, 64)
    edge = max(1, math.isqrt(cap // 8 // together))
    group = np.arange(channels)[:, None, None] // together
    rows, columns = np.arange(height)[:, None] // edge, np.arange(width) // edge
    square, squares = rows * -(-width // edge) + columns, -(-height // edge) * -(-width // edge)
    return group * squares + square if order == "channels" else square * -(-channels // together) + group


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
