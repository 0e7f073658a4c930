"""The network IR: populations, projections, operators, the canonical neuron."""

from neurocomp.network.graph import Arithmetic, Float32, Held, Integer, Network, Population, Projection, Sample
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import (
    AllSteps,
    Conv,
    Factor,
    Host,
    Linear,
    OneToOne,
    Op,
    OverTime,
    Pool,
    Reduce,
    Sparse,
    Wiring,
)

__all__ = [
    "AllSteps",
    "Arithmetic",
    "Conv",
    "Factor",
    "Float32",
    "Held",
    "Host",
    "Integer",
    "Linear",
    "Network",
    "Neuron",
    "OneToOne",
    "Op",
    "OverTime",
    "Pool",
    "Population",
    "Projection",
    "Reduce",
    "Sample",
    "Sparse",
    "Wiring",
]
