"""What a run returns, whichever engine ran it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from neurocomp.activity.trace import SpikeTrace
from neurocomp.errors import Diagnostic, InputError, bad_input
from neurocomp.network.graph import Integer, Network
from neurocomp.network.layout import channel_first

Inputs = np.ndarray | Mapping[str, np.ndarray] | None


class NonzeroCounts(Mapping[str, np.ndarray]):
    """int64 (*shape) per population, made from the engine's own counts when asked for."""

    def __init__(self, network: Network, counts: dict[str, np.ndarray]) -> None:
        self._network, self._counts = network, counts

    def __getitem__(self, name: str) -> np.ndarray:
        return channel_first(self._counts[name].astype(np.int64), self._network.by_name[name].shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)


@dataclass(frozen=True, eq=False)
class Execution:
    """A run of a network.

    output: (samples, steps, *shape) values of the output population, or None if the network has no output.
    nonzero_counts: per population (relays too) int64 (*shape): how often each element's output was not zero,
    summed over samples and steps. saturations: how often a state or a register hit the limits of integer arithmetic.
    clipped_inputs: input values (per sample and step) beyond what integer arithmetic can hold, cut to its limits.
    product_operations: per relay that multiplies two signals, how often both operands of a multiplication were not
    zero, over all samples and steps. host_operations: per relay that the host computes, elements computed.
    """

    trace: SpikeTrace
    output: np.ndarray | None
    nonzero_counts: Mapping[str, np.ndarray]
    saturations: int
    clipped_inputs: int = 0
    product_operations: dict[str, int] = field(default_factory=dict)
    host_operations: dict[str, int] = field(default_factory=dict)

    @property
    def predictions(self) -> np.ndarray:
        """int64 (samples): the output element with the largest sum over the steps (the first, if several)."""
        if self.output is None:
            raise bad_input("network", "has no output population to read a prediction from")
        return self._summed(self.output).argmax(axis=1)

    @property
    def ties(self) -> int:
        """Samples whose output elements all have the same sum over the steps: their predictions say nothing."""
        if self.output is None or self.output[0, 0].size < 2:
            return 0
        summed = self._summed(self.output)
        return int((summed == summed[:, :1]).all(axis=1).sum())

    @staticmethod
    def _summed(output: np.ndarray) -> np.ndarray:
        # float64: the sum of float32 values must not depend on how NumPy blocks it
        summed = output.astype(np.float64).sum(axis=1)
        return summed.reshape(summed.shape[0], -1)

    def accuracy(self, labels: np.ndarray) -> float:
        """Fraction of samples whose prediction is the label."""
        return float(np.mean(self.predictions == np.asarray(labels)))

    def _repr_html_(self) -> str:
        return self.trace._repr_html_()

    def __repr__(self) -> str:
        return f"Execution({self.trace!r}, {self.saturations} saturations)"


def check_inputs(
    network: Network, inputs: Inputs, samples: int, steps: int | None
) -> tuple[dict[str, np.ndarray], int, int]:
    """(inputs by population, samples, steps) of a run, or InputError with all that does not suit the network."""
    if not network.inputs:
        if inputs is not None:
            raise bad_input(network.name, "has no input population, yet inputs were given")
        if steps is None or steps < 1:
            raise bad_input(network.name, "has no input population", hint="say how many time steps to run (steps=...)")
        return {}, samples, steps
    named = _by_name(network, inputs)
    found = [finding for name, array in named.items() for finding in _findings(name, network, array)]
    sizes = {name: array.shape[:2] for name, array in named.items()} if not found else {}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        found.append(Diagnostic(network.name, f"inputs of different (samples, steps): {listed}"))
    if found:
        raise InputError(found)
    given, length = named[network.inputs[0]].shape[:2]
    return named, given, length


def _by_name(network: Network, inputs: Inputs) -> dict[str, np.ndarray]:
    if inputs is None:
        raise bad_input(network.name, "needs inputs")
    if not isinstance(inputs, Mapping):
        name, *more = network.inputs
        if more:
            raise bad_input(
                network.name,
                f"has {len(network.inputs)} input populations and is fed one array",
                hint=f"give a dictionary with an array for each of {', '.join(network.inputs)}",
            )
        return {name: inputs}
    found = [Diagnostic(name, "is an input that nothing is given for") for name in network.inputs if name not in inputs]
    found += [Diagnostic(str(name), "is given inputs but is no input") for name in inputs if name not in network.inputs]
    if found:
        raise InputError(found)
    return {name: inputs[name] for name in network.inputs}


def _findings(name: str, network: Network, inputs: np.ndarray) -> list[Diagnostic]:
    shape = network.by_name[name].shape
    if not isinstance(inputs, np.ndarray):
        return [Diagnostic(name, f"inputs are a {type(inputs).__name__}; a NumPy array is needed")]
    if inputs.size == 0:
        return [Diagnostic(name, f"the inputs are empty (shape {inputs.shape})")]
    if inputs.ndim != len(shape) + 2 or inputs.shape[2:] != shape:
        needed = f"(samples, steps, {', '.join(map(str, shape))})"
        return [Diagnostic(name, f"inputs have shape {inputs.shape}; {needed} is needed")]
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        return [Diagnostic(name, "the inputs hold NaN or infinite values")]
    if inputs.dtype.kind not in "fiub":
        return [Diagnostic(name, f"inputs of type {inputs.dtype}; numbers are needed")]
    return []


def input_values(network: Network, inputs: np.ndarray, name: str = "") -> tuple[np.ndarray, int]:
    """The inputs in the network's arithmetic, and how many of them had to be cut to its range.

    float32; or int32 after division by the input scale. Raises InputError for a value beyond single precision.
    """
    arithmetic = network.arithmetic
    if not isinstance(arithmetic, Integer):
        with np.errstate(over="ignore"):
            values = inputs.astype(np.float32, copy=False)
        if values is not inputs and not np.isfinite(values).all():
            raise bad_input(name or network.inputs[0], "the inputs hold values beyond single precision (3.4e38)")
        return values, 0
    scaled = np.rint(inputs / arithmetic.input_scale)
    low, high = arithmetic.input_limits
    clipped = int(((scaled < low) | (scaled > high)).sum())
    return np.clip(scaled, low, high).astype(np.int32), clipped
