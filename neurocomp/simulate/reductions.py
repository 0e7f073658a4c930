"""DRAM traffic of a training accelerator beside that of GPUs: the whole grid of assumptions, never one number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from neurocomp.chip.gpu import GpuSpec
from neurocomp.simulate.gpu import LayerTensors, Setting, gpu_traffic


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
