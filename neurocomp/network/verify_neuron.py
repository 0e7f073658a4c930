"""Do a neuron's settings go together? Used by verify."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurocomp.errors import Diagnostic
from neurocomp.network.graph import Integer, Network
from neurocomp.network.neuron import EXTRA_PARAMETERS, FACTORS, SETTINGS, Neuron

_NEEDS = {
    "a_gain": "a_decay",
    "a_from_v": "a_decay",
    "a_init": "a_decay",
    "v_exp": "v_exp_rate",
    "v_exp_rate": "v_exp",
    "i_from_v": "i_decay",
}
_FLOAT_ONLY = {"quadratic": "v_square", "exponential": "v_exp", "complementary_reset": 'adapts="reset"'}


def neuron_findings(network: Network, name: str, neuron: Neuron) -> Iterator[Diagnostic]:
    """What is wrong with the neurons of population ``name`` besides the shapes of their parameters."""
    yield from _words(name, neuron)
    yield from _parts(network, name, neuron)
    yield from _output(name, neuron)


def _words(name: str, neuron: Neuron) -> Iterator[Diagnostic]:
    for setting, words in SETTINGS.items():
        if getattr(neuron, setting) not in words:
            yield Diagnostic(name, f"has {setting} {getattr(neuron, setting)!r}, which is none of {', '.join(words)}")
    if neuron.refractory < 0:
        yield Diagnostic(name, f"has a refractory time of {neuron.refractory} steps")


def _parts(network: Network, name: str, neuron: Neuron) -> Iterator[Diagnostic]:
    for part, needed in _NEEDS.items():
        if getattr(neuron, part) is not None and getattr(neuron, needed) is None:
            yield Diagnostic(name, f"has {part} without {needed}")
    if (neuron.v_subtract is not None or neuron.v_keep is not None) and neuron.reset != "subtract":
        yield Diagnostic(name, f'has v_subtract or v_keep with reset="{neuron.reset}"', hint='give it reset="subtract"')
    if neuron.v_keep is not None and neuron.reset_when == "next":
        yield Diagnostic(name, "has v_keep with a reset in the next step", hint="fold the decay into v_subtract")
    if neuron.a_decay is not None and neuron.adapts == "reset" and neuron.reset_when == "next":
        yield Diagnostic(name, 'has adapts="reset" with a reset in the next step')
    if isinstance(network.arithmetic, Integer):
        for part in sorted(set(neuron.parts()) & set(_FLOAT_ONLY)):
            yield Diagnostic(name, f"has {_FLOAT_ONLY[part]} in a network of integer arithmetic")
        yield from _factors(name, neuron, 2**network.arithmetic.decay_bits)


def _factors(name: str, neuron: Neuron, unit: int) -> Iterator[Diagnostic]:
    """The rarer factors multiply states as wide as a register: beyond 1 the product would not fit."""
    for factor in sorted(FACTORS & set(EXTRA_PARAMETERS)):
        value = getattr(neuron, factor)
        if value is not None and not ((np.asarray(value) > -unit) & (np.asarray(value) <= unit)).all():
            yield Diagnostic(name, f"has {factor} beyond 1, which is {unit} here, in a network of integer arithmetic")


def _output(name: str, neuron: Neuron) -> Iterator[Diagnostic]:
    counts = neuron.output == "count"
    if counts and (neuron.reset == "zero" or neuron.max_count < 1):
        yield Diagnostic(name, "counts spikes, which needs reset subtract or none and max_count of at least 1")
    if (counts or neuron.signed or neuron.output == "ternary") and not (np.asarray(neuron.threshold) > 0).all():
        yield Diagnostic(name, f"{'counts' if counts else 'sends negative'} spikes, which needs thresholds above 0")
    if neuron.output == "membrane" and (neuron.reset != "none" or neuron.refractory):
        yield Diagnostic(
            name,
            "is read out as a membrane, which never spikes, yet has a reset or a refractory time",
            hint='give it reset="none" and refractory=0',
        )
