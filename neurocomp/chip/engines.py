"""The engines of a core that handles events: what an operation of each costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurocomp.chip.part import Cost, Count, Part


class SynapticOperation(Part):
    """One weight added to one neuron, by the form in which the projection is stored."""

    dense: Cost
    sparse: Cost
    conv: Cost


class EventEngine(Part):
    """An engine that handles one spike at a time (feed-forward phase).

    neuron_access: every neuron, every step; neuron_update: added for a neuron whose state changes;
    spike_out: added for a neuron that fires; packet_out / packet_in: per packet sent into and received
    from the network on chip. Where a profile tells memory from arithmetic: weight_read once per synaptic
    operation; state_access, one read and write-back of a state word, once per synaptic operation and once
    per neuron access. Elsewhere both are None and contained in the other costs. product_operation: one term of a
    product of two signals, and one operand stored for it; None: not stated, taken to cost a dense synaptic operation.
    """

    style: Literal["event"]
    synaptic_operation: SynapticOperation
    neuron_access: Cost
    neuron_update: Cost
    spike_out: Cost
    packet_out: Cost
    packet_in: Cost
    weight_read: Cost | None = None
    state_access: Cost | None = None
    product_operation: Cost | None = None

    @property
    def product_cost(self) -> Cost:
        """What a term of a product of two signals costs."""
        return self.synaptic_operation.dense if self.product_operation is None else self.product_operation


LearningRule = Literal["stdp", "reward"]


class EventLearning(Part):
    """An engine that changes weights one synapse at a time, by what its two neurons did (weight-gradient phase).

    rules: ``stdp``, pairs of spikes; ``reward``, three factors. weight_update: of one synapse, its traces included.
    epoch_steps: time steps between two rounds of updates, unless a user asks for others.
    """

    style: Literal["event"]
    rules: Annotated[tuple[LearningRule, ...], Field(strict=False, min_length=1)]
    weight_update: Cost
    epoch_steps: Count


class Engines(Part):
    """The engines of a core, by phase. fp: feed-forward; wg: learning on the chip, None where there is none or its cost
    is not known. host_operation: one element of a function that the host computes; None: not known."""

    fp: EventEngine
    wg: EventLearning | None = None
    host_operation: Cost | None = None
