"""Chips whose cores are made for one convolutional layer each: what a layer may look like, what each core holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neurocomp.chip.part import Count, Part

Words = Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]


class LayerCores(Part):
    """One layer to a core, one core to a layer; cores differ.

    kernel_words, neuron_words, bias_words: memory of each core in words, core by core. A layer with c input and f
    output channels, a kernel of kx x ky and a map of x x y takes c * 2 ** (ceil(log2(kx * ky)) + ceil(log2 f)) words
    of kernel memory, f * 2 ** (ceil(log2 x) + ceil(log2 y)) of neuron memory, and f of bias memory: addresses are made
    of whole bits for each of these. destinations_max: layers that one layer may send to. kernel_side_max, map_side_max,
    channels_max: of any layer. strides, pools: possible steps of a kernel, and sizes of the sum pooling behind a layer.
    """

    kernel_words: Words
    neuron_words: Words
    bias_words: Words
    destinations_max: Count
    kernel_side_max: Count
    map_side_max: Count
    channels_max: Count
    strides: Words
    pools: Words
