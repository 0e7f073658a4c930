"""How values become input over time: direct (analog), rate (Bernoulli) and latency (one spike) coding."""

from __future__ import annotations

import numpy as np

from neurocomp.errors import bad_input
from neurocomp.network.graph import Encoding, Sample


def encode(inputs: np.ndarray, steps: int, encoding: Encoding, seed: int = 0) -> np.ndarray:
    """(samples, *shape) -> (samples, steps, *shape); ``temporal`` input already has its steps.

    direct repeats the value (a view, no copy). rate draws a spike with probability value, latency gives one
    spike at step round((1 - value) (steps - 1)) and none for 0; both need values in 0..1. Raises InputError.
    """
    if encoding not in ("direct", "rate", "latency", "temporal"):
        raise bad_input("input", f"no coding is called {encoding!r}", hint="direct, rate, latency or temporal")
    if steps < 1:
        raise bad_input("input", f"{steps} time steps; at least 1 is needed")
    if encoding == "temporal":
        if inputs.shape[1] != steps:
            raise bad_input("input", f"has {inputs.shape[1]} time steps where {steps} were asked for")
        return inputs
    if encoding == "direct":
        return np.broadcast_to(inputs[:, None], (inputs.shape[0], steps, *inputs.shape[1:]))
    _need_unit_range(inputs, encoding)
    if encoding == "rate":
        return _rate(inputs, steps, seed)
    return _latency(inputs, steps)


def encode_sample(sample: Sample) -> np.ndarray:
    """The stored sample as engine input, (samples, steps, *shape)."""
    return encode(sample.inputs, sample.steps, sample.encoding, sample.seed)


def _rate(inputs: np.ndarray, steps: int, seed: int) -> np.ndarray:
    # one counter-based stream per sample: sample k has the same spikes however many others are run with it
    spikes = np.empty((inputs.shape[0], steps, *inputs.shape[1:]), np.bool_)
    for k, sample in enumerate(inputs):
        stream = np.random.Generator(np.random.Philox(key=np.array([seed, k], np.uint64)))
        spikes[k] = stream.random(spikes.shape[1:], dtype=np.float32) < sample
    return spikes


def _latency(inputs: np.ndarray, steps: int) -> np.ndarray:
    when = np.rint((1.0 - inputs.astype(np.float64)) * (steps - 1)).astype(np.int64)
    clock = np.arange(steps).reshape(1, steps, *(1,) * (inputs.ndim - 1))
    return (clock == when[:, None]) & (inputs[:, None] > 0)


def _need_unit_range(inputs: np.ndarray, encoding: str) -> None:
    low, high = (float(inputs.min()), float(inputs.max())) if inputs.size else (0.0, 1.0)
    if not (low >= 0.0 and high <= 1.0):
        raise bad_input(
            "input",
            f"values run from {low:g} to {high:g}; {encoding} coding needs 0 to 1",
            hint="scale the input, or use direct coding",
        )
