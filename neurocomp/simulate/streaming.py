"""DRAM traffic of an ideal training accelerator, and how it compares with GPUs: the whole grid, never one number.

Ideal: every tensor crosses once per phase, spikes and surrogate masks take one bit, other values sixteen; neurons are
fused with the convolution before them, WG shares the gradients that BP has read. Tiles, halos and overflowing buffers
come on top (simulate/training.py counts them).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neurocomp.chip.gpu import GpuSpec
from neurocomp.simulate.gpu import LayerTensors, Setting, gpu_traffic

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


@dataclass(frozen=True)
class Reduction:
    """How much less DRAM traffic than on a GPU under one set of assumptions; negative: more. percent: of the GPU's."""

    gpu: str
    setting: Setting
    gpu_bytes: int
    percent: float


def reductions(
    accelerator_bytes: int, layers: Sequence[LayerTensors], gpus: Sequence[GpuSpec], *, normalised: bool
) -> list[Reduction]:
    """The accelerator against every GPU, precision, fusion and cache, like for like in batch normalisation."""
    found = []
    for gpu in gpus:
        for setting in settings(normalised):
            total = gpu_traffic(layers, gpu, setting).total_bytes
            found.append(Reduction(gpu.name, setting, total, 100 * (1 - accelerator_bytes / total)))
    return found


def settings(normalised: bool) -> Iterator[Setting]:
    """All ways to run one network on a GPU: half precision first, fused first, every access to DRAM first."""
    for cached in (False, True):
        for precision in ("fp16", "fp32"):
            for fused in (True, False):
                yield Setting(precision, fused, normalised, cached)
