"""The spikes of a run: the only thing that timing and energy need to know about a network's function."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from neurocomp.network.layout import channel_first
from neurocomp.network.ops import Shape, frozen_array
from neurocomp.network.text import html_table


@dataclass(frozen=True, eq=False)
class PopulationTrace:
    """One population's outputs. Element order within a step is channel-last (network/layout.py).

    spikes: uint8 (samples, steps, ceil(elements / 8)), bit k of byte j is element 8 j + k: output not zero.
    active: same form, neurons whose update was not a no-op (membrane, current, input or bias not zero);
    None for inputs. values: (samples, steps, elements) where the output is more than a bit, else None.
    """

    shape: Shape
    spikes: np.ndarray
    active: np.ndarray | None = None
    values: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("spikes", "active"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, frozen_array(value))
        if (
            self.values is not None
        ):  # may be a view that repeats one step; a contiguous copy would be steps times larger
            view = self.values.view()
            view.flags.writeable = False
            object.__setattr__(self, "values", view)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @cached_property
    def spike_count(self) -> int:
        """Outputs that are not zero, over all samples and steps."""
        return count_bits(self.spikes)

    @cached_property
    def element_counts(self) -> np.ndarray:
        """int64 (*shape): how often each element's output was not zero, over all samples and steps."""
        counts = np.zeros(self.size, np.int64)
        for sample in self.spikes:
            counts += unpack(sample, self.size).sum(axis=0, dtype=np.int64)
        return frozen_array(channel_first(counts, self.shape))


@dataclass(frozen=True, eq=False)
class SpikeTrace:
    """Outputs of every input and neuron population of a network, by name, for each sample and step.

    arithmetic: that of the network that ran, as text; empty if unknown. It tells the spikes of a trained
    network from those of its rounded form on a chip.
    """

    samples: int
    steps: int
    populations: dict[str, PopulationTrace]
    arithmetic: str = ""

    def dense(self, name: str) -> np.ndarray:
        """(samples, steps, *shape) channel-first: bool, or the output values where they are more than a bit."""
        population = self.populations[name]
        if population.values is not None:
            return channel_first(population.values, population.shape)
        return channel_first(unpack(population.spikes, population.size), population.shape)

    def save(self, path: str | Path) -> None:
        """Write the trace as one compressed .npz, which ``neurocomp.load_trace`` reads. Raises OSError."""
        from neurocomp.activity.trace_file import save_trace

        save_trace(self, path)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, shapes and contents; equal for equal traces on any machine."""
        sha = hashlib.sha256(f"{self.samples} {self.steps}".encode())
        for name in sorted(self.populations):
            population = self.populations[name]
            sha.update(f"{name} {population.shape}".encode())
            for part in (population.spikes, population.active, population.values):
                sha.update(b"-" if part is None else part.tobytes())
        return sha.hexdigest()

    def _repr_html_(self) -> str:
        rows = {name: f"{p.spike_count:,} spikes of {p.size:,} elements" for name, p in self.populations.items()}
        return html_table(f"SpikeTrace: {self.samples} samples x {self.steps} steps", rows)

    def __repr__(self) -> str:
        spikes = sum(p.spike_count for p in self.populations.values())
        size = f"{self.samples} samples x {self.steps} steps, {len(self.populations)} populations"
        return f"SpikeTrace({size}, {spikes} spikes)"


def pack(flags: np.ndarray) -> np.ndarray:
    """bool (..., elements) -> uint8 (..., ceil(elements / 8)), little-endian within a byte."""
    return np.packbits(flags, axis=-1, bitorder="little")


def unpack(bits: np.ndarray, size: int) -> np.ndarray:
    """The reverse of :func:`pack`; ``size`` is the number of elements."""
    return np.unpackbits(bits, axis=-1, count=size, bitorder="little").view(np.bool_)


def count_bits(bits: np.ndarray) -> int:
    """Set bits of a packed array."""
    return int(np.bitwise_count(bits).sum(dtype=np.int64))
