"""What a training engine that skips zeros needs to know of one training step: which operands were not zero."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurocomp.activity.archive import read_archive, write_archive
from neurocomp.activity.trace import count_bits, pack, unpack
from neurocomp.errors import bad_input
from neurocomp.network.layout import channel_first, channel_last
from neurocomp.network.ops import Shape, frozen_array

SCHEMA = "neurocomp/training-trace/1"


@dataclass(frozen=True, eq=False)
class Signal:
    """One signal of a batch, not zero or zero.

    bits: uint8 (samples, steps, ceil(elements / 8)), packed as in SpikeTrace, elements channel-last. binary: whether
    the values themselves are only 0 and 1.
    """

    shape: Shape
    bits: np.ndarray
    binary: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", frozen_array(self.bits))

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape))

    def dense(self) -> np.ndarray:
        """bool (samples, steps, *shape), channel-first."""
        return channel_first(unpack(self.bits, self.elements), self.shape)

    @property
    def density(self) -> float:
        """Share that is not zero."""
        return count_bits(self.bits) / max(1, self.bits.shape[0] * self.bits.shape[1] * self.elements)


def signal_of(values: np.ndarray, shape: Shape) -> Signal:
    """The signal of values (samples, steps, *shape), channel-first."""
    flat = channel_last(values, shape)
    return Signal(shape, pack(flat != 0), bool(((flat == 0) | (flat == 1)).all()))


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer of weights. sent: what its inputs were (operands of FP and WG); arrived: the gradient of what it
    gave out, before batch normalisation and neurons (operands of BP and WG)."""

    sent: Signal
    arrived: Signal


@dataclass(frozen=True, eq=False)
class TrainingTrace:
    """Operands of one batch.

    layers: by the name of the projection (for a torch module, the path of the layer). masks: by population of
    neurons, where the surrogate derivative is not zero; populations whose window is not known are missing.
    origin: the run they come from, in a sentence.
    """

    samples: int
    steps: int
    layers: dict[str, LayerTrace]
    masks: dict[str, Signal]
    origin: str

    def save(self, path: str | Path) -> None:
        """Write the trace as one compressed .npz, for ``neurocomp train --activity``; its bytes depend on the trace
        alone. Raises OSError."""
        signals = _signals(self)
        header = {
            "schema": SCHEMA,
            "samples": self.samples,
            "steps": self.steps,
            "origin": self.origin,
            "signals": [
                {"role": role, "name": name, "shape": list(signal.shape), "binary": signal.binary}
                for role, name, signal in signals
            ],
        }
        write_archive(Path(path), header, {str(k): signal.bits for k, (_, _, signal) in enumerate(signals)})

    def __repr__(self) -> str:
        return f"TrainingTrace({self.samples} samples x {self.steps} steps, {len(self.layers)} layers, {self.origin})"


def load_training_trace(path: str | Path) -> TrainingTrace:
    """Read a trace back. Raises InputError if the file is missing, damaged or something else."""
    path = Path(path)

    def take(header: dict[str, Any], file: np.lib.npyio.NpzFile) -> TrainingTrace:
        samples, found = int(header["samples"]), {"sent": {}, "arrived": {}, "mask": {}}
        for k, entry in enumerate(header["signals"]):
            signal = Signal(tuple(int(n) for n in entry["shape"]), file[str(k)], bool(entry["binary"]))
            rows = (samples, signal.bits.shape[1], (signal.elements + 7) // 8)
            if signal.bits.dtype != np.uint8 or signal.bits.shape != rows:
                raise bad_input(str(path), f"{entry['name']}: bits of shape {signal.bits.shape}; {rows} is needed")
            found[entry["role"]][str(entry["name"])] = signal
        layers = {name: LayerTrace(sent, found["arrived"][name]) for name, sent in found["sent"].items()}
        return TrainingTrace(samples, int(header["steps"]), layers, found["mask"], str(header["origin"]))

    return read_archive(path, SCHEMA, "training trace", take)


def _signals(trace: TrainingTrace) -> list[tuple[str, str, Signal]]:
    sent = [("sent", name, layer.sent) for name, layer in trace.layers.items()]
    arrived = [("arrived", name, layer.arrived) for name, layer in trace.layers.items()]
    return sent + arrived + [("mask", name, mask) for name, mask in trace.masks.items()]
