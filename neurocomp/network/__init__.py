"""The network IR: populations, projections, operators, the canonical neuron."""

from neurocomp.network.graph import Arithmetic, Float32, Integer, Network, Population, Projection, Sample
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, OneToOne, Op, Pool, Sparse

__all__ = [
    "Arithmetic",
    "Conv",
    "Float32",
    "Integer",
    "Linear",
    "Network",
    "Neuron",
    "OneToOne",
    "Op",
    "Pool",
    "Population",
    "Projection",
    "Sample",
    "Sparse",
]
