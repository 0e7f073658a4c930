"""One layer of weights as the training engines see it: loop bounds, not values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from neurocomp.errors import bad_input
from neurocomp.network.ops import window_count

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A convolution; a fully connected layer is one of a single pixel.

    in_channels, out_channels: of all groups together. kernel, in_size, out_size: (y, x). normalised: batch
    normalisation follows. neurons: spiking neurons follow, which this layer's engine updates. real_input: its inputs
    are numbers, not spikes. first: nothing before it is trained, so no gradient goes back through it.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel: Pair
    in_size: Pair
    out_size: Pair
    groups: int = 1
    normalised: bool = False
    neurons: bool = True
    real_input: bool = False
    first: bool = False

    def __post_init__(self) -> None:
        sizes = (self.in_channels, self.out_channels, *self.kernel, *self.in_size, *self.out_size, self.groups)
        if min(sizes) < 1:
            raise bad_input(self.name, "has a size below 1")
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise bad_input(self.name, f"its channels cannot be cut into {self.groups} groups")

    @property
    def inputs(self) -> int:
        return self.in_channels * math.prod(self.in_size)

    @property
    def outputs(self) -> int:
        return self.out_channels * math.prod(self.out_size)

    @property
    def weights(self) -> int:
        return self.in_channels // self.groups * self.out_channels * math.prod(self.kernel)

    @property
    def trained(self) -> int:
        """Weights, and a scale and a shift for each normalised channel."""
        return self.weights + (2 * self.out_channels if self.normalised else 0)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the forward pass of one sample and step."""
        return self.outputs * self.in_channels // self.groups * math.prod(self.kernel)

    def part(self, name: str, out_channels: int) -> Layer:
        """The same layer with fewer output channels, as one core computes it. Groups are not cut."""
        if self.groups > 1 and out_channels != self.out_channels:
            raise bad_input(self.name, "a grouped convolution is not divided over cores")
        return replace(self, name=name, out_channels=out_channels)


def conv_layer(
    name: str, channels: Pair, size: Pair, kernel: Pair, *, stride: Pair = (1, 1), padding: Pair | None = None,
    groups: int = 1, normalised: bool = False, neurons: bool = True, real_input: bool = False,
) -> Layer:  # fmt: skip
    """A convolution of (in, out) channels over an input of ``size``; padding: half a kernel if it is not given. With
    real inputs it is the first."""
    pads = padding or tuple(k // 2 for k in kernel)
    out = [window_count(s, k, step, pad) for s, k, step, pad in zip(size, kernel, stride, pads, strict=True)]
    return Layer(name, *channels, kernel, size, (out[0], out[1]), groups, normalised, neurons, real_input, real_input)


def linear_layer(name: str, features: Pair, *, neurons: bool = True, real_input: bool = False) -> Layer:
    """A fully connected layer of (in, out) features. With real inputs it is the first."""
    one = (1, 1)
    return Layer(name, *features, one, one, one, neurons=neurons, real_input=real_input, first=real_input)
