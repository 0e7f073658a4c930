"""The least DRAM traffic of training, which the simulated one is held against.

Every tensor crosses once per phase, spikes and surrogate masks take one bit, other values sixteen; neurons are fused
with the convolution before them, WG shares the gradients that BP has read. Tiles, halos and overflowing buffers come on
top (simulate/training.py counts them).
"""

from __future__ import annotations

from collections.abc import Sequence

from neurocomp.simulate.gpu import LayerTensors

VALUE_BYTES = 2


def ideal_bytes(layers: Sequence[LayerTensors], *, normalised: bool, weight_reads: int = 1) -> int:
    """DRAM bytes of one training iteration. weight_reads: how often FP and BP fetch every weight; 1 if it stays,
    samples x steps if each time step of each sample fetches it anew."""
    return sum(_layer_bytes(layer, normalised, weight_reads) for layer in layers)


def _layer_bytes(layer: LayerTensors, normalised: bool, weight_reads: int) -> int:
    spikes_in, spikes_out = -(-layer.inputs // 8), -(-layer.outputs // 8)
    values_in, values_out = layer.inputs * VALUE_BYTES, layer.outputs * VALUE_BYTES
    weights = layer.weights * VALUE_BYTES
    # FP: spikes in, membrane, mask and spikes out; batch normalisation keeps its input and reads it again
    forward = spikes_in + weights * weight_reads + values_out + 2 * spikes_out + (2 * values_out if normalised else 0)
    # BP: gradient in; membrane, mask and spikes of the layer below; gradient out
    backward = values_out + weights * weight_reads + 2 * values_in + 2 * spikes_in
    backward += 3 * values_out if normalised else 0
    return forward + backward + spikes_in + weights
