"""What a training engine that skips zeros needs to know of one training step: which operands were not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurocomp.activity.trace import PopulationTrace, SpikeTrace, count_bits, pack, unpack
from neurocomp.network.graph import Network
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.ops import frozen_array


@dataclass(frozen=True, eq=False)
class TrainingTrace:
    """Operands of one batch that are not zero, bit-packed as in SpikeTrace.

    forward: what every population sent, relays included (the inputs of FP and WG). masks: per population of
    neurons where the surrogate derivative is not zero. gradients: per population where the gradient of what
    arrived is not zero (the inputs of BP and WG). masks and gradients are uint8 (samples, steps,
    ceil(elements / 8)). origin: the run they come from, in a sentence.
    """

    forward: SpikeTrace
    masks: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    origin: str

    def __post_init__(self) -> None:
        for group in (self.masks, self.gradients):
            for name, bits in group.items():
                group[name] = frozen_array(bits)

    def sent(self, name: str) -> np.ndarray:
        """bool (samples, steps, *shape), channel-first: what a population sent is not zero."""
        population = self.forward.populations[name]
        return channel_first(unpack(population.spikes, population.size), population.shape)

    def arrived(self, name: str) -> np.ndarray:
        """bool (samples, steps, *shape), channel-first: the gradient of what arrived is not zero."""
        population = self.forward.populations[name]
        return channel_first(unpack(self.gradients[name], population.size), population.shape)

    def density(self, name: str) -> tuple[float, float]:
        """Share of a population's outputs and of its arrival gradients that are not zero."""
        population = self.forward.populations[name]
        sites = self.forward.samples * self.forward.steps * population.size
        bits = self.gradients.get(name)
        gradients = 0 if bits is None else count_bits(bits)
        return population.spike_count / sites, gradients / sites


class Run(Protocol):
    """Signals of a finished run, (samples, steps, *shape)."""

    samples: int
    steps: int
    outputs: dict[str, np.ndarray]
    arrival_gradients: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]


def traced(network: Network, run: Run, origin: str = "computed by neurocomp's own back-propagation") -> TrainingTrace:
    """The trace of a run."""
    populations = {}
    for p in network.populations:
        values = _flat(run.outputs[p.name], p.shape)
        binary = bool(((values == 0) | (values == 1)).all())
        populations[p.name] = PopulationTrace(p.shape, pack(values != 0), None, None if binary else values)
    shapes = {p.name: p.shape for p in network.populations}
    masks = {name: pack(_flat(mask, shapes[name])) for name, mask in run.masks.items()}
    gradients = {
        name: pack(_flat(values, shapes[name]) != 0)
        for name, values in run.arrival_gradients.items() if name not in network.inputs
    }  # fmt: skip
    forward = SpikeTrace(run.samples, run.steps, populations, repr(network.arithmetic))
    return TrainingTrace(forward, masks, gradients, origin)


def _flat(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(samples, steps, elements), channel-last."""
    return channel_last(values, shape)
