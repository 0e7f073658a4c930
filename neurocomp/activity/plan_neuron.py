"""Lays a population's neurons out for the compiled engine: parameters as arrays of one common period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurocomp.network.graph import Integer, Network, Population
from neurocomp.network.layout import channel_last
from neurocomp.network.neuron import EXTRA_PARAMETERS, Neuron, expand
from neurocomp.network.ops import Shape

# codes of csrc/neuron.h
RESETS = {"zero": 0, "subtract": 1, "none": 2}
OUTPUTS = {"binary": 0, "count": 1, "membrane": 2, "ternary": 3, "graded": 4}
ADAPTS = {"threshold": 0, "current": 1, "reset": 2}

SHORTEST_PERIOD = 256  # parameters are repeated to at least this many entries so that loops over them are long


@dataclass(frozen=True, eq=False)
class PlannedNeurons:
    """Parameters as arrays of ``period`` entries, in channel-last order. extra: those of EXTRA_PARAMETERS, in order."""

    period: int
    settings: dict[str, int]
    parameters: dict[str, np.ndarray]
    extra: tuple[np.ndarray | None, ...]


def value_type(network: Network) -> type[np.generic]:
    """The engine's number type for values and states."""
    return np.int32 if isinstance(network.arithmetic, Integer) else np.float32


def plan_neurons(network: Network, population: Population, neuron: Neuron) -> PlannedNeurons:
    """The neurons of one population as csrc/neuron.h takes them."""
    arithmetic = network.arithmetic
    integer = isinstance(arithmetic, Integer)
    values = dict(neuron.parameters())
    if integer:  # a neuron that never fires
        never = np.iinfo(np.int32).max
        values["threshold"] = np.where(np.isinf(values["threshold"]), never, values["threshold"])
    period, arrays = repeated(values, population.shape, value_type(network))
    settings = {
        "reset": RESETS[neuron.reset],
        "reset_next": int(neuron.reset_when == "next"),
        "strict": int(neuron.compare == ">"),
        "output": OUTPUTS[neuron.output],
        "max_count": neuron.max_count,
        "refractory": neuron.refractory,
        "has_current": int(neuron.i_decay is not None),
        "decay_bits": arithmetic.decay_bits if integer else 0,
        "state_limit": 1 << (arithmetic.state_bits - 1) if integer else 1,
        "general": int(not neuron.is_plain),
        "adapts": ADAPTS[neuron.adapts],
        "current_next": int(neuron.current_when == "next"),
        "reset_current": int(neuron.reset_current),
        "nearest": int(neuron.rounding == "nearest"),
        "powers": int(neuron.levels == "powers"),
        "signed": int(neuron.signed),
    }
    return PlannedNeurons(period, settings, arrays, tuple(arrays.get(name) for name in EXTRA_PARAMETERS))


def repeated(values: dict[str, float | np.ndarray], shape: Shape, dtype: type) -> tuple[int, dict[str, np.ndarray]]:
    """All values over one common period: the population, a multiple of its channels, or a run of equal scalars."""
    size = int(np.prod(shape))
    expanded = {key: expand(value, shape) for key, value in values.items()}
    if any((a.shape == shape and shape != shape[:1]) or (a.ndim and len(shape) == 1) for a in expanded.values()):
        period = size
    elif any(a.ndim for a in expanded.values()):
        period = min(size, shape[0] * -(-SHORTEST_PERIOD // shape[0]))
    else:
        period = min(size, SHORTEST_PERIOD)
    arrays = {}
    for key, array in expanded.items():
        if array.ndim == 0:
            arrays[key] = np.full(period, array, dtype)
        elif array.shape == shape:
            arrays[key] = np.ascontiguousarray(channel_last(array, shape), dtype)
        else:
            arrays[key] = np.resize(array.reshape(-1), period).astype(dtype)
    return period, arrays
