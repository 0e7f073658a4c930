"""A core of a chip: its limits and memories."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neurocomp.chip.layer_cores import LayerCores
from neurocomp.chip.memory import Memory
from neurocomp.chip.part import Bits, Bytes, Count, Part


class Crossbar(Part):
    """A synaptic crossbar of axons x neurons; each axon has one of ``axon_types`` types, and each neuron
    one weight per type."""

    axons: Count
    neurons: Count
    axon_types: Count


class Core(Part):
    """One core. Limits are None where there is none, or none is known.

    count: usable cores on the chip. fan_in_axons_max: distinct sources that a core can listen to;
    fan_out_axons_max: (neuron, destination core) pairs that it can send to; fan_out_cores_max: destination
    cores of one neuron; fan_in_max: synapses of one neuron. weight_bits: widths a stored weight can have,
    ascending. kernel_sharing: a convolution kernel is stored once per core, not once per synapse.
    synapse_index_bits: added to the weight for each synapse of a sparse projection. *_bytes: memory for one
    neuron's state, one source heard, one (neuron, destination core) pair; multiples of 1/8. layer_cores: where each
    core holds one whole layer; None where layers are cut into tiles.
    """

    count: Count
    neurons_max: Count
    fan_in_axons_max: Count | None = None
    fan_out_axons_max: Count | None = None
    fan_out_cores_max: Count | None = None
    fan_in_max: Count | None = None
    weight_bits: Annotated[tuple[Bits, ...], Field(strict=False, min_length=1)]
    kernel_sharing: bool
    crossbar: Crossbar | None = None
    memories: Annotated[tuple[Memory, ...], Field(strict=False)]
    neuron_state_bytes: Bytes
    axon_in_bytes: Bytes
    axon_out_bytes: Bytes
    synapse_index_bits: Annotated[int, Field(ge=0, le=64)]
    layer_cores: LayerCores | None = None

    @property
    def neuron_state_bits(self) -> int:
        return int(self.neuron_state_bytes * 8)

    @property
    def axon_in_bits(self) -> int:
        return int(self.axon_in_bytes * 8)

    @property
    def axon_out_bits(self) -> int:
        return int(self.axon_out_bytes * 8)
