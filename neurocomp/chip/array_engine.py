"""Engines of style ``array``: a grid of multiply-accumulate elements beside local memories, for one training phase.

FP convolves spikes and updates the membranes (soma), BP carries gradients back through the transposed convolution and
the surrogate derivative, WG correlates spikes with gradients. What one layer does on an engine is counted in
neurocomp.simulate.engines.fragment.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurocomp.chip.part import Count, EnergyPj, Part, Side

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Times = Annotated[int, Field(ge=0, le=10_000)]
WordBits = Annotated[int, Field(ge=1, le=64)]
Channels = Literal["input_channels", "output_channels"]
Optimizer = Literal["sgd", "adam"]


class Operations(Part):
    """Energy of one arithmetic operation on 16-bit values."""

    add_pj: EnergyPj
    mul_pj: EnergyPj
    mux_pj: EnergyPj
    compare_pj: EnergyPj
    sqrt_pj: EnergyPj


class OperationCounts(Part):
    """How many of each operation one action takes."""

    add: Times = 0
    mul: Times = 0
    mux: Times = 0
    compare: Times = 0
    sqrt: Times = 0


class Register(Part):
    """A register of so many bits inside the array; access_pj: one read or write of all of them."""

    bits: WordBits
    access_pj: EnergyPj


class ArrayMemory(Part):
    """One SRAM of a core: ``ports`` banks of size_bits. read_pj, write_pj: one access of port_bits; each bank takes one
    for reading and one for writing per cycle. Fewer bits cost their share."""

    name: Name
    size_bits: Annotated[int, Field(ge=1, le=2**40)]
    port_bits: Annotated[int, Field(ge=1, le=65536)]
    ports: Count
    read_pj: EnergyPj
    write_pj: EnergyPj

    @property
    def total_bits(self) -> int:
        return self.size_bits * self.ports

    def cycles(self, bits: int) -> int:
        """Cycles in which its ports move so many bits one way."""
        return -(-bits // (self.ports * self.port_bits))


class Traffic(Part):
    """Values that one action moves to and from a memory."""

    memory: Name
    bits: WordBits
    reads: Times = 0
    writes: Times = 0


class RegisterTraffic(Part):
    """Register accesses of one action."""

    bits: WordBits
    accesses: Times


class Pointwise(Part):
    """Work on each value of a map: the neuron's update or its gradient, normalisation.

    values_per_cycle: None where the unit is never the slowest.
    """

    operations: OperationCounts
    memory: Annotated[tuple[Traffic, ...], Field(strict=False)] = ()
    registers: Annotated[tuple[RegisterTraffic, ...], Field(strict=False)] = ()
    values_per_cycle: Count | None = None


class Operand(Part):
    """What streams into the array: its width and the memory it comes from."""

    bits: WordBits
    memory: Name


class RealInput(Part):
    """How the engine works for a first layer, whose inputs are numbers and not spikes."""

    mac: OperationCounts
    input: Operand
    other: Operand | None = None


class ArrayEngine(Part):
    """One engine.

    rows, columns: of the array; along_rows, along_columns: the loops that are unrolled on them. reduction: FP and BP
    add up products over the loop along the rows; outer (WG): each element keeps one weight's gradient. input: what
    streams in (spikes, or gradients in BP); other: the stationary weights (FP, BP) or the gradient that meets the
    spikes (WG); output: partial sums. zero_insertion: a strided layer takes the time and energy of its input's
    """

    style: Literal["array"]
    dataflow: Literal["reduction", "outer"]
    rows: Side
    columns: Side
    along_rows: Channels
    along_columns: Channels
    mac: OperationCounts
    input: Operand
    other: Operand
    output: Operand
    zero_insertion: bool
    real_input: RealInput | None = None
    pointwise: Pointwise | None = None


class TrainingEngines(Part):
    """The engines of a core by phase."""

    fp: ArrayEngine
    bp: ArrayEngine
    wg: ArrayEngine


class Normalisation(Part):
    """Batch normalisation, forward and backward: what is done to each value, and for each channel and time step of the
    whole batch."""

    forward: Pointwise
    forward_channel: Pointwise
    backward: Pointwise
    backward_channel: Pointwise


class WeightUpdate(Part):
    """What one optimizer does for each trained value: a weight, or the scale or shift of a normalised channel.
    state_words: values that it keeps beside it."""

    each: Pointwise
    state_words: Annotated[int, Field(ge=0, le=8)]
    state_bits: WordBits


class Optimizers(Part):
    """The optimizers that the chip knows. momentum, weight_decay: what each adds; None where the chip cannot."""

    sgd: WeightUpdate
    adam: WeightUpdate
    momentum: WeightUpdate | None = None
    weight_decay: WeightUpdate | None = None
