"""Networks of the mapper's benchmark that are graphs of single neurons: random, local, a cortical microcircuit.

Every generator is a function of its arguments and ``SEED`` alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurocomp.network import Network, Neuron, Population, Projection, Sparse

SEED = 1

# Potjans and Diesmann, Cerebral Cortex 24:785 (2014), tables 4 and 5; rates of their model in spontaneous activity
PD_POPULATIONS = ("L23e", "L23i", "L4e", "L4i", "L5e", "L5i", "L6e", "L6i")
PD_SIZES = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
PD_RATES_HZ = (0.86, 2.80, 4.45, 5.93, 7.59, 8.63, 1.09, 7.80)
PD_PROBABILITIES = (  # rows: target, columns: source
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000),
    (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443),
)


def local_graph(side: int, fan: int, far: float = 0.1) -> Network:
    """side * side neurons on a torus, ``fan`` synapses drawn for each: to a neuron nearby (normal in x and y, the
    square of its width fan / pi), or with probability ``far`` to any. Duplicates and loops are dropped, and the
    neurons are numbered at random, so that their order says nothing about where they lie."""
    rng = np.random.default_rng(SEED)
    neurons = side * side
    place = rng.permutation(neurons)
    number = np.argsort(place)

    def targets(source: np.ndarray) -> np.ndarray:
        at = place[source]
        steps = np.rint(rng.normal(0.0, np.sqrt(fan / np.pi), (2, source.size))).astype(np.int64)
        target = (at // side + steps[0]) % side * side + (at % side + steps[1]) % side
        anywhere = rng.random(source.size) < far
        target[anywhere] = rng.integers(0, neurons, int(anywhere.sum()))
        return number[target]

    return _recurrent(f"local {neurons} fan {fan}", neurons, fan, targets)


def random_graph(neurons: int, fan: int) -> Network:
    rng = np.random.default_rng(SEED)
    return _recurrent(f"random {neurons} fan {fan}", neurons, fan, lambda source: rng.integers(0, neurons, source.size))


def _recurrent(name: str, neurons: int, fan: int, targets: Callable[[np.ndarray], np.ndarray]) -> Network:
    """Draws some million synapses at a time, so that the network itself is the most that has to be stored."""
    count, indices = np.zeros(neurons, np.int64), []
    for rows in np.array_split(np.arange(neurons), max(1, neurons * fan // 4_000_000)):
        source = np.repeat(rows, fan)
        target = targets(source)
        key = (source * neurons + target)[source != target]
        key.sort()
        source, target = np.divmod(key[np.diff(key, prepend=-1) > 0], neurons)
        count += np.bincount(source, minlength=neurons)
        indices.append(target.astype(np.int32))
    pointer = np.concatenate([[0], np.cumsum(count)])
    target = np.concatenate(indices)
    op = Sparse(pointer, target, np.zeros(target.size, np.int8), (neurons,))
    population = Population("neurons", (neurons,), Neuron())
    return Network((population,), (Projection("synapses", "neurons", "neurons", op, delay=1),), (), None, name=name)


def potjans_diesmann(scale: float = 0.1) -> Network:
    """Population sizes times ``scale``, the published probability for each pair of neurons."""
    rng = np.random.default_rng(SEED)
    sizes = [round(scale * size) for size in PD_SIZES]
    projections = []
    for t, row in enumerate(PD_PROBABILITIES):
        for s, probability in enumerate(row):
            if probability:
                source, target = np.nonzero(rng.random((sizes[s], sizes[t])) < probability)
                pointer = np.searchsorted(source, np.arange(sizes[s] + 1))
                op = Sparse(pointer, target, np.zeros(target.size, np.int8), (sizes[t],))
                names = PD_POPULATIONS[s], PD_POPULATIONS[t]
                projections.append(Projection("_".join(names), *names, op, delay=1))
    populations = tuple(Population(n, (size,), Neuron()) for n, size in zip(PD_POPULATIONS, sizes, strict=True))
    return Network(populations, tuple(projections), (), None, name=f"Potjans-Diesmann {scale}")


def full_scale_synapses() -> float:
    """Synapses of the full model by the authors' formula, K = ln(1 - p) / ln(1 - 1 / (N1 N2))."""
    pairs = np.outer(PD_SIZES, PD_SIZES).astype(float)
    return float((np.log1p(-np.array(PD_PROBABILITIES)) / np.log1p(-1 / pairs)).sum())


GRAPHS: dict[str, Callable[[], Network]] = {
    "local10k": lambda: local_graph(100, 10),
    "local65k": lambda: local_graph(256, 24),
    "er10k": lambda: random_graph(10_000, 20),
    "pd": potjans_diesmann,
    "local1m": lambda: local_graph(1000, 10),
    "local1m100": lambda: local_graph(1000, 112),
}
