"""The chip as typed, frozen values: a mesh of routers with cores; a core is memories plus engines.

Consumers read plain numbers; where each came from lies beside them in ``ChipSpec.provenance``. Units are
in the names; the properties ``*_ps``, ``*_aj`` and ``*_uw`` give the same values as the integers that the
simulator counts with (microwatts times picoseconds are attojoules exactly). Laws that tie several fields
together are in laws.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from neurocomp.chip.laws import broken_laws
from neurocomp.chip.layer_cores import LayerCores
from neurocomp.chip.memory import Dram, Holding, Memory
from neurocomp.chip.noc import Noc
from neurocomp.chip.part import (
    Bits,
    Bytes,
    Cost,
    Count,
    EnergyPj,
    Part,
    PowerMw,
    Sentence,
    TimeNs,
    in_attojoules,
    in_thousandths,
)

Kind = Literal["measured", "published-presilicon", "published-vendor", "derived", "estimated", "unstated"]
KINDS: tuple[Kind, ...] = (
    "measured", "published-presilicon", "published-vendor", "derived", "estimated", "unstated",
)  # fmt: skip


class Provenance(Part):
    """Where one value came from. source: the full citation; empty where ``kind`` is ``unstated``."""

    value: int | float | bool | str | None
    source: str = ""
    kind: Kind = "unstated"
    note: str = ""


def count_kinds(provenance: Mapping[str, Provenance], prefixes: Iterable[str] = ("",)) -> dict[Kind, int]:
    """How many values below these paths are of each kind; a list counts once, a value that is null does not count."""
    wanted = tuple(prefixes)
    counted = {
        re.sub(r"\[\d+\]$", "", path): origin.kind
        for path, origin in provenance.items()
        if path.startswith(wanted) and origin.value is not None
    }
    kinds = list(counted.values())
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


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


class Step(Part):
    """How a time step ends.

    barrier_ns: duration of the barrier by the number of routers in use (the entry with the largest key
    that is not larger counts). barrier_energy_pj: per step and chip. period_ns: fixed tick, a step never
    takes less; floor_ns: least duration of a step ever measured; both None where there is none.
    """

    barrier_ns: Annotated[dict[Count, TimeNs], Field(min_length=1)]
    barrier_energy_pj: EnergyPj | None = None
    period_ns: TimeNs | None = None
    floor_ns: TimeNs | None = None

    def barrier_ps(self, routers_used: int) -> int:
        reached = [key for key in self.barrier_ns if key <= routers_used]
        return in_thousandths(self.barrier_ns[max(reached, default=min(self.barrier_ns))])

    @property
    def barrier_energy_aj(self) -> int | None:
        return None if self.barrier_energy_pj is None else in_attojoules(self.barrier_energy_pj)

    @property
    def least_ps(self) -> int:
        """No step takes less than this: the tick or the measured floor."""
        return max(in_thousandths(self.period_ns or 0.0), in_thousandths(self.floor_ns or 0.0))


class Power(Part):
    """Power that flows whether or not anything happens. static_mw: the whole chip; per_core_mw: added for
    each core in use; host_mw: a processor on the chip that is needed to run it. None: unknown, or
    contained in static_mw."""

    static_mw: PowerMw
    per_core_mw: PowerMw | None = None
    host_mw: PowerMw | None = None

    @property
    def static_uw(self) -> int:
        return in_thousandths(self.static_mw)

    @property
    def per_core_uw(self) -> int:
        return in_thousandths(self.per_core_mw or 0.0)

    @property
    def host_uw(self) -> int:
        return in_thousandths(self.host_mw or 0.0)


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
    neuron_parts: what else its neurons can have (network/neuron.py, PARTS).
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


class ChipSpec(Part):
    """One chip. dram: beside it; None if there is none or it plays no part. notes: what the profile does not model
    or only guesses; reports print them. derivation: how its derived and estimated values were found.

    provenance: for each value, under its dotted path (``core.neurons_max``, ``core.memories[0].size_kib``,
    ``step.barrier_ns.4``), where it came from; numbers without a stated source are ``unstated``.
    """

    schema_: Literal["neurocomp/chip/1"] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    title: Sentence
    process: Sentence
    sources: dict[str, Sentence] = Field(default_factory=dict)
    notes: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    derivation: Annotated[tuple[Sentence, ...], Field(strict=False)] = ()
    noc: Noc
    core: Core
    engines: Engines
    step: Step
    power: Power
    numeric: Numeric
    dram: Dram | None = None
    provenance: dict[str, Provenance] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _lawful(self) -> ChipSpec:
        broken = tuple(broken_laws(self))
        if broken:
            text = "; ".join(f"{law.path}: {law.what}" for law in broken)
            raise PydanticCustomError("laws", "{text}", {"text": text, "broken": broken})
        return self

    @property
    def cores(self) -> int:
        return self.core.count

    @property
    def neurons(self) -> int:
        """Neurons of the whole chip."""
        return self.core.count * self.core.neurons_max

    def barrier_ps(self, routers_used: int) -> int:
        """Duration of the barrier when this many routers have a core in use."""
        return self.step.barrier_ps(routers_used)

    def memory_of(self, holding: Holding) -> Memory | None:
        """The memory of a core that holds this; None if no memory limits it (then only counts do)."""
        return next((memory for memory in self.core.memories if holding in memory.holds), None)

    def kinds_used(self, prefixes: Iterable[str] = ("",)) -> dict[Kind, int]:
        """How many values are of each kind, best kinds first, kinds without values left out.

        A list counts once, a value that is null does not count. prefixes: count only values whose dotted path
        starts with one of these, e.g. ``engines.fp``.
        """
        return count_kinds(self.provenance, prefixes)

    def to_json(self) -> str:
        """The chip with its provenance as JSON; :func:`neurocomp.chip.load.chip_from_json` reads it back."""
        return self.model_dump_json(by_alias=True)

    def digest(self) -> str:
        """SHA-256 of everything in the profile: equal if and only if the profiles are."""
        canonical = json.dumps(json.loads(self.to_json()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __repr__(self) -> str:
        noc = self.noc
        return f"ChipSpec({self.name!r}: {self.cores} cores on a {noc.width}x{noc.height} {noc.topology})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from neurocomp.chip.datasheet import to_html

        return to_html(self)
