"""Users' code and weights as training scripts leave them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np

NET = '''
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn


class Net(nn.Module):
    """Multi-step if mode is m; with steps, it repeats its input itself and returns the mean."""

    def __init__(self, mode="m", steps=None):
        super().__init__()
        self.steps = steps
        self.layers = nn.Sequential(
            layer.Conv2d(1, 2, 3, bias=False), layer.BatchNorm2d(2), neuron.IFNode(),
            layer.Flatten(), layer.Linear(32, 3), neuron.LIFNode(tau=2.0, decay_input=False),
        )
        functional.set_step_mode(self, mode)

    def forward(self, x):
        if self.steps is None:
            return self.layers(x)
        return self.layers(x[None].repeat(self.steps, 1, 1, 1, 1)).mean(0)


def exact(net):
    """Weights on a grid: sums do not depend on their order."""
    generator = torch.Generator().manual_seed(7)
    for p in net.parameters():
        p.data = torch.randint(-8, 16, p.shape, generator=generator) / 8
    return net


def build():
    return exact(Net())


def build_single():
    return exact(Net("s"))


def build_loop():
    return exact(Net(steps=4))


trained = build()
'''


def write_code(folder: Path, code: str = NET, name: str = "net.py") -> Path:
    path = folder / name
    path.write_text(dedent(code), encoding="utf-8")
    return path


def images(samples: int = 5, steps: int | None = None) -> np.ndarray:
    """float32 (samples, 1, 6, 6), or (samples, steps, 1, 6, 6), multiples of 1/8."""
    shape = (samples, *(() if steps is None else (steps,)), 1, 6, 6)
    return np.random.default_rng(3).integers(0, 9, shape).astype(np.float32) / np.float32(8)
