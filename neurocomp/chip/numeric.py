"""What the cores of a chip can compute with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurocomp.chip.part import Bits, Part

NeuronPart = Literal[
    "adaptive_threshold",
    "adaptation_current",
    "complementary_reset",
    "membrane_floor",
    "own_reset_amount",
    "quadratic",
    "exponential",
    "resonance",
    "delayed_current",
    "refractory",
    "fire_once",
    "negative_spikes",
]


class Numeric(Part):
    """What the cores can compute with.

    weight_bits: of a weight's value (two's complement). decay_bits: decays are multiples of 2**-decay_bits.
    state_shift: weighted sums are shifted left by this. delivery: whether a spike arrives in the step in
    which it was sent or in the next. spike_bits: payload of a spike, 1 if it carries none. delay_max:
    longest synaptic delay in steps. synaptic_current: the neuron has a current with a decay of its own.
    neuron_parts: what else its neurons can have (network/neuron.py, PARTS). value_bits: of a register for real values
    that a core hands on; None: the smallest of spike_bits, state_bits and 16. exponent_max: weighted sums can be
    divided by up to two to this on their way into the states; None: they cannot.
    """

    arithmetic: Literal["integer", "float32"]
    weight_bits: Bits
    state_bits: Annotated[int, Field(ge=2, le=32)]
    decay_bits: Annotated[int, Field(ge=0, le=20)]
    state_shift: Annotated[int, Field(ge=0, le=16)]
    input_bits: Bits
    delivery: Literal["next_step", "same_step"]
    resets: Annotated[tuple[Literal["zero", "subtract"], ...], Field(strict=False, min_length=1)]
    graded_spikes: bool
    spike_bits: Bits
    delay_max: Annotated[int, Field(ge=0, le=65535)]
    synaptic_current: bool
    neuron_parts: Annotated[tuple[NeuronPart, ...], Field(strict=False)] = ()
    value_bits: Annotated[int, Field(ge=4, le=24)] | None = None
    exponent_max: Annotated[int, Field(ge=0, le=8)] | None = None
