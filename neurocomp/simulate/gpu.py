"""What one training iteration of a spiking network moves through a GPU's DRAM, kernel by kernel.

The kernels are those of layer-wise, multi-step training in PyTorch: convolution, batch normalisation and neurons
each read their operands and write their results; spikes are kept as floating-point numbers. Fused neurons are one
kernel, un-fused ones keep the charged membrane, its distance from the threshold and the reset apart. The first
layer's gradient towards the image and the optimizer are left out, as are reads beyond each operand's size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from neurocomp.chip.gpu import GpuSpec, Precision
from neurocomp.errors import bad_input

BYTES: dict[Precision, int] = {"fp16": 2, "fp32": 4}
Phase = Literal["FP", "BP", "WG"]


@dataclass(frozen=True)
class LayerTensors:
    """Elements of one layer's tensors over a whole batch: inputs and outputs of all samples and steps, weights once.

    macs: multiply-accumulates of one pass over the batch, nothing skipped.
    """

    name: str
    inputs: int
    outputs: int
    weights: int
    macs: int


@dataclass(frozen=True)
class Setting:
    """How the GPU runs. fused: neurons in one kernel. normalised: batch normalisation behind every layer. cached: the
    L2 cache keeps whole tensors, the least recently used leaves first; otherwise every access goes to DRAM."""

    precision: Precision = "fp16"
    fused: bool = True
    normalised: bool = True
    cached: bool = False


@dataclass(frozen=True)
class Kernel:
    """One kernel: tensors that it reads and writes, (name, bytes) each."""

    layer: str
    phase: Phase
    reads: tuple[tuple[str, int], ...]
    writes: tuple[tuple[str, int], ...]
    macs: int = 0


@dataclass(frozen=True)
class GpuTraffic:
    """Bytes to and from DRAM, by phase, of one iteration; least time and, where known, DRAM energy.

    bound_ns: every kernel at the peak of its arithmetic or of the memory, whichever takes longer: no GPU is faster.
    """

    read_bytes: dict[Phase, int]
    write_bytes: dict[Phase, int]
    bound_ns: float
    dram_pj: float | None

    @property
    def total_bytes(self) -> int:
        return sum(self.read_bytes.values()) + sum(self.write_bytes.values())


def gpu_traffic(layers: Sequence[LayerTensors], gpu: GpuSpec, setting: Setting = Setting()) -> GpuTraffic:
    """The traffic of one iteration. layers: in the order of the network. Raises InputError if there are none."""
    if not layers:
        raise bad_input("layers", "there is nothing to train")
    cache = _Cache(gpu.l2_bytes if setting.cached else 0)
    reads: dict[Phase, int] = {"FP": 0, "BP": 0, "WG": 0}
    writes: dict[Phase, int] = {"FP": 0, "BP": 0, "WG": 0}
    bound_ns = 0.0
    peak = getattr(gpu.peak_tflops, setting.precision) * 1e3  # operations per ns
    for kernel in kernels(layers, setting):
        read = sum(cache.read(name, size) for name, size in kernel.reads)
        written = sum(size for _, size in kernel.writes)
        for name, size in kernel.writes:
            cache.keep(name, size)
        reads[kernel.phase] += read
        writes[kernel.phase] += written
        bound_ns += max(2 * kernel.macs / peak, (read + written) / gpu.memory_gb_per_s)
    total = sum(reads.values()) + sum(writes.values())
    energy = None if gpu.memory_pj_per_bit is None else total * 8 * gpu.memory_pj_per_bit
    return GpuTraffic(reads, writes, bound_ns, energy)


def kernels(layers: Sequence[LayerTensors], setting: Setting) -> Iterator[Kernel]:
    """All kernels in the order in which they run."""
    names = [f"{layer.name}.s" for layer in layers]
    for k, layer in enumerate(layers):
        yield from _forward(layer, setting, names[k - 1] if k else "input")
    for k, layer in reversed(list(enumerate(layers))):
        yield from _backward(layer, setting, names[k - 1] if k else "input")


def _forward(layer: LayerTensors, setting: Setting, source: str) -> Iterator[Kernel]:
    v = BYTES[setting.precision]
    name, n_in, n_out, w = layer.name, layer.inputs * v, layer.outputs * v, layer.weights * v
    yield Kernel(name, "FP", ((source, n_in), (f"{name}.w", w)), ((f"{name}.x", n_out),), layer.macs)
    current = f"{name}.x"
    if setting.normalised:  # statistics, then the values themselves
        yield Kernel(name, "FP", ((current, n_out),), ())
        yield Kernel(name, "FP", ((current, n_out),), ((f"{name}.n", n_out),))
        current = f"{name}.n"
    if not setting.fused:  # charge; fire; reset; each passes its state on through memory
        yield Kernel(name, "FP", ((current, n_out), (f"{name}.v", n_out)), ((f"{name}.h", n_out),))
        yield Kernel(name, "FP", ((f"{name}.h", n_out),), ((f"{name}.s", n_out),))
        yield Kernel(name, "FP", ((f"{name}.h", n_out),), ((f"{name}.v", n_out),))
        return
    yield Kernel(name, "FP", ((current, n_out),), ((f"{name}.h", n_out), (f"{name}.s", n_out)))


def _backward(layer: LayerTensors, setting: Setting, source: str) -> Iterator[Kernel]:
    v = BYTES[setting.precision]
    name, n_in, n_out, w = layer.name, layer.inputs * v, layer.outputs * v, layer.weights * v
    above = (f"{name}.s.g", n_out)
    if not setting.fused:  # back through the spike; back through reset and charge
        yield Kernel(name, "BP", (above, (f"{name}.h", n_out)), ((f"{name}.h.g", n_out),))
        reads = ((f"{name}.h.g", n_out), (f"{name}.v.g", n_out))
        yield Kernel(name, "BP", reads, ((f"{name}.n.g", n_out), (f"{name}.v.g", n_out)))
    else:
        yield Kernel(name, "BP", (above, (f"{name}.h", n_out)), ((f"{name}.n.g", n_out),))
    gradient = f"{name}.n.g"
    if setting.normalised:  # sums of the gradient, then the gradient itself
        yield Kernel(name, "BP", ((gradient, n_out), (f"{name}.x", n_out)), ())
        yield Kernel(name, "BP", ((gradient, n_out), (f"{name}.x", n_out)), ((f"{name}.x.g", n_out),))
        gradient = f"{name}.x.g"
    below = f"{source}.g"
    yield Kernel(name, "BP", ((gradient, n_out), (f"{name}.w", w)), ((below, n_in),), layer.macs)
    yield Kernel(name, "WG", ((gradient, n_out), (source, n_in)), ((f"{name}.w.g", w),), layer.macs)


class _Cache:
    """Whole tensors, least recently used first."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.held = capacity, 0
        self.tensors: OrderedDict[str, int] = OrderedDict()

    def read(self, name: str, size: int) -> int:
        """Bytes that reading a tensor takes from DRAM."""
        if name in self.tensors:
            self.tensors.move_to_end(name)
            return 0
        self.keep(name, size)
        return size

    def keep(self, name: str, size: int) -> None:
        self.held -= self.tensors.pop(name, 0)
        if size > self.capacity:
            return
        self.tensors[name] = size
        self.held += size
        while self.held > self.capacity:
            self.held -= self.tensors.popitem(last=False)[1]
