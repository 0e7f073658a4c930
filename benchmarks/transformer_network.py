"""A network of the shape of Spikformer-8-512 at 224x224 (Zhou et al., ICLR 2023) with random weights, in our IR.

Batch normalisation is folded into the convolutions, as it is on a chip.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from neurocomp.network import (
    Conv,
    Factor,
    Linear,
    Network,
    Neuron,
    OneToOne,
    Op,
    Pool,
    Population,
    Projection,
    Reduce,
    Wiring,
)
from neurocomp.network.verify import verify

SIZE, HEADS, CLASSES = 224, 8, 1000
STEM = (3, 64, 128, 256, 512)
DIM = STEM[-1]


def layer_shapes(blocks: int) -> dict[str, tuple[int, ...]]:
    """Weights of all layers by name, as PyTorch stores them."""
    shapes: dict[str, tuple[int, ...]] = {
        f"stem{k}": (c_out, c_in, 3, 3) for k, (c_in, c_out) in enumerate(pairwise(STEM))
    }
    shapes["position"] = (DIM, DIM, 3, 3)
    for b in range(blocks):
        shapes |= {f"block{b}.{part}": (DIM, DIM, 1) for part in ("q", "k", "v", "proj")}
        shapes |= {f"block{b}.fc1": (4 * DIM, DIM, 1), f"block{b}.fc2": (DIM, 4 * DIM, 1)}
    return shapes | {"head": (CLASSES, DIM)}


def random_weights(blocks: int, seed: int = 0) -> dict[str, np.ndarray]:
    """float32, of variance 2 / inputs."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:]))))
        for name, shape in layer_shapes(blocks).items()
    }


@dataclass
class _Builder:
    weights: dict[str, np.ndarray]
    thresholds: dict[str, float]
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)

    def relay(self, name: str, shape: tuple[int, ...], *arriving: tuple[str, Op]) -> str:
        self.populations.append(Population(name, shape))
        return self._joined(name, arriving)

    def neurons(self, name: str, shape: tuple[int, ...], *arriving: tuple[str, Op]) -> str:
        lif = Neuron(v_decay=0.5, v_gain=0.5, threshold=self.thresholds[name], compare=">=", reset="zero")
        self.populations.append(Population(name, shape, lif))
        return self._joined(name, arriving)

    def _joined(self, name: str, arriving: tuple[tuple[str, Op], ...]) -> str:
        self.projections += [Projection(f"{s}-{name}.{k}", s, name, op) for k, (s, op) in enumerate(arriving)]
        return name

    def conv(self, name: str) -> Conv:
        weight = self.weights[name]
        axes, kernel = weight.ndim - 2, weight.shape[2]
        return Conv(weight, (1,) * axes, (kernel // 2,) * axes, (1,) * axes)


def ir_network(weights: dict[str, np.ndarray], thresholds: dict[str, float], blocks: int, size: int) -> Network:
    """The network in our IR."""
    b = _Builder(weights, thresholds)
    x, side = b.relay("in", (3, size, size)), size
    for k, channels in enumerate(STEM[1:]):
        drive = b.relay(f"stem{k}.drive", (channels, side, side), (x, b.conv(f"stem{k}")))
        side //= 2
        x = b.neurons(f"stem{k}", (channels, side, side), (drive, Pool("max", (3, 3), (2, 2), (1, 1))))
    position = b.neurons("position", (DIM, side, side), (x, b.conv("position")))
    tokens = (DIM, side * side)
    x = b.relay("tokens", tokens, (x, OneToOne(1.0, tokens)), (position, OneToOne(1.0, tokens)))
    for block in range(blocks):
        x = _attention(b, f"block{block}", x, tokens)
        hidden = b.neurons(f"block{block}.fc1", (4 * DIM, tokens[1]), (x, b.conv(f"block{block}.fc1")))
        mixed = b.neurons(f"block{block}.fc2", tokens, (hidden, b.conv(f"block{block}.fc2")))
        x = b.relay(f"block{block}.out", tokens, (x, OneToOne()), (mixed, OneToOne()))
    mean = b.relay("mean", (DIM,), (x, Reduce("avg", DIM, tokens[1], 1, (DIM,))))
    head = b.relay("head", (CLASSES,), (mean, Linear(weights["head"])))
    return verify(Network(tuple(b.populations), tuple(b.projections), ("in",), head, name="spikformer"))


def _attention(b: _Builder, name: str, x: str, tokens: tuple[int, int]) -> str:
    """x + LIF(W LIF(0.125 (q k^T) v)), per head."""
    dim, n = tokens
    each = dim // HEADS
    q, k, v = (b.neurons(f"{name}.{part}", tokens, (x, b.conv(f"{name}.{part}"))) for part in "qkv")
    index = np.arange(dim * n, dtype=np.int32).reshape(HEADS, each, n).transpose(0, 2, 1).reshape(-1)
    back = np.argsort(index).astype(np.int32)
    by_token = (HEADS, n, each)
    q = b.relay(f"{name}.q_t", by_token, (q, Wiring(index, by_token)))
    v = b.relay(f"{name}.v_t", by_token, (v, Wiring(index, by_token)))
    scores = (HEADS, n, each, n, (HEADS, n, n))
    a = b.relay(f"{name}.scores", scores[-1], (q, Factor("left", *scores)), (k, Factor("right", *scores)))
    mixed = (HEADS, n, n, each, by_token)
    y = b.relay(f"{name}.mixed", by_token, (a, Factor("left", *mixed, 0.125)), (v, Factor("right", *mixed, 0.125)))
    y = b.neurons(f"{name}.attended", tokens, (y, Wiring(back, tokens)))
    y = b.neurons(f"{name}.proj", tokens, (y, b.conv(f"{name}.proj")))
    return b.relay(f"{name}.sum", tokens, (x, OneToOne()), (y, OneToOne()))
