"""The network: populations of neurons joined by projections. Immutable; arrays are shared, never copied."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from neurocomp.network.neuron import Neuron
from neurocomp.network.ops import Op, Shape, frozen_array

Encoding = Literal["direct", "rate", "latency", "temporal"]


@dataclass(frozen=True)
class Held:
    """The register of ``bits`` bits, sign included, in which a chip keeps real values and hands them on: a value is
    divided by 2**shift (rounded to the nearest, halves upwards) and saturates at +-(2**(bits - 1) - 1). unit: real
    value of one integer of it; calibrated: whether data, not the largest value possible, chose the range."""

    bits: int
    shift: int = 0
    unit: float = 1.0
    calibrated: bool = False

    @property
    def limit(self) -> int:
        return 2 ** (self.bits - 1) - 1


@dataclass(frozen=True, eq=False)
class Population:
    """Elements of one kind. ``neuron`` is None for an input and for a relay, which passes on the sum of what
    it receives within the same step (pooling, residual sums, a linear readout). bias: added to what arrives
    at every step; None, a scalar, one per channel or one per element.

    In integer arithmetic only: exponent, of neurons, whose weighted sums are divided by 2**exponent on their way into
    the states; held, of relays and neurons that send values: what is sent passes this register."""

    name: str
    shape: Shape
    neuron: Neuron | None = None
    bias: np.ndarray | None = None
    exponent: int = 0
    held: Held | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        if self.bias is not None:
            object.__setattr__(self, "bias", frozen_array(np.asarray(self.bias)))

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Projection:
    """Carries the output of ``source`` at step t - delay to ``target`` at step t through ``op``."""

    name: str
    source: str
    target: str
    op: Op
    delay: int = 0


@dataclass(frozen=True)
class Float32:
    """Arithmetic of the trained network: IEEE single precision."""


@dataclass(frozen=True)
class Integer:
    """Arithmetic of a digital neuromorphic core, as Loihi does it (Davies et al. 2018; lava-dl CUBA).

    Weighted sums are shifted left by ``state_shift``; decays are multiples of 2**-decay_bits and truncate
    towards zero; states saturate at ``state_bits`` (two's complement). An input value x enters as
    round(x / input_scale).
    """

    weight_bits: int = 8
    state_bits: int = 24
    decay_bits: int = 12
    state_shift: int = 6
    input_scale: float = 1.0
    input_bits: int = 16

    @property
    def input_limits(self) -> tuple[int, int]:
        """Least and largest input: two's complement; a single bit is a spike or none."""
        if self.input_bits == 1:
            return 0, 1
        return -(2 ** (self.input_bits - 1)), 2 ** (self.input_bits - 1) - 1


Arithmetic = Float32 | Integer


def state_shift(arithmetic: Arithmetic, population: Population) -> int:
    """By how many bits weighted sums are shifted left before they enter a population's states; right if negative."""
    if not isinstance(arithmetic, Integer) or population.neuron is None:
        return 0
    return arithmetic.state_shift - population.exponent


@dataclass(frozen=True, eq=False)
class Sample:
    """Inputs stored with a network. inputs: (samples, *shape), or (samples, steps, *shape) if ``encoding`` is
    ``temporal``; labels: (samples,) class numbers or None; steps: time steps per sample."""

    inputs: np.ndarray
    steps: int
    encoding: Encoding = "direct"
    labels: np.ndarray | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", frozen_array(self.inputs))
        if self.labels is not None:
            labels = np.asarray(self.labels)
            whole = labels.dtype.kind in "iub"  # others stay as they are: verify refuses them
            object.__setattr__(self, "labels", frozen_array(labels.astype(np.int64) if whole else labels))


@dataclass(frozen=True, eq=False)
class Network:
    """A spiking network.

    inputs: names of the populations that are fed from outside (may be empty: bias-driven networks).
    output: name of the population that is read out, or None.
    assumptions: what a reader had to assume, in sentences; reports print them.
    origin: the file format (and framework) that the network came from.
    stations: relays that get a place of their own on a chip and send their values from there, instead of being
    passed through; a run traces them. Lowering for a chip fills it in.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    inputs: tuple[str, ...]
    output: str | None
    arithmetic: Arithmetic = field(default_factory=Float32)
    name: str = "network"
    origin: str = "python"
    assumptions: tuple[str, ...] = ()
    sample: Sample | None = None
    stations: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Population]:
        return {p.name: p for p in self.populations}

    @cached_property
    def incoming(self) -> dict[str, tuple[Projection, ...]]:
        """Projections by target, in the order of the network."""
        return _grouped(self.populations, ((p.target, p) for p in self.projections))

    @cached_property
    def outgoing(self) -> dict[str, tuple[Projection, ...]]:
        """Projections by source, in the order of the network."""
        return _grouped(self.populations, ((p.source, p) for p in self.projections))

    @property
    def neuron_count(self) -> int:
        """Elements that are neurons (inputs and relays are not)."""
        return sum(p.size for p in self.populations if p.neuron is not None)

    def with_sample(self, sample: Sample | None) -> Network:
        return replace(self, sample=sample)

    def __repr__(self) -> str:
        return (
            f"Network({self.name!r}: {len(self.populations)} populations, {self.neuron_count} neurons, "
            f"{len(self.projections)} projections, from {self.origin})"
        )

    def _repr_html_(self) -> str:
        from neurocomp.network.text import to_html

        return to_html(self)


def _grouped(
    populations: Iterable[Population], pairs: Iterable[tuple[str, Projection]]
) -> dict[str, tuple[Projection, ...]]:
    groups: dict[str, list[Projection]] = {p.name: [] for p in populations}
    for name, projection in pairs:
        groups.setdefault(name, []).append(projection)
    return {name: tuple(group) for name, group in groups.items()}
