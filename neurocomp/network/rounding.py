"""What a population's neurons ask of the unit that its sums are counted in, and what rounding did to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurocomp.network.graph import Integer, Population
from neurocomp.network.neuron import expand

WORTH_TELLING = 0.005  # rounding errors of neurons below half a per cent are not worth a sentence


def state_values(population: Population, unit: float | np.ndarray = 1.0) -> dict[str, np.ndarray]:
    """Threshold, reset, leak and bias in units of the weighted sum (gains divided out), finite ones, flat.

    unit: real value of one such unit; a number, or one per channel (channels,).
    """
    neuron, shape = population.neuron, population.shape
    values: dict[str, np.ndarray] = {}
    gain = current_gain = np.asarray(1.0)
    if neuron is not None:
        current_gain = expand(neuron.i_gain, shape) if neuron.i_decay is not None else current_gain
        gain = expand(neuron.v_gain, shape) * current_gain
        if np.all(gain) and np.all(current_gain):
            for key in ("threshold", "v_reset", "v_init"):
                values[key] = expand(getattr(neuron, key), shape) / gain
            values["leak"] = expand(neuron.leak, shape) / current_gain
    if population.bias is not None:
        values["bias"] = expand(np.asarray(population.bias, np.float64), shape)
    counted = {key: value / expand(unit, shape) for key, value in values.items()}
    return {key: value[np.isfinite(value)] for key, value in counted.items()}


def refined(unit: float, top: float, largest: int, populations: Sequence[Population], arithmetic: Integer) -> float:
    """A finer power-of-two fraction of ``unit``, if that makes thresholds and biases exacter and still fits.

    top: the largest weight; it must stay within ``largest`` units, and the states within their registers.
    populations: those that share the unit.
    """
    limit = 2.0 ** (arithmetic.state_bits - 2)
    values = [
        value * (2.0**arithmetic.state_shift if population.neuron is not None else 1.0)
        for population in populations
        for value in state_values(population).values()
        if value.size
    ]

    def inexact(candidate: float) -> bool:
        steps = [value / candidate for value in values]
        return any(not np.array_equal(step, np.rint(step)) for step in steps)

    def fits(candidate: float) -> bool:
        return top <= candidate * largest and all(np.abs(value / candidate).max() < limit for value in values)

    while inexact(unit) and fits(unit / 2):
        unit /= 2
    return unit


def coarsest_for(populations: Sequence[Population], arithmetic: Integer) -> float:
    """The finest unit in which all thresholds leave half of the states' range above them."""
    limit = 2.0 ** (arithmetic.state_bits - 2 - arithmetic.state_shift)
    thresholds = [state_values(p).get("threshold", np.zeros(0)) for p in populations if p.neuron is not None]
    return max((float(np.abs(one).max(initial=0.0)) for one in thresholds), default=0.0) / limit


def worth_refining(unit: float, population: Population, arithmetic: Integer) -> bool:
    """Whether a population's neurons lose something worth telling if their sums are counted in this unit."""
    if population.neuron is None:
        return population.bias is not None and bool(np.any(population.bias))
    return any("decay" not in note for note in rounding_notes(population, unit, arithmetic))


def rounding_notes(before: Population, unit: float | np.ndarray, arithmetic: Integer) -> Iterator[str]:
    """A sentence for each kind of neuron parameter that rounding moved noticeably."""
    steps = {key: value * 2**arithmetic.state_shift for key, value in state_values(before, unit).items()}
    threshold = float(np.abs(steps["threshold"]).min(initial=np.inf)) if "threshold" in steps else np.inf
    for key in ("threshold", "bias", "leak", "v_reset"):
        value = steps.get(key, np.zeros(0))
        error = float(np.abs(np.rint(value) - value).max(initial=0.0))
        if np.isfinite(threshold) and threshold > 0 and error > WORTH_TELLING * threshold:
            yield f"{before.name}: {key} rounded by up to {100 * error / threshold:.2g} % of the threshold"
    if before.neuron is None:
        return
    for key in ("v_decay", "i_decay"):
        decay = getattr(before.neuron, key)
        if decay is None:
            continue
        exact = np.asarray(decay, np.float64)
        rounded = np.rint(exact * 2**arithmetic.decay_bits) / 2**arithmetic.decay_bits
        worst = int(np.abs(rounded - exact).argmax())
        if abs(rounded.flat[worst] - exact.flat[worst]) > WORTH_TELLING:
            yield (
                f"{before.name}: {key} {exact.flat[worst]:.3g} becomes {rounded.flat[worst]:.3g} in the chip's "
                f"{arithmetic.decay_bits} decay bits; its spikes will differ"
            )
