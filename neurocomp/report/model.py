"""The answer, as a typed, frozen tree: everything that the report prints and result.json holds.

Counts, times and energies are totals of the whole run in exact integers (picoseconds, attojoules), so that parts
add up to totals exactly; figures per inference are totals divided by the number of samples, at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurocomp.chip.provenance import Kind
from neurocomp.energy.table import HOST
from neurocomp.mapping.quality import Quality
from neurocomp.network.ops import Shape
from neurocomp.report.detail import CoreFacts, StepBin
from neurocomp.report.routing import RoutingFacts
from neurocomp.report.signals import NO_SIGNALS, SignalFacts
from neurocomp.report.traffic import TrafficFacts
from neurocomp.simulate.counters import UNITS

SCHEMA = "neurocomp/result/1"


@dataclass(frozen=True)
class NetworkFacts:
    """A network at rest. weights: stored numbers; synapses: connections if every operator were unrolled.

    arithmetic: ``float32`` or ``integer``. footprint_bytes: weights, biases and neuron parameters kept as arrays, at
    their width (NeuroBench Footprint; normalisation layers are folded). connection_sparsity: zero weights / weights.
    sha256: digest of structure and parameters, without the stored sample.
    """

    name: str
    origin: str
    arithmetic: str
    populations: int
    projections: int
    neurons: int
    weights: int
    synapses: int
    footprint_bytes: int
    connection_sparsity: float
    sha256: str


@dataclass(frozen=True)
class ChipFacts:
    """Which chip. sha256: digest of the whole profile."""

    name: str
    title: str
    process: str
    sha256: str


@dataclass(frozen=True)
class RunFacts:
    """What was run. steps: time steps per sample. encoding, seed: of the input, None if not stated.

    trace_sha256: digest of all spikes and inputs. fidelity: of the model of the network on chip.
    """

    samples: int
    steps: int
    encoding: str | None
    seed: int | None
    trace_sha256: str
    fidelity: str


@dataclass(frozen=True)
class LimitFacts:
    """One limit of a core. unit: ``bytes``, ``neurons`` or ``axons``; most: taken of it in the fullest core."""

    name: str
    unit: str
    capacity_per_core: float
    total: float
    most: float
    fullest_core: int

    @property
    def share(self) -> float:
        return self.most / self.capacity_per_core


@dataclass(frozen=True)
class ContentFacts:
    """Memory taken by one kind of content. most_bytes: in the core that holds most of it."""

    name: str
    total_bytes: float
    most_bytes: float


@dataclass(frozen=True)
class FitFacts:
    """Where the network lies. neurons: elements with state on the cores, readouts included. chips: (columns, rows)."""

    cores_used: int
    cores_available: int
    neurons: int
    weight_bits: int
    limits: tuple[LimitFacts, ...]
    contents: tuple[ContentFacts, ...]
    chips: tuple[int, int] = (1, 1)

    @property
    def fullest(self) -> LimitFacts:
        """The limit that is nearest to its capacity in some core."""
        return max(self.limits, key=lambda limit: limit.share)


@dataclass(frozen=True)
class BoundFacts:
    """What the chip was waiting for. part: ``neurons``, ``synapses``, ``links`` or ``barrier or tick``.

    Each step is cut into: until the slowest core has updated its neurons and sent its spikes (neurons); from there
    until the last packet has been served (synapses); from there until the busiest link is done (links); the rest
    (barrier or tick). time_ps: over all steps, sums to the run's time. steps: in which this part was the longest.
    """

    part: str
    steps: int
    time_ps: int


@dataclass(frozen=True)
class TimingFacts:
    """Times of the run in picoseconds. Samples follow each other without a gap.

    steps_per_inference: chip steps from a sample's first input to its last output (the pipeline's depth included).
    latency_*: the same as time. streaming_ps: duration of the chip steps in which samples enter, so that
    streaming_ps / samples is the interval between two inferences. busiest_core_ps: how long the busiest core worked;
    all_cores_ps: the same summed over the cores in use.
    """

    chip_steps: int
    total_ps: int
    step_min_ps: int
    step_max_ps: int
    steps_per_inference: int
    latency_total_ps: int
    latency_min_ps: int
    latency_max_ps: int
    streaming_ps: int
    busiest_core: int
    busiest_core_ps: int
    all_cores_ps: int
    bounds: tuple[BoundFacts, ...]


@dataclass(frozen=True)
class EnergyFacts:
    """Energy of the run in attojoules. by_unit, static and by_kind each sum to their totals exactly.

    by_unit: synapse, neuron, routing, memory, static. static: chip, cores, host (they sum to by_unit["static"]).
    chip_wide_aj: dynamic energy that belongs to no layer (barriers; part of routing). by_kind: by the kind of the
    profile value that it was computed from; dynamic_by_kind: the same without the static part. unknown: actions
    that happened and whose cost the profile does not know. memory_apart: whether the profile tells memory from
    arithmetic; if not, it is in synapse and neuron.
    """

    total_aj: int
    by_unit: dict[str, int]
    static: dict[str, int]
    chip_wide_aj: int
    by_kind: dict[Kind, int]
    dynamic_by_kind: dict[Kind, int]
    unknown: tuple[str, ...]
    memory_apart: bool

    @property
    def unknown_units(self) -> tuple[str, ...]:
        """Units of which nothing is known, although they had something to do. They count as nothing."""
        unpriced = {UNITS[action] for action in self.unknown}
        return tuple(unit for unit, part in self.by_unit.items() if unit in unpriced and part == 0)

    @property
    def host_works(self) -> bool:
        """Whether a host computes a part. Its time is in no figure: latencies are at least, throughputs at most so."""
        return HOST in self.by_unit

    @property
    def is_lower_bound(self) -> bool:
        return bool(self.unknown)


@dataclass(frozen=True)
class LayerFacts:
    """One population of the network as it was mapped; counts are totals of the run.

    role: ``input``, ``neurons`` or ``readout`` (values, no spikes). level: chip steps behind the input.
    outputs: elements x samples x steps. spikes: outputs that were not zero. effective, dense and is_mac: synaptic
    operations of the connections that end here (NeuroBench). synaptic_events: what the chip did for this layer.
    neuron_updates: updates that were not a no-op. energy: dynamic, by unit, in attojoules. Stations
    (mapping/stations) have the role ``product``, ``maximum``, ``sum`` or ``host``; their spikes are values that are
    not zero. integer_operations: those effective_macs whose input is a whole number. product_operations: terms of
    products of two signals that its cores form; host_operations: elements that the host computes.
    """

    name: str
    role: str
    shape: Shape
    elements: int
    cores: int
    level: int
    value_kind: str
    outputs: int
    spikes: int
    effective_acs: int
    effective_macs: int
    dense_operations: int
    synaptic_events: int
    neuron_updates: int
    energy: dict[str, int]
    integer_operations: int = 0
    product_operations: int = 0
    host_operations: int = 0

    @property
    def energy_aj(self) -> int:
        return sum(self.energy.values())

    @property
    def sparsity(self) -> float:
        """Activation sparsity: the share of outputs that were zero."""
        return 1.0 - self.spikes / self.outputs


@dataclass(frozen=True)
class NeuroBenchFacts:
    """Figures of one network under NeuroBench's names and definitions (v2.3; Yik et al., Nature Communications 16:1545,
    2025). activation_sparsity: None if no population spikes. Operations are totals of the run."""

    footprint_bytes: int
    connection_sparsity: float
    activation_sparsity: float | None
    effective_acs: int
    effective_macs: int
    dense_operations: int


@dataclass(frozen=True)
class AccuracyFacts:
    """How the predictions compare; each is None where it cannot be known (no labels, no float run).

    spike_sites: neurons x steps x samples of the spiking layers that the float network has, too; differing: those at
    which one of the two spikes and the other does not, or in another way. tied: samples in which all outputs are equal
    on the chip (no output neuron fires, say), so that the prediction is the first class whatever the input.
    """

    samples: int
    correct_on_chip: int | None
    correct_in_float: int | None
    agreeing: int | None
    spike_sites: int | None = None
    differing: int | None = None
    tied: int = 0


@dataclass(frozen=True)
class ValueUse:
    """One value of the chip profile that the answer rests on. use: ``energy``, ``time``, ``capacity`` or ``function``.

    source: the full citation; source_key: its short name in the profile, empty if it has none.
    """

    path: str
    use: str
    value: int | float | bool | str | None
    kind: Kind
    source_key: str
    source: str
    note: str


@dataclass(frozen=True)
class Result:
    """What a network costs on a chip. Made by :func:`neurocomp.report`; see the parts for units.

    network: as trained where it was given, else as mapped; mapped: as it ran on the chip. neurobench: of the network
    as mapped; neurobench_trained: of the float network, None if it was not run. mapping: how good it is and how it
    was found; None for a program put together by hand. signals: products of two signals and what the host computes.
    traffic: what was sent and added. routing: the network on chip. cores, steps: the run core by core, and over time.
    warnings: what makes the answer questionable. saturations: how often integer states hit their limits. not_modelled:
    what the answer leaves out.
    """

    version: str
    network: NetworkFacts
    mapped: NetworkFacts
    chip: ChipFacts
    run: RunFacts
    fit: FitFacts
    mapping: Quality | None
    timing: TimingFacts
    energy: EnergyFacts
    layers: tuple[LayerFacts, ...]
    neurobench: NeuroBenchFacts
    neurobench_trained: NeuroBenchFacts | None
    traffic: TrafficFacts
    routing: RoutingFacts
    cores: tuple[CoreFacts, ...]
    steps: tuple[StepBin, ...]
    accuracy: AccuracyFacts | None
    saturations: int
    values: tuple[ValueUse, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    mismatches: tuple[str, ...]
    not_modelled: tuple[str, ...]
    signals: SignalFacts = NO_SIGNALS

    @property
    def energy_per_inference_pj(self) -> float:
        return self.energy.total_aj / self.run.samples / 1e6

    @property
    def latency_ns(self) -> float:
        """Mean latency of an inference."""
        return self.timing.latency_total_ps / self.run.samples / 1e3

    @property
    def interval_ns(self) -> float:
        """Mean time between two inferences when samples follow each other without a gap."""
        return self.timing.streaming_ps / self.run.samples / 1e3

    @property
    def time_step_ns(self) -> float:
        """Time per time step of the network: that of the run over its samples x steps. Not the mean chip step, which
        is shorter where steps that fill and empty the pipeline are among them."""
        return self.timing.total_ps / (self.run.samples * self.run.steps) / 1e3

    @property
    def power_mw(self) -> float:
        """Mean power during the run. aJ / ps = uW."""
        return self.energy.total_aj / self.timing.total_ps / 1e3

    def to_json(self) -> str:
        """The result as text of schema ``neurocomp/result/1``; equal results give equal bytes."""
        from neurocomp.report.json import to_json

        return to_json(self)

    def to_dataframe(self) -> Any:
        """A pandas.DataFrame with one row per layer: totals of the run, energies in attojoules by unit, and the shares
        that follow. Raises InputError if pandas is not installed."""
        from neurocomp.report.frame import to_dataframe

        return to_dataframe(self)

    def to_page(self) -> str:
        """The report as one HTML file."""
        from neurocomp.report.page.inference import to_page

        return to_page(self)

    def to_text(self) -> str:
        """The report for people."""
        from neurocomp.report.text import to_text

        return to_text(self)

    def __repr__(self) -> str:
        return (
            f"Result({self.network.name!r} on {self.chip.name}: {self.fit.cores_used} cores, "
            f"{self.latency_ns / 1e3:.4g} us and {self.energy_per_inference_pj / 1e6:.4g} uJ per inference)"
        )

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from neurocomp.report.html import to_html

        return to_html(self)
