"""Small networks with known needs, for the mapper's unit tests and laws."""

from __future__ import annotations

import itertools

import numpy as np

from neurocomp.network import Conv, Integer, Linear, Network, Neuron, OneToOne, Pool, Population, Projection, Sparse
from neurocomp.network.ops import Op


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.int8)


def conv(c_out: int, c_in: int, kernel: int = 3, stride: int = 1, padding: int = 1, groups: int = 1) -> Conv:
    return Conv(ones(c_out, c_in // groups, kernel, kernel), (stride, stride), (padding, padding), (1, 1), groups)


def chain(source: tuple[int, ...], *ops: Op, relays: tuple[int, ...] = (), name: str = "chain") -> Network:
    """in -> p0 -> p1 ...; populations have neurons, except those named in ``relays``."""
    populations, projections = [Population("in", source)], []
    for i, op in enumerate(ops):
        before = populations[-1]
        neuron = None if i in relays else Neuron()
        populations.append(Population(f"p{i}", op.target_shape(before.shape), neuron))
        projections.append(Projection(f"w{i}", before.name, f"p{i}", op))
    return Network(tuple(populations), tuple(projections), ("in",), populations[-1].name, Integer(), name)


def with_projection(network: Network, source: str, target: str, op: Op, delay: int = 0) -> Network:
    extra = Projection(f"{source}>{target}", source, target, op, delay)
    return Network(network.populations, (*network.projections, extra), network.inputs, network.output,
                   network.arithmetic, network.name)  # fmt: skip


def mlp(*sizes: int) -> Network:
    return chain((sizes[0],), *(Linear(ones(b, a)) for a, b in itertools.pairwise(sizes)), name="mlp")


def convnet() -> Network:
    """Two convolutions with a pooling relay between them and a readout without neurons."""
    pool = Pool("sum", (2, 2), (2, 2), (0, 0))
    return chain((2, 8, 8), conv(4, 2), pool, conv(8, 4), Linear(ones(10, 128)), relays=(1, 3), name="convnet")


def residual() -> Network:
    """A residual sum in a relay: in -> p0 -> p1(relay, + p0) -> p2."""
    return with_projection(
        chain((2, 6, 6), conv(2, 2), conv(2, 2), OneToOne(), relays=(1,), name="residual"), "p0", "p1", OneToOne()
    )


def random_graph(neurons: int, fan_out: int, seed: int = 0) -> Network:
    """Recurrent neurons without input, wired at random."""
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, neurons, neurons * fan_out)
    table = Sparse(np.arange(neurons + 1) * fan_out, indices, ones(indices.size), (neurons,))
    population = Population("graph", (neurons,), Neuron())
    return Network((population,), (Projection("w", "graph", "graph", table, 1),), (), None, Integer(), "graph")
