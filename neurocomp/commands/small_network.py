"""A network of a few neurons with one operator of each common kind: what ``doctor`` runs."""

from __future__ import annotations

import numpy as np

from neurocomp.network.graph import Network, Population, Projection
from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Conv, Linear, Pool

SEED = 20


def small_network() -> Network:
    """8x8 input -> conv 3x3 -> 4 maps of LIF neurons -> average pooling -> 10 LIF neurons."""
    rng = np.random.default_rng(SEED)
    conv = Conv(rng.normal(0.2, 0.5, (4, 1, 3, 3)).astype(np.float32), (1, 1), (1, 1), (1, 1))
    linear = Linear(rng.normal(0.1, 0.5, (10, 64)).astype(np.float32))
    neuron = Neuron(v_decay=0.5, threshold=0.6)
    return Network(
        populations=(
            Population("input", (1, 8, 8)), Population("conv", (4, 8, 8), neuron), Population("pool", (4, 4, 4)),
            Population("output", (10,), neuron),
        ),
        projections=(
            Projection("conv", "input", "conv", conv),
            Projection("pool", "conv", "pool", Pool("avg", (2, 2), (2, 2), (0, 0))),
            Projection("linear", "pool", "output", linear),
        ),
        inputs=("input",), output="output", name="small",
    )  # fmt: skip


def small_inputs(samples: int = 2, steps: int = 4) -> np.ndarray:
    """float32 (samples, steps, 1, 8, 8) in 0..1, in steps of 1/16."""
    rng = np.random.default_rng(SEED + 1)
    images = rng.integers(0, 17, (samples, 1, 1, 8, 8)) / np.float32(16)
    return np.broadcast_to(images, (samples, steps, 1, 8, 8))
