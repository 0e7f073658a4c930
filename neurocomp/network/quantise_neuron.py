"""Neurons in integers: every parameter in units of one step of the chip's states.

x, i and v are counted in steps of the weighted sum (its unit / 2**state_shift); the gains are divided out, so that
a step of the current is worth i_gain, and one of the membrane i_gain * v_gain, of a step of the sum.
"""

from __future__ import annotations

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Integer, Population
from neurocomp.network.neuron import Neuron, expand
from neurocomp.network.ops import Shape

_OF_MEMBRANE = ("threshold", "v_reset", "v_init", "v_min", "v_subtract")
_OF_ADAPTATION = ("a_gain", "a_init")
_FACTORS = ("v_decay", "i_decay", "a_decay", "v_keep")
_NO_INTEGERS = {
    "quadratic": "squares its membrane",
    "exponential": "takes the exponential of its membrane",
    "complementary_reset": "takes a sigmoid of its membrane",
}


def gains(neuron: Neuron, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """(membrane, current): what one step of the weighted sum is worth in each."""
    current = expand(neuron.i_gain, shape) if neuron.i_decay is not None else np.asarray(1.0)
    return expand(neuron.v_gain, shape) * current, current


def no_integer_form(population: Population) -> list[Diagnostic]:
    """Why the neurons of a population cannot be computed in integers; empty if they can."""
    neuron, name = population.neuron, population.name
    if neuron is None:
        return []
    hint = "choose a chip that computes with floating-point numbers, or train with another neuron"
    found = [
        Diagnostic(name, f"{what}, which integer arithmetic cannot", hint=hint)
        for part, what in _NO_INTEGERS.items()
        if part in neuron.parts()
    ]
    membrane, current = gains(neuron, population.shape)
    if np.any(membrane == 0) or np.any(current == 0):
        found.append(Diagnostic(name, "has a gain of zero, so no input can reach the membrane"))
    if neuron.output == "graded" and np.ptp(membrane):
        found.append(Diagnostic(name, "sends its membrane, yet its neurons differ in gain", hint="give them one gain"))
    return found


def sent_unit(population: Population, arithmetic: Integer) -> float:
    """What one integer of the values that a population sends is worth, in units of its weighted sum: the membrane is
    finer by 2**state_shift and has the neuron's gain. 1 for relays and for spikes."""
    neuron = population.neuron
    if neuron is None or neuron.output not in ("membrane", "graded"):
        return 1.0
    return float(np.mean(gains(neuron, population.shape)[0])) / 2**arithmetic.state_shift


def whole_neuron(population: Population, neuron: Neuron, step: float, arithmetic: Integer) -> Neuron:
    """The neuron with whole parameters and gains of 1. step: real value of one integer of the shifted sum.

    The population has an integer form (:func:`no_integer_form`)."""
    shape, unit = population.shape, 2**arithmetic.decay_bits
    membrane, current = gains(neuron, shape)
    adaptation = membrane if neuron.adapts == "threshold" else current
    scale = {name: 1 / membrane / step for name in _OF_MEMBRANE}
    scale |= {name: 1 / adaptation / step for name in _OF_ADAPTATION}
    scale |= dict.fromkeys(_FACTORS, np.asarray(float(unit)))
    scale["leak"] = 1 / current / step
    scale["i_from_v"] = membrane / current * unit
    scale["a_from_v"] = membrane / adaptation * unit
    changed: dict[str, float | np.ndarray | None] = {"v_gain": 1.0, "i_gain": 1.0}
    for name, value in neuron.parameters().items():
        if name in scale:
            whole = np.rint(np.asarray(expand(value, shape) * scale[name], np.float64))
            changed[name] = float(whole.reshape(-1)[0]) if whole.size == 1 else whole
    return neuron.with_parameters(changed)
